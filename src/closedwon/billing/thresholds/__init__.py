"""Purchases that thresholds make: recharges and charges of accrued spend (R257-R270)."""
