"""Floor 4, SHELF: the line. Steps meet only in the store and never call each other."""
