"""Floor 2: the state. One SQLite file, one small class per aggregate, all its SQL (D5).

Importing this package registers every migration.
"""

from closedwon.store import line
from closedwon.store.stores import Stores

__all__ = ["Stores", "line"]
