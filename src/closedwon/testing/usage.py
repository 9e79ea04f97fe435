"""Usage in memory, measured by brute force: exact, slow, and obviously right (R29-R36).

It answers what a usage store answers (``measure``, ``total``, ``latest``, ``senders``); events come
in through ``use``. The real store has to agree with it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol, assert_never

import msgspec

from closedwon.billing.catalog.types import Aggregation, Metric, PropertyFilter
from closedwon.billing.columns.panel import Increments, Panel, measured_by
from closedwon.billing.rating.demand import Demand, Quantities, Reading
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO, exact

Group = tuple[str | None, ...]


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """One event; a transaction id counts once."""

    transaction_id: str
    customer_id: str
    event_type: str
    timestamp: datetime
    properties: Mapping[str, str] = {}


class Sent(Protocol):
    """An event as any usage store takes it."""

    @property
    def transaction_id(self) -> str:
        """What it counts once by (R5)."""
        ...

    @property
    def customer_id(self) -> str:
        """Customer id or alias."""
        ...

    @property
    def event_type(self) -> str:
        """What happened."""
        ...

    @property
    def timestamp(self) -> datetime:
        """When it happened."""
        ...

    @property
    def properties(self) -> Mapping[str, str]:
        """More about it."""
        ...


class MemoryUsage:
    """Every event in a list, in the order it came."""

    def __init__(self) -> None:
        self._events: dict[str, Used] = {}

    def use(self, *events: Used) -> int:
        """Add events; returns how many were new (R5)."""
        before = len(self._events)
        for event in events:
            self._events.setdefault(event.transaction_id, event)
        return len(self._events) - before

    def measure(self, demands: Iterable[Demand]) -> Quantities:
        """Cumulative values of every group at every cut; raises Refused for a SQL metric."""
        demands = list(demands)
        for demand in demands:
            if demand.metric.sql is not None:
                self.check_sql(demand.metric.sql)
        return {demand.key: tuple(self._readings(demand)) for demand in demands}

    def measure_panels(self, panels: Sequence[Panel]) -> list[Increments]:
        """As ``measure``, answered as columns."""
        return measured_by(self.measure, panels)

    def total(self, demand: Demand) -> Decimal:
        """Ungrouped value of one demand at its last cut."""
        return _value(demand.metric, list(self._matching(demand)))

    def check_sql(self, sql: str) -> tuple[str, ...]:
        """Raises Refused: SQL metrics need the real store."""
        raise Refused("usage in memory does not evaluate SQL metrics", sql=sql[:40])

    def supposing(
        self, events: Iterable["Sent"], now: datetime, *, alone: bool = False
    ) -> "MemoryUsage":
        """A copy with ``events`` on top, or with nothing but them; ``now`` makes no difference."""
        copy = MemoryUsage()
        if not alone:
            copy.use(*self._events.values())
        for event in events:
            names = ("transaction_id", "customer_id", "event_type", "timestamp", "properties")
            copy.use(Used(**{name: getattr(event, name) for name in names}))
        assert now.tzinfo is not None, now
        return copy

    def latest(self) -> int:
        """How many events there are."""
        return len(self._events)

    def senders(self) -> Mapping[str, int]:
        """Event count by raw customer identifier."""
        return Counter(event.customer_id for event in self._events.values())

    def _readings(self, demand: Demand) -> Iterator[Reading]:
        groups: dict[Group, list[Used]] = {}
        for event in self._matching(demand):
            group = tuple(event.properties.get(key) for key in demand.group_keys)
            groups.setdefault(group, []).append(event)
        for group, events in groups.items():
            for at, cut in enumerate(demand.cuts[1:], start=1):
                seen = [event for event in events if event.timestamp < cut]
                if seen:
                    value = _value(demand.metric, seen)
                    yield Reading(key=demand.key, group=group, cut=at, value=value)

    def _matching(self, demand: Demand) -> Iterator[Used]:
        """Events of the period that pass metric and filters, oldest first (R33)."""
        for event in sorted(self._events.values(), key=lambda event: event.timestamp):
            if (
                event.customer_id in demand.customer_ids
                and demand.cuts[0] <= event.timestamp < demand.cuts[-1]
                and _is_of(demand.metric, event)
                and all(key in event.properties for key in demand.group_keys)
                and _is_let_through(demand, event)
            ):
                yield event


def _is_of(metric: Metric, event: Used) -> bool:
    if metric.event_types and event.event_type not in metric.event_types:
        return False
    if event.event_type in metric.not_event_types:
        return False
    return all(_passes(condition, event.properties) for condition in metric.filters)


def _passes(condition: PropertyFilter, properties: Mapping[str, str]) -> bool:
    found = properties.get(condition.name)
    if condition.exists is not None and condition.exists is not (found is not None):
        return False
    if condition.in_values and found not in condition.in_values:
        return False
    return found is None or found not in condition.not_in_values


def _is_let_through(demand: Demand, event: Used) -> bool:
    """The filter in force at the event's time decides; none before the first one (R105, R106)."""
    begun = [found for found in demand.filters if found.starting_at <= event.timestamp]
    if not begun:
        return True
    return event.properties.get(begun[-1].group_key) in begun[-1].group_values


def _value(metric: Metric, events: list[Used]) -> Decimal:
    match metric.aggregation:
        case Aggregation.COUNT:
            return Decimal(len(events))
        case Aggregation.SUM:
            return sum(_numbers(metric, events), ZERO)
        case Aggregation.MAX:
            return max([ZERO, *_numbers(metric, events)])
        case Aggregation.UNIQUE:
            return Decimal(
                len({event.properties.get(metric.key or "") for event in events} - {None})
            )
        case Aggregation.LATEST:
            return next(iter(reversed(list(_numbers(metric, events)))), ZERO)
        case None:
            raise Refused("usage in memory does not evaluate SQL metrics", metric=metric.id)
        case _:
            assert_never(metric.aggregation)


def _numbers(metric: Metric, events: list[Used]) -> Iterator[Decimal]:
    """Numeric values of the metric's key; an event without one contributes nothing (R25)."""
    for event in events:
        text = event.properties.get(metric.key or "")
        if text is None:
            continue
        try:
            yield exact(text)
        except Refused:
            continue
