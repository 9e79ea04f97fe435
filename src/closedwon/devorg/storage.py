"""Where the org keeps its records: one SQLite file or memory, JSON bodies beside a few columns.

Every record is one row (object, id, SystemModstamp, IsDeleted, body). ``link`` indexes the values
of reference, external-id and unique fields, so that lookups, child rows and semi-joins need no
scan. One connection, one lock: the HTTP layer calls from a pool of threads.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from closedwon.devorg.schema import FieldDef, ObjectInfo, OrgSchema

MEMORY = ":memory:"
SYSTEM_MODSTAMP = "SystemModstamp"
DELETED = "IsDeleted"
LOAD_CHUNK = 5_000
"""Records per round of a bulk load; bounds memory and keeps the index inserts sorted."""

SCHEMA = """
create table if not exists object(code integer primary key, name text not null unique);
create table if not exists record(
  seq integer primary key, object integer not null, id text not null unique,
  system_modstamp text not null, is_deleted integer not null, body text not null) strict;
create index if not exists record_by_stamp on record(object, system_modstamp, id);
create table if not exists keyed(
  code integer primary key, object text not null, field text not null, unique(object, field));
create table if not exists link(
  field integer not null, value text not null, record integer not null,
  primary key(field, value, record)) strict, without rowid;
create table if not exists cleared(
  parent text not null, child text not null, field text not null,
  primary key(parent, child, field)) strict, without rowid;
