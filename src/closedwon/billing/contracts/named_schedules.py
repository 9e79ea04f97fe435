"""Named schedules: any JSON value over time, on a customer, a contract or a rate card (2.3)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from closedwon.kernel.instant import Interval, edges


class NamedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A value over a window; JSON as parsed, numbers exact."""

    window: Interval
    value: Any


class NamedSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule of an owner: its name and properties tell it from the others."""

    name: str
    properties: Mapping[str, str] = {}
    """Say which of the schedules of a name is meant."""
    segments: tuple[NamedSegment, ...]


def segments_of(updates: Iterable[NamedSegment]) -> tuple[NamedSegment, ...]:
    """What holds when, by start: a later update wins in its window, the earlier one resumes after.

    Neighbours with one value are one segment; where nothing was ever set there is none.
    """
    ordered = list(updates)
    found: list[NamedSegment] = []
    cuts = sorted(edges(update.window for update in ordered))
    for at, start in enumerate(cuts):
        end = cuts[at + 1] if at + 1 < len(cuts) else None
        known = _last(ordered, start)
        if known is None:
            continue
        if found and found[-1].window.end == start and found[-1].value == known.value:
            joined = Interval(found[-1].window.start, end)
            found[-1] = NamedSegment(window=joined, value=known.value)
        else:
            found.append(NamedSegment(window=Interval(start, end), value=known.value))
    return tuple(found)


def _last(updates: Iterable[NamedSegment], at: datetime) -> NamedSegment | None:
    covering = [update for update in updates if update.window.covers(at)]
    return covering[-1] if covering else None
