"""A CRM in memory, for stories and simulations; it passes the same suite as the real adapter."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from closedwon.deals.source import ChildSource, DealSource
from closedwon.deals.types import Deal, Record
from closedwon.formula.schema import FieldInfo, Schema
from closedwon.kernel.errors import ClosedwonError, NotFound, Refused
from closedwon.kernel.ids import id18
from closedwon.kernel.instant import parse_instant
from closedwon.ports import ApiUsage, ChangedRow, Gone, RowResult, Unready, Window

ORG_ID = id18("00DFk0000000001")
PREFIXES = {"Account": "001", "Opportunity": "006", "Contract": "800", "Product2": "01t"}
API_CALLS_ALLOWED = 15_000

Row = dict[str, Any]


class FakeCrm:
    """Implements ports.Crm over dicts.

    ``put``, ``delete`` and ``undelete`` are what people do in the org; ``fail_next``,
    ``refuse_key`` and ``late`` are what goes wrong. ``calls`` counts each method, ``sent`` keeps
    every row that was pushed, in order.
    """

    def __init__(
        self,
        source: DealSource,
        *,
        won: Callable[[Record], bool],
        fingerprint: Callable[[Record, Mapping[str, tuple[Record, ...]]], str],
        clock: Callable[[], datetime],
        settle: timedelta = timedelta(seconds=60),
    ) -> None:
        self.source = source
        self.schema: Schema = {}
        self.calls: Counter[str] = Counter()
        self.sent: list[tuple[str, Mapping[str, Any]]] = []
        self._won = won
        self._fingerprint = fingerprint
        self._clock = clock
        self._settle = settle
        self._tables: dict[str, dict[str, Row]] = defaultdict(dict)
        self._visible_from: dict[str, datetime] = {}
        self._failures: list[ClosedwonError] = []
        self._refusals: dict[str, list[RowResult]] = defaultdict(list)

    def put(self, object_name: str, fields: Mapping[str, Any]) -> str:
        """Create a row, or change the one whose ``Id`` is given; returns its id."""
        table = self._tables[object_name]
        id_ = fields.get("Id") or self._new_id(object_name)
        row = {**table.get(id_, {"IsDeleted": False}), **fields, "Id": id_}
        table[id_] = {**row, "SystemModstamp": _stamp(self._clock())}
        return str(id_)

    def late(self, id_: str, delay: timedelta) -> None:
        """Make the row invisible until ``delay`` after its present stamp (finding 2)."""
        self._visible_from[id_] = parse_instant(self._row(id_)["SystemModstamp"]) + delay

    def delete(self, object_name: str, id_: str) -> None:
        """Soft delete: gone from reads, still seen by ``changes``."""
        self._tables[object_name][id_].update(IsDeleted=True, SystemModstamp=_stamp(self._clock()))

    def undelete(self, object_name: str, id_: str) -> None:
        """Take the row back out of the recycle bin."""
        self._tables[object_name][id_].update(IsDeleted=False, SystemModstamp=_stamp(self._clock()))

    def rows(self, object_name: str) -> tuple[Mapping[str, Any], ...]:
        """Live rows of an object by id, as they are stored."""
        table = self._tables[object_name]
        return tuple(dict(table[id_]) for id_ in sorted(table) if not table[id_]["IsDeleted"])

    def fail_next(self, error: ClosedwonError, times: int = 1) -> None:
        """Make the next ``times`` calls raise ``error``."""
        self._failures += [error] * times

    def refuse_key(self, key: str, result: RowResult, times: int = 1) -> None:
        """Answer ``result`` for the row with that external id, the next ``times`` it is pushed."""
        self._refusals[key] += [result] * times

    def org_id(self) -> str:
        """18-character id of this org."""
        return ORG_ID

    def server_now(self) -> datetime:
        """The clock given, whole seconds."""
        self._called("server_now")
        return self._clock().replace(microsecond=0)

    def changes(self, windows: Sequence[Window]) -> Iterable[ChangedRow]:
        """Rows stamped inside the windows and visible by now, oldest first per object."""
        self._called("changes")
        return [row for window in windows for row in self._changed(window)]

    def won(self, since: datetime, until: datetime) -> Iterable[str]:
        """Ids of deals matching the trigger, closed on a day in ``[since, until)``."""
        self._called("won")
        first, last = since.date().isoformat(), until.date().isoformat()
        closed_on = self.source.closed_on
        return [r["Id"] for r in self._matching() if first <= str(r.get(closed_on)) < last]

    def visible(self) -> Iterable[tuple[str, datetime]]:
        """(id, SystemModstamp) of every deal matching the trigger."""
        self._called("visible")
        return [(r["Id"], parse_instant(r["SystemModstamp"])) for r in self._matching()]

    def matching(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of ``ids`` that match the trigger now."""
        self._called("matching")
        wanted = {id18(id_) for id_ in ids}
        return frozenset(row["Id"] for row in self._matching() if row["Id"] in wanted)

    def deal(self, opportunity_id: str, now: datetime) -> Deal | Unready | Gone:
        """The deal as it is now; Unready until its newest row has settled."""
        self._called("deal")
        return self._outcome(id18(opportunity_id), now)

    def deals(self, ids: Iterable[str], now: datetime) -> Iterator[Deal | Unready | Gone]:
        """One outcome per id, in order."""
        self._called("deals")
        return (self._outcome(id18(id_), now) for id_ in ids)

    def upsert(
        self, object_name: str, key_field: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[RowResult, ...]:
        """Create or change one row per key; one result per row, in order."""
        self._called("upsert")
        keys = [row.get(key_field) for row in rows]
        if None in keys or len(set(keys)) != len(keys):
            raise Refused("rows of one upsert need distinct keys", object=object_name)
        self.sent += [(object_name, row) for row in rows]
        return tuple(self._upserted(object_name, key_field, row) for row in rows)

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Fields of an object, from ``schema``."""
        self._called("describe")
        if object_name not in self.schema:
            raise NotFound("no such object", object=object_name)
        return self.schema[object_name]

    def usage(self) -> ApiUsage:
        """Every call made counts as one."""
        ours = self.calls.total()
        return ApiUsage(used=ours, allowed=API_CALLS_ALLOWED, ours=ours)

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        if self._failures:
            raise self._failures.pop(0)

    def _changed(self, window: Window) -> Iterator[ChangedRow]:
        table = self._tables[window.object_name].values()
        for row in sorted(table, key=lambda row: (row["SystemModstamp"], row["Id"])):
            stamp = parse_instant(row["SystemModstamp"])
            if not window.since <= stamp < window.until or not self._is_visible(row):
                continue
            paths = [c.to_root for c in self.source.children if c.object_name == window.object_name]
            roots = [self._at(row, path) for path in paths]
            if window.object_name == self.source.root:
                roots = [row["Id"]]
            yield ChangedRow(
                object_name=window.object_name,
                id=row["Id"],
                modstamp=stamp,
                deleted=row["IsDeleted"],
                opportunity_ids=tuple(dict.fromkeys(root for root in roots if root)),
                record=dict(row),
            )

    def _matching(self) -> list[Row]:
        table = self._tables[self.source.root]
        rows = (table[id_] for id_ in sorted(table))
        return [r for r in rows if not r["IsDeleted"] and self._is_visible(r) and self._won(r)]

    def _outcome(self, id_: str, now: datetime) -> Deal | Unready | Gone:
        root = self._tables[self.source.root].get(id_)
        if root is None or root["IsDeleted"] or not self._is_visible(root):
            return Gone(opportunity_id=id_, deleted=root is not None and root["IsDeleted"])
        family: dict[str, tuple[Row, ...]] = {"deal": (root,)}
        for child in self.source.children:
            family[child.name] = self._children(child, family)
        newest = max(row["SystemModstamp"] for rows in family.values() for row in rows)
        if parse_instant(newest) > now - self._settle:
            reason = f"it was saved at {newest}"
            return Unready(opportunity_id=id_, reason=reason, is_fresh=True)
        record = self._selected(root, self.source.fields)
        children = {
            child.name: tuple(
                self._selected(row, (child.link, *child.fields)) for row in family[child.name]
            )
            for child in self.source.children
        }
        fingerprint = self._fingerprint(record, children)
        return Deal(
            opportunity_id=id_,
            record=record,
            children=children,
            fingerprint=fingerprint,
            read_at=now,
        )

    def _children(
        self, child: ChildSource, family: Mapping[str, tuple[Row, ...]]
    ) -> tuple[Row, ...]:
        parent, _, path = child.parent.partition(".")
        values = [value for row in family[parent] if (value := self._at(row, path))]
        rows = [row for row in self._tables[child.object_name].values() if not row["IsDeleted"]]
        order = child.order_by
        ordered = sorted(rows, key=lambda r: (r.get(order) is not None, r.get(order), r["Id"]))
        return tuple(
            row
            for value in dict.fromkeys(values)
            for row in ordered
            if self._at(row, child.link) == value and self._is_visible(row)
        )

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
        if not rest:
            return row.get(name)
        parent = self._parent(row, name)
        return None if parent is None else self._at(parent, rest)

    def _parent(self, row: Row, relation: str) -> Row | None:
        field = f"{relation[:-1]}c" if relation.endswith("__r") else f"{relation}Id"
        id_ = row.get(field)
        return next((table[id_] for table in self._tables.values() if id_ in table), None)

    def _upserted(self, object_name: str, key_field: str, row: Mapping[str, Any]) -> RowResult:
        key = str(row[key_field])
        if self._refusals[key]:
            return self._refusals[key].pop(0)
        fields: Row = {}
        for name, value in row.items():
            if not isinstance(value, Mapping):
                fields[name] = value
                continue
            parent = self._by_key(value)
            if parent is None:
                text = f"Foreign key external ID: {value} not found for field {name}"
                return RowResult(ok=False, code="INVALID_FIELD", message=text)
            fields[f"{name[:-1]}c" if name.endswith("__r") else f"{name}Id"] = parent["Id"]
        known = next((r for r in self.rows(object_name) if r.get(key_field) == key), None)
        id_ = self.put(object_name, {**fields, **({"Id": known["Id"]} if known else {})})
        return RowResult(ok=True, id=id_, created=known is None)

    def _by_key(self, wanted: Mapping[str, Any]) -> Row | None:
        rows = (row for table in self._tables.values() for row in table.values())
        return next((r for r in rows if all(r.get(n) == v for n, v in wanted.items())), None)

    def _row(self, id_: str) -> Row:
        return next(table[id_] for table in self._tables.values() if id_ in table)

    def _is_visible(self, row: Row) -> bool:
        return self._visible_from.get(row["Id"], datetime.min.replace(tzinfo=UTC)) <= self._clock()

    def _new_id(self, object_name: str) -> str:
        prefix = PREFIXES.get(object_name, f"a{list(self._tables).index(object_name):02d}")
        return id18(f"{prefix}Fk{len(self._tables[object_name]):010d}")


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
