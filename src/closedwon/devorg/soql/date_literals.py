"""Date literals as half-open ranges of days (salesforce.md 3.2).

Weeks start on Sunday and the fiscal year is the calendar year, as in a new US org. The day is the
UTC day of the clock.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
COUNT_MAX = 9_999
"""Largest n of ``LAST_N_DAYS:n`` and its kin."""

Days = tuple[date, date]
"""First day, and the day after the last."""
Shift = Callable[[date, int], date]


def day_range(name: str, count: int | None, today: date) -> Days | None:
    """The days a literal means; None when there is no such literal, or its n is missing."""
    if count is None:
        return _plain(name, today)
    if not 0 <= count <= COUNT_MAX:
        return None
    try:
        return _counted(name, count, today)
    except (OverflowError, ValueError):
        return None


def _plain(name: str, today: date) -> Days | None:
    match name:
        case "YESTERDAY":
            return today - DAY, today
        case "TODAY":
            return today, today + DAY
        case "TOMORROW":
            return today + DAY, today + 2 * DAY
        case "LAST_90_DAYS":
            return today - 90 * DAY, today + DAY
        case "NEXT_90_DAYS":
            return today + DAY, today + 91 * DAY
        case _:
            return _relative(name, today)


def _relative(name: str, today: date) -> Days | None:
    found = re.fullmatch("(LAST|THIS|NEXT)_(?:FISCAL_)?(WEEK|MONTH|QUARTER|YEAR)", name)
    if found is None or ("FISCAL" in name and found[2] in ("WEEK", "MONTH")):
        return None
    start, shift = _unit(found[2], today)
    first = {"LAST": -1, "THIS": 0, "NEXT": 1}[found[1]]
    return shift(start, first), shift(start, first + 1)


def _counted(name: str, count: int, today: date) -> Days | None:
    units = "(DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS)"
    found = re.fullmatch(f"(?:(LAST|NEXT)_N_{units})|(?:N_{units}_AGO)", name)
    if found is None:
        return None
    unit = (found[2] or found[3]).removeprefix("FISCAL_").removesuffix("S")
    start, shift = _unit(unit, today)
    if found[1] is None:
        return shift(start, -count), shift(start, 1 - count)
    if found[1] == "NEXT":
        return shift(start, 1), shift(start, 1 + count)
    last = shift(start, 1) if unit == "DAY" else start
    return shift(start, -count), last


def _unit(unit: str, today: date) -> tuple[date, Shift]:
    """The start of the unit that holds ``today``, and how to go n units on."""
    match unit:
        case "DAY":
            return today, lambda day, n: day + n * DAY
        case "WEEK":
            return today - timedelta(days=today.isoweekday() % 7), lambda day, n: day + n * WEEK
        case "MONTH":
            return today.replace(day=1), _months
        case "QUARTER":
            first = today.replace(month=today.month - (today.month - 1) % 3, day=1)
            return first, lambda day, n: _months(day, 3 * n)
        case _:
            return today.replace(month=1, day=1), lambda day, n: _months(day, 12 * n)


def _months(first: date, n: int) -> date:
    years, month = divmod(first.month - 1 + n, 12)
    return first.replace(year=first.year + years, month=month + 1)
