"""Aggregates and GROUP BY: one AggregateResult row per group, never pages (salesforce.md 3.3)."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from typing import Any

import msgspec

from closedwon.devorg.describe import is_groupable
from closedwon.devorg.errors import OrgError
from closedwon.devorg.field_values import NUMERIC, pointed
from closedwon.devorg.reading import Record
from closedwon.devorg.schema import FieldDef
from closedwon.devorg.soql.faults import Text
from closedwon.devorg.soql.paths import BoundPath, Names
from closedwon.devorg.soql.syntax import Call, Operand, Path, Query, Selected
from closedwon.devorg.soql.values import is_text

GROUPS_MAX = 2_000
DOUBLE = Context(prec=17)
"""An average is a double: 17 digits tell any two apart."""
FUNCTIONS = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
COUNTED = FieldDef(name="COUNT", label="Count", type="int")

Values = tuple[Any, ...]
"""What the columns of one group show, in the order of ``Grouping.columns``."""


class Column(msgspec.Struct, frozen=True):
    """A grouped field (``function`` None) or an aggregate of a field."""

    function: str | None
    path: BoundPath

    @property
    def field(self) -> FieldDef:
        """How the value compares and sorts."""
        return COUNTED if (self.function or "").startswith("COUNT") else self.path.field


class GroupValue(msgspec.Struct, frozen=True):
    """A column as HAVING and ORDER BY read it from a group's values."""

    field: FieldDef
    at: int

    def get(self, values: Values) -> Any:
        """The column's value."""
        return values[self.at]


class Grouping:
    """The columns of a grouping query: those it selects, then those it filters or sorts by."""

    def __init__(self, query: Query, names: Names, text: Text) -> None:
        self._names = names
        self._text = text
        self._groups = [self._groupable(path) for path in query.grouped]
        self.columns: list[Column] = [Column(None, path) for path in self._groups]
        self.shown = self._shown(query.selected)
        if query.limit is not None and not query.grouped:
            raise text.malformed("an aggregate query without GROUP BY cannot have a LIMIT")

    def column(self, operand: Operand) -> GroupValue:
        """The group value behind an operand; raises MALFORMED_QUERY for an ungrouped field."""
        wanted = self._wanted(operand)
        if wanted not in self.columns:
            if wanted.function is None:
                name = ".".join(wanted.path.names)
                message = f"Field must be grouped or aggregated: {name}"
                raise self._text.malformed(message, operand.offset)
            self.columns.append(wanted)
        return GroupValue(wanted.field, self.columns.index(wanted))

    def groups(self, records: Iterable[Record]) -> list[Values]:
        """One tuple of values per group, in order of first sight; one for all without GROUP BY."""
        found: dict[Values, list[list[Any]]] = {}
        if not self._groups:
            found[()] = [[] for _ in self.columns]
        for record in records:
            key = tuple(path.get(record) for path in self._groups)
            collected = found.setdefault(key, [[] for _ in self.columns])
            for values, column in zip(collected, self.columns, strict=True):
                if column.function is not None:
                    value = column.path.get(record)
                    if value is not None:
                        values.append(value)
        return [self._values(key, collected) for key, collected in found.items()]

    def rows(self, groups: Sequence[Values]) -> list[dict[str, Any]]:
        """JSON-ready rows; more than a page is an error, since there is no cursor."""
        if len(groups) > GROUPS_MAX:
            message = (
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results "
                "to a single batch"
            )
            raise OrgError("EXCEEDED_ID_LIMIT", message)
        attributes = {"type": "AggregateResult"}
        return [
            {"attributes": attributes} | {name: values[at] for name, at in self.shown}
            for values in groups
        ]

    def _shown(self, selected: Sequence[Selected]) -> list[tuple[str, int]]:
        """(name in the row, column) in SELECT order."""
        shown: list[tuple[str, int]] = []
        expressions = 0
        for each in selected:
            if isinstance(each.what, Query):
                raise self._text.malformed("a grouping query cannot select child rows")
            value = self.column(each.what)
            name = each.alias
            if name is None and isinstance(each.what, Call):
                name = f"expr{expressions}"
                expressions += 1
            name = name or self.columns[value.at].path.field.name
            if any(name == known for known, _ in shown):
                raise self._text.malformed(f"duplicate alias: {name}", each.what.offset)
            shown.append((name, value.at))
        return shown

    def _groupable(self, path: Path) -> BoundPath:
        found = self._names.path(path)
        if not is_groupable(found.field):
            message = f"field '{found.field.name}' can not be grouped in a query call"
            raise self._text.malformed(message, path.offset)
        return found

    def _wanted(self, operand: Operand) -> Column:
        if isinstance(operand, Path):
            return Column(None, self._names.path(operand))
        function = operand.name.upper()
        if function not in FUNCTIONS or operand.argument is None:
            raise self._text.malformed(f"unexpected token: '{operand.name}'", operand.offset)
        path = self._names.path(operand.argument)
        if not _applies(function, path.field):
            message = f"field {path.field.name} does not support aggregate operator {function}"
            raise self._text.malformed(message, operand.offset)
        return Column(function, path)

    def _values(self, key: Values, collected: Sequence[list[Any]]) -> Values:
        given = len(self._groups)
        rest = zip(self.columns[given:], collected[given:], strict=True)
        return key + tuple(_aggregate(column, values) for column, values in rest)


def is_aggregate(query: Query) -> bool:
    """Whether the statement groups or aggregates, and so answers AggregateResult rows."""
    return bool(query.grouped) or any(
        isinstance(each.what, Call)
        and each.what.name.upper() in FUNCTIONS
        and each.what.argument is not None
        for each in query.selected
    )


def _applies(function: str, field: FieldDef) -> bool:
    if function in ("SUM", "AVG"):
        return field.type in NUMERIC or field.type == "int"
    if function in ("MIN", "MAX"):
        return field.filterable and field.type not in ("boolean", "multipicklist", "anyType")
    return field.filterable


def _aggregate(column: Column, values: Sequence[Any]) -> Any:
    match column.function:
        case "COUNT":
            return len(values)
        case "COUNT_DISTINCT":
            return len({_comparable(column.path.field)(value) for value in values})
        case "SUM":
            return _sum(values) if values else None
        case "AVG":
            total = sum(values, Decimal(0))
            return pointed(DOUBLE.divide(total, Decimal(len(values)))) if values else None
        case "MIN":
            return min(values, key=_comparable(column.path.field), default=None)
        case _:
            return max(values, key=_comparable(column.path.field), default=None)


def _sum(values: Sequence[Any]) -> Any:
    total = sum(values)
    return pointed(total) if isinstance(total, Decimal) else total


def _comparable(field: FieldDef) -> Callable[[Any], Any]:
    if is_text(field):
        return lambda value: str(value).casefold()
    return lambda value: value
