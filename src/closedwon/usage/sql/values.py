"""Expressions over one row, in exact decimals and with SQL's NULL (R3, R25, R38).

Sums, differences and products keep every digit; quotients have 40. Dividing by zero is NULL. Times
are whole microseconds since 1970, UTC.
"""

import decimal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import QUOTIENTS, canonical
from closedwon.kernel.instant import parse_instant, wire_instant
from closedwon.usage.columns import EPOCH, MICROSECOND
from closedwon.usage.numbers import number
from closedwon.usage.sql.tree import Node, Type

Row = tuple[Any, ...]
Value = Callable[[Row], Any]

WIDE = decimal.Context(
    prec=500, rounding=ROUND_HALF_UP, traps=[decimal.InvalidOperation, decimal.Overflow]
)
"""No sum or product of event properties needs as many digits."""
REMEMBERED_MAX = 100_000
UNITS_US = {"hour": 3_600_000_000, "day": 86_400_000_000}


def value_of(node: Node, columns: Mapping[Node, int]) -> Value:
    """``node`` as a function of a row; ``columns`` says where its leaves stand."""
    if node in columns:
        at = columns[node]
        return lambda row: row[at]
    if node.op == "literal":
        return lambda _: node.value
    args = [value_of(arg, columns) for arg in node.args]
    if node.op in SPECIAL:
        return SPECIAL[node.op](args)
    strict = (UNITS if node.op in UNITS else STRICT)[node.op]
    return _strict(strict(node.value) if node.op in UNITS else strict, args)


def remembered(node: Node, columns: Mapping[Node, int]) -> Value:
    """``value_of`` that computes once for equal rows, where it looks at one column only."""
    value, leaves = value_of(node, columns), node.leaves
    if node in leaves or len(leaves) != 1:
        return value
    (at,) = (columns[leaf] for leaf in leaves)
    known: dict[Any, Any] = {}

    def found(row: Row) -> Any:
        cell = row[at]
        if cell not in known:
            if len(known) >= REMEMBERED_MAX:
                known.clear()
            known[cell] = value(row)
        return known[cell]

    return found


def instant_text(microseconds: int) -> str:
    """A time as the wire shows it."""
    return wire_instant(EPOCH + microseconds * MICROSECOND)


def told(value: Any, kind: Type) -> str | None:
    """A value as text, as it stands in a group."""
    if value is None:
        return None
    if kind is Type.TIME:
        return instant_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return canonical(value) if isinstance(value, Decimal) else str(value)


def microseconds(instant: datetime) -> int:
    """A time as a row holds it."""
    return (instant.astimezone(UTC) - EPOCH) // MICROSECOND


def _strict(function: Callable[..., Any], args: list[Value]) -> Value:
    """NULL as soon as an operand is."""
    if len(args) == 1:
        (only,) = args

        def of_one(row: Row) -> Any:
            found = only(row)
            return None if found is None else function(found)

        return of_one
    left, right = args

    def of_two(row: Row) -> Any:
        first, second = left(row), right(row)
        return None if first is None or second is None else function(first, second)

    return of_two


def _quotient(left: Decimal, right: Decimal) -> Decimal | None:
    return QUOTIENTS.divide(left, right) if right else None


def _rounded(rounding: str) -> Callable[[int], Callable[[Decimal], Decimal]]:
    def to(places: int) -> Callable[[Decimal], Decimal]:
        unit = Decimal(1).scaleb(-places)
        return lambda found: found.quantize(unit, rounding, WIDE)

    return to


def _cut(unit: str) -> Callable[[int], int]:
    return lambda found: found - found % UNITS_US[unit]


def _text(kind: Type) -> Callable[[Any], str | None]:
    return lambda found: told(found, kind)


def _truth(found: str) -> bool | None:
    return {"true": True, "false": False}.get(found.lower())


def _moment(found: str) -> int | None:
    try:
        return microseconds(parse_instant(found))
    except (Refused, OverflowError):
        return None


def _case(args: list[Value]) -> Value:
    pairs, default = list(zip(args[:-1:2], args[1::2], strict=True)), args[-1]

    def chosen(row: Row) -> Any:
        for condition, result in pairs:
            if condition(row):
                return result(row)
        return default(row)

    return chosen


def _in(args: list[Value]) -> Value:
    subject, *others = args
    values = {other(()) for other in others}
    has_null = None in values

    def found(row: Row) -> bool | None:
        value = subject(row)
        if value is None:
            return None
        return True if value in values else (None if has_null else False)

    return found


def _and(args: list[Value]) -> Value:
    left, right = args

    def both(row: Row) -> bool | None:
        first = left(row)
        if first is False:
            return False
        second = right(row)
        return second if first or second is False else None

    return both


def _or(args: list[Value]) -> Value:
    left, right = args

    def either(row: Row) -> bool | None:
        first = left(row)
        if first:
            return True
        second = right(row)
        return second if first is False or second else None

    return either


def _extreme(choose: Callable[..., Any]) -> Callable[[list[Value]], Value]:
    """LEAST and GREATEST pass NULL over."""

    def of(args: list[Value]) -> Value:
        def chosen(row: Row) -> Any:
            found = [value for value in (arg(row) for arg in args) if value is not None]
            return choose(found) if found else None

        return chosen

    return of


SPECIAL: Mapping[str, Callable[[list[Value]], Value]] = {
    "case": _case,
    "in": _in,
    "and": _and,
    "or": _or,
    "least": _extreme(min),
    "greatest": _extreme(max),
    "is_null": lambda args: lambda row: args[0](row) is None,
}
UNITS: Mapping[str, Callable[[Any], Callable[..., Any]]] = {
    "round": _rounded(ROUND_HALF_UP),
    "ceil": _rounded(ROUND_CEILING),
    "floor": _rounded(ROUND_FLOOR),
    "trunc": _cut,
    "text": _text,
}
STRICT: Mapping[str, Callable[..., Any]] = {
    "add": WIDE.add,
    "sub": WIDE.subtract,
    "mul": WIDE.multiply,
    "div": _quotient,
    "neg": WIDE.minus,
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "not": lambda found: not found,
    "number": number,
    "truth": _truth,
    "moment": _moment,
}
