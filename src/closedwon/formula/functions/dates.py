"""Dates (calendar days) and datetimes (instants, UTC)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from closedwon.formula.code import Call, Code, Function, lifted, simple, whole
from closedwon.formula.values import Record, Scope, ValueType
from closedwon.kernel.calendar import add_months
from closedwon.kernel.instant import DAY, midnight, parse_instant

NUMBER, TEXT, DATE, DATETIME = (
    ValueType.NUMBER,
    ValueType.TEXT,
    ValueType.DATE,
    ValueType.DATETIME,
)
MONTHS_MAX = 120_000


def _as_of(call: Call) -> Code:
    def run(_record: Record, scope: Scope) -> datetime:
        if scope.as_of is None:
            raise call.spot.stop(f"{call.name}() was asked, but no instant was given")
        return scope.as_of.astimezone(UTC)

    return call.code(DATETIME, run)


def _today(call: Call) -> Code:
    return call.code(DATE, lifted(datetime.date, (_as_of(call).run,), call.spot))


def _months_later(start: datetime, months: Decimal) -> datetime:
    """The same day ``months`` later; the last day of a month stays the last day."""
    if abs(months) > MONTHS_MAX:
        raise OverflowError
    if (start + DAY).month != start.month:
        return add_months(start + DAY, whole(months)) - DAY
    return add_months(start, whole(months))


def _add_months(call: Call) -> Code:
    start, months = call.typed(0, DATE, DATETIME), call.typed(1, NUMBER)
    if call.arguments[0].type is DATETIME:
        return call.code(DATETIME, lifted(_months_later, (start, months), call.spot))

    def day_later(day: date, count: Decimal) -> date:
        return _months_later(midnight(day), count).date()

    return call.code(DATE, lifted(day_later, (start, months), call.spot))


def _day(year: Decimal, month: Decimal, day: Decimal) -> date:
    return date(whole(year), whole(month), whole(day))


def _date_value(call: Call) -> Code:
    run = call.typed(0, TEXT, DATE, DATETIME)

    def day_of(value: Any) -> date:
        if isinstance(value, str):
            return _day_from(value)
        return value.astimezone(UTC).date() if isinstance(value, datetime) else value

    return call.code(DATE, lifted(day_of, (run,), call.spot))


def _day_from(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise ValueError(f"not a date: {text[:40]!r}; expected 2024-01-31") from error


def _datetime_value(call: Call) -> Code:
    run = call.typed(0, TEXT, DATE, DATETIME)

    def instant_of(value: Any) -> datetime:
        if isinstance(value, str):
            return _instant_from(value)
        return value if isinstance(value, datetime) else midnight(value)

    return call.code(DATETIME, lifted(instant_of, (run,), call.spot))


def _instant_from(text: str) -> datetime:
    """``2024-01-31 10:00:00`` is UTC, as in Salesforce; a zone may be given."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"not a datetime: {text[:40]!r}; expected 2024-01-31 10:00:00") from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else parse_instant(text)


def _part(name: str, of: Any) -> Function:
    return simple(f"{name}(date)", (DATE,), NUMBER, lambda day: Decimal(of(day)))


FUNCTIONS = (
    Function(name="AS_OF", usage="AS_OF()", least=0, most=0, build=_as_of),
    Function(name="NOW", usage="NOW()", least=0, most=0, build=_as_of),
    Function(name="TODAY", usage="TODAY()", least=0, most=0, build=_today),
    simple("DATE(year, month, day)", (NUMBER, NUMBER, NUMBER), DATE, _day),
    Function(name="DATEVALUE", usage="DATEVALUE(value)", least=1, most=1, build=_date_value),
    Function(
        name="DATETIMEVALUE", usage="DATETIMEVALUE(value)", least=1, most=1, build=_datetime_value
    ),
    Function(name="ADDMONTHS", usage="ADDMONTHS(date, months)", least=2, most=2, build=_add_months),
    _part("YEAR", lambda day: day.year),
    _part("MONTH", lambda day: day.month),
    _part("DAY", lambda day: day.day),
    _part("WEEKDAY", lambda day: day.isoweekday() % 7 + 1),
)
