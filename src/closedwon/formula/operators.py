"""What the operators mean for each pair of types."""

import decimal
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from closedwon.formula.code import Code, conversion, lifted
from closedwon.formula.fields import same_id
from closedwon.formula.place import FormulaError, Spot
from closedwon.formula.values import (
    ARITHMETIC,
    TEXT_RESULT_MAX,
    Record,
    Run,
    Scope,
    ValueType,
)

NUMBER, TEXT, DATE, DATETIME, BOOLEAN = (
    ValueType.NUMBER,
    ValueType.TEXT,
    ValueType.DATE,
    ValueType.DATETIME,
    ValueType.BOOLEAN,
)
DAY_US = 86_400_000_000
"""Microseconds of a day: dates count in days, datetimes in days and fractions of a day."""


def binary(sign: str, left: Code, right: Code, spot: Spot) -> Code:
    """``left sign right``; raises FormulaError for types the operator does not take."""
    if sign in COMPARED:
        return _comparison(sign, left, right, spot)
    if (sign, left.type, right.type) == ("+", TEXT, TEXT):
        return joined_text((left, right), spot)
    meaning = MEANINGS.get((sign, left.type, right.type))
    if meaning is None:
        raise _untyped(sign, left, right, spot)
    result, apply = meaning
    return Code(type=result, run=lifted(apply, (left.run, right.run), spot), spot=spot)


def unary(sign: str, operand: Code, spot: Spot) -> Code:
    """``-x`` and ``+x`` of a number, ``!x`` of a boolean."""
    wanted = BOOLEAN if sign == "!" else NUMBER
    if operand.type is not wanted:
        raise operand.spot.fault(
            f"wrong type after {sign}",
            found=str(operand.type),
            expected=wanted + conversion(operand.type, (wanted,)),
        )
    if sign == "!":
        return negation(operand, spot)
    apply = ARITHMETIC.minus if sign == "-" else ARITHMETIC.plus
    return Code(type=NUMBER, run=lifted(apply, (operand.run,), spot), spot=spot)


def negation(operand: Code, spot: Spot) -> Code:
    """True where ``operand`` is false (or blank)."""
    inner = operand.run
    return Code(type=BOOLEAN, run=lambda record, scope: not inner(record, scope), spot=spot)


def every(operands: tuple[Code, ...], spot: Spot) -> Code:
    """AND, from the left; stops at the first false."""
    runs = tuple(operand.run for operand in operands)

    def run(record: Record, scope: Scope) -> bool:
        for part in runs:  # noqa: SIM110 - a generator costs twice as much here
            if not part(record, scope):
                return False
        return True

    return Code(type=BOOLEAN, run=run, spot=spot)


def some(operands: tuple[Code, ...], spot: Spot) -> Code:
    """OR, from the left; stops at the first true."""
    runs = tuple(operand.run for operand in operands)

    def run(record: Record, scope: Scope) -> bool:
        for part in runs:  # noqa: SIM110 - as above
            if part(record, scope):
                return True
        return False

    return Code(type=BOOLEAN, run=run, spot=spot)


def joined_text(operands: tuple[Code, ...], spot: Spot) -> Code:
    """Texts one after the other; a blank adds nothing."""
    runs = tuple(operand.run for operand in operands)

    def run(record: Record, scope: Scope) -> str | None:
        text = "".join([part(record, scope) or "" for part in runs])
        if len(text) > TEXT_RESULT_MAX:
            raise spot.stop(f"a text of more than {TEXT_RESULT_MAX} characters")
        return text or None

    return Code(type=TEXT, run=run, spot=spot)


def equal(left: Code, right: Code) -> Callable[[Any, Any], bool]:
    """How two values of these types are compared for equality (blank rules: README)."""
    if left.type is BOOLEAN:
        return lambda a, b: bool(a) is bool(b)
    if left.type is TEXT:
        if left.is_id or right.is_id:
            return lambda a, b: same_id(a) == same_id(b)
        return lambda a, b: bool(a == b)
    return lambda a, b: a is not None and a == b


def _comparison(sign: str, left: Code, right: Code, spot: Spot) -> Code:
    if ValueType.NULL in (left.type, right.type):
        raise spot.fault("a comparison with NULL is never true", expected="ISBLANK(...)")
    ordering = sign in ORDERINGS
    usable = (NUMBER, TEXT, DATE, DATETIME) if ordering else (*ORDERED, BOOLEAN)
    if left.type is not right.type or left.type not in usable:
        raise _untyped(sign, left, right, spot)
    if ordering:
        return Code(type=BOOLEAN, run=_ordered(sign, left.run, right.run), spot=spot)
    same = equal(left, right)
    first, second = left.run, right.run
    if sign == "=":
        return Code(
            type=BOOLEAN,
            run=lambda record, scope: same(first(record, scope), second(record, scope)),
            spot=spot,
        )
    return Code(type=BOOLEAN, run=_different(left, right, same), spot=spot)


