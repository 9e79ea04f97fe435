"""Metrics, products, rate cards and pricing units: what can be sold and at which list price."""
