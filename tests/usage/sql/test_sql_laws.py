"""What the engine answers set-based is what the query says of the events one by one (R38, D3)."""

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - the type; Hypothesis hands in the seeded one

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedwon.billing.catalog.types import Metric
from closedwon.billing.rating.demand import Demand
from closedwon.usage import open_usage
from closedwon.usage.sql.evaluate import COLUMNS, Evaluation
from closedwon.usage.sql.parse import query_of
from closedwon.usage.sql.tree import Node, Query
from closedwon.usage.sql.values import UNITS_US, microseconds
from closedwon.usage.types import UsageEvent
from usage.build import START, after

NOW = after(days=30)
VALUES = [
    *("0", "1", "2.50", "-3", "7", "1e3", "n/a", "", "1_0", ".5", "+4"),
    "123456789012345678901234567890",
    "0.000000000000000000000000000001",
]
QUANTITIES = [
    *("COUNT(*)", "COUNT(properties.n)", "COUNT(DISTINCT properties.n)", "SUM(properties.n)"),
    *("MAX(properties.n)", "MIN(properties.n)", "AVG(properties.n)", "LATEST(properties.n)"),
    *("EARLIEST(properties.n)", "COUNT(DISTINCT CAST(properties.n AS DECIMAL))"),
    "SUM(properties.n * properties.n) - MIN(properties.n) / 3",
    "SUM(CASE WHEN properties.n > 1 THEN properties.n WHEN properties.region = 'us' THEN 1 END)",
    "SUM(CEIL(properties.n)) + COUNT(DISTINCT properties.region)",
    "LATEST(properties.n * 2) + EARLIEST(properties.n, timestamp)",
    "SUM(LEAST(properties.n, 5)) + AVG(GREATEST(properties.n, 0))",
]
CONDITIONS = [
    *("event_type = 'call'", "properties.region IN ('us', 'a''b')", "properties.n IS NOT NULL"),
    *("properties.n >= 1", "NOT (properties.region = 'us' OR properties.n = 'n/a')"),
    "properties.region <> 'us' AND properties.n NOT IN (7, 0)",
]
KEYS = [
    *("properties.region", "event_type", "DATE_TRUNC('day', timestamp)"),
    *("CASE WHEN properties.n > 1 THEN 'big' ELSE properties.region END", "properties.n"),
]


def a_query(random: Random) -> str:
    keys = random.sample(KEYS, random.choice([0, 0, 1, 2]))
    columns = [f"{random.choice(QUANTITIES)} AS value"]
    columns += [f"{key} AS k{n}" for n, key in enumerate(keys)]
    wheres = random.sample(CONDITIONS, random.choice([0, 0, 1, 2]))
    source = random.choice(["events", "(SELECT * FROM events WHERE event_type IN ('call', 'x'))"])
    sql = f"SELECT {', '.join(columns)} FROM {source}"
    sql += f" WHERE {' AND '.join(wheres)}" if wheres else ""
    sql += f" GROUP BY {', '.join(f'k{n}' for n in range(len(keys)))}" if keys else ""
    if keys and random.random() < 0.4:
        over = random.choice(["SUM(value)", "COUNT(*)", "MAX(value) - MIN(value)", "AVG(value)"])
        sql = f"SELECT {over} AS value, k0 FROM ({sql}) GROUP BY k0"
    return sql


def some_events(random: Random, count: int) -> list[UsageEvent]:
    return [
        UsageEvent(
            transaction_id=str(at),
            customer_id=random.choice(["acme", "acme", "acme-eu", "other"]),
            event_type=random.choice(["call", "call", "x", "x'; drop"]),
            timestamp=after(hours=random.choice([0, 1, 2, 30, 31, 500]), microseconds=at % 3),
            properties={
                name: random.choice(values)
                for name, values in (("n", VALUES), ("region", ["us", "eu", "a'b"]))
                if random.random() < 0.85
            },
        )
        for at in range(count)
    ]


