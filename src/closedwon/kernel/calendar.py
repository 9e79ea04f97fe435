"""Calendar steps, always computed from the anchor and never chained (R9)."""

import calendar
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from closedwon.kernel.instant import Interval

PERIODS_MAX = 100_000
"""No date loop of ours runs longer; a term that needs more is broken input (G23)."""


class Frequency(StrEnum):
    """How far one step goes (R9)."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    SEMI_ANNUAL = "SEMI_ANNUAL"
    ANNUAL = "ANNUAL"


MONTHS = {
    Frequency.MONTHLY: 1,
    Frequency.QUARTERLY: 3,
    Frequency.SEMI_ANNUAL: 6,
    Frequency.ANNUAL: 12,
}
DAYS = {Frequency.DAILY: 1, Frequency.WEEKLY: 7}


def add_months(anchor: datetime, months: int) -> datetime:
    """``months`` later on the same day of month, or on the month's last day (R9)."""
    years, month = divmod(anchor.month - 1 + months, 12)
    year = anchor.year + years
    day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


def step(anchor: datetime, frequency: Frequency, n: int) -> datetime:
    """The ``n``-th grid point from ``anchor`` (n may be negative)."""
    if frequency in DAYS:
        return anchor + timedelta(days=DAYS[frequency] * n)
    return add_months(anchor, MONTHS[frequency] * n)


def index_before(anchor: datetime, frequency: Frequency, instant: datetime) -> int:
    """The greatest n with ``step(anchor, frequency, n) <= instant``."""
    if frequency in DAYS:
        return (instant - anchor) // timedelta(days=DAYS[frequency])
    months = (instant.year - anchor.year) * 12 + instant.month - anchor.month
    n = months // MONTHS[frequency]
    while step(anchor, frequency, n) > instant:
        n -= 1
    while step(anchor, frequency, n + 1) <= instant:
        n += 1
    return n


def grid(anchor: datetime, frequency: Frequency, span: Interval) -> Iterator[Interval]:
    """Nominal (un-truncated) grid periods that overlap ``span``, in order; open spans never end."""
    first = index_before(anchor, frequency, span.start)
    for n in range(first, first + PERIODS_MAX):
        start = step(anchor, frequency, n)
        if start >= span.until:
            return
        yield Interval(start, step(anchor, frequency, n + 1))


def periods(anchor: datetime, frequency: Frequency, span: Interval) -> Iterator[Interval]:
    """Grid periods truncated to ``span`` (R128)."""
    for nominal in grid(anchor, frequency, span):
        yield Interval(max(nominal.start, span.start), min(nominal.until, span.until))
