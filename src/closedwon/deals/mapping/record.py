"""Reading raw CRM records by dotted path."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from closedwon.deals.types import Record
from closedwon.kernel.exact import canonical

STAMPS = frozenset({"SystemModstamp"})
"""Fields that are read but say nothing about the deal."""


def at(record: Record, path: str) -> Any:
    """The value at a dotted path; None where a parent or the field is missing."""
    value: Any = record
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def fields_read(record: Record, paths: Iterable[str]) -> dict[str, Any]:
    """Path -> value in one normal form: numbers canonical, missing and null the same."""
    found: dict[str, Any] = {}
    for path in paths:
        value = at(record, path)
        if path in STAMPS or value is None or isinstance(value, Mapping):
            continue
        found[path] = _normal(value)
    return found


def _normal(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal | int):
        return canonical(Decimal(value))
    return str(value)


def names(record: Record) -> str:
    """What a person calls the row: its Name, else its Id."""
    return str(record.get("Name") or record.get("Id") or "a row without Id")
