"""The only door for values into SQLite: text, integers and nothing else.

SQLite has no decimals; a Decimal or float bound by accident would lose digits silently. Amounts are
canonical text (``kernel.exact.canonical``), instants fixed-width text (``format_instant``).
Every write happens inside ``database.writing``; one outside would commit by itself, so it is
refused.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlite_utils import Database

from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.instant import format_instant

T = TypeVar("T")
Cell = str | int | None
Row = Mapping[str, Cell]


def insert(db: Database, table: str, rows: Iterable[Row]) -> int:
    """Insert ``rows``; returns how many. Raises sqlite3.IntegrityError when a key is taken."""
    return _write(db, table, rows, "")


def insert_new(db: Database, table: str, rows: Iterable[Row]) -> int:
    """Insert ``rows`` whose key is new and leave the others alone; returns how many were new."""
    return _write(db, table, rows, " on conflict do nothing")


def upsert(db: Database, table: str, key: Sequence[str], rows: Iterable[Row]) -> int:
    """Insert ``rows``, or set every other column where ``key`` exists already."""
    listed = [dict(row) for row in rows]
    if not listed:
        return 0
    others = ", ".join(f"{name} = excluded.{name}" for name in listed[0] if name not in key)
    does = f"do update set {others}" if others else "do nothing"
    return _write(db, table, listed, f" on conflict ({', '.join(key)}) {does}")


def change(db: Database, sql: str, **parameters: Cell) -> int:
    """An UPDATE or DELETE with ``:name`` parameters; returns how many rows it touched."""
    _in_transaction(db, sql.split()[1])
    _checked(sql.split()[1], parameters)
    return db.conn.execute(sql, parameters).rowcount


def select(db: Database, sql: str, **parameters: Cell) -> list[dict[str, Any]]:
    """Rows of a query with ``:name`` parameters, as dicts in column order."""
    cursor = db.conn.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def listing(values: Iterable[str]) -> str:
    """Texts as one parameter, for ``in (select value from json_each(:name))``."""
    return json.dumps(list(values))


def instant_or_none(instant: datetime | None) -> str | None:
    """Fixed-width text, None where there is no instant."""
    return None if instant is None else format_instant(instant)


def encoded(value: Any) -> str:
    """A Struct as the JSON text the store keeps; decimals are strings, so nothing is lost."""
    return _ENCODER.encode(value).decode()


def decoded(text: str, kind: type[T]) -> T:
    """The Struct back from the store's JSON text."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    result: T = decoder.decode(text)
    return result


_ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}
_PLAIN = frozenset({str, int, type(None)})
"""Types of cells that need no second look; text of an enumeration does."""


def _write(db: Database, table: str, rows: Iterable[Row], tail: str) -> int:
    """Rows of one shape go out in one call; SQL is made once per shape."""
    _in_transaction(db, table)
    shapes: dict[tuple[str, ...], list[tuple[Cell, ...]]] = {}
    for row in rows:
        _checked(table, row)
        shapes.setdefault(tuple(row), []).append(tuple(row.values()))
    written = 0
    for names, alike in shapes.items():
        slots = ", ".join("?" * len(names))
        sql = f"insert into {table} ({', '.join(names)}) values ({slots}){tail}"  # noqa: S608 names are ours
        written += db.conn.executemany(sql, alike).rowcount
    return written


def _checked(table: str, row: Row) -> None:
    if _PLAIN.issuperset(map(type, row.values())):
        return
    for name, cell in row.items():
        if isinstance(cell, bool) or not isinstance(cell, str | int | None):
            raise TypeError(f"{table}.{name} got {type(cell).__name__}; text or integer only")


def _in_transaction(db: Database, table: str) -> None:
    if not db.conn.in_transaction:
        raise InvariantBroken("a write outside of a transaction", table=table)
