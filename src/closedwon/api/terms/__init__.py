"""What contracts promise, as it is sent (metronome.md 2.7): models and the terms they make."""
