"""Commits and credits: drawdown order, settlement, rollover, expiration, ledger (R161-R215)."""
