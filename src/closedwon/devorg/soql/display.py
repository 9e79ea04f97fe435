"""FORMAT(): values as a user in the en_US locale reads them."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from closedwon.devorg.schema import FieldDef


def formatted(field: FieldDef, value: Any) -> str | None:
    """``$505,000.00``, ``12/15/2023``, ``12/15/2023, 6:22 PM``; text as it is, null as null."""
    return None if value is None else _text(field, value)


def _text(field: FieldDef, value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}"
        case Decimal():
            return _number(field, value)
        case _ if field.type == "date":
            return _day(date.fromisoformat(value))
        case _ if field.type == "datetime":
            instant = datetime.fromisoformat(value)
            return f"{_day(instant.date())}, {instant.hour % 12 or 12}:{instant:%M %p}"
        case _:
            return str(value)


def _number(field: FieldDef, number: Decimal) -> str:
    rounded = abs(number).quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    sign = "-" if number < 0 and rounded else ""
    match field.type:
        case "currency":
            return f"{sign}${rounded:,}"
        case "percent":
            return f"{sign}{rounded:,}%"
        case _:
            return f"{sign}{rounded:,}"


def _day(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"
