"""Instants (UTC, aware) and half-open intervals ``[start, end)`` (R1)."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Self

import msgspec

from closedwon.kernel.errors import Refused

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)
"""Stands for "no end" where an order needs one (R121)."""


def parse_instant(text: str) -> datetime:
    """Read RFC 3339 or Salesforce (``+0000``) text; raises Refused without a zone."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise Refused(f"an instant needs its zone: {text!r}; expected 2024-01-01T00:00:00Z")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused(f"not an instant: {text!r}; expected 2024-01-01T00:00:00Z") from error


@lru_cache(maxsize=4096)
def format_instant(instant: datetime) -> str:
    """Fixed width, UTC, microseconds: text order is time order. Used in the store.

    Rows of one run share few instants (now, edges of periods), so they are formatted once.
    """
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def wire_instant(instant: datetime) -> str:
    """As the wire shows it: ``2024-01-01T00:00:00+00:00``; microseconds only when there are any."""
    return instant.astimezone(UTC).isoformat()


def midnight(day: date) -> datetime:
    """00:00 UTC of ``day`` (R376)."""
    return datetime.combine(day, time(), tzinfo=UTC)


def end_of(last_day: date) -> datetime:
    """The exclusive end that belongs to an inclusive Salesforce end date (R376)."""
    return midnight(last_day + DAY)


def on_hour(instant: datetime, what: str) -> datetime:
    """``instant`` itself; raises Refused unless it is a whole hour (R2)."""
    if instant.minute or instant.second or instant.microsecond:
        raise Refused(f"{what} must be on an hour boundary", found=wire_instant(instant))
    return instant


class Interval(msgspec.Struct, frozen=True, order=True):
    """``[start, end)`` in UTC; ``end`` None means it never ends."""

    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise Refused("an interval ends before it starts", start=wire_instant(self.start))

    @property
    def until(self) -> datetime:
        """The end, FAR_FUTURE when open; for comparisons only."""
        return FAR_FUTURE if self.end is None else self.end

    def covers(self, instant: datetime) -> bool:
        """Whether ``instant`` lies inside; the end itself does not."""
        return self.start <= instant < self.until

    def overlaps(self, other: Self) -> bool:
        """Whether the two share any instant."""
        return self.start < other.until and other.start < self.until

    def splits(self, instant: datetime) -> bool:
        """Whether ``instant`` lies strictly inside."""
        return self.start < instant < self.until

    def cut(self, instants: Iterable[datetime]) -> tuple["Interval", ...]:
        """The interval split at those ``instants`` that lie strictly inside, in order."""
        inside = sorted({instant for instant in instants if self.splits(instant)})
        starts = [self.start, *inside]
        ends: list[datetime | None] = [*inside, self.end]
        return tuple(Interval(start, end) for start, end in zip(starts, ends, strict=True))


def edges(windows: Iterable[Interval]) -> frozenset[datetime]:
    """Every instant at which one of ``windows`` begins or ends."""
    found = set()
    for window in windows:
        found.add(window.start)
        if window.end is not None:
            found.add(window.end)
    return frozenset(found)
