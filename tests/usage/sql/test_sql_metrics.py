"""SQL metrics over stored events: worked examples (R38, R39, R43)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from closedwon.billing.catalog.types import Metric
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand
from closedwon.kernel.errors import Refused
from closedwon.usage import UsageLog
from closedwon.usage.options import UsageOptions
from closedwon.usage.sql import evaluate
from usage.build import END, START, a_demand, a_metric, after, an_event, at_cuts

NOW = after(days=20)


def sql_metric(sql: str) -> Metric:
    return Metric(id="m", name="m", sql=sql, created_at=NOW)


def value(log: UsageLog, sql: str) -> Decimal | None:
    """The ungrouped quantity of the whole month; None without any."""
    found = log.measure([a_demand(sql_metric(sql))])["d"]
    return found[-1].value if found else None


def by_group(log: UsageLog, sql: str, *keys: str) -> Mapping[tuple[str | None, ...], str]:
    found = log.measure([a_demand(sql_metric(sql), group=keys)])["d"]
    return {one.group: str(one.value) for one in found}


def used(log: UsageLog, *values: str, **more: str) -> None:
    """One event per day from the first one on."""
    log.ingest(
        [an_event(f"{more}{n}", after(days=n), n=one, **more) for n, one in enumerate(values)], NOW
    )


def readings(log: UsageLog, demand: Demand) -> list[tuple[int, str]]:
    return [(one.cut, str(one.value)) for one in log.measure([demand])[demand.key]]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("COUNT(*)", "6"),
        ("COUNT(properties.n)", "6"),
        ("COUNT(DISTINCT properties.n)", "6"),
        ("COUNT(DISTINCT CAST(properties.n AS DECIMAL))", "4"),
        ("SUM(properties.n)", "10.5"),
        ("MAX(properties.n)", "7"),
        ("MIN(properties.n)", "-3.5"),
        ("AVG(properties.n)", "2.1"),
        ("EARLIEST(properties.n)", "2"),
        ("LATEST(properties.n)", "3"),
        ("SUM(properties.n) * 2 - COUNT(*) / 4", "19.5"),
        ("SUM(LEAST(properties.n, 2))", "6.5"),
        ("SUM(GREATEST(properties.n, 0, properties.missing))", "14"),
        ("SUM(ROUND(properties.n / 3, 1))", "3.5"),
        ("SUM(CEIL(properties.n / 3))", "5"),
        ("SUM(FLOOR(properties.n / 3))", "1"),
        ("SUM(CAST(properties.n AS INTEGER))", "10"),
        ("SUM(CASE WHEN properties.n > 2 THEN properties.n ELSE 1 END)", "14"),
        ("SUM(CASE WHEN properties.n IN (2, 7) THEN 1 END)", "3"),
        ("SUM(CASE WHEN NOT properties.n <= 2 OR properties.n IS NULL THEN 1 ELSE 0 END)", "2"),
        ("SUM(properties.n) / 0", None),
        ("SUM(properties.missing)", None),
    ],
)
def test_r38_functions_and_operators(log: UsageLog, quantity: str, expected: str | None) -> None:
    used(log, "2", "7", "2.0", "-3.5", "n/a", "3")
    found = value(log, f"SELECT {quantity} AS value FROM events WHERE event_type = 'call'")
    assert found == (None if expected is None else Decimal(expected))


def test_r38_averages_and_quotients_keep_at_least_28_digits(log: UsageLog) -> None:
    used(log, "1", "0", "0")
    third = Decimal("0.3333333333333333333333333333")
    assert value(log, "SELECT AVG(properties.n) FROM events") == third
    assert value(log, "SELECT SUM(properties.n / 3) FROM events") == third


def test_r38_sums_keep_every_digit(log: UsageLog) -> None:
    used(log, "0.1", "0.2", "123456789012345678901234567890", "0.000000000000000000000000000001")
    expected = Decimal("123456789012345678901234567890.300000000000000000000000000001")
    assert value(log, "SELECT SUM(properties.n) FROM events") == expected
    assert value(log, "SELECT SUM(properties.n * 1) FROM events") == expected


def test_r38_unused_columns_are_summed_over(log: UsageLog) -> None:
    used(log, "2", "4", region="eu", model="a")
    used(log, "10", region="us", model="a")
    used(log, "1", region="eu", model="b")
    sql = (
        "SELECT AVG(properties.n) AS value, properties.region AS region, properties.model AS model"
        " FROM events GROUP BY region, model"
    )
    assert by_group(log, sql, "region", "model") == {
        ("eu", "a"): "3",
        ("us", "a"): "10",
        ("eu", "b"): "1",
    }
    assert by_group(log, sql, "region") == {("eu",): "4", ("us",): "10"}
    assert by_group(log, sql) == {(): "14"}


def test_r36_a_null_group_of_a_sql_metric_is_a_null_presentation_value(log: UsageLog) -> None:
    used(log, "2", region="eu")
    used(log, "5")
    sql = "SELECT SUM(properties.n), properties.region AS region FROM events GROUP BY region"
    assert by_group(log, sql, "region") == {("eu",): "2", (None,): "5"}


def test_r38_sub_selects_group_by_user_and_day(log: UsageLog) -> None:
    log.ingest(
        [
            an_event(f"{user}{hour}", after(hours=hour), u=user, n=str(hour))
            for user in ("ann", "bob")
            for hour in (1, 5, 25)
        ],
        NOW,
    )
    peaks = (
        "SELECT SUM(peak) AS value, day FROM (SELECT MAX(properties.n) AS peak, properties.u AS u,"
        " DATE_TRUNC('day', timestamp) AS day FROM events GROUP BY u, day) GROUP BY day"
    )
    assert by_group(log, peaks, "day") == {
        ("2024-03-01T00:00:00+00:00",): "10",
        ("2024-03-02T00:00:00+00:00",): "50",
    }
    assert value(log, peaks) == 60


def test_r38_a_status_that_was_left_is_no_longer_counted(log: UsageLog) -> None:
    """A group can disappear: what it had is taken back."""
    events = [
        an_event("1", after(days=1), vm="a", status="on"),
        an_event("2", after(days=1), vm="b", status="on"),
        an_event("3", after(days=6), vm="a", status="off"),
        an_event("4", after(days=6), vm="b", status="off"),
    ]
    log.ingest(events, NOW)
    sql = (
        "SELECT COUNT(*) AS value, status FROM (SELECT LATEST(properties.status) AS status,"
        " properties.vm AS vm FROM events GROUP BY vm) GROUP BY status"
    )
    demand = a_demand(sql_metric(sql), group=("status",), cuts=(START, after(days=5), END))
    found = {(one.group, one.cut): one.value for one in log.measure([demand])["d"]}
    assert found == {(("on",), 1): 2, (("on",), 2): 0, (("off",), 2): 2}
    only_on = UsageFilter(group_key="status", group_values=("on",), starting_at=START)
    demand = a_demand(sql_metric(sql), filters=(only_on,), cuts=(START, after(days=5), END))
    assert readings(log, demand) == [(1, "2"), (2, "0")]


def test_r38_distinct_values_are_counted_once_per_group(log: UsageLog) -> None:
    used(log, "a", "b", "a", region="eu")
    used(log, "a", "a", region="us")
    counted = "COUNT(DISTINCT properties.n) AS value"
    by_region = f"SELECT {counted}, properties.region AS r FROM events GROUP BY r"
    assert by_group(log, by_region, "r") == {("eu",): "2", ("us",): "1"}
    assert value(log, f"SELECT {counted} FROM events") == 2
    upper = "CASE WHEN properties.region = 'eu' THEN 'EU' ELSE 'EU' END"
    folded = f"SELECT {counted}, {upper} AS r FROM events GROUP BY r"
    assert by_group(log, folded, "r") == {("EU",): "2"}


def test_r33_r38_ties_of_latest_and_earliest_go_by_ingest(log: UsageLog) -> None:
    for number in ("3", "9", "4"):
        log.ingest([an_event(number, after(days=1), n=number)], NOW)
    assert value(log, "SELECT LATEST(properties.n) FROM events") == 4
    assert value(log, "SELECT EARLIEST(properties.n) FROM events") == 3
    assert value(log, "SELECT LATEST(properties.n + 0) FROM events") == 4


def test_r39_hour_granularity_is_the_value_since_the_start_at_every_cut(log: UsageLog) -> None:
    """Values 5, 10, 15 on days 1-3; the price changes on day 15."""
    used(log, "5", "10", "15")
    metric = sql_metric("SELECT SUM(properties.n) AS value FROM events")
    cuts = (START, after(days=1), after(days=2), after(days=15), END)
    assert readings(log, a_demand(metric, cuts=cuts)) == [(1, "5"), (2, "15"), (3, "30")]


def test_r39_an_average_can_fall(log: UsageLog) -> None:
    used(log, "4", "6", "2")
    metric = sql_metric("SELECT AVG(properties.n) FROM events")
    demand = a_demand(metric, cuts=(START, *(after(days=n) for n in (1, 2, 3)), END))
    assert readings(log, demand) == [(1, "4"), (2, "5"), (3, "4")]


def test_r39_service_period_is_evaluated_once_and_lands_on_the_last_instant(
    log: UsageLog,
) -> None:
    used(log, "5", "10", "15")
    demand = Demand(
        key="d",
        metric=sql_metric("SELECT SUM(properties.n) FROM events"),
        customer_ids=("acme",),
        cuts=(START, after(days=1), after(days=15), END),
        whole_period=True,
    )
    assert readings(log, demand) == [(3, "30")]


def test_r43_a_query_over_no_events_has_no_value(log: UsageLog) -> None:
    used(log, "1")
    assert value(log, "SELECT COUNT(*) + 5 FROM events WHERE event_type = 'none'") is None
    assert value(log, "SELECT COUNT(*) + 5 FROM events WHERE properties.n > 1") is None
    assert value(log, "SELECT COUNT(*) + 5 FROM events") == 6


def test_r27_sql_metrics_see_events_that_came_before_them(tmp_path: Path) -> None:
    log = UsageLog(tmp_path, UsageOptions(metrics_retroactive=False))
    used(log, "1", "2")
    metric = Metric(
        id="m", name="m", sql="SELECT SUM(properties.n) FROM events", created_at=after(days=25)
    )
    assert readings(log, a_demand(metric)) == [(1, "3")]
    log.close()


def test_r105_r106_usage_filters_let_through_what_is_added_while_they_hold(log: UsageLog) -> None:
    used(log, "1", "2", "4", "8", region="eu")
    used(log, "10", "20", "40", "80", region="us")
    sql = "SELECT SUM(properties.n), properties.region AS region FROM events GROUP BY region"
    filters = (
        UsageFilter(group_key="region", group_values=("us",), starting_at=after(days=1)),
        UsageFilter(group_key="region", group_values=("eu",), starting_at=after(days=3)),
    )
    demand = a_demand(sql_metric(sql), filters=filters, cuts=(START, after(days=2), END))
    assert readings(log, demand) == [(1, "31"), (2, "79")]  # 11 + 20; then 40 + 8


def test_r24_every_alias_of_a_customer_counts_and_nobody_else(log: UsageLog) -> None:
    log.ingest([an_event(name, n="1", customer=name) for name in ("acme", "acme-eu", "other")], NOW)
    metric = sql_metric("SELECT SUM(properties.n) FROM events")
    demands = [
        a_demand(metric, key="both", customers=("acme", "acme-eu", "acme")),
        a_demand(metric, key="other", customers=("other",)),
        a_demand(metric, key="none", customers=("nobody",)),
    ]
    found = log.measure(demands)
    assert [[str(one.value) for one in found[d.key]] for d in demands] == [["2"], ["1"], []]


def test_r38_a_group_key_must_be_a_column_of_the_query(log: UsageLog) -> None:
    metric = sql_metric("SELECT COUNT(*), properties.region AS region FROM events GROUP BY region")
    with pytest.raises(Refused, match="no column of it"):
        log.measure([a_demand(metric, group=("zone",))])
    wrong = UsageFilter(group_key="zone", group_values=("a",), starting_at=START)
    with pytest.raises(Refused, match="no column of it"):
        log.measure([a_demand(metric, filters=(wrong,))])


def test_r38_too_many_groups_are_refused(log: UsageLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "GROUPS_MAX", 2)
    used(log, "1", "2", "3")
    with pytest.raises(Refused, match="more than 2 groups"):
        value(log, "SELECT COUNT(*), properties.n AS n FROM events GROUP BY n")


def test_r38_a_query_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    log = UsageLog(tmp_path, UsageOptions(sql_seconds_max=0.0, backdating_days=None))
    many = [an_event(str(n), after(seconds=n), n=str(n)) for n in range(50_000)]
    log.ingest(many, NOW)
    with pytest.raises(Refused, match="took longer than 0 s"):
        value(log, "SELECT SUM(properties.n * properties.n) FROM events")
    assert readings(log, a_demand(a_metric("COUNT"))) == [(1, "50000")]  # The store goes on.
    log.close()


@pytest.mark.parametrize("cut", [START, after(days=40)])
def test_r38_sealed_events_count_like_others(log: UsageLog, cut: datetime) -> None:
    used(log, "1", "2")
    log.seal(NOW, events_min=1)
    used(log, "4", region="eu")
    metric = sql_metric("SELECT SUM(properties.n) FROM events")
    assert at_cuts(log, a_demand(metric, cuts=(START, after(days=50)))) == {((), 1): Decimal(7)}
