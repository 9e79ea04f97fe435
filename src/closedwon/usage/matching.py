"""Whether one event is usage of a metric (R29)."""

from collections.abc import Mapping

from closedwon.billing.catalog.types import Metric, PropertyFilter
from closedwon.usage.types import UsageEvent


def matches(metric: Metric, event: UsageEvent) -> bool:
    """Whether the event type and every property filter pass; of SQL metrics nobody can say."""
    if metric.sql is not None:
        return False
    listed = not metric.event_types or event.event_type in metric.event_types
    if not listed or event.event_type in metric.not_event_types:
        return False
    return all(_passes(one, event.properties) for one in metric.filters)


def _passes(condition: PropertyFilter, properties: Mapping[str, str]) -> bool:
    """Compared as text; ``not_in_values`` lets an absent property pass."""
    found = properties.get(condition.name)
    if condition.exists is not None and condition.exists is not (found is not None):
        return False
    if condition.in_values and found not in condition.in_values:
        return False
    return found is None or found not in condition.not_in_values
