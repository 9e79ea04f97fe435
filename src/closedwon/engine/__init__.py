"""Floor 3: the embedded billing engine: commands and queries over store, usage and billing."""
