"""Cuts, slices and quantities become priced lines (D3, R131)."""
