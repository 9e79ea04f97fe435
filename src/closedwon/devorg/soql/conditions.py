"""Conditions bound to the schema: syntax in, filters out."""

import operator
import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, assert_never

from closedwon.devorg.errors import OrgError
from closedwon.devorg.reading import Record
from closedwon.devorg.schema import FieldDef
from closedwon.devorg.soql.filters import Filter, either, every, negated
from closedwon.devorg.soql.paths import Names, Readable
from closedwon.devorg.soql.pushdown import Pushdown
from closedwon.devorg.soql.syntax import (
    AllOf,
    AnyOf,
    Call,
    Chosen,
    Compared,
    Condition,
    InList,
    InQuery,
    Like,
    Negated,
    Operand,
    Query,
)
from closedwon.devorg.soql.values import ID_TYPES, Bound, Span, bound, is_text

SEMI_JOINS_MAX = 2
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Selection = Callable[[Query], Collection[str]]
"""Runs the subquery of a semi-join: the ids it selects, nulls left out."""
Resolve = Callable[[Operand], Readable]
"""What an operand reads: a field, or a column of a group in HAVING."""


class Conditions:
    """Binds the conditions of one (sub)query."""

    def __init__(
        self,
        names: Names,
        pushdown: Pushdown,
        now: datetime,
        select: Selection | None,
        resolve: Resolve | None = None,
    ) -> None:
        self._names = names
        self._text = names.text
        self._resolve = resolve or self._field
        self._push = pushdown
        self._now = now
        self._select = select
        self._semi_joins = 0

    def bind(self, condition: Condition) -> Filter:
        """The filter for ``condition``; raises OrgError for unknown names and wrong types."""
        match condition:
            case AllOf(parts):
                return every([self.bind(part) for part in parts])
            case AnyOf(parts):
                return self._any_of(parts)
            case Negated(inner):
                return negated(self.bind(inner))
            case _:
                return self._tested(condition)

    def _tested(self, condition: Compared | Like | InList | InQuery | Chosen) -> Filter:
        path = self._path(condition.operand)
        match condition:
            case Compared(_, sign, literal):
                return self._compared(path, sign, bound(path.field, literal, self._now))
            case Like(_, literal):
                return self._like(path, literal.pattern)
            case InList(_, literals):
                values = [bound(path.field, literal, self._now) for literal in literals]
                found = self._in_values(path, values)
            case InQuery(_, query):
                found = self._in_query(path, query)
            case Chosen(_, literals):
                found = self._includes(path, [literal.text for literal in literals])
            case _:
                assert_never(condition)
        return negated(found) if condition.negative else found

    def _any_of(self, parts: Sequence[Condition]) -> Filter:
        if any(_has_semi_join(part) for part in parts):
            message = "Semi join sub-selects are not supported with the 'OR' operator"
            raise self._text.malformed(message)
        return either([self.bind(part) for part in parts])

    def _field(self, operand: Operand) -> Readable:
        if isinstance(operand, Call):
            raise self._text.malformed(f"unexpected token: '{operand.name}'", operand.offset)
        return self._names.path(operand)

    def _path(self, operand: Operand) -> Readable:
        path = self._resolve(operand)
        if not path.field.filterable:
            message = f"field '{path.field.name}' can not be filtered in a query call"
            raise self._text.fault("INVALID_FIELD", message, operand.offset)
        return path

    def _compared(self, path: Readable, sign: str, value: Bound) -> Filter:
        if sign == "=":
            return self._in_values(path, [value])
        if sign == "!=":
            return negated(self._in_values(path, [value]))
        if path.field.type in ("boolean", "multipicklist"):
            raise wrong_operator(path.field)
        if value is None:
            return Filter(lambda _record: False)
        if isinstance(value, Span):
            # After a range means from its end on; up to a range means before its end.
            sign, value = {
                "<": ("<", value.start),
                ">=": (">=", value.start),
                ">": (">=", value.end),
                "<=": ("<", value.end),
            }[sign]
        return self._ordered(path, sign, value)

    def _ordered(self, path: Readable, sign: str, value: Any) -> Filter:
        compare, get = OPERATORS[sign], path.get
        if is_text(path.field):
            folded = value.casefold()
            return Filter(
                lambda record: (
                    (found := get(record)) is not None and compare(str(found).casefold(), folded)
                )
            )
        sql = self._push.compares(path, sign, value) if isinstance(value, str) else None
        return Filter(
            lambda record: (found := get(record)) is not None and compare(found, value),
            sql,
            exact=sql is not None,
        )

    def _in_values(self, path: Readable, values: list[Bound]) -> Filter:
        """The value is one of ``values``; null among them matches null."""
        given = [value for value in values if value is not None]
        branches = []
        if len(given) < len(values):
            branches.append(self._is_null(path))
        spans = [value for value in given if isinstance(value, Span)]
        branches += [self._within(path, span) for span in spans]
        plain = [value for value in given if not isinstance(value, Span)]
        if plain:
            branches.append(self._equals_any(path, plain))
        return branches[0] if len(branches) == 1 else either(branches)

    def _equals_any(self, path: Readable, values: Sequence[Bound]) -> Filter:
        get = path.get
        if path.field.type == "boolean":
            return self._is_one_of(path, values)
        sql = self._push.equals_any(path, values)
        if is_text(path.field) and not path.field.case_sensitive:
            folded = {str(value).casefold() for value in values}
            return Filter(
                lambda record: (
                    (found := get(record)) is not None and str(found).casefold() in folded
                ),
                sql,
                exact=sql is not None,
            )
        wanted = set(values)
        return Filter(lambda record: get(record) in wanted, sql, exact=sql is not None)

    def _is_one_of(self, path: Readable, values: Sequence[Bound]) -> Filter:
        """A checkbox is never null: one of a parent that is not there is false."""
        get = path.get
        sql = self._push.equals_any(path, [True])
        ticked = Filter(lambda record: bool(get(record)), sql, exact=sql is not None)
        branches = [ticked if value else negated(ticked) for value in dict.fromkeys(values)]
        return either(branches)

    def _is_null(self, path: Readable) -> Filter:
        get = path.get
        if path.field.type == "boolean":
            return Filter(lambda _record: False)
        sql = self._push.has_value(path)
        given = Filter(lambda record: get(record) is not None, sql, exact=sql is not None)
        return negated(given)

    def _within(self, path: Readable, span: Span) -> Filter:
        return every([self._ordered(path, ">=", span.start), self._ordered(path, "<", span.end)])

    def _like(self, path: Readable, pattern: str) -> Filter:
        if not is_text(path.field) or path.field.type == "multipicklist":
            raise wrong_operator(path.field)
        matches = re.compile(like_expression(pattern), re.IGNORECASE | re.DOTALL).fullmatch
        get = path.get
        if not pattern:
            return self._is_null(path)
        return Filter(
            lambda record: (found := get(record)) is not None and matches(str(found)) is not None
        )

    def _in_query(self, path: Readable, query: Query) -> Filter:
        self._semi_joins += 1
        if self._select is None or self._semi_joins > SEMI_JOINS_MAX:
            raise self._text.malformed(
                "Maximum 2 semi join sub-selects are allowed, and they cannot be nested",
                query.source.offset,
            )
        if ".".join(query.source.names).lower() == self._names.root.name.lower():
            raise self._text.malformed(
                "The inner and outer selects should not be on the same object type",
                query.source.offset,
            )
        if path.field.type not in ID_TYPES:
            raise self._text.malformed(
                "The left operand field in the where expression for the semi join should be of "
                "type ID or reference",
                query.source.offset,
            )
        ids = list(self._select(query))
        get = path.get
        wanted = set(ids)
        sql = self._push.equals_any(path, ids)
        return Filter(lambda record: get(record) in wanted, sql, exact=sql is not None)

    def _includes(self, path: Readable, choices: list[str]) -> Filter:
        if path.field.type != "multipicklist":
            raise wrong_operator(path.field)
        groups = [frozenset(choice.casefold().split(";")) for choice in choices]
        get = path.get

        def test(record: Record) -> bool:
            picked = frozenset((get(record) or "").casefold().split(";"))
            return any(group <= picked for group in groups)

        return Filter(test)


def like_expression(pattern: str) -> str:
    """A regular expression for a LIKE pattern; a backslash lets a wildcard stand for itself."""
    parts = []
    letters = iter(pattern)
    for letter in letters:
        match letter:
            case "\\":
                parts.append(re.escape(next(letters)))
            case "%":
                parts.append(".*")
            case "_":
                parts.append(".")
            case _:
                parts.append(re.escape(letter))
    return "".join(parts)


def wrong_operator(field: FieldDef) -> OrgError:
    """The operator does not exist for fields of this type."""
    kind = "dateTime" if field.type == "datetime" else field.type
    return OrgError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {kind} field")


def _has_semi_join(condition: Condition) -> bool:
    match condition:
        case InQuery():
            return True
        case AllOf(parts) | AnyOf(parts):
            return any(_has_semi_join(part) for part in parts)
        case Negated(inner):
            return _has_semi_join(inner)
        case _:
            return False
