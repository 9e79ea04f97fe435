"""Subscriptions: their periods, quantities and seats, charges and seat credits (R216-R240)."""
