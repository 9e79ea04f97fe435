"""Usage and who it belongs to, asked of the engine (R20-R24, R28, R41-R43)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from billing.world import EPOCH, at, metric, rate, span, usage_product
from build import add_catalog, add_customer
from closedwon.billing.catalog.types import PropertyFilter
from closedwon.billing.contracts.edits import Create
from closedwon.engine import Engine
from closedwon.engine.usage_queries import MetricAsked
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.instant import Interval
from closedwon.store.database import open_database
from closedwon.store.migrations import migrate
from closedwon.usage import UsageLog
from closedwon.usage.options import UsageOptions
from closedwon.usage.types import UsageEvent
from closedwon.usage.windows import WindowSize

NOW = at("2024-01-20")
CALLS = MetricAsked(metric_id="m-Calls")


@pytest.fixture
def usage(tmp_path: Path) -> Iterator[UsageLog]:
    found = UsageLog(tmp_path, UsageOptions())
    yield found
    found.close()


@pytest.fixture
def engine(usage: UsageLog) -> Engine:
    db = open_database(":memory:")
    migrate(db)
    found = Engine(db, usage)
    by_region = metric(
        "Calls",
        group_keys=(("region",),),
        filters=(PropertyFilter(name="value", exists=True),),
    )
    add_catalog(
        found,
        [usage_product("Calls"), usage_product("Space")],
        [by_region, metric("Space")],
        [rate("Calls", "10"), rate("Space", "3")],
    )
    add_customer(found, "ann", ingest_aliases=("ann-1",))
    add_customer(found, "bob")
    create = Create(customer_id="ann", term=span("2024-01-01"), rate_card_id="card")
    found.create_contract("k", create, by="test", now=EPOCH)
    return found


def use(usage: UsageLog, day: str, value: str, customer: str = "ann", **more: str) -> None:
    usage.ingest(
        [
            UsageEvent(
                transaction_id=f"{day}/{customer}/{value}",
                customer_id=customer,
                event_type="Calls",
                timestamp=at(day),
                properties={"value": value, **more},
            )
        ],
        max(NOW, at(day)),
    )


def billed(engine: Engine, customer: str, now: datetime = NOW) -> int:
    lines = [line for i in engine.bill(customer, now).invoices for line in i.lines]
    return int(sum(line.quantity or 0 for line in lines if line.name == "Calls"))


def test_r20_late_usage_of_a_final_period_is_shown_and_not_billed(
    engine: Engine, usage: UsageLog
) -> None:
    use(usage, "2024-01-05", "4")
    later = at("2024-02-03")
    assert engine.finalize(later).invoices == 1
    final = engine.invoices("ann")
    use(usage, "2024-01-06", "7")

    assert engine.invoices("ann") == final
    assert billed(engine, "ann", later) == 0
    span_ = Interval(at("2024-01-01"), at("2024-02-01"))
    (row,) = engine.usage_queries.windows(["ann"], [CALLS], WindowSize.NONE, span_)
    assert row.value == 11


def test_r21_the_customer_id_matches_first_and_no_alias_may_claim_it(engine: Engine) -> None:
    with pytest.raises(Conflict, match="R21"):
        engine.set_ingest_aliases("bob", ["ann"], NOW)
    with pytest.raises(Conflict, match="R21"):
        add_customer(engine, "ann-1")
    engine.set_ingest_aliases("ann", ["ann", "ann-1"], NOW)
    for wrong in (["x" * 129], [""], ["a", "a"], [str(n) for n in range(2001)]):
        with pytest.raises(Refused):
            engine.set_ingest_aliases("ann", wrong, NOW)


def test_r21_r22_stray_usage_is_listed_until_somebody_takes_the_alias(
    engine: Engine, usage: UsageLog
) -> None:
    use(usage, "2024-01-05", "4", "ann-1")
    use(usage, "2024-01-06", "5", "acme")
    use(usage, "2024-01-09", "6", "acme")
    (stray,) = engine.unmatched_usage()
    assert (stray.customer, stray.events) == ("acme", 2)
    assert (stray.first_at, stray.last_at) == (at("2024-01-06"), at("2024-01-09"))

    engine.set_ingest_aliases("ann", ["ann-1", "acme"], NOW)
    assert engine.unmatched_usage() == ()
    assert billed(engine, "ann") == 15


def test_r23_r24_a_released_alias_takes_its_usage_to_the_new_holder(
    engine: Engine, usage: UsageLog
) -> None:
    use(usage, "2024-01-05", "4", "ann-1")
    create = Create(customer_id="bob", term=span("2024-01-01"), rate_card_id="card")
    engine.create_contract("kb", create, by="test", now=EPOCH)
    with pytest.raises(Conflict):
        engine.set_ingest_aliases("bob", ["ann-1"], NOW)
    engine.set_ingest_aliases("ann", ["ann-2"], NOW)
    assert (billed(engine, "ann"), [one.customer for one in engine.unmatched_usage()]) == (
        0,
        ["ann-1"],
    )
    engine.set_ingest_aliases("bob", ["ann-1"], NOW)
    assert (billed(engine, "ann"), billed(engine, "bob")) == (0, 4)


def test_r28_events_are_found_with_customer_and_metrics(engine: Engine, usage: UsageLog) -> None:
    use(usage, "2024-01-05", "4", "ann-1")
    use(usage, "2024-01-05", "4", "ann-1")
    use(usage, "2024-01-06", "5", "acme")
    found = engine.search_events(["2024-01-05/ann-1/4", "2024-01-06/acme/5", "none"], NOW)
    assert [
        (
            one.traced.is_duplicate,
            None if one.customer is None else one.customer.id,
            [m.id for m in one.metrics],
        )
        for one in found
    ] == [(False, "ann", ["m-Calls"]), (True, "ann", ["m-Calls"]), (False, None, ["m-Calls"])]
    assert engine.search_events(["2024-01-06/acme/5"], NOW + timedelta(days=35)) == ()


def test_r41_r43_windows_of_every_customer_and_metric(engine: Engine, usage: UsageLog) -> None:
    use(usage, "2024-01-05", "4", "ann-1")
    use(usage, "2024-01-06", "0", "ann")
    engine.archive_metric("m-Space", NOW)
    days = Interval(at("2024-01-05"), at("2024-01-08"))
    rows = engine.usage_queries.windows([], [], WindowSize.DAY, days)
    assert [(row.customer_id, row.metric_id, row.start.day, row.value) for row in rows] == [
        ("ann", "m-Calls", 5, 4),
        ("ann", "m-Calls", 6, 0),
        ("ann", "m-Calls", 7, None),
        ("bob", "m-Calls", 5, None),
        ("bob", "m-Calls", 6, None),
        ("bob", "m-Calls", 7, None),
    ]
    for customers, metrics in ((["nobody"], [CALLS]), (["ann"], [MetricAsked(metric_id="x")])):
        with pytest.raises(NotFound):
            engine.usage_queries.windows(customers, metrics, WindowSize.DAY, days)
    with pytest.raises(Refused, match="midnight"):
        engine.usage_queries.windows([], [], WindowSize.DAY, Interval(NOW, at("2024-01-21T01:00")))


def test_r42_groups_over_a_stretch_or_the_current_billing_period(
    engine: Engine, usage: UsageLog
) -> None:
    use(usage, "2023-12-31", "9", region="eu")
    use(usage, "2024-01-05", "4", region="eu")
    use(usage, "2024-01-06", "5", region="us")
    asked = MetricAsked(metric_id="m-Calls", group_keys=("region",))
    rows = engine.usage_queries.grouped_now("ann", asked, WindowSize.NONE, NOW)
    assert [(row.group, row.value, row.start, row.end) for row in rows] == [
        ({"region": "eu"}, 4, at("2024-01-01"), at("2024-02-01")),
        ({"region": "us"}, 5, at("2024-01-01"), at("2024-02-01")),
    ]
    filtered = MetricAsked(metric_id="m-Calls", group_filters={"region": ("eu",)})
    span_ = Interval(at("2023-12-01"), at("2024-02-01"))
    (row,) = engine.usage_queries.grouped("ann", filtered, WindowSize.NONE, span_)
    assert row.value == 13


def test_r42_a_customer_without_contract_has_no_current_period(engine: Engine) -> None:
    with pytest.raises(Refused, match="no contract with a billing period now"):
        engine.usage_queries.grouped_now("bob", CALLS, WindowSize.NONE, NOW)