create table if not exists counter(name text primary key, last integer not null) strict;
"""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class Stored(NamedTuple):
    """One row as read; a tuple because queries make hundreds of thousands of them."""

    seq: int
    object_code: int
    values: dict[str, Any]
    """Field -> stored value with Id, SystemModstamp and IsDeleted; nulls are absent."""


LINKED = (
    "where r.is_deleted <= ? and r.seq in "
    "(select record from link where field = ? and value = ?) order by r.seq"
)
COLUMNS = "r.seq, r.object, r.id, r.system_modstamp, r.is_deleted, r.body"


class Storage:
    """The SQLite side of the org; callers hold ``lock`` while they use it."""

    def __init__(self, path: str | Path, schema: OrgSchema) -> None:
        if str(path) != MEMORY:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.schema = schema
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=full")
        self.db.create_function("folded", 1, _folded, deterministic=True)
        self.db.executescript(SCHEMA)
        self._depth = 0
        with self.transaction():
            self._code_of = self._object_codes()
            self._name_of = {code: name for name, code in self._code_of.items()}
            self._keyed = self._keyed_codes()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """BEGIN IMMEDIATE, or a savepoint inside another transaction; rolls back on exceptions."""
        with self.lock:
            name = f"level{self._depth}"
            self.db.execute(f"savepoint {name}" if self._depth else "begin immediate")
            self._depth += 1
            try:
                yield
                self.db.execute(f"release {name}" if self._depth > 1 else "commit")
            except BaseException:
                # A full disk may have rolled everything back already.
                if self.db.in_transaction:
                    self.db.execute(f"rollback to {name}" if self._depth > 1 else "rollback")
                raise
            finally:
                self._depth -= 1

    def close(self) -> None:
        """Close the connection."""
        with self.lock:
            self.db.close()

    def object_code(self, object_name: str) -> int:
        """The number a record row carries for its object."""
        return self._code_of[object_name]

    def object_of(self, stored: Stored) -> ObjectInfo:
        """The object a row belongs to."""
        return self.schema.objects[self._name_of[stored.object_code]]

    def key_code(self, object_name: str, field: FieldDef) -> int:
        """The number of an indexed field in ``link``."""
        return self._keyed[object_name, field.name]

    def get(self, record_id: str) -> Stored | None:
        """The row with that 18-character id, deleted or not."""
        found = self.rows("where r.id = ?", (record_id,))
        return next(found, None)

    def rows(self, condition: str, parameters: Sequence[object] = ()) -> Iterator[Stored]:
        """Rows of ``record r`` under a condition of our own making; decoded lazily."""
        cursor = self.db.execute(f"select {COLUMNS} from record r {condition}", parameters)  # noqa: S608
        for seq, code, record_id, stamp, deleted, body in cursor:
            yield Stored(seq, code, decoded(record_id, stamp, deleted, body))

    def linked(
        self, object_name: str, field: FieldDef, value: str, *, deleted: bool = False
    ) -> list[Stored]:
        """Rows (live ones, or all) whose indexed field holds ``value``, in order of creation."""
        code = self.key_code(object_name, field)
        return list(self.rows(LINKED, (int(deleted), code, link_value(field, value))))

    def insert(self, info: ObjectInfo, values: Mapping[str, Any]) -> None:
        """Store one new record; ``values`` has Id, SystemModstamp and IsDeleted."""
        self.insert_many(info, [values])

    def insert_many(self, info: ObjectInfo, records: Iterable[Mapping[str, Any]]) -> int:
        """Store new records of one object; returns how many."""
        (last,) = self.db.execute("select coalesce(max(seq), 0) from record").fetchone()
        seq = last
        chunk: list[Mapping[str, Any]] = []
        for values in records:
            chunk.append(values)
            if len(chunk) == LOAD_CHUNK:
                seq = self._insert_chunk(info, chunk, seq)
                chunk = []
        return self._insert_chunk(info, chunk, seq) - int(last)

    def replace(self, info: ObjectInfo, old: Stored, values: Mapping[str, Any]) -> None:
        """Store new values of an existing record and move its index entries."""
        self.db.execute(
            "update record set system_modstamp = ?, is_deleted = ?, body = ? where seq = ?",
            (values[SYSTEM_MODSTAMP], int(values[DELETED]), encoded(values), old.seq),
        )
        before = set(self._links(info, old.values, old.seq))
        after = set(self._links(info, values, old.seq))
        self.db.executemany(
            "delete from link where field = ? and value = ? and record = ?", before - after
        )
        self.db.executemany("insert into link values (?, ?, ?)", after - before)

    def count_up(self, name: str) -> int:
        """The next number of a named sequence, from 1."""
        (number,) = self.db.execute(
            "insert into counter values (?, 1) "
            "on conflict(name) do update set last = last + 1 returning last",
            (name,),
        ).fetchone()
        return int(number)

    def _insert_chunk(self, info: ObjectInfo, chunk: Sequence[Mapping[str, Any]], last: int) -> int:
        code = self.object_code(info.name)
        rows: list[tuple[int, int, str, str, int, str]] = []
        links: list[tuple[int, str, int]] = []
        for seq, values in enumerate(chunk, start=last + 1):
            deleted = int(values[DELETED])
            rows.append(
                (seq, code, values["Id"], values[SYSTEM_MODSTAMP], deleted, encoded(values))
            )
            links.extend(self._links(info, values, seq))
        links.sort()
        self.db.executemany("insert into record values (?, ?, ?, ?, ?, ?)", rows)
        self.db.executemany("insert into link values (?, ?, ?)", links)
        return last + len(chunk)

    def _links(
        self, info: ObjectInfo, values: Mapping[str, Any], seq: int
    ) -> Iterator[tuple[int, str, int]]:
        for field in info.indexed:
            value = values.get(field.name)
            if value is not None:
                yield self._keyed[info.name, field.name], link_value(field, value), seq

    def _object_codes(self) -> dict[str, int]:
        names = [(name,) for name in self.schema.objects]
        self.db.executemany("insert or ignore into object(name) values (?)", names)
        return dict(self.db.execute("select name, code from object"))

    def _keyed_codes(self) -> dict[tuple[str, str], int]:
        """Codes of all indexed fields; a field the schema newly indexes is indexed now."""
        known = {
            (name, field): code
            for code, name, field in self.db.execute("select code, object, field from keyed")
        }
        for info in self.schema.objects.values():
            for field in info.indexed:
                if (info.name, field.name) not in known:
                    known[info.name, field.name] = self._index(info, field)
        return known

    def _index(self, info: ObjectInfo, field: FieldDef) -> int:
        cursor = self.db.execute(
            "insert into keyed(object, field) values (?, ?)", (info.name, field.name)
        )
        code = int(cursor.lastrowid or 0)
        rows = self.rows("where r.object = ?", (self._code_of[info.name],))
        links = [
            (code, link_value(field, row.values[field.name]), row.seq)
            for row in rows
            if field.name in row.values
        ]
        self.db.executemany("insert into link values (?, ?, ?)", links)
        return code


def _folded(text: str | None) -> str | None:
    return None if text is None else str(text).casefold()


def decoded(record_id: str, stamp: str, deleted: int, body: str) -> dict[str, Any]:
    """The values of a row with its columns."""
    values: dict[str, Any] = _DECODER.decode(body)
    values["Id"] = record_id
    values[SYSTEM_MODSTAMP] = stamp
    values[DELETED] = bool(deleted)
    return values


def encoded(values: Mapping[str, Any]) -> str:
    """The body of a row: everything but nulls and the columns."""
    kept = {
        name: value
        for name, value in values.items()
        if value is not None and name not in ("Id", SYSTEM_MODSTAMP, DELETED)
    }
    return _ENCODER.encode(kept).decode()


def link_value(field: FieldDef, value: Any) -> str:
    """How ``link`` holds a value: ids as they are, other text without regard to case."""
    text = str(value)
    return text if field.reference_to or field.case_sensitive else text.casefold()
