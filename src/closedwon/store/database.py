"""Opening the state file and the only way to write to it.

WAL with ``synchronous=FULL``: an acknowledged commit survives a power cut (reliability.md 0.4).
Writers take an advisory file lock around every transaction and its checkpoint, so that two
connections never write or checkpoint at once; readers open the file read-only and never checkpoint.
That keeps SQLite versions with the WAL-reset race (before 3.51.3) safe (docs/decisions/0002).
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlite_utils import Database

from closedwon.kernel.errors import ConfigError, InvariantBroken, LockHeld, Refused

LOCK_WAIT_S = 30.0
"""How long a writer waits for another one before it gives up with LockHeld."""
LOCK_POLL_S = 0.02
MEMORY = ":memory:"


class _Connection(sqlite3.Connection):
    """A connection that knows its lock file; None for memory and for readers."""

    lock_path: Path | None = None
    lock_wait_s: float = LOCK_WAIT_S


def open_database(
    path: str | Path,
    *,
    read_only: bool = False,
    lock_wait_s: float = LOCK_WAIT_S,
    any_thread: bool = False,
) -> Database:
    """Open ``path`` (or ``:memory:``) for this thread; a missing file is created unless read-only.

    The caller owns the connection, uses it in this thread only and closes it with ``close``.
    With ``any_thread`` others may use it too, one at a time: the caller holds a lock meanwhile.
    Raises ConfigError when a reader finds no file, LockHeld when a new file is being set up.
    """
    if str(path) == MEMORY:
        return _configured(sqlite3.connect(MEMORY, isolation_level=None, factory=_Connection))
    path = Path(path)
    if read_only:
        return _reader(path, lock_wait_s, any_thread=any_thread)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path,
        isolation_level=None,
        timeout=lock_wait_s,
        factory=_Connection,
        check_same_thread=not any_thread,
    )
    connection.lock_path = path.with_name(path.name + ".lock")
    connection.lock_wait_s = lock_wait_s
    return _configured(connection)


def close(db: Database) -> None:
    """Close the connection; the last writer's closing checkpoint happens under the lock too."""
    with _locked(_connection(db)):
        db.conn.close()


@contextmanager
def writing(db: Database) -> Iterator[Database]:
    """One transaction: BEGIN IMMEDIATE, commit at the end, roll back on any exception.

    Inside another ``writing`` it is a savepoint of that transaction, so commands compose (D5).
    Raises LockHeld when another writer keeps the file longer than ``lock_wait_s``, Refused on a
    connection that was opened read-only.
    """
    if db.conn.in_transaction:
        with db.atomic():
            yield db
        return
    with _locked(_connection(db)):
        _begin(db)
        try:
            yield db
            _commit(db)
        except BaseException:
            if db.conn.in_transaction:
                db.conn.execute("rollback")
            raise


def verify(db: Database) -> tuple[str, ...]:
    """What SQLite finds wrong with the file and its references; empty when it is sound (G20)."""
    found = [row[0] for row in db.conn.execute("pragma integrity_check") if row[0] != "ok"]
    found += [
        f"{row[0]} row {row[1]} refers to a missing {row[2]}"
        for row in db.conn.execute("pragma foreign_key_check")
    ]
    return tuple(found)


def _reader(path: Path, wait_s: float, *, any_thread: bool) -> Database:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(
            uri,
            uri=True,
            isolation_level=None,
            timeout=wait_s,
            factory=_Connection,
            check_same_thread=not any_thread,
        )
        connection.execute("pragma query_only=on")
        connection.execute("select 1 from sqlite_schema limit 1")
    except sqlite3.OperationalError as error:
        raise ConfigError(f"cannot read the state file {path.name}: {error}") from error
    return Database(connection)


def _begin(db: Database) -> None:
    try:
        db.conn.execute("begin immediate")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise LockHeld("the state is being written by another process") from error
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
            raise Refused("this state was opened read-only") from error
        raise


def _commit(db: Database) -> None:
    """A statement that ran out of disk may have ended the transaction behind our back."""
    if not db.conn.in_transaction:
        raise InvariantBroken("SQLite ended the transaction before its commit")
    db.conn.execute("commit")


def _configured(connection: _Connection) -> Database:
    db = Database(connection)
    if connection.execute("pragma journal_mode").fetchone()[0] != "wal":
        with _locked(connection):
            connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("pragma foreign_keys=on")
    connection.execute("pragma trusted_schema=off")
    connection.execute("pragma cell_size_check=on")
    return db


def _connection(db: Database) -> _Connection:
    if not isinstance(db.conn, _Connection):
        raise InvariantBroken("the state is opened with open_database only")
    return db.conn


@contextmanager
def _locked(connection: _Connection) -> Iterator[None]:
    if connection.lock_path is None:
        yield
        return
    lock = os.open(connection.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(lock, connection.lock_wait_s)
        yield
    finally:
        os.close(lock)


def _wait_for(lock: int, wait_s: float) -> None:
    """Poll, so that a lock never blocks for ever and other threads go on meanwhile."""
    pause = threading.Event()
    for _ in range(int(wait_s / LOCK_POLL_S) + 1):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pause.wait(LOCK_POLL_S)
        else:
            return
    raise LockHeld("another process is writing to the state", waited_s=int(wait_s))
