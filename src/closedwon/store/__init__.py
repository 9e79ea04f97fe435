"""Floor 2: the state. One SQLite file, one small class per aggregate, all its SQL (D5)."""
