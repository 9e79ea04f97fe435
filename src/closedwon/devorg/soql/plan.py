"""A bound query: which records, in which order, showing what."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from closedwon.devorg.reading import Reading, Record
from closedwon.devorg.schema import ChildLink, FieldDef, ObjectInfo
from closedwon.devorg.soql import ordering
from closedwon.devorg.soql.aggregate import Grouping, is_aggregate
from closedwon.devorg.soql.conditions import Conditions, Selection
from closedwon.devorg.soql.display import formatted
from closedwon.devorg.soql.faults import Text
from closedwon.devorg.soql.filters import Filter
from closedwon.devorg.soql.ordering import Key
from closedwon.devorg.soql.paths import BoundPath, Names
from closedwon.devorg.soql.pushdown import Pushdown
from closedwon.devorg.soql.shape import Shape, Show
from closedwon.devorg.soql.syntax import Call, Operand, Path, Query, Selected

OFFSET_MAX = 2_000
FIELDS_LIMIT_MAX = 200
EVERYTHING = Filter(lambda _record: True, None, exact=True)
FIELD_SETS: dict[str, Callable[[FieldDef], bool]] = {
    "ALL": lambda _field: True,
    "STANDARD": lambda field: not field.custom,
    "CUSTOM": lambda field: field.custom,
}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """See the module. ``shape`` is None for a bare COUNT()."""

    info: ObjectInfo
    filter: Filter
    keys: tuple[Key, ...]
    limit: int | None
    offset: int
    shape: Shape | None


class GroupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A bound grouping query: which records, how they are grouped, which groups stay."""

    rows: Plan
    grouping: Grouping
    having: Filter
    keys: tuple[Key, ...]
    limit: int | None
    offset: int


