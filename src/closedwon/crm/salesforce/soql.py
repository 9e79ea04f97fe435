"""SOQL text from names and values; the only place where it is put together."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

import msgspec

from closedwon.kernel.errors import ConfigError, InvariantBroken

SOQL_MAX = 100_000
"""Characters Salesforce accepts in one statement."""
STAMP = "SystemModstamp"
PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,5}")
ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)


class Select(msgspec.Struct, frozen=True, kw_only=True):
    """One query: ``keys`` are the fields it is ordered by, the last one unique (Id)."""

    object_name: str
    fields: tuple[str, ...]
    where: str
    keys: tuple[str, ...] = ("Id",)
    all_rows: bool = False
    """Deleted rows too."""

    def text(self, after: str = "") -> str:
        """The statement; ``after`` is a further condition. Raises InvariantBroken when too long."""
        where = f"({self.where}) AND ({after})" if after else self.where
        fields, objects = ", ".join(named(self.fields)), named((self.object_name,))[0]
        soql = f"SELECT {fields} FROM {objects} WHERE {where} ORDER BY {', '.join(self.keys)}"  # noqa: S608 - names are checked, values quoted
        if len(soql) > SOQL_MAX:
            raise InvariantBroken("a query too long for Salesforce", length=len(soql))
        return soql


def named(paths: Iterable[str]) -> tuple[str, ...]:
    """Sorted distinct field paths with Id first; raises ConfigError for what is not a path."""
    found = set(paths)
    for path in found:
        if not PATH.fullmatch(path):
            raise ConfigError("not a Salesforce field path", found=path)
    return tuple(sorted(found, key=lambda path: (path != "Id", path)))


def text_literal(text: str) -> str:
    """``text`` in quotes, safe against injection."""
    if text.isalnum():
        return f"'{text}'"
    return f"'{text.translate(ESCAPES)}'"


def instant_literal(instant: datetime) -> str:
    """Whole seconds, UTC: system stamps have no fractions."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def date_literal(day: date) -> str:
    """Unquoted ISO date."""
    return day.isoformat()


def within(field: str, values: Sequence[str]) -> str:
    """``field IN (...)``."""
    return f"{field} IN ({','.join(map(text_literal, values))})"


def lists_of(values: Iterable[str], most: int) -> Iterator[tuple[str, ...]]:
    """Distinct ``values`` in order, cut so that an IN list is at most ``most`` long and fits."""
    room = SOQL_MAX // 2
    batch: list[str] = []
    size = 0
    for value in dict.fromkeys(values):
        length = len(text_literal(value)) + 1
        if batch and (len(batch) == most or size + length > room):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(value)
        size += length
    if batch:
        yield tuple(batch)


def after_keys(keys: Sequence[str], literals: Sequence[str]) -> str:
    """Rows that come after the one with those key values: ``(a = x AND b > y) OR a > x``."""
    steps = []
    for at, (key, literal) in enumerate(zip(keys, literals, strict=True)):
        ties = [f"{keys[n]} = {literals[n]}" for n in range(at)]
        steps.append("(" + " AND ".join([*ties, f"{key} > {literal}"]) + ")")
    return " OR ".join(steps)
