"""Floor 6: the only constructor of concrete things, the only reader of clock and environment."""
