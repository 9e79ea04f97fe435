"""Lifecycle moments of contracts and balances, and notifications around them (R279, R280)."""
