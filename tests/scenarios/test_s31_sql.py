"""S31: SQL metrics on the real usage log: granularity, groups, falling values, a swap (R38-R40)."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.world import (
    EPOCH,
    at,
    commit,
    dollars,
    fixed_product,
    rate,
    span,
    usage_product,
)
from build import Setup, add_catalog, add_customer
from closedwon.billing.catalog.types import Metric, ProductVersion, Rate
from closedwon.billing.contracts.terms import Commit, UsageFilter
from closedwon.engine import Engine
from closedwon.store.database import open_database
from closedwon.store.migrations import migrate
from closedwon.usage import UsageLog, open_usage
from closedwon.usage.types import UsageEvent
from scenarios.stage import Stage, applied, usage_lines

D = Decimal
SUM = "SELECT SUM(properties.value) AS value FROM events WHERE event_type = 'use'"
AVG = "SELECT AVG(properties.value) AS value FROM events WHERE event_type = 'use'"
Used = tuple[str, str]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[UsageLog]:
    found = open_usage(tmp_path / "usage", threads=1)
    yield found
    found.close()


def sql(name: str, query: str, *keys: str) -> Metric:
    groups = (keys,) if keys else ()
    return Metric(id=name, name=name, sql=query, group_keys=groups, created_at=EPOCH)


def metered(
    log: UsageLog,
    metric: Metric,
    *used: Used,
    rates: tuple[Rate, ...] = (),
    commits: tuple[Commit, ...] = (),
    others: tuple[Metric, ...] = (),
    contract: dict[str, Any] | None = None,
    **product: Any,
) -> Stage:
    db = open_database(":memory:")
    migrate(db)
    engine = Engine(db, log)
    add_catalog(
        engine,
        [usage_product("X", metric_id=metric.id, **product), fixed_product("commit")],
        [metric, *others],
        rates or [rate("X", "1000")],
    )
    add_customer(engine)
    ingest(log, *used)
    scene = Stage(Setup(engine, log, db))  # type: ignore[arg-type]
    scene.sign("k", span("2025-01-01"), signed="2024-12-20", commits=commits, **(contract or {}))
    return scene


def ingest(log: UsageLog, *used: Used, **properties: str) -> None:
    events = [
        UsageEvent(
            transaction_id=f"{when}/{value}/{number}/{properties}",
            customer_id="customer",
            event_type="use",
            timestamp=at(when),
            properties={"value": value, **properties},
        )
        for number, (when, value) in enumerate(used)
    ]
    report = log.ingest(events, at("2025-06-01"), any_age=True)
    assert report.rejected == ()


def january(scene: Stage, now: str = "2025-02-02") -> Decimal:
    scene.live(now, now)
    return dollars(scene.usage("2025-01-01").total)


THREE = (("2025-01-01T05:00:00", "5"), ("2025-01-02T05:00:00", "10"), ("2025-01-03T05:00:00", "15"))
DEARER = (rate("X", "1000"), rate("X", "2000", span("2025-01-15"), id="dearer"))


def test_s31_r39_by_the_hour_each_increment_at_its_own_price(log: UsageLog) -> None:
    """5 + 10 + 15 = 30, all before the 15th: 30 x $10 = $300; the credit of day 2 pays 10 x $10."""
    credit = commit("day2", ("1000", "2025-01-02", "2025-01-03"))
    scene = metered(
        log, sql("s", SUM), *THREE, rates=DEARER, commits=(credit,), sql_granularity="HOUR"
    )

    assert january(scene) == 200
    assert applied(scene.usage("2025-01-01")) == [("day2", D(-100))]
    assert scene.ledger("day2")[1:] == [
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-01-03", D(-100)),
        ("EXPIRATION", "2025-01-03", D(-900)),
    ]


def test_s31_r39_once_a_period_everything_at_its_last_instant(log: UsageLog) -> None:
    """30 x $20 = $600; a credit of day 2 misses it, one over the month's last hour pays $50."""
    day2 = commit("day2", ("1000", "2025-01-02", "2025-01-03"))
    last = commit("last", ("50", "2025-01-31T23:00:00", "2025-02-01"))
    scene = metered(log, sql("s", SUM), *THREE, rates=DEARER, commits=(day2, last))

    assert january(scene) == 550
    assert applied(scene.usage("2025-01-01")) == [("last", D(-50))]
    assert [x[1] for x in usage_lines(scene.usage("2025-01-01")) if x[3]] == [
        D("2.5"),
        D("27.5"),
    ]


def test_s31_r39_a_balance_that_ended_before_the_last_instant_pays_nothing(log: UsageLog) -> None:
    """Jan 1..Jan 31 23:00 covers every event and not the instant they are billed at: $300 due."""
    early = commit("early", ("1000", "2025-01-01", "2025-01-31T23:00:00"))
    scene = metered(log, sql("s", SUM), *THREE, commits=(early,))

    assert january(scene) == 300


