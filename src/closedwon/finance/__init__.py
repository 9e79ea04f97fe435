"""Floor 1, pure: matching, exception classes, bridges, recognition, the double-entry journal."""
