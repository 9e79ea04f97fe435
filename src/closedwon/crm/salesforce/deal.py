"""Deals read whole, many at a time, and checked for consistency (salesforce.md 7.3).

Salesforce has no snapshot across queries, so stamps are read again after the rows: a deal whose
root or parent rows moved meanwhile is Unready and read again by the next cycle.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from closedwon.crm.salesforce.cpq import half_saved
from closedwon.crm.salesforce.poll import value_at
from closedwon.crm.salesforce.query import Queries
from closedwon.crm.salesforce.soql import STAMP, Select, lists_of, within
from closedwon.deals.source import ChildSource, DealSource
from closedwon.deals.types import Deal, Record
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.ids import id18
from closedwon.kernel.instant import parse_instant, wire_instant
from closedwon.ports import Gone, Unready

ROOT = "deal"
ROOTS_PER_QUERY = 1000
ID_LENGTH = 18
"""Ids of this length are taken as they are; a wrong one is simply not found."""
PARENTS_PER_QUERY = 200
"""Parents in one IN list; with ten rows each the answer is one page of 2,000."""

Fingerprint = Callable[[Record, Mapping[str, tuple[Record, ...]]], str]
Rows = dict[str, list[Record]]
"""Rows of each child source by its name."""


class DealReader:
    """Reads deals as ``source`` describes them."""

    def __init__(
        self,
        queries: Queries,
        source: DealSource,
        fingerprint: Fingerprint,
        settle: timedelta,
    ) -> None:
        self._queries = queries
        self._source = source
        self._fingerprint = fingerprint
        self._settle = settle
        self._levels = levels(source)
        self._parents = {child.parent.partition(".")[0] for child in source.children} - {ROOT}

    def read(self, ids: Sequence[str], now: datetime) -> Iterator[Deal | Unready | Gone]:
        """One outcome per id, in order; at most a few calls for a thousand deals.

        ``now`` is the CRM's clock, as read before this call.
        """
        wanted = [id_ if len(id_) == ID_LENGTH else id18(id_) for id_ in ids]
        roots = {row["Id"]: row for row in self._roots(wanted, self._source.fields)}
        alive = [row for row in roots.values() if row["IsDeleted"] is not True]
        rows = self._children(alive)
        moved = self._moved(alive, rows)
        grouped = _by_root(self._levels, alive, rows)
        for id_ in wanted:
            root = roots.get(id_)
            if root is None or root["IsDeleted"] is True:
                yield Gone(opportunity_id=id_, deleted=root is not None)
            else:
                yield self._outcome(id_, root, grouped[root["Id"]], moved, now)

    def _roots(self, ids: Sequence[str], fields: Sequence[str]) -> list[Record]:
        return self._gathered(
            [
                Select(
                    object_name=self._source.root,
                    fields=("Id", STAMP, "IsDeleted", *fields),
                    where=within("Id", batch),
                    all_rows=True,
                )
                for batch in lists_of(ids, ROOTS_PER_QUERY)
            ]
        )

    def _children(self, roots: Sequence[Record]) -> Rows:
        rows: Rows = {ROOT: list(roots)}
        for level in self._levels:
            selects = {child.name: _selects(child, rows) for child in level}
            flat = [select for batch in selects.values() for select in batch]
            results = iter(self._queries.together(flat))
            for child in level:
                rows[child.name] = [row for _ in selects[child.name] for row in next(results)]
        return rows

    def _moved(self, roots: Sequence[Record], rows: Rows) -> set[str]:
        """Ids of roots and parent rows whose stamp is another one now, or that are gone."""
        before = {row["Id"]: row[STAMP] for row in roots}
        selects = _stamps(self._source.root, list(before))
        for child in self._source.children:
            if child.name in self._parents:
                stamps = {row["Id"]: row[STAMP] for row in rows[child.name]}
                before |= stamps
                selects += _stamps(child.object_name, list(stamps))
        after = {row["Id"]: row[STAMP] for row in self._gathered(selects)}
        return {id_ for id_, stamp in before.items() if after.get(id_) != stamp}

    def _gathered(self, selects: Sequence[Select]) -> list[Record]:
        return [row for rows in self._queries.together(selects) for row in rows]

    def _outcome(
        self,
        id_: str,
        root: Record,
        children: Mapping[str, tuple[Record, ...]],
        moved: set[str],
        now: datetime,
    ) -> Deal | Unready:
        every = [root, *(row for rows in children.values() for row in rows)]
        if moved and any(row["Id"] in moved for row in every):
            reason = "it was saved while being read"
            return Unready(opportunity_id=id_, reason=reason, is_fresh=True)
        newest = parse_instant(max([row[STAMP] for row in every]))
        if newest > now - self._settle:
            reason = f"it was saved at {wire_instant(newest)}, less than the settle time ago"
            return Unready(opportunity_id=id_, reason=reason, is_fresh=True)
        reason = half_saved(self._source.children, children) or ""
        if reason:
            return Unready(opportunity_id=id_, reason=reason)
        return Deal(
            opportunity_id=id_,
            record=root,
            children=children,
            fingerprint=self._fingerprint(root, children),
            read_at=now,
        )


def levels(source: DealSource) -> tuple[tuple[ChildSource, ...], ...]:
    """Children in the order they can be read: each level needs only rows of levels before it."""
    known = {ROOT}
    left = list(source.children)
    found: list[tuple[ChildSource, ...]] = []
    while left:
        ready = tuple(child for child in left if child.parent.partition(".")[0] in known)
        if not ready:
            raise ConfigError("a child's parent is not read", child=left[0].name)
        found.append(ready)
        known |= {child.name for child in ready}
        left = [child for child in left if child.name not in known]
    return tuple(found)


def _selects(child: ChildSource, rows: Rows) -> list[Select]:
    parent, _, path = child.parent.partition(".")
    values = (value_at(row, path) for row in rows[parent])
    keys = (child.order_by,) if child.order_by == "Id" else (child.order_by, "Id")
    return [
        Select(
            object_name=child.object_name,
            fields=("Id", STAMP, child.link, *child.fields),
            where=within(child.link, batch),
            keys=keys,
        )
        for batch in lists_of((value for value in values if value), PARENTS_PER_QUERY)
    ]


def _stamps(object_name: str, ids: Sequence[str]) -> list[Select]:
    return [
        Select(object_name=object_name, fields=("Id", STAMP), where=within("Id", batch))
        for batch in lists_of(ids, ROOTS_PER_QUERY)
    ]


def _by_root(
    levels: Sequence[Sequence[ChildSource]], roots: Sequence[Record], rows: Rows
) -> dict[str, dict[str, tuple[Record, ...]]]:
    """Child rows of each root by child name, in the order read."""
    children = [child for level in levels for child in level]
    by_link = {child.name: _by_value(rows[child.name], child.link) for child in children}
    found: dict[str, dict[str, tuple[Record, ...]]] = {}
    for root in roots:
        family: dict[str, tuple[Record, ...]] = {ROOT: (root,)}
        for child in children:
            parent, _, path = child.parent.partition(".")
            values = dict.fromkeys(value_at(row, path) for row in family[parent])
            linked = by_link[child.name]
            family[child.name] = tuple(
                row for value in values if value for row in linked.get(value, ())
            )
        del family[ROOT]
        found[root["Id"]] = family
    return found


def _by_value(rows: Sequence[Record], path: str) -> Mapping[str, list[Record]]:
    grouped: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        value = value_at(row, path) if "." in path else row[path]
        if value:
            grouped[value].append(row)
    return grouped
