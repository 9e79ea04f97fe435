"""Usage by window and group (R41-R43)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - the type; Hypothesis hands in the seeded one

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedwon.billing.catalog.types import Aggregation, Metric
from closedwon.billing.rating.demand import Demand, Quantities, Reading
from closedwon.kernel.errors import Refused
from closedwon.usage import UsageLog
from closedwon.usage.options import UsageOptions
from closedwon.usage.windows import (
    VALUES_MAX,
    UsageAsked,
    WindowSize,
    WindowValue,
    edges_between,
    window_edges,
    window_values,
)
from usage.build import START, a_metric, after, an_event

NOW = after(days=20)
KEYS = (("region", "model"),)


def asked(metric: Metric, *keys: str, **filters: tuple[str, ...]) -> UsageAsked:
    return UsageAsked(
        customer_id="acme",
        names=("acme", "acme-eu"),
        metric=metric,
        group_keys=keys,
        group_filters=filters,
    )


def values(log: UsageLog, one: UsageAsked, *edges: datetime) -> list[str | None]:
    found = log.windows([one], edges)
    return [None if row.value is None else str(row.value) for row in found]


def grouped(
    log: UsageLog, one: UsageAsked, *edges: datetime
) -> list[tuple[int, Mapping[str, str | None], str]]:
    found = window_values(log.measure, [one], edges)
    return [((row.start - START).days, row.group, str(row.value)) for row in found]


def used(log: UsageLog) -> None:
    rows = [
        (0, "5", "eu", "a"),
        (0, "7", "us", "a"),
        (1, "-2", "eu", "b"),
        (3, "4", "eu", "a"),
        (3, "0", "eu", "b"),
    ]
    log.ingest(
        [
            an_event(str(n), after(days=day, hours=n), n=value, region=region, model=model)
            for n, (day, value, region, model) in enumerate(rows)
        ],
        NOW,
    )


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("SUM", ["12", "-2", None, "4"]),
        ("COUNT", ["2", "1", None, "2"]),
        ("MAX", ["7", "0", None, "4"]),
        ("LATEST", ["7", "-2", None, "0"]),
        ("UNIQUE", ["2", "1", None, "2"]),
    ],
)
def test_r41_r43_every_window_has_its_own_value_and_none_without_usage(
    log: UsageLog, aggregation: str, expected: list[str | None]
) -> None:
    used(log)
    days = [after(days=n) for n in range(5)]
    assert values(log, asked(a_metric(aggregation)), *days) == expected


def test_r41_latest_is_the_absolute_value_of_a_window_not_its_change(log: UsageLog) -> None:
    log.ingest([an_event(str(n), after(days=n), n=str(10 - n)) for n in range(3)], NOW)
    days = [after(days=n) for n in range(4)]
    assert values(log, asked(a_metric("LATEST")), *days) == ["10", "9", "8"]


def test_r41_a_sql_metric_is_evaluated_in_each_window(log: UsageLog) -> None:
    used(log)
    sql = "SELECT AVG(properties.n) AS value, properties.region AS region FROM events GROUP BY 2"
    metric = Metric(id="m", name="m", sql=sql, group_keys=(("region",),), created_at=NOW)
    days = [after(days=n) for n in range(5)]
    assert values(log, asked(metric), *days) == ["12", "-2", None, "2"]
    assert grouped(log, asked(metric, "region", region=("eu",)), *days) == [
        (0, {"region": "eu"}, "5"),
        (1, {"region": "eu"}, "-2"),
        (3, {"region": "eu"}, "2"),
    ]
    assert values(log, asked(metric, region=("us", "none")), *days) == ["7", None, None, None]


def test_r42_compound_keys_and_filters(log: UsageLog) -> None:
    used(log)
    metric = a_metric(group_keys=KEYS)
    edges = (START, after(days=1), after(days=4))
    assert grouped(log, asked(metric, "region", "model"), *edges) == [
        (0, {"region": "eu", "model": "a"}, "5"),
        (0, {"region": "us", "model": "a"}, "7"),
        (1, {"region": "eu", "model": "a"}, "4"),
        (1, {"region": "eu", "model": "b"}, "-2"),
    ]
    assert grouped(log, asked(metric, "region", region=("eu",), model=("a", "c")), *edges) == [
        (0, {"region": "eu"}, "5"),
        (1, {"region": "eu"}, "4"),
    ]
    assert values(log, asked(metric, model=("b",)), *edges) == [None, "-2"]


def test_r42_at_most_200_values_and_only_keys_of_one_compound_key() -> None:
    metric = a_metric(group_keys=KEYS)
    many = tuple(str(n) for n in range(VALUES_MAX))
    assert asked(metric, "region", region=many)
    for values_ in ((*many, "x"), ()):
        with pytest.raises(Refused, match="1 to 200 values"):
            asked(metric, "region", region=values_)
    for keys in (("zone",), ("region", "region")):
        with pytest.raises(Refused, match="R35"):
            asked(metric, *keys)
    with pytest.raises(Refused, match="R35"):
        asked(metric, "region", zone=("a",))


@pytest.mark.parametrize(
    ("size", "count"), [(WindowSize.HOUR, 48), (WindowSize.DAY, 2), (WindowSize.NONE, 1)]
)
def test_r41_windows_rise_without_gaps_from_midnight_to_midnight(
    size: WindowSize, count: int
) -> None:
    edges = window_edges(size, START, after(days=2))
    assert (edges[0], edges[-1], len(edges)) == (START, after(days=2), count + 1)
    assert list(edges) == sorted(set(edges))


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (after(hours=1), after(days=2), "UTC midnight"),
        (START, after(days=1, seconds=1), "UTC midnight"),
        (START, START, "at least a day"),
        (after(days=2), START, "at least a day"),
    ],
)
def test_r41_other_bounds_are_refused(start: datetime, end: datetime, told: str) -> None:
    with pytest.raises(Refused, match=told):
        window_edges(WindowSize.DAY, start, end)


def test_r42_the_last_window_of_a_billing_period_may_be_short() -> None:
    edges = edges_between(WindowSize.DAY, after(hours=5), after(days=1, hours=7))
    assert edges == (after(hours=5), after(days=1, hours=5), after(days=1, hours=7))


def test_r41_a_question_has_a_limit() -> None:
    def never(_: Iterable[Demand]) -> Quantities:
        raise AssertionError

    edges = window_edges(WindowSize.HOUR, START, after(days=2100))
    with pytest.raises(Refused, match="more than 50000 windows"):
        window_values(never, [asked(a_metric())], edges)


def test_r41_customers_and_metrics_are_asked_for_in_one_question() -> None:
    calls: list[list[Demand]] = []

    def measure(demands: Iterable[Demand]) -> Quantities:
        calls.append(list(demands))
        return {
            one.key: (Reading(key=one.key, group=(), cut=1, value=Decimal(at)),)
            for at, one in enumerate(calls[-1])
        }

    rows: tuple[WindowValue, ...] = window_values(
        measure, [asked(a_metric()), asked(a_metric("COUNT"))], (START, NOW, after(days=30))
    )
    assert (len(calls), [row.value for row in rows]) == (1, [0, 1, 2, 3])


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=True))
def test_r41_r42_windows_and_groups_of_sums_add_up_to_the_whole(
    random: Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = UsageLog(tmp_path_factory.mktemp("usage"), UsageOptions(metrics_retroactive=True))
    log.ingest(
        [
            an_event(
                str(n),
                START + timedelta(seconds=random.randrange(3 * 86_400)),
                n=f"{random.randrange(-50, 50)}.{random.randrange(10)}",
                region=random.choice("ab"),
                model=random.choice("cd"),
            )
            for n in range(40)
        ],
        NOW,
    )
    metric = a_metric(aggregation=Aggregation.SUM, group_keys=KEYS)
    whole = window_values(log.measure, [asked(metric)], (START, after(days=3)))[0].value
    edges = window_edges(random.choice(list(WindowSize)), START, after(days=3))
    keys = random.choice([(), ("region",), ("region", "model")])
    parts = window_values(log.measure, [asked(metric, *keys)], edges)
    assert sum((row.value or Decimal(0) for row in parts), Decimal(0)) == whole
    log.close()
