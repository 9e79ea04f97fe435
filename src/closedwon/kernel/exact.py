"""Exact decimals and the one place where money is rounded (R3, R4).

Amounts inside the engine are ``Decimal`` in the wire unit of their credit type (USD: cents, R377);
``Money`` is a payable or posted amount in whole minor units.
"""

import decimal
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

import msgspec

from closedwon.kernel.errors import InvariantBroken, Refused

CONTEXT = decimal.Context(
    prec=40,
    rounding=ROUND_HALF_UP,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
"""Precision for every quotient; sums and products of sane amounts are exact in it (R3)."""

decimal.DefaultContext.prec = CONTEXT.prec
decimal.getcontext().prec = CONTEXT.prec
# Plain operators round at the thread's precision, 28 by default, where 9999999999999999999999999999
# + 0.01 loses the cent; every thread that starts after this import computes at 40.

QUOTIENTS = decimal.Context(prec=28, rounding=ROUND_HALF_UP, traps=CONTEXT.traps)
"""For quotients that are multiplied and split further: 28 digits (R4) leave room in CONTEXT, so
that products of them with prices, and sums of their parts, stay exact."""

ZERO = Decimal(0)
DIGITS_MAX = 30
"""Longest number accepted from outside, so that no product can outgrow CONTEXT by accident."""

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3}
"""ISO 4217 minor digits that are not 2."""


def exact(text: str) -> Decimal:
    """Read a decimal number; raises Refused for NaN, infinity, underscores and excess digits."""
    try:
        number = CONTEXT.create_decimal(text)
    except decimal.InvalidOperation as error:
        raise Refused(f"not a number: {text!r}") from error
    if not number.is_finite() or "_" in text or text != text.strip() or not text.isascii():
        raise Refused(f"not a plain decimal number: {text!r}")
    if len(number.as_tuple().digits) > DIGITS_MAX or abs(number.adjusted()) > DIGITS_MAX:
        raise Refused(f"a number of more than {DIGITS_MAX} digits: {text[:40]!r}")
    return number


def canonical(number: Decimal) -> str:
    """Plain notation without trailing zeros or exponent: equal numbers give equal text."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class Money(msgspec.Struct, frozen=True):
    """A payable amount: ``minor`` cents (or yen, or fils) of ``currency``; may be negative."""

    minor: int
    currency: str

    @classmethod
    def rounded(cls, wire: Decimal, currency: str) -> Self:
        """From the wire unit (USD cents, other fiat whole units; R377), half up (R4)."""
        scale = 0 if currency == "USD" else minor_digits(currency)
        number = wire.scaleb(scale, CONTEXT)
        return cls(int(number.to_integral_value(ROUND_HALF_UP)), currency)

    @property
    def amount(self) -> Decimal:
        """The same value in major units (dollars), for display and for Salesforce."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency), CONTEXT)

    def __add__(self, other: Self) -> Self:
        if self.currency != other.currency:
            raise InvariantBroken("two currencies in one sum", currency=other.currency)
        return type(self)(self.minor + other.minor, self.currency)

    def __neg__(self) -> Self:
        return type(self)(-self.minor, self.currency)


def minor_digits(currency: str) -> int:
    """Digits after the point that the currency pays in."""
    return MINOR_DIGITS.get(currency, 2)


def major(wire: Decimal, currency: str) -> Decimal:
    """Wire amount in major units without rounding: USD 299200 -> 2992.00 (R377)."""
    return wire.scaleb(-2, CONTEXT) if currency == "USD" else wire


def wire(amount: Decimal, currency: str) -> Decimal:
    """Major units (as Salesforce holds them) in the wire unit, without rounding (R377)."""
    return amount.scaleb(2, CONTEXT) if currency == "USD" else amount


def allocated(total: int, exact_parts: Sequence[Decimal]) -> tuple[int, ...]:
    """Round ``exact_parts`` (minor units) so that they add up to ``total``.

    Each part is rounded half away from zero; the residue goes to the largest absolute part,
    the first of equals (R4). Empty parts with a non-zero total raise InvariantBroken.
    """
    parts = [int(part.to_integral_value(ROUND_HALF_UP)) for part in exact_parts]
    residue = total - sum(parts)
    if not residue:
        return tuple(parts)
    if not parts:
        raise InvariantBroken("nothing to carry a residue", residue=residue)
    largest = max(range(len(parts)), key=lambda at: (abs(exact_parts[at]), -at))
    parts[largest] += residue
    return tuple(parts)