def by_hand(
    query: Query, events: Sequence[UsageEvent], who: Sequence[str], until: datetime
) -> dict[tuple[str | None, ...], Decimal]:
    """The query over single events, in order of ingest."""
    level = query.level
    while level.inner is not None:
        level = level.inner
    read = (*level.where, *level.keys, *level.aggregates)
    leaves = tuple({leaf for node in read for leaf in node.leaves if leaf.op != "order"})
    rows = [
        (1, (stamp, at), (stamp, at), *(leaf_of(leaf, event) for leaf in leaves))
        for at, event in enumerate(events)
        if event.customer_id in who and event.timestamp < until
        for stamp in [microseconds(event.timestamp)]
    ]
    columns = {leaf: COLUMNS + at for at, leaf in enumerate(leaves)}
    return Evaluation(query, columns).answers(rows)


def leaf_of(leaf: Node, event: UsageEvent) -> object:
    if leaf.op == "property":
        return event.properties.get(leaf.value)
    if leaf.op == "event_type":
        return event.event_type
    stamp = microseconds(event.timestamp)
    return stamp if leaf.value is None else stamp - stamp % UNITS_US[leaf.value]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=True))
def test_r38_r39_every_query_is_answered_as_by_hand(random: Random) -> None:
    events = some_events(random, 60)
    first = random.randint(0, 60)
    asked = []
    for at in range(12):
        sql = a_query(random)
        cuts = (START, *sorted(random.sample([after(hours=h) for h in (1, 25, 40)], 2)), NOW)
        asked.append(
            Demand(
                key=str(at),
                metric=Metric(id="m", name="m", sql=sql, created_at=NOW),
                customer_ids=random.choice([("acme",), ("acme", "acme-eu"), ("other", "other")]),
                cuts=cuts,
                group_keys=query_of(sql).group_keys,
                whole_period=random.random() < 0.3,
            )
        )
    with tempfile.TemporaryDirectory() as directory:
        log = open_usage(directory, backdating_days=None)
        for batch in (events[:first], events[first:]):
            log.ingest(batch, NOW + timedelta(days=1))
            if random.random() < 0.5:
                log.seal(NOW, events_min=1)
        found = log.measure(asked)
        log.close()
    for demand in asked:
        check(demand, events, {(one.group, one.cut): one.value for one in found[demand.key]})


def check(demand: Demand, events: Sequence[UsageEvent], found: dict[object, Decimal]) -> None:
    query = query_of(demand.metric.sql or "")
    last = len(demand.cuts) - 1
    held: dict[tuple[str | None, ...], Decimal] = {}
    for cut in [last] if demand.whole_period else range(1, last + 1):
        wanted = by_hand(query, events, demand.customer_ids, demand.cuts[cut])
        for group in {*wanted, *held, *(g for g, _ in found)}:  # type: ignore[misc]
            held[group] = found.get((group, cut), held.get(group, Decimal(0)))
            assert held[group] == wanted.get(group, 0), (demand.metric.sql, group, cut)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=True))
def test_r38_asking_together_or_alone_and_in_any_order_of_ingest_is_the_same(
    random: Random,
) -> None:
    events = [
        msgspec.structs.replace(event, timestamp=event.timestamp + at * timedelta(milliseconds=1))
        for at, event in enumerate(some_events(random, 40))
    ]
    demands = [
        Demand(
            key=f"{at}/{who}",
            metric=Metric(id="m", name="m", sql=sql, created_at=NOW),
            customer_ids=(who,),
            cuts=(START, after(hours=25), NOW),
        )
        for at, sql in enumerate(a_query(random) for _ in range(4))
        for who in ("acme", "other")
    ]
    with tempfile.TemporaryDirectory() as directory:
        logs = [open_usage(f"{directory}/{n}", backdating_days=None) for n in range(2)]
        logs[0].ingest(events, NOW)
        logs[1].ingest(random.sample(events, len(events)), NOW)
        together = logs[0].measure(demands)
        assert together == {d.key: logs[0].measure([d])[d.key] for d in demands}
        assert together == logs[1].measure(demands)
        for log in logs:
            log.close()
