"""Opening the state file and the only way to write to it.

WAL with ``synchronous=FULL``: an acknowledged commit survives a power cut (reliability.md 0.4).
Writers take an advisory file lock around every transaction and its checkpoint, so that two
connections never write or checkpoint at once; readers open the file read-only and never checkpoint.
That keeps SQLite versions with the WAL-reset race (before 3.51.3) safe (docs/decisions/0002).
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from closedwon.kernel.errors import LockHeld

BUSY_TIMEOUT_S = 30
MEMORY = ":memory:"

_locks: dict[int, Path] = {}


def open_database(path: str | Path, *, read_only: bool = False) -> Database:
    """Open ``path`` (or ``:memory:``) for this thread; a missing file is created unless read-only.

    The caller owns the connection and closes it with ``close``.
    """
    if str(path) == MEMORY:
        return Database(_configured(sqlite3.connect(MEMORY, isolation_level=None)))
    path = Path(path)
    if read_only:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
        connection.execute("pragma query_only=on")
        return Database(connection)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    db = Database(_configured(connection))
    _locks[id(connection)] = path.with_name(path.name + ".lock")
    return db


def close(db: Database) -> None:
    """Close the connection; the last writer's closing checkpoint happens under the lock too."""
    with _locked(db):
        db.conn.close()
    _locks.pop(id(db.conn), None)


@contextmanager
def writing(db: Database) -> Iterator[Database]:
    """One transaction: BEGIN IMMEDIATE, commit at the end, roll back on any exception.

    Inside another ``writing`` it is a savepoint of that transaction, so commands compose (D5).
    Raises LockHeld when another writer keeps the file longer than BUSY_TIMEOUT_S.
    """
    if db.conn.in_transaction:
        with db.atomic():
            yield db
        return
    with _locked(db):
        try:
            db.conn.execute("begin immediate")
        except sqlite3.OperationalError as error:
            raise LockHeld(f"the state is being written by another process: {error}") from error
        try:
            yield db
        except BaseException:
            if db.conn.in_transaction:
                db.conn.execute("rollback")
            raise
        db.conn.execute("commit")


def _configured(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("pragma foreign_keys=on")
    connection.execute("pragma trusted_schema=off")
    return connection


@contextmanager
def _locked(db: Database) -> Iterator[None]:
    path = _locks.get(id(db.conn))
    if path is None:
        yield
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
