"""Tokens remembered for as long as nothing is committed: looking one up costs no query."""

import threading

from sqlite_utils import Database

from closedwon.kernel.ids import digest
from closedwon.store.tokens import Token, Tokens


class KnownTokens:
    """Tokens by their secret, for many threads over one connection.

    The connection only reads and is open to any thread. SQLite counts the commits of all other
    connections, also of other processes; after one of them everything is looked up anew, so that a
    token revoked by whomever is shut out from its next request on.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._tokens = Tokens(db)
        self._lock = threading.Lock()
        self._version = -1
        self._known: dict[str, Token] = {}

    def find(self, secret: str) -> Token | None:
        """The token of a secret, revoked or not; unknown secrets are not remembered."""
        key = digest(secret.encode())
        with self._lock:
            version = self._db.conn.execute("pragma data_version").fetchone()[0]
            if version != self._version:
                self._known.clear()
                self._version = version
            token = self._known.get(key) or self._tokens.find(secret)
            if token is not None:
                self._known[key] = token
            return token
