"""Contracts and what they promise, as reads answer them (metronome.md 2.9)."""
