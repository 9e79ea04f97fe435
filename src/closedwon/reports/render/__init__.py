"""SHELF of formats: text, CSV, JSON, XLSX, HTML; each renders any report."""
