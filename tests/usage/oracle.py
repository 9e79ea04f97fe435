"""The meaning of metering, written as loops over events: slow, obvious, independent of SQL."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from closedwon.billing.catalog.types import Aggregation, Metric
from closedwon.billing.rating.demand import Demand
from closedwon.usage.types import UsageEvent

Stored = tuple[UsageEvent, datetime]
"""An event and its instant of ingest, in order of ingest."""


def expected(
    demand: Demand, stored: Sequence[Stored], *, retroactive: bool = True
) -> dict[tuple[tuple[str, ...], int], Fraction]:
    """Cumulative value by (group, cut) for every group with a counted event, at every cut."""
    counted = [
        (event, at)
        for at, (event, ingested_at) in enumerate(stored)
        if event.customer_id in demand.customer_ids
        and demand.cuts[0] <= event.timestamp < demand.cuts[-1]
        and (retroactive or ingested_at >= demand.metric.created_at)
        and matches(demand.metric, event)
        and permitted(demand, event)
        and all(key in event.properties for key in demand.group_keys)
    ]
    groups = {tuple(event.properties[key] for key in demand.group_keys) for event, _ in counted}
    return {
        (group, cut): value(
            demand.metric,
            [
                (event, at)
                for event, at in counted
                if event.timestamp < demand.cuts[cut]
                and tuple(event.properties[key] for key in demand.group_keys) == group
            ],
        )
        for group in groups
        for cut in range(1, len(demand.cuts))
    }


def matches(metric: Metric, event: UsageEvent) -> bool:
    if metric.event_types and event.event_type not in metric.event_types:
        return False
    if event.event_type in metric.not_event_types:
        return False
    for one in metric.filters:
        found = event.properties.get(one.name)
        if one.exists is not None and one.exists is not (found is not None):
            return False
        if one.in_values and found not in one.in_values:
            return False
        if one.not_in_values and found in one.not_in_values:
            return False
    return True


def permitted(demand: Demand, event: UsageEvent) -> bool:
    in_force = None
    for one in sorted(demand.filters, key=lambda one: one.starting_at):
        if one.starting_at <= event.timestamp:
            in_force = one
    return in_force is None or event.properties.get(in_force.group_key) in in_force.group_values


def value(metric: Metric, counted: Sequence[tuple[UsageEvent, int]]) -> Fraction:
    if metric.aggregation is Aggregation.COUNT:
        return Fraction(len(counted))
    texts = [(event, at, event.properties.get(metric.key or "")) for event, at in counted]
    if metric.aggregation is Aggregation.UNIQUE:
        return Fraction(len({text for _, _, text in texts if text is not None}))
    numbers = [
        (event.timestamp, at, number)
        for event, at, text in texts
        if (number := parsed(text)) is not None
    ]
    if metric.aggregation is Aggregation.SUM:
        return sum((number for _, _, number in numbers), Fraction(0))
    if metric.aggregation is Aggregation.MAX:
        return max([Fraction(0), *(number for _, _, number in numbers)])
    return max(numbers)[2] if numbers else Fraction(0)


def parsed(text: str | None) -> Fraction | None:
    if text is None or not set(text) <= set("0123456789+-.eE"):
        return None
    try:
        return Fraction(text)
    except ValueError:
        return None
