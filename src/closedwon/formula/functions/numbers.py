"""Exact numbers: rounding, extremes, remainders."""

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)

from closedwon.formula.code import Call, Code, Function, lifted, simple, whole
from closedwon.formula.values import ARITHMETIC, ValueType
from closedwon.kernel.exact import ZERO

NUMBER = ValueType.NUMBER
SCALE_MAX = 90
"""Most digits a rounding may be asked for; beyond it a number has none anyway."""


def rounded(number: Decimal, digits: Decimal, rounding: str) -> Decimal:
    """``number`` with ``digits`` (may be negative) decimals; ``digits`` loses its fraction."""
    scale = whole(digits)
    if abs(scale) > SCALE_MAX:
        raise ValueError(f"rounding to {scale} digits; expected -{SCALE_MAX} to {SCALE_MAX}")
    if scale >= 0 and -int(number.as_tuple().exponent) <= scale:
        return number
    units = number.scaleb(scale, ARITHMETIC).to_integral_value(rounding)
    return ARITHMETIC.plus(units.scaleb(-scale, ARITHMETIC))


def _extreme(call: Call, best: Callable[..., Decimal]) -> Code:
    runs = tuple(call.typed(at, NUMBER) for at in range(len(call.arguments)))
    return call.code(NUMBER, lifted(lambda *numbers: best(numbers), runs, call.spot))


def _remainder(number: Decimal, divisor: Decimal) -> Decimal:
    """What is left of ``number``, with its sign."""
    if not divisor:
        raise ZeroDivisionError
    return ARITHMETIC.remainder(number, divisor)


FUNCTIONS = (
    simple(
        "ROUND(number, digits)",
        (NUMBER, NUMBER),
        NUMBER,
        lambda number, digits: rounded(number, digits, ROUND_HALF_UP),
    ),
    simple(
        "TRUNC(number [, digits])",
        (NUMBER, NUMBER),
        NUMBER,
        lambda number, digits=ZERO: rounded(number, digits, ROUND_DOWN),
    ),
    simple("FLOOR(number)", (NUMBER,), NUMBER, lambda number: rounded(number, ZERO, ROUND_DOWN)),
    simple("CEILING(number)", (NUMBER,), NUMBER, lambda number: rounded(number, ZERO, ROUND_UP)),
    simple("MFLOOR(number)", (NUMBER,), NUMBER, lambda number: rounded(number, ZERO, ROUND_FLOOR)),
    simple(
        "MCEILING(number)", (NUMBER,), NUMBER, lambda number: rounded(number, ZERO, ROUND_CEILING)
    ),
    simple("ABS(number)", (NUMBER,), NUMBER, ARITHMETIC.abs),
    simple("MOD(number, divisor)", (NUMBER, NUMBER), NUMBER, _remainder),
    Function(
        name="MIN",
        usage="MIN(number, ...) or MIN(collection, value [, condition])",
        least=1,
        most=None,
        build=lambda call: _extreme(call, min),
    ),
    Function(
        name="MAX",
        usage="MAX(number, ...) or MAX(collection, value [, condition])",
        least=1,
        most=None,
        build=lambda call: _extreme(call, max),
    ),
)
