"""What changed: one composite call per cycle for up to five objects (salesforce.md 7.1, 7.2)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from closedwon.crm.salesforce.errors import QueryTimeout
from closedwon.crm.salesforce.query import TOGETHER_MAX, Queries
from closedwon.crm.salesforce.soql import STAMP, Select, instant_literal
from closedwon.crm.windows import halves
from closedwon.deals.source import DealSource
from closedwon.deals.types import Record
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.ids import id18
from closedwon.kernel.instant import Interval, parse_instant
from closedwon.ports import ChangedRow, Window

HALVINGS_MAX = 8
KEYS = (STAMP, "Id")


class Poll:
    """Reads changed rows of the objects ``source`` names."""

    def __init__(self, queries: Queries, source: DealSource) -> None:
        self._queries = queries
        self._paths = _paths_to_root(source)

    def changes(self, windows: Sequence[Window]) -> Iterator[ChangedRow]:
        """Rows changed inside ``windows``, deleted ones included, oldest first per object."""
        for at in range(0, len(windows), TOGETHER_MAX):
            batch = windows[at : at + TOGETHER_MAX]
            yield from self._batch(batch)

    def _batch(self, windows: Sequence[Window]) -> Iterator[ChangedRow]:
        selects = [self._select(window) for window in windows]
        try:
            firsts = self._queries.first_pages(selects)
        except QueryTimeout:
            for window in windows:
                yield from self._one(window, HALVINGS_MAX)
            return
        for select, first in zip(selects, firsts, strict=True):
            for row in self._queries.following(select, first):
                yield self._changed(select.object_name, row)

    def _one(self, window: Window, halvings: int) -> Iterator[ChangedRow]:
        """One window alone; a query that times out is read in halves."""
        select = self._select(window)
        try:
            (first,) = self._queries.first_pages([select])
        except QueryTimeout:
            parts = halves(Interval(window.since, window.until))
            if len(parts) == 1 or not halvings:
                raise
            for part in parts:
                smaller = Window(object_name=window.object_name, since=part.start, until=part.until)
                yield from self._one(smaller, halvings - 1)
            return
        for row in self._queries.following(select, first):
            yield self._changed(select.object_name, row)

    def _select(self, window: Window) -> Select:
        paths = self._paths.get(window.object_name)
        if paths is None:
            known = ", ".join(sorted(self._paths))
            raise ConfigError("no mapping reads this object", found=window.object_name, known=known)
        return Select(
            object_name=window.object_name,
            fields=("Id", STAMP, "IsDeleted", *paths),
            where=f"{STAMP} >= {instant_literal(window.since)}"
            f" AND {STAMP} < {instant_literal(window.until)}",
            keys=KEYS,
            all_rows=True,
        )

    def _changed(self, object_name: str, row: Record) -> ChangedRow:
        roots = [value_at(row, path) for path in self._paths[object_name]]
        return ChangedRow(
            object_name=object_name,
            id=row["Id"],
            modstamp=stamp_of(row),
            deleted=row["IsDeleted"] is True,
            opportunity_ids=tuple(dict.fromkeys(id18(root) for root in roots if root)),
            record=row,
        )


def stamp_of(row: Record) -> datetime:
    """SystemModstamp of a row."""
    return parse_instant(row[STAMP])


def value_at(row: Record, path: str) -> str | None:
    """Text at a dotted path; None when it or a parent on the way is empty."""
    value: object = row if "." in path else row.get(path)
    for name in path.split(".") if "." in path else ():
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value if isinstance(value, str) and value else None


def _paths_to_root(source: DealSource) -> dict[str, tuple[str, ...]]:
    paths: dict[str, tuple[str, ...]] = {source.root: ("Id",)}
    for child in source.children:
        known = paths.get(child.object_name, ())
        if child.to_root not in known:
            paths[child.object_name] = (*known, child.to_root)
    return paths
