"""What can be configured; read once in wiring."""
