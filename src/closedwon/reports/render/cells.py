"""One cell as text: exact, without locale, safe to open in a spreadsheet."""

from datetime import date, datetime
from decimal import Decimal

from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import wire_instant
from closedwon.reports.table import Cell, Kind

PLACES_SHOWN_MAX = 6
"""Quantities may have endless decimals; people see this many, programs see them all."""
RISKY = ("=", "+", "-", "@", "\t", "\r")


def plain(cell: Cell) -> str:
    """For machines: canonical numbers, ISO dates, empty for nothing."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Decimal():
            return canonical(cell)
        case datetime():
            return wire_instant(cell)
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


def shown(cell: Cell, kind: Kind) -> str:
    """For people: money with thousands separators and at least two decimals."""
    if isinstance(cell, datetime) and kind is Kind.DATE:
        return cell.date().isoformat()
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, Decimal | int):
        money = kind is Kind.MONEY
        return _number(Decimal(cell) if money else _short(Decimal(cell)), 2 if money else 0)
    return plain(cell)


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RISKY) else text


def _short(number: Decimal) -> Decimal:
    places = -int(number.as_tuple().exponent)
    return round(number, PLACES_SHOWN_MAX) if places > PLACES_SHOWN_MAX else number


def _number(number: Decimal, places_min: int) -> str:
    whole, _, fraction = canonical(abs(number)).partition(".")
    grouped = f"{int(whole):,}"
    fraction = fraction.ljust(places_min, "0")
    sign = "-" if number < 0 else ""
    return f"{sign}{grouped}.{fraction}" if fraction else f"{sign}{grouped}"