def test_s31_r39_an_average_falls_as_well(log: UsageLog) -> None:
    """4 on day 1, 6 on day 2, 2 on day 20: +4, +1 (5), then 4 - 5 = -1: at $10 and $20 from the 15th.

    By the hour: 5 x 10 - 1 x 20 = $30; once: 4 x 20 = $80.
    """
    used = (("2025-01-01", "4"), ("2025-01-02", "6"), ("2025-01-20", "2"))
    hourly = metered(log, sql("s", AVG), *used, rates=DEARER, sql_granularity="HOUR")
    assert january(hourly) == 30
    once = metered(log, sql("s", AVG), rates=DEARER)
    assert january(once) == 80


def test_s31_r164_a_falling_average_restores_no_balance(log: UsageLog) -> None:
    """$50 credit pays the +5 (at $10); the -1 after the 15th (at $20) stays at -$20 due."""
    used = (("2025-01-01", "4"), ("2025-01-02", "6"), ("2025-01-20", "2"))
    credit = commit("c", ("50", "2025-01-01", "2026-01-01"))
    scene = metered(
        log, sql("s", AVG), *used, rates=DEARER, commits=(credit,), sql_granularity="HOUR"
    )

    assert january(scene) == -20
    assert scene.left("2025-02-02") == {"c": 0}


def test_s31_r40_a_swap_in_the_middle_of_the_month(log: UsageLog) -> None:
    """A = avg(value): 4, 6 -> 5. Swap on the 15th to B = avg(other): 10 on the 15th, 12 on the 16th.

    Cumulative 5 + 10 = 15, then 5 + 11 = 16: 16 x $10 = $160.
    """
    old = sql("a", AVG)
    new = sql("b", AVG.replace("properties.value", "properties.other"))
    used = (("2025-01-01", "4"), ("2025-01-02", "6"))
    scene = metered(log, old, *used, others=(new,), sql_granularity="HOUR")
    swapped = ProductVersion(
        starting_at=at("2025-01-15"), name="X", metric_id="b", sql_granularity="HOUR"
    )
    scene.world.engine.update_product("p-X", swapped, at("2025-01-05"))
    for when, other in (("2025-01-15", "10"), ("2025-01-16", "12")):
        ingest(log, (when, "x"), other=other)

    assert january(scene) == 160


def test_s31_r38_r62_groups_by_column_are_lines_of_their_own(log: UsageLog) -> None:
    """Distinct users by region: eu {a, b}, us {a}: two lines, 2 and 1, at $10: $30."""
    query = (
        "SELECT COUNT(DISTINCT properties.user) AS value, properties.region AS region "
        "FROM events GROUP BY region"
    )
    scene = metered(log, sql("s", query, "region"), presentation_group_key=("region",))
    for number, (user, region) in enumerate((("a", "eu"), ("b", "eu"), ("a", "us"), ("a", "us"))):
        ingest(log, (f"2025-01-0{number + 1}", "1"), user=user, region=region)

    assert january(scene) == 30
    assert sorted(x[1] for x in usage_lines(scene.usage("2025-01-01")) if x[1]) == [1, 2]


def test_s31_r1_r38_an_event_at_the_end_is_the_next_periods(log: UsageLog) -> None:
    """7 at Jan 31 23:59:59, 9 at Feb 1 00:00:00: January $70, February $90."""
    scene = metered(log, sql("s", SUM), ("2025-01-31T23:59:59", "7"), ("2025-02-01T00:00:00", "9"))

    assert january(scene) == 70
    scene.live("2025-03-02", "2025-03-02")
    assert dollars(scene.usage("2025-02-01").total) == 90


def test_s31_r26_r38_a_correction_and_nothing_at_all(log: UsageLog) -> None:
    """SUM 5 - 8 = -3: -$30 without a clamp; no event in February: one line of 0, $0."""
    scene = metered(log, sql("s", SUM), ("2025-01-03", "5"), ("2025-01-04", "-8"))

    assert january(scene) == -30
    scene.live("2025-03-02", "2025-03-02")
    assert [(x[0], x[1]) for x in usage_lines(scene.usage("2025-02-01"))] == [("X", D(0))]


@pytest.mark.parametrize(("function", "due"), [("MAX", 90), ("MIN", 20), ("LATEST", 50)])
def test_s31_r38_other_aggregates_of_the_month(log: UsageLog, function: str, due: int) -> None:
    """7, 9, 2, 5: highest 9, lowest 2, last 5, at $10; hourly increments sum to the same."""
    used = (("2025-01-01", "7"), ("2025-01-05", "9"), ("2025-01-10", "2"), ("2025-01-20", "5"))
    query = SUM.replace("SUM", function)
    hourly = metered(log, sql("s", query), *used, sql_granularity="HOUR")
    once = metered(log, sql("s", query))

    assert january(hourly) == january(once) == due


def test_s31_r105_a_usage_filter_over_a_property(log: UsageLog) -> None:
    """5 in US, 9 in EU, 2 without a region: filter US: $50."""
    filtered = UsageFilter(group_key="region", group_values=("US",), starting_at=at("2025-01-01"))
    query = SUM.replace("AS value", "AS value, properties.region AS region") + " GROUP BY region"
    scene = metered(
        log,
        sql("s", query, "region"),
        contract={"usage_filter": filtered},
        sql_granularity="HOUR",
    )
    ingest(log, ("2025-01-05", "5"), region="US")
    ingest(log, ("2025-01-05", "9"), region="EU")
    ingest(log, ("2025-01-05", "2"))

    assert january(scene) == 50
