"""What SQLite can decide about a field: columns, indexed look-ups, and plain stored values."""

import json
from collections.abc import Iterable

from closedwon.devorg.reading import NAME_OBJECT
from closedwon.devorg.schema import FieldDef, ObjectInfo
from closedwon.devorg.soql.filters import Sql
from closedwon.devorg.soql.paths import BoundPath, Readable
from closedwon.devorg.soql.values import Bound, Span, is_text
from closedwon.devorg.storage import DELETED, SYSTEM_MODSTAMP, Storage, link_value

COLUMNS = {"Id": "{r}.id", SYSTEM_MODSTAMP: "{r}.system_modstamp"}

LINKED = (
    "{r}.seq in (select record from link where field = ? "
    "and value in (select value from json_each(?)))"
)
PARENT = (
    "{r}.seq in (select record from link where field = ? and value in "
    "(select {p}.id from record {p} where {p}.object = ? and {inner}))"
)


class Pushdown:
    """Writes SQL for conditions on one path; None where only Python can tell."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def equals_any(self, path: Readable, values: Iterable[Bound]) -> Sql | None:
        """The value is one of ``values`` (none of them null)."""
        if not isinstance(path, BoundPath):
            return None
        plain = list(values)
        if any(isinstance(value, Span) for value in plain):
            return None
        return self._at_root(path, self._equals(path.owner, path.field, plain))

    def has_value(self, path: Readable) -> Sql | None:
        """The value is not null."""
        if not isinstance(path, BoundPath):
            return None
        return self._at_root(path, self._given(path.owner, path.field))

    def compares(self, path: Readable, operator: str, value: str) -> Sql | None:
        """``value`` (text that sorts like the field) against the field with < > <= >=."""
        field = path.field
        if not isinstance(path, BoundPath) or _beyond_sql(path.owner, field):
            return None
        if field.name in COLUMNS:
            leaf = Sql(f"{COLUMNS[field.name]} {operator} ?", (value,))
        elif field.type in ("date", "datetime"):
            leaf = Sql(f"coalesce({_stored(field)} {operator} ?, 0)", (value,))
        else:
            return None
        return self._at_root(path, leaf)

    def _equals(self, owner: ObjectInfo, field: FieldDef, values: list[Bound]) -> Sql | None:
        if _beyond_sql(owner, field):
            return None
        if field.indexed and field.name not in COLUMNS:
            code = self._storage.key_code(owner.name, field)
            keys = json.dumps([link_value(field, value) for value in values])
            return Sql(LINKED, (code, keys))
        expression, plain = _comparable(field, values)
        return _any_of(expression, plain) if expression else None

    def _given(self, owner: ObjectInfo, field: FieldDef) -> Sql | None:
        if _beyond_sql(owner, field):
            return None
        if field.name in COLUMNS or field.type == "boolean":
            return Sql("1")
        if field.indexed:
            code = self._storage.key_code(owner.name, field)
            return Sql("{r}.seq in (select record from link where field = ?)", (code,))
        return Sql(f"{_stored(field)} is not null")

    def _at_root(self, path: BoundPath, leaf: Sql | None) -> Sql | None:
        """``leaf`` about a parent as a condition on the row itself, one semi-join per hop."""
        sql = leaf
        target = path.owner
        for owner, hop in zip(reversed(path.owners), reversed(path.hops), strict=True):
            if sql is None or owner.name == NAME_OBJECT:
                return None
            parent = f"p_{hop.name}_{owner.name}"
            inner = sql.text.replace("{r}", parent)
            text = PARENT.replace("{p}", parent).replace("{inner}", inner)
            codes = (self._storage.key_code(owner.name, hop), self._object_code(target))
            sql = Sql(text, (*codes, *sql.parameters))
            target = owner
        return sql

    def _object_code(self, info: ObjectInfo) -> int:
        return self._storage.object_code(info.name)


def _beyond_sql(owner: ObjectInfo, field: FieldDef) -> bool:
    return owner.name == NAME_OBJECT or field.computed


def _stored(field: FieldDef) -> str:
    return f"json_extract({{r}}.body, '$.{field.name}')"


def _comparable(field: FieldDef, values: list[Bound]) -> tuple[str, list[object]]:
    """An SQL expression for the field and the values to compare it with; empty when there is none.

    Numbers are left to Python: SQLite would compare them as binary floats.
    """
    if field.name in COLUMNS:
        return COLUMNS[field.name], list(values)
    if field.name == DELETED:
        return "{r}.is_deleted", [int(bool(value)) for value in values]
    if field.type == "boolean":
        return f"coalesce({_stored(field)}, 0)", [int(bool(value)) for value in values]
    if field.type in ("date", "datetime"):
        return f"coalesce({_stored(field)}, '')", list(values)
    if is_text(field) and field.type != "anyType":
        return f"coalesce(folded({_stored(field)}), '')", [str(v).casefold() for v in values]
    return "", []


def _any_of(expression: str, values: list[object]) -> Sql:
    if len(values) == 1:
        return Sql(f"{expression} = ?", (values[0],))
    listed = " in (select value from json_each(?))"
    return Sql(expression + listed, (json.dumps(values),))