def _different(left: Code, right: Code, same: Callable[[Any, Any], bool]) -> Run:
    """``<>``: the opposite of ``=``, except that a blank number or date differs from nothing."""
    first, second = left.run, right.run
    blank_differs = left.type in (TEXT, BOOLEAN)

    def run(record: Record, scope: Scope) -> bool:
        a, b = first(record, scope), second(record, scope)
        if not blank_differs and (a is None or b is None):
            return False
        return not same(a, b)

    return run


def _ordered(sign: str, left: Run, right: Run) -> Run:
    holds = ORDERINGS[sign]

    def run(record: Record, scope: Scope) -> bool:
        first = left(record, scope)
        if first is None:
            return False
        second = right(record, scope)
        return second is not None and holds(first, second)

    return run


def _untyped(sign: str, left: Code, right: Code, spot: Spot) -> FormulaError:
    wanted = {
        known_right
        for known_sign, known_left, known_right in MEANINGS
        if (known_sign, known_left) == (sign, left.type)
    }
    if sign in COMPARED:
        wanted = {left.type} & {*ORDERED, BOOLEAN}
    likely = sorted(wanted, key=lambda kind: kind is not left.type)[:1]
    hint = "".join(conversion(right.type, (kind,)) for kind in likely)
    return spot.fault(
        f"{sign} cannot join these types",
        found=f"{left.type} {sign} {right.type}",
        expected=" or ".join(f"{left.type} {sign} {kind}" for kind in sorted(wanted)) + hint,
    )


def _divide(a: Decimal, b: Decimal) -> Decimal:
    if not b:
        raise ZeroDivisionError
    return ARITHMETIC.divide(a, b)


def _power(a: Decimal, b: Decimal) -> Decimal:
    return ARITHMETIC.power(a, b)


def _days_later(day: date, days: Decimal) -> date:
    """Whole days; a fraction counts towards the day it lies in, as in Salesforce."""
    return day + timedelta(days=int(days.to_integral_value(decimal.ROUND_FLOOR)))


def _days_earlier(day: date, days: Decimal) -> date:
    return _days_later(day, -days)


def _later(instant: datetime, days: Decimal) -> datetime:
    return instant + timedelta(microseconds=int(ARITHMETIC.multiply(days, Decimal(DAY_US))))


def _earlier(instant: datetime, days: Decimal) -> datetime:
    return _later(instant, -days)


def _days_between(a: date, b: date) -> Decimal:
    return Decimal((a - b).days)


def _time_between(a: datetime, b: datetime) -> Decimal:
    return ARITHMETIC.divide(Decimal((a - b) // timedelta(microseconds=1)), Decimal(DAY_US))


ORDERED: Final = (NUMBER, TEXT, DATE, DATETIME)
ORDERINGS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
COMPARED: Final = ("=", "<>", *ORDERINGS)
MEANINGS: Final[dict[tuple[str, ValueType, ValueType], tuple[ValueType, Callable[..., Any]]]] = {
    ("+", NUMBER, NUMBER): (NUMBER, ARITHMETIC.add),
    ("-", NUMBER, NUMBER): (NUMBER, ARITHMETIC.subtract),
    ("*", NUMBER, NUMBER): (NUMBER, ARITHMETIC.multiply),
    ("/", NUMBER, NUMBER): (NUMBER, _divide),
    ("^", NUMBER, NUMBER): (NUMBER, _power),
    ("+", DATE, NUMBER): (DATE, _days_later),
    ("+", NUMBER, DATE): (DATE, lambda days, day: _days_later(day, days)),
    ("-", DATE, NUMBER): (DATE, _days_earlier),
    ("-", DATE, DATE): (NUMBER, _days_between),
    ("+", DATETIME, NUMBER): (DATETIME, _later),
    ("+", NUMBER, DATETIME): (DATETIME, lambda days, instant: _later(instant, days)),
    ("-", DATETIME, NUMBER): (DATETIME, _earlier),
    ("-", DATETIME, DATETIME): (NUMBER, _time_between),
    ("+", TEXT, TEXT): (TEXT, str.__add__),
}
