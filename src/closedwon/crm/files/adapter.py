"""A CRM read from a directory of exports: a snapshot, so nothing moves and nothing is written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from closedwon.crm.files.conditions import compile_condition
from closedwon.crm.files.tables import Row, load_tables
from closedwon.deals.source import ChildSource, DealSource
from closedwon.deals.types import Deal, Record
from closedwon.formula.schema import FieldInfo, Schema
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.ids import id18
from closedwon.kernel.instant import parse_instant
from closedwon.ports import ApiUsage, ChangedRow, Gone, RowResult, Unready, Window

Fingerprint = Callable[[Record, Mapping[str, tuple[Record, ...]]], str]


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A directory of exports of one org, taken at ``exported_at``."""

    directory: Path
    org_id: str
    """18-character id of the org it came from."""
    exported_at: datetime
    """Its clock stands here; also the stamp of rows without SystemModstamp."""
    schema: Schema = {}
    """Types CSV cells; without it every value of a CSV stays text."""


class FilesCrm:
    """Implements ports.Crm over an export. Every read is of the same instant, so never Unready."""

    def __init__(self, export: Export, source: DealSource, fingerprint: Fingerprint) -> None:
        self._export = export
        self._source = source
        self._fingerprint = fingerprint
        self._tables = load_tables(export.directory, export.schema)
        self._is_won = compile_condition(source.trigger)
        self._linked = {child.name: self._by_link(child) for child in source.children}

    def org_id(self) -> str:
        """18-character id of the org the export came from."""
        return self._export.org_id

    def server_now(self) -> datetime:
        """When the export was taken, whole seconds."""
        return self._export.exported_at.replace(microsecond=0)

    def changes(self, windows: Sequence[Window]) -> Iterable[ChangedRow]:
        """Rows stamped inside the windows, oldest first per object."""
        for window in windows:
            rows = self._tables.get(window.object_name, {}).values()
            stamped = sorted(((self._stamp(row), row["Id"], row) for row in rows), key=_by_stamp)
            for stamp, id_, row in stamped:
                if window.since <= stamp < window.until:
                    yield ChangedRow(
                        object_name=window.object_name,
                        id=id_,
                        modstamp=stamp,
                        deleted=row.get("IsDeleted") is True,
                        opportunity_ids=self._roots(window.object_name, row),
                        record=row,
                    )

    def won(self, since: datetime, until: datetime) -> Iterable[str]:
        """Ids of deals matching the trigger, closed on a day in ``[since, until)``, by id."""
        first, last = since.date().isoformat(), until.date().isoformat()
        closed = ((row["Id"], str(row.get(self._source.closed_on))) for row in self._matching())
        return [id_ for id_, day in closed if first <= day[:10] < last]

    def visible(self) -> Iterable[tuple[str, datetime]]:
        """(id, stamp) of every deal matching the trigger, by id."""
        return [(row["Id"], self._stamp(row)) for row in self._matching()]

    def matching(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of ``ids`` that match the trigger."""
        return frozenset(map(id18, ids)) & {row["Id"] for row in self._matching()}

    def deal(self, opportunity_id: str, now: datetime) -> Deal | Unready | Gone:
        """The deal as the export has it; ``now`` becomes its ``read_at``."""
        id_ = id18(opportunity_id)
        root = self._tables.get(self._source.root, {}).get(id_)
        if root is None or root.get("IsDeleted") is True:
            return Gone(opportunity_id=id_, deleted=root is not None)
        family: dict[str, tuple[Row, ...]] = {"deal": (root,)}
        for child in self._source.children:
            family[child.name] = self._children(child, family)
        record = self._selected(root, self._source.fields)
        children = {
            child.name: tuple(
                self._selected(row, (child.link, *child.fields)) for row in family[child.name]
            )
            for child in self._source.children
        }
        fingerprint = self._fingerprint(record, children)
        return Deal(
            opportunity_id=id_,
            record=record,
            children=children,
            fingerprint=fingerprint,
            read_at=now,
        )

    def deals(self, ids: Iterable[str], now: datetime) -> Iterator[Deal | Unready | Gone]:
        """One outcome per id, in order."""
        return (self.deal(id_, now) for id_ in ids)

    def upsert(
        self, object_name: str, key_field: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[RowResult, ...]:
        """Raises Refused: an export is read only."""
        raise Refused(
            "an export cannot be written to", object=object_name, key=key_field, rows=len(rows)
        )

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Fields of an object from the export's schema; raises NotFound."""
        if object_name not in self._export.schema:
            raise NotFound("the export's schema lacks this object", object=object_name)
        return self._export.schema[object_name]

    def usage(self) -> ApiUsage:
        """Nothing is called."""
        return ApiUsage(used=0, allowed=0, ours=0)

    def _matching(self) -> list[Row]:
        table = self._tables.get(self._source.root, {})
        live = (table[id_] for id_ in sorted(table) if table[id_].get("IsDeleted") is not True)
        return [row for row in live if self._is_won(partial(self._at, row))]

    def _children(
        self, child: ChildSource, family: Mapping[str, tuple[Row, ...]]
    ) -> tuple[Row, ...]:
        parent, _, path = child.parent.partition(".")
        values = dict.fromkeys(self._at(row, path) for row in family[parent])
        linked = self._linked[child.name]
        return tuple(row for value in values for row in linked.get(value, ()))

    def _by_link(self, child: ChildSource) -> Mapping[Any, list[Row]]:
        """Live rows of a child by the value of its link, in its order."""
        order = child.order_by
        rows = self._tables.get(child.object_name, {}).values()
        live = [row for row in rows if row.get("IsDeleted") is not True]
        grouped: dict[Any, list[Row]] = {}
        for row in sorted(live, key=lambda r: (r.get(order) is not None, r.get(order), r["Id"])):
            value = self._at(row, child.link)
            if value is not None:
                grouped.setdefault(value, []).append(row)
        return grouped

    def _roots(self, object_name: str, row: Row) -> tuple[str, ...]:
        if object_name == self._source.root:
            return (row["Id"],)
        paths = [c.to_root for c in self._source.children if c.object_name == object_name]
        found = (self._at(row, path) for path in paths)
        return tuple(dict.fromkeys(id18(root) for root in found if root))

    def _stamp(self, row: Row) -> datetime:
        text = row.get("SystemModstamp")
        return self._export.exported_at if text is None else parse_instant(text)

    def _selected(self, row: Row, paths: Iterable[str]) -> Record:
        """The row as a query for ``paths`` answers it, parents nested."""
        parents: dict[str, list[str]] = {}
        for path in ("Id", "SystemModstamp", *paths):
            name, _, rest = path.partition(".")
            parents.setdefault(name, []).extend([rest] if rest else [])
        return {
            name: self._nested(row, name, rests) if rests else row.get(name)
            for name, rests in parents.items()
        }

    def _nested(self, row: Row, relation: str, paths: Iterable[str]) -> Record | None:
        parent = self._parent(row, relation)
        return None if parent is None else self._selected(parent, paths)

    def _at(self, row: Row, path: str) -> Any:
        name, _, rest = path.partition(".")
        if not rest or path in row:
            return row.get(path)
        parent = self._parent(row, name)
        return None if parent is None else self._at(parent, rest)

    def _parent(self, row: Row, relation: str) -> Row | None:
        """The parent nested in the row, given as dotted columns, or found by its id."""
        nested = row.get(relation)
        if isinstance(nested, dict):
            return nested
        dotted = {
            name.removeprefix(f"{relation}."): value
            for name, value in row.items()
            if name.startswith(f"{relation}.")
        }
        if dotted:
            return dotted
        field = f"{relation[:-1]}c" if relation.endswith("__r") else f"{relation}Id"
        id_ = str(row.get(field))
        return next((table[id_] for table in self._tables.values() if id_ in table), None)


def _by_stamp(stamped: tuple[datetime, str, Row]) -> tuple[datetime, str]:
    return stamped[:2]
