"""The usage fake we ship, against the worked examples of the metric rules (R29-R36)."""

from decimal import Decimal

import pytest

from billing.world import at, metric
from build import event
from closedwon.billing.catalog.types import Aggregation, Metric, PropertyFilter
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand
from closedwon.kernel.errors import Refused
from closedwon.testing.usage import MemoryUsage

DAYS = (at("2024-01-01"), at("2024-01-02"), at("2024-01-03"), at("2024-01-04"))


def filled(*values: str) -> MemoryUsage:
    """One event at noon of each day."""
    usage = MemoryUsage()
    for day, value in zip(DAYS, values, strict=False):
        usage.use(event("c", "Calls", day.replace(hour=12), value))
    return usage


def demand(aggregation: Aggregation, **more: object) -> Demand:
    found = metric("Calls", aggregation)
    return Demand(**{"key": "k", "metric": found, "customer_ids": ("c",), "cuts": DAYS, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("aggregation", "values", "expected"),
    [
        (Aggregation.COUNT, ("7", "x", "9"), ["1", "2", "3"]),
        (Aggregation.SUM, ("7", "x", "-2.5"), ["7", "7", "4.5"]),
        (Aggregation.MAX, ("7", "9", "8"), ["7", "9", "9"]),
        (Aggregation.UNIQUE, ("7", "7", "8"), ["1", "1", "2"]),
        (Aggregation.LATEST, ("7", "x", "5"), ["7", "7", "5"]),
    ],
)
def test_values_are_cumulative_at_each_cut(
    aggregation: Aggregation, values: tuple[str, ...], expected: list[str]
) -> None:
    usage = filled(*values)
    readings = usage.measure([demand(aggregation)])["k"]

    assert [(r.cut, r.value) for r in readings] == [
        (at_cut, Decimal(value)) for at_cut, value in enumerate(expected, start=1)
    ]
    assert usage.total(demand(aggregation)) == Decimal(expected[-1])


def test_a_transaction_id_counts_once_and_other_senders_do_not_count() -> None:
    usage = filled("7")
    assert usage.use(event("c", "Calls", DAYS[0].replace(hour=12), "7")) == 0
    assert usage.use(event("other", "Calls", DAYS[0], "5"), event("c", "Else", DAYS[0], "5")) == 2
    assert (usage.latest(), dict(usage.senders())) == (3, {"c": 2, "other": 1})
    assert usage.total(demand(Aggregation.SUM)) == 7


def test_periods_are_half_open_r1() -> None:
    usage = MemoryUsage()
    usage.use(event("c", "Calls", DAYS[0], "1"), event("c", "Calls", DAYS[-1], "2"))
    assert usage.total(demand(Aggregation.SUM)) == 1


def test_groups_are_measured_apart_and_need_their_property_r36() -> None:
    usage = MemoryUsage()
    for region, value in (("eu", "1"), ("us", "2"), ("eu", "4")):
        usage.use(event("c", "Calls", DAYS[0], value, region=region))
    usage.use(event("c", "Calls", DAYS[0], "8"))
    readings = usage.measure([demand(Aggregation.SUM, group_keys=("region",))])["k"]

    assert {r.group: r.value for r in readings} == {("eu",): Decimal(5), ("us",): Decimal(2)}


@pytest.mark.parametrize(
    ("condition", "passes"),
    [
        (PropertyFilter(name="region", exists=True), {"eu", "us"}),
        (PropertyFilter(name="region", exists=False), {None}),
        (PropertyFilter(name="region", in_values=("eu",)), {"eu"}),
        (PropertyFilter(name="region", not_in_values=("eu",)), {"us", None}),
    ],
)
def test_property_filters_r29(condition: PropertyFilter, passes: set[str | None]) -> None:
    for region in ("eu", "us", None):
        usage = MemoryUsage()
        more = {} if region is None else {"region": region}
        usage.use(event("c", "Calls", DAYS[0], "1", **more))
        found = demand(
            Aggregation.SUM,
            metric=metric("Calls", filters=(condition,)),
        )
        assert usage.total(found) == (1 if region in passes else 0)


def test_the_usage_filter_of_an_events_own_time_decides_r106() -> None:
    usage = MemoryUsage()
    for day in DAYS[:3]:
        usage.use(*(event("c", "Calls", day, "1", region=region) for region in ("eu", "us")))
    filters = (
        UsageFilter(group_key="region", group_values=("us",), starting_at=DAYS[1]),
        UsageFilter(group_key="region", group_values=("eu", "us"), starting_at=DAYS[2]),
    )
    readings = usage.measure([demand(Aggregation.SUM, filters=filters)])["k"]

    assert [r.value for r in readings] == [2, 3, 5]


def test_r38_usage_in_memory_refuses_sql_even_without_events() -> None:
    counted = Metric(id="m", name="m", sql="SELECT COUNT(*) FROM events", created_at=DAYS[0])
    with pytest.raises(Refused, match="does not evaluate SQL"):
        MemoryUsage().measure([demand(Aggregation.COUNT, metric=counted)])
    with pytest.raises(Refused, match="does not evaluate SQL"):
        MemoryUsage().check_sql(counted.sql or "")


def test_r44_usage_in_memory_supposes_events_and_keeps_nothing() -> None:
    usage = filled("7")
    more = [event("c", "Calls", DAYS[1], "5"), event("c", "Calls", DAYS[0].replace(hour=12), "7")]
    assert usage.supposing(more, DAYS[2]).total(demand(Aggregation.SUM)) == 12
    assert usage.supposing(more[:1], DAYS[2], alone=True).total(demand(Aggregation.SUM)) == 5
    assert usage.total(demand(Aggregation.SUM)) == 7
