"""The differential oracle: random histories, billed by the engine and by brute force."""
