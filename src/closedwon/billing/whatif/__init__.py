"""What terms would cost: the ordinary bill over usage that repeats (D2)."""
