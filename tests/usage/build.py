"""Events, metrics and demands with defaults; a test states only what matters."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from closedwon.billing.catalog.types import Aggregation, Metric, PropertyFilter
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand
from closedwon.usage import UsageLog
from closedwon.usage.types import UsageEvent

START = datetime(2024, 3, 1, tzinfo=UTC)
END = datetime(2024, 4, 1, tzinfo=UTC)


def after(**span: float) -> datetime:
    return START + timedelta(**span)


def an_event(
    transaction_id: str,
    at: datetime = START,
    *,
    customer: str = "acme",
    kind: str = "call",
    **properties: str,
) -> UsageEvent:
    return UsageEvent(
        transaction_id=transaction_id,
        customer_id=customer,
        event_type=kind,
        timestamp=at,
        properties=properties,
    )


def a_metric(
    aggregation: str = "SUM",
    *,
    key: str = "n",
    event_types: Sequence[str] = ("call",),
    not_event_types: Sequence[str] = (),
    filters: Sequence[PropertyFilter] = (),
    group_keys: Sequence[tuple[str, ...]] = (),
    created_at: datetime = START,
) -> Metric:
    return Metric(
        id="metric",
        name="metric",
        aggregation=Aggregation(aggregation),
        key=None if aggregation == "COUNT" else key,
        event_types=tuple(event_types),
        not_event_types=tuple(not_event_types),
        filters=tuple(filters),
        group_keys=tuple(group_keys),
        created_at=created_at,
    )


def a_demand(
    metric: Metric,
    *,
    key: str = "d",
    customers: Sequence[str] = ("acme",),
    cuts: Sequence[datetime] = (START, END),
    group: Sequence[str] = (),
    filters: Sequence[UsageFilter] = (),
) -> Demand:
    return Demand(
        key=key,
        metric=metric,
        customer_ids=tuple(customers),
        cuts=tuple(cuts),
        group_keys=tuple(group),
        filters=tuple(filters),
    )


def at_cuts(log: UsageLog, demand: Demand) -> dict[tuple[tuple[str | None, ...], int], Decimal]:
    """The answer with left-out cuts filled in: the value before holds, zero before the first."""
    found = {(one.group, one.cut): one.value for one in log.measure([demand])[demand.key]}
    filled = {}
    for group in {group for group, _ in found}:
        value = Decimal(0)
        for cut in range(1, len(demand.cuts)):
            value = found.get((group, cut), value)
            filled[group, cut] = value
    return filled
