"""Usage to come, taken from usage there was: the last months repeat month by month.

A question about the future is asked of the past instead: each calendar month after ``since`` stands
for one of the months of ``past``, in turn, and an instant in it for the instant as far into that
month. What lies before ``since`` is asked as it is. The answers go into the same bill (D2).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import Aggregation
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand, Quantities, Reading
from closedwon.billing.rating.quantities import Group, cumulative
from closedwon.kernel.calendar import add_months
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """From ``since`` (the first of a month) on, the ``months`` months before it repeat."""

    since: datetime
    months: int

    def source(self, instant: datetime) -> datetime:
        """The instant of the past that stands for ``instant``; one before ``since`` for itself.

        A day the shorter month lacks is that month's end.
        """
        if instant < self.since:
            return instant
        first = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        ahead = (first.year - self.since.year) * 12 + first.month - self.since.month
        start = add_months(self.since, ahead % self.months - self.months)
        return min(start + (instant - first), add_months(start, 1))

    def stretches(self, period: Interval) -> Iterator[Interval]:
        """``period`` split at ``since`` and at every first of a month after it."""
        edges, edge = [], self.since
        while edge < period.until:
            edges.append(edge)
            edge = add_months(edge, 1)
        yield from period.cut(edges)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a demand and the question that stands for it."""

    cuts: tuple[int, ...]
    """Number of each cut of the whole demand inside the stretch, its end included."""
    places: tuple[int, ...]
    """Number of the same instants among the question's own cuts."""
    demand: Demand


def questions(demand: Demand, replay: Replay) -> Iterator[Asked]:
    """What to ask the usage store for ``demand``: one question per month it spans."""
    whole = Interval(demand.cuts[0], demand.cuts[-1])
    for number, stretch in enumerate(replay.stretches(whole)):
        inside = [n for n, cut in enumerate(demand.cuts) if stretch.start < cut <= stretch.until]
        instants = (stretch.start, *(demand.cuts[n] for n in inside), stretch.until)
        moved = [_moved(replay, stretch, instant) for instant in instants]
        cuts = tuple(dict.fromkeys(moved))
        if len(cuts) < 2:
            continue
        yield Asked(
            cuts=tuple(inside),
            places=tuple(cuts.index(moved[at]) for at in range(1, len(inside) + 1)),
            demand=replace(
                demand,
                key=f"{demand.key}#{number}",
                cuts=cuts,
                filters=tuple(_filters(demand.filters, replay, stretch)),
            ),
        )


def answered(demand: Demand, asked: Sequence[Asked], found: Quantities) -> tuple[Reading, ...]:
    """Readings of the whole demand from those of its stretches.

    Sums and counts add up, the maximum is that of all stretches, the latest value that of the last
    one with any; distinct values of different months count as different.
    """
    running: dict[Group, Decimal] = {}
    readings: list[Reading] = []
    for one in asked:
        values = cumulative(found.get(one.demand.key, ()), len(one.demand.cuts))
        for group, inside in values.items():
            before = running.get(group, ZERO)
            joined = [_joined(demand, before, value) for value in inside]
            readings += [
                Reading(key=demand.key, group=group, cut=cut, value=joined[place])
                for cut, place in zip(one.cuts, one.places, strict=True)
            ]
            running[group] = joined[-1]
    return tuple(sorted(readings, key=lambda r: (str(r.group), r.cut)))


def ask(demands: Iterable[Demand], replay: Replay) -> Mapping[str, tuple[Asked, ...]]:
    """Questions by the key of the demand they stand for."""
    return {demand.key: tuple(questions(demand, replay)) for demand in demands}


def _moved(replay: Replay, stretch: Interval, instant: datetime) -> datetime:
    """The end of a month stands for the end of the month that stands for it."""
    if stretch.start < replay.since:
        return instant
    start = replay.source(stretch.start)
    first = stretch.start.replace(day=1, hour=0)
    if instant == add_months(first, 1):
        return add_months(start.replace(day=1, hour=0), 1)
    return replay.source(instant)


def _joined(demand: Demand, before: Decimal, value: Decimal) -> Decimal:
    match demand.metric.aggregation:
        case Aggregation.MAX:
            return max(before, value)
        case Aggregation.LATEST:
            return value
        case _:
            return before + value


def _filters(
    filters: Iterable[UsageFilter], replay: Replay, stretch: Interval
) -> Iterator[UsageFilter]:
    """Filters as they are in force in the stretch, on the clock of the question."""
    ordered = sorted(filters, key=lambda one: one.starting_at)
    started = [one for one in ordered if one.starting_at <= stretch.start]
    for one in started[-1:]:
        yield replace(one, starting_at=_moved(replay, stretch, stretch.start))
    for one in ordered:
        if stretch.splits(one.starting_at):
            yield replace(one, starting_at=_moved(replay, stretch, one.starting_at))
