"""ORDER BY: keys, and what SQLite can sort by itself."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from closedwon.devorg.soql.faults import Text
from closedwon.devorg.soql.paths import BoundPath, Readable
from closedwon.devorg.soql.pushdown import COLUMNS
from closedwon.devorg.soql.syntax import Operand, Ordering
from closedwon.devorg.soql.values import is_text

T = TypeVar("T")


class Key(msgspec.Struct, frozen=True):
    """One element of ORDER BY."""

    path: Readable
    descending: bool
    nulls_last: bool

    def of(self, record: Any) -> tuple[bool, Any]:
        """A sortable pair: nulls apart from values, text without regard to case."""
        value = self.path.get(record)
        nulls_high = self.nulls_last != self.descending
        if value is None:
            return nulls_high, 0
        return not nulls_high, str(value).casefold() if is_text(self.path.field) else value


def keys(
    ordered: Sequence[Ordering], text: Text, resolve: Callable[[Operand], Readable]
) -> tuple[Key, ...]:
    """The bound keys; raises INVALID_FIELD, or MALFORMED_QUERY for fields that do not sort."""
    found = []
    for each in ordered:
        path = resolve(each.operand)
        if not path.field.filterable or path.field.type == "multipicklist":
            message = f"field '{path.field.name}' can not be sorted in a query call"
            raise text.malformed(message, each.operand.offset)
        found.append(Key(path, each.descending, each.nulls_last))
    return tuple(found)


def as_sql(wanted: Sequence[Key]) -> str | None:
    """ORDER BY for SQLite when every key is a column that is never null."""
    parts = []
    for key in wanted:
        column = COLUMNS.get(key.path.field.name)
        if column is None or not isinstance(key.path, BoundPath) or key.path.hops:
            return None
        parts.append(column.replace("{r}", "r") + (" desc" if key.descending else ""))
    return ", ".join(parts)


def arranged(rows: list[T], wanted: Sequence[Key], key_of: Callable[[T, int], Any]) -> list[T]:
    """``rows`` sorted by all keys; equal ones keep their order."""
    for at in reversed(range(len(wanted))):
        rows.sort(key=partial(_swapped, key_of, at), reverse=wanted[at].descending)
    return rows


def _swapped(key_of: Callable[[T, int], Any], at: int, row: T) -> Any:
    return key_of(row, at)
