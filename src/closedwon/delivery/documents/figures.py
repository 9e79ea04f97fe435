"""Numbers and periods as they are printed: no locale, no rounding that could mislead."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from closedwon.billing.catalog.types import CreditType
from closedwon.kernel.exact import CONTEXT, Money, canonical, major, minor_digits

PLACES_SHOWN_MAX = 8
"""Quotients have endless decimals; the document shows this many and the JSON all of them."""
MIDNIGHT = (0, 0, 0, 0)


def amount_text(amount: Money) -> str:
    """Major units with the currency's own decimals: ``1,234.50``, yen ``1,235``."""
    return _grouped(canonical(amount.amount), minor_digits(amount.currency))


def number_text(number: Decimal | None, places_min: int = 0) -> str:
    """A quantity or price, at most PLACES_SHOWN_MAX decimals; empty for None."""
    if number is None:
        return ""
    shown = number
    if -int(number.as_tuple().exponent) > PLACES_SHOWN_MAX:
        shown = number.quantize(Decimal(1).scaleb(-PLACES_SHOWN_MAX), context=CONTEXT)
    return _grouped(canonical(shown), places_min)


def worth_text(wire: Decimal, kind: CreditType) -> str:
    """A wire amount, all its decimals kept: major units of a currency, or units."""
    if kind.currency is None:
        return number_text(wire)
    return number_text(major(wire, kind.currency), minor_digits(kind.currency))


def unit_text(kind: CreditType) -> str:
    """What ``worth_text`` counts in: ``USD``, or the name of a pricing unit."""
    return kind.currency or kind.name


def day_text(at: datetime) -> str:
    """``2024-01-31``."""
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def instant_text(at: datetime) -> str:
    """``2024-01-31 09:30 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def period_text(start: datetime, end: datetime | None) -> str:
    """``2024-01-01 to 2024-01-31`` with the last day included; hours where an edge has any."""
    first = start.astimezone(UTC)
    if end is None:
        return f"from {first:%Y-%m-%d}"
    last = end.astimezone(UTC)
    if _clock(first) == _clock(last) == MIDNIGHT and first < last:
        day = last - timedelta(days=1)
        return f"{first:%Y-%m-%d} to {day:%Y-%m-%d}" if first < day else f"{first:%Y-%m-%d}"
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def _clock(at: datetime) -> tuple[int, int, int, int]:
    return (at.hour, at.minute, at.second, at.microsecond)


def _grouped(text: str, places_min: int) -> str:
    whole, _, fraction = text.removeprefix("-").partition(".")
    fraction = fraction.ljust(places_min, "0")
    sign = "-" if text.startswith("-") else ""
    return f"{sign}{int(whole):,}" + (f".{fraction}" if fraction else "")
