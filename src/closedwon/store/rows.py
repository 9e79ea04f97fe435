"""The only door for values into SQLite: text, integers and nothing else.

SQLite has no decimals; a Decimal or float bound by accident would lose digits silently. Amounts are
canonical text (``kernel.exact.canonical``), instants fixed-width text (``format_instant``).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlite_utils import Database

T = TypeVar("T")
Cell = str | int | None
Row = Mapping[str, Cell]


def insert(db: Database, table: str, rows: Iterable[Row]) -> int:
    """Insert ``rows``; returns how many. Raises sqlite3.IntegrityError when a key is taken."""
    return _write(db, "insert into", table, rows, "")


def insert_new(db: Database, table: str, rows: Iterable[Row]) -> int:
    """Insert ``rows`` whose key is new and leave the others alone; returns how many were new."""
    return _write(db, "insert into", table, rows, " on conflict do nothing")


def upsert(db: Database, table: str, key: Sequence[str], rows: Iterable[Row]) -> int:
    """Insert ``rows``, or set every other column where ``key`` exists already."""
    listed = [dict(row) for row in rows]
    if not listed:
        return 0
    others = ", ".join(f"{name} = excluded.{name}" for name in listed[0] if name not in key)
    does = f"do update set {others}" if others else "do nothing"
    return _write(db, "insert into", table, listed, f" on conflict ({', '.join(key)}) {does}")


def select(db: Database, sql: str, **parameters: Cell) -> list[dict[str, Any]]:
    """Rows of a query with ``:name`` parameters, as dicts in column order."""
    cursor = db.conn.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def encoded(value: Any) -> str:
    """A Struct as the JSON text the store keeps; decimals are strings, so nothing is lost."""
    return _ENCODER.encode(value).decode()


def decoded(text: str, kind: type[T]) -> T:
    """The Struct back from the store's JSON text."""
    return msgspec.json.decode(text, type=kind)


_ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")


def _write(db: Database, verb: str, table: str, rows: Iterable[Row], tail: str) -> int:
    written = 0
    for row in rows:
        for name, cell in row.items():
            if isinstance(cell, bool) or not isinstance(cell, str | int | None):
                raise TypeError(f"{table}.{name} got {type(cell).__name__}; text or integer only")
        columns = ", ".join(row)
        slots = ", ".join(f":{name}" for name in row)
        sql = f"{verb} {table} ({columns}) values ({slots}){tail}"
        written += db.conn.execute(sql, dict(row)).rowcount
    return written
