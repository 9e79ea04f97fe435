"""The query against loops over events, for all inputs."""

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - the type; Hypothesis hands in the seeded one

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedwon.billing.catalog.types import Aggregation, Metric, PropertyFilter
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand
from closedwon.usage import UsageLog, open_usage
from closedwon.usage.types import UsageEvent
from usage.build import START, after
from usage.oracle import Stored, expected

NOW = after(days=30)
LATER = NOW + timedelta(hours=2)
INSTANTS = [
    after(hours=hours, microseconds=us) for hours in (0, 1, 2, 30, 31, 500) for us in (-1, 0, 1)
]
VALUES = [
    *("0", "1", "2.50", "-3", "7", "10", "0.1", "1e3", "n/a", "", " 1", "1_0", "12,5", ".5", "+4"),
    "123456789012345678901234567890",
    "0.000000000000000000000000000001",
]
ODD_NAME = "we/i~rd \"key'"


def some_events(random: Random, count: int) -> list[UsageEvent]:
    """Events most of which somebody asks for."""
    return [
        UsageEvent(
            transaction_id=str(at),
            customer_id=random.choice(["acme", "acme", "acme-eu", "other"]),
            event_type=random.choice(["call", "call", "call", "store", "x'; drop"]),
            timestamp=random.choice(INSTANTS),
            properties={
                name: random.choice(values)
                for name, values in (
                    ("n", VALUES),
                    ("region", ["us", "eu", "a'b"]),
                    (ODD_NAME, "xy"),
                )
                if random.random() < 0.85
            },
        )
        for at in range(count)
    ]


def a_filter(random: Random) -> PropertyFilter:
    return PropertyFilter(
        name=random.choice(["n", "region"]),
        exists=random.choice([None, True, True, False]),
        in_values=random.choice([(), (), ("us", "1", "a'b", "7", "10")]),
        not_in_values=random.choice([(), (), ("us", "7")]),
    )


def a_random_demand(random: Random, key: str) -> Demand:
    aggregation = random.choice(list(Aggregation))
    metric = Metric(
        id="m",
        name="m",
        aggregation=aggregation,
        key=None if aggregation is Aggregation.COUNT else random.choice(["n", "n", "n", "region"]),
        event_types=random.choice([(), ("call",), ("call", "x'; drop")]),
        not_event_types=random.choice([(), (), ("store",)]),
        filters=tuple(a_filter(random) for _ in range(random.choice([0, 0, 0, 1, 2]))),
        created_at=random.choice([START, START, LATER]),
    )
    cuts = sorted({*random.sample(INSTANTS, random.randint(1, 4)), random.choice(INSTANTS[-3:])})
    used = [
        UsageFilter(
            group_key=random.choice(["region", "n"]),
            group_values=random.choice([("us",), ("us", "eu"), ("1", "7"), ()]),
            starting_at=at,
        )
        for at in random.sample(INSTANTS, random.choice([0, 0, 0, 1, 2]))
    ]
    return Demand(
        key=key,
        metric=metric,
        customer_ids=random.choice([("acme",), ("acme", "acme-eu"), ("acme-eu", "acme", "acme")]),
        cuts=tuple(cuts),
        group_keys=random.choice(
            [(), (), ("region",), (ODD_NAME,), ("region", "n"), ("n", "region")]
        ),
        filters=tuple(used),
    )


def some_demands(random: Random) -> list[Demand]:
    demands = (a_random_demand(random, str(at)) for at in range(12))
    return [demand for demand in demands if len(demand.cuts) > 1]


def check(log: UsageLog, asked: Sequence[Demand], stored: Sequence[Stored]) -> None:
    answer = log.measure(asked)
    for demand in asked:
        wanted = expected(demand, stored, retroactive=log.options.metrics_retroactive)
        found = {(one.group, one.cut): one.value for one in answer[demand.key]}
        assert found.keys() <= wanted.keys()
        for group in {group for group, _ in wanted}:
            before = found.get((group, 1), 0)
            for cut in range(1, len(demand.cuts)):
                before = found.get((group, cut), before)
                assert before == wanted[group, cut], (demand, group, cut)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=True))
def test_every_demand_is_answered_as_by_hand(random: Random) -> None:
    events, asked = some_events(random, 60), some_demands(random)
    first = random.randint(0, 60)
    with tempfile.TemporaryDirectory() as directory:
        retroactive = random.random() < 0.5
        log = open_usage(directory, metrics_retroactive=retroactive, backdating_days=None)
        stored: list[Stored] = []
        for batch, now in ((events[:first], NOW), (events[first:], LATER)):
            assert log.ingest(batch, now).accepted == len(batch)
            stored += [(event, now) for event in batch]
            if random.random() < 0.5:
                log.seal(now, events_min=1)
        check(log, asked, stored)
        log.close()


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=True))
def test_order_delay_and_repetition_of_events_change_nothing(random: Random) -> None:
    """G6, but for ties of LATEST, where the order of ingest decides (R33)."""
    events = [
        msgspec.structs.replace(event, timestamp=event.timestamp + at * timedelta(milliseconds=1))
        for at, event in enumerate(some_events(random, 40))
    ]
    asked = some_demands(random)
    wild_order = random.sample(events + random.sample(events, 20), 60)
    with tempfile.TemporaryDirectory() as directory:
        straight, wild = (
            open_usage(Path(directory) / name, metrics_retroactive=True, backdating_days=None)
            for name in ("straight", "wild")
        )
        straight.ingest(events, NOW)
        wild.ingest(wild_order[:25], NOW)
        wild.seal(NOW, events_min=1)
        wild.ingest(wild_order[25:], NOW + timedelta(days=400))
        assert wild.measure(asked) == straight.measure(asked)
        straight.close()
        wild.close()
