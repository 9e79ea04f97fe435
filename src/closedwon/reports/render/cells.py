"""One cell as text: exact, without locale, safe to open in a spreadsheet."""

from datetime import date, datetime
from decimal import Decimal

from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import wire_instant
from closedwon.reports.table import Cell, Kind

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
        return _number(Decimal(cell), 2 if kind is Kind.MONEY else 0)
    return plain(cell)


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RISKY) else text


def _number(number: Decimal, places_min: int) -> str:
    whole, _, fraction = canonical(abs(number)).partition(".")
    grouped = f"{int(whole):,}"
    fraction = fraction.ljust(places_min, "0")
    sign = "-" if number < 0 else ""
    return f"{sign}{grouped}.{fraction}" if fraction else f"{sign}{grouped}"