class Planner(msgspec.Struct, frozen=True, kw_only=True):
    """Binds queries; one per statement."""

    reading: Reading
    text: Text
    api_version: str
    all_rows: bool
    select: Selection | None
    """Runs semi-join subqueries; None inside one, where they may not stand."""

    def plan(self, query: Query) -> Plan:
        """The plan of a statement that returns rows or a bare count."""
        info = self.root(query)
        return self._bound(query, info)

    def root(self, query: Query) -> ObjectInfo:
        """The object after FROM; raises INVALID_TYPE."""
        name = ".".join(query.source.names)
        info = self.reading.schema.find(name)
        if info is None or not info.key_prefix:
            raise self.text.no_object(name, query.source.offset)
        return info

    def names(self, query: Query, info: ObjectInfo) -> Names:
        """What names mean in a query over ``info``."""
        return Names(self.reading.schema, info, query.aliases, self.text)

    def filter(self, query: Query, names: Names) -> Filter:
        """The bound WHERE."""
        if query.where is None:
            return EVERYTHING
        return self.conditions(names).bind(query.where)

    def conditions(self, names: Names) -> Conditions:
        """The binder of conditions over ``names``."""
        pushdown = Pushdown(self.reading.storage)
        return Conditions(names, pushdown, self.reading.as_of, self.select)

    def grouped(self, query: Query) -> GroupPlan:
        """The plan of a statement that groups or aggregates."""
        info = self.root(query)
        names = self.names(query, info)
        grouping = Grouping(query, names, self.text)
        having = EVERYTHING
        if query.having is not None:
            pushdown = Pushdown(self.reading.storage)
            now = self.reading.as_of
            binder = Conditions(names, pushdown, now, None, resolve=grouping.column)
            having = binder.bind(query.having)
        return GroupPlan(
            rows=Plan(
                info=info,
                filter=self.filter(query, names),
                keys=(),
                limit=None,
                offset=0,
                shape=None,
            ),
            grouping=grouping,
            having=having,
            keys=ordering.keys(query.ordered, self.text, grouping.column),
            limit=query.limit,
            offset=self._offset(query),
        )

    def _offset(self, query: Query) -> int:
        offset = query.offset or 0
        if offset > OFFSET_MAX:
            message = f"Maximum SOQL offset allowed is {OFFSET_MAX}"
            raise self.text.fault("NUMBER_OUTSIDE_VALID_RANGE", message, query.source.offset)
        return offset

    def _bound(self, query: Query, info: ObjectInfo) -> Plan:
        names = self.names(query, info)
        return Plan(
            info=info,
            filter=self.filter(query, names),
            keys=ordering.keys(query.ordered, self.text, partial(plain_field, names)),
            limit=query.limit,
            offset=self._offset(query),
            shape=None if is_count(query) else self._shape(query, names),
        )

    def _shape(self, query: Query, names: Names) -> Shape:
        shape = Shape(names.root, self.api_version)
        for each in query.selected:
            if each.alias is not None and not isinstance(each.what, Call):
                raise self.text.malformed("only aggregate expressions use field aliasing")
            self._add(shape, each, query, names)
        return shape

    def _add(self, shape: Shape, each: Selected, query: Query, names: Names) -> None:
        match each.what:
            case Path() as path:
                self._add_field(shape, names.path(path), path)
            case Call() as call:
                self._add_call(shape, call, each.alias, query, names)
            case Query() as inner:
                self._add_children(shape, inner, names.root)

    def _add_field(self, shape: Shape, found: BoundPath, path: Path) -> None:
        if not shape.add(found):
            name = ".".join(found.names)
            message = f"duplicate field selected: {name}"
            raise self.text.fault("INVALID_FIELD", message, path.offset)

    def _add_call(
        self, shape: Shape, call: Call, alias: str | None, query: Query, names: Names
    ) -> None:
        match call.name.upper(), call.argument:
            case "FIELDS", Path(names=(which,)) if which.upper() in FIELD_SETS:
                self._add_fields(shape, which.upper(), query, names, call.offset)
            case "TOLABEL", Path() as path:
                found = names.path(path)
                self._add_computed(shape, alias or found.field.name, _label(found), call.offset)
            case "FORMAT", Path() as path:
                found = names.path(path)
                show = _formatted(found)
                self._add_computed(shape, alias or found.field.name, show, call.offset)
            case _:
                raise self.text.malformed(f"unexpected token: '{call.name}'", call.offset)

    def _add_fields(
        self, shape: Shape, which: str, query: Query, names: Names, offset: int
    ) -> None:
        too_many = query.limit is None or query.limit > FIELDS_LIMIT_MAX
        if which != "STANDARD" and too_many:
            message = f"The SOQL FIELDS function must have a LIMIT of at most {FIELDS_LIMIT_MAX}"
            raise self.text.malformed(message, offset)
        for field in names.root.fields.values():
            if FIELD_SETS[which](field):
                path = Path((field.name,), offset)
                self._add_field(shape, BoundPath((), (), field, names.root), path)

    def _add_children(self, shape: Shape, query: Query, parent: ObjectInfo) -> None:
        name = ".".join(query.source.names)
        link = self.reading.schema.child(parent.name, name)
        if link is None:
            raise self.text.no_relationship(name, query.source.offset)
        if is_count(query) or is_aggregate(query):
            message = "child rows cannot be grouped or aggregated"
            raise self.text.malformed(message, query.source.offset)
        plan = self._bound(query, self.reading.schema.objects[link.child])
        rows = ChildRows(plan, link, self.all_rows)
        self._add_computed(shape, str(link.name), rows, query.source.offset)

    def _add_computed(self, shape: Shape, name: str, show: Show, offset: int) -> None:
        if not shape.add_computed(name, show):
            raise self.text.malformed(f"duplicate alias: {name}", offset)


class ChildRows(msgspec.Struct, frozen=True):
    """Shows the child rows of a record: a nested result, None when there are none."""

    plan: Plan
    link: ChildLink
    all_rows: bool

    def __call__(self, record: Record) -> dict[str, Any] | None:
        """``{"totalSize", "done", "records"}``; the HTTP layer may cut it into pages."""
        plan = self.plan
        rows = record.reading.children(
            self.link.child, self.link.field, record.id, deleted=self.all_rows
        )
        kept = [row for row in rows if plan.filter.test(row)]
        kept = ordering.arranged(kept, plan.keys, lambda row, at: plan.keys[at].of(row))
        end = None if plan.limit is None else plan.offset + plan.limit
        kept = kept[plan.offset : end]
        if not kept or plan.shape is None:
            return None
        records = [plan.shape.render(row) for row in kept]
        return {"totalSize": len(records), "done": True, "records": records}


def is_count(query: Query) -> bool:
    """Whether the statement is a bare ``SELECT COUNT()``."""
    match query.selected:
        case (Selected(what=Call(name=name, argument=None)),):
            return name.upper() == "COUNT"
        case _:
            return False


def plain_field(names: Names, operand: Operand) -> BoundPath:
    """The field an operand names; a function there is MALFORMED_QUERY."""
    if isinstance(operand, Call):
        raise names.text.malformed(f"unexpected token: '{operand.name}'", operand.offset)
    return names.path(operand)


def _formatted(path: BoundPath) -> Callable[[Record], Any]:
    return lambda record: formatted(path.field, path.get(record))


def _label(path: BoundPath) -> Callable[[Record], Any]:
    """Labels of picklist values equal the values here."""
    return path.get
