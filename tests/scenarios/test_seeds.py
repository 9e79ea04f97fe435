"""What seeds 000, 002, 003 and 004 state beyond S1, S2, S4 and S5, and rollovers of promises (R191)."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.subscriptions.build import credit, seats
from billing.world import (
    EPOCH,
    at,
    commit,
    dollars,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.catalog.types import Product, ProductType, ProductVersion
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, FilterUsage, Revise
from closedwon.billing.contracts.overrides import MultiplierTier, Override, TieredMultiplier
from closedwon.billing.contracts.terms import (
    CommitKind,
    StatementDay,
    StatementSchedule,
    Transition,
    TransitionType,
    UsageFilter,
)
from closedwon.engine.command import Author
from closedwon.finance.journal import LedgerAccount
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Conflict, Refused
from closedwon.kernel.ids import derive
from scenarios.stage import Stage, selling, stage

D = Decimal


def divisions() -> Stage:
    """Seed 2: one customer, one metric by region, a contract per division, 10 c a call."""
    calls = replace(metric("Calls"), group_keys=(("region",),))
    scene = stage([usage_product("Calls")], [calls], [rate("Calls", "10")])
    own = commit("own", ("150", "2024-10-01", "2025-10-01"), kind=CommitKind.CREDIT, priority=D(1))
    for n, region in enumerate(("US", "EU", "APAC")):
        chosen = UsageFilter(
            group_key="region", group_values=(region,), starting_at=at("2024-10-01")
        )
        scene.sign(region, span("2024-10-01"), signed=f"2024-09-0{n + 1}", usage_filter=chosen)
    author = Author(by="test", now=at("2024-09-05"))
    scene.world.engine.balances.create("customer", own, author)
    return scene


def by_contract(scene: Stage, start: str) -> dict[str, Decimal]:
    found = [i for i in scene.invoices("USAGE") if i.start == at(start)]
    return {i.contract_id: dollars(i.total) for i in found}


def test_seed_002_r14_r109_divisions_share_a_balance_of_the_customer() -> None:
    """US 100.00, EU 80.00, APAC 30.00 against 150.00: US 0, EU 30.00 due, APAC 30.00 due."""
    scene = divisions()
    for region, units in (("APAC", "300"), ("EU", "800"), ("US", "1000")):
        scene.use("Calls", ("2024-12-10", units), region=region)
    scene.live("2025-01-02", "2025-01-02")

    assert by_contract(scene, "2024-12-01") == {"US": 0, "EU": 30, "APAC": 30}
    assert scene.left("2025-01-02") == {"own": 0}


def test_seed_002_r106_r108_from_2025_europe_is_billed_by_the_us_contract() -> None:
    """Dec: EU 80.00 by EU. From Jan 1 00:00 US and EU by US: 100 + 80 - the credit's last 70.

    Dec: US 0 (100 of 150), EU 80 - 50 = 30; Jan: 180.00 by US, nothing by EU, which ended.
    """
    scene = divisions()
    both = UsageFilter(group_key="region", group_values=("US", "EU"), starting_at=at("2025-01-01"))
    scene.edit("US", FilterUsage(usage_filter=both), "2024-12-20")
    scene.edit("EU", ChangeEnd(ending_before=at("2025-01-01")), "2024-12-20")
    for region, units in (("EU", "800"), ("US", "1000")):
        scene.use(
            "Calls", ("2024-12-31T23:59:59", units), ("2025-01-01T00:00:00", units), region=region
        )
    scene.live("2025-01-02", "2025-02-03")

    assert by_contract(scene, "2024-12-01") == {"US": 0, "EU": 30, "APAC": 0}
    assert by_contract(scene, "2025-01-01") == {"US": 180, "APAC": 0}


def test_seed_002_r22_an_alias_added_later_brings_its_usage_home() -> None:
    """Events of Nov 1-3 under ``acme``; the alias comes on Nov 4: all 30 units count."""
    scene = selling(Calls="10")
    scene.sign("k", span("2024-11-01"), signed="2024-10-20")
    for day in (1, 2, 3):
        scene.use("Calls", (f"2024-11-0{day}T10:00:00", "10"), who="acme")
    scene.live("2024-11-04", "2024-11-04")
    scene.world.engine.set_ingest_aliases("customer", ["acme"], at("2024-11-04T01:00:00"))
    scene.live("2024-12-02", "2024-12-02")

    assert dollars(scene.usage("2024-11-01").total) == 3


def test_seed_002_r126_r152_the_anchor_is_the_contract_start_with_its_hour() -> None:
    """CONTRACT_START 2024-11-15 06:00: an event at 05:59:59 of Dec 15 is the first period's."""
    scene = selling(Calls="100")
    scene.sign(
        "k",
        span("2024-11-15T06:00:00"),
        signed="2024-11-01",
        statement=StatementSchedule(day=StatementDay.CONTRACT_START),
    )
    scene.use(
        "Calls",
        ("2024-11-15T05:59:59", "1"),
        ("2024-12-15T05:59:59", "2"),
        ("2024-12-15T06:00:00", "4"),
    )
    scene.live("2024-11-15", "2025-01-17", hours=6)

    assert [(i.issued_at, dollars(i.total)) for i in scene.invoices("USAGE")] == [
        (at("2024-12-16T06:00:00"), D(2)),
        (at("2025-01-16T06:00:00"), D(4)),
    ]


def test_seed_000_r111_an_amendment_dated_back_changes_nothing_before_its_terms() -> None:
    """Amended starting_at 2024-01-01, discount from 2025-01-01: Dec 10.00, Jan 8.50."""
    scene = stage([usage_product("Analysis", "a")], [metric("Analysis")], [rate("Analysis", "100")])
    scene.sign("k", span("2024-01-01", "2027-01-01"), signed="2024-01-01")
    terms = Added(overrides=(multiplier("a", "0.85", "2025-01-01"),))
    scene.edit("k", Amend(starting_at=at("2024-01-01"), terms=terms), "2024-11-20")
    scene.use("Analysis", ("2024-12-31T23:00:00", "10"), ("2025-01-01T00:00:00", "10"))
    scene.live("2025-02-02", "2025-02-02")

    totals = {i.start: dollars(i.total) for i in scene.invoices("USAGE")}
    assert (totals[at("2024-12-01")], totals[at("2025-01-01")]) == (10, D("8.5"))


def test_seed_003_r84_tiered_overrides_need_explicit_prioritization() -> None:
    scene = selling(Calls="100")
    tiers = TieredMultiplier(tiers=(MultiplierTier(multiplier=D("0.5"), size=D(10)),))
    tiered = Override(id="t", window=span("2025-01-01"), rate=tiers, priority=D(1))
    with pytest.raises(Refused, match="R84"):
        scene.sign("k", span("2025-01-01"), signed="2024-12-01", overrides=[tiered])


def test_seed_003_r7_r97_a_uniqueness_key_creates_once() -> None:
    scene = selling(Calls="100")
    scene.sign("one", span("2025-01-01"), signed="2024-12-01", uniqueness_key="sfdc:1:1")
    with pytest.raises(Conflict):
        scene.sign("two", span("2025-01-01"), signed="2024-12-01", uniqueness_key="sfdc:1:1")
    assert [c.id for c in scene.world.engine.contracts("customer")] == ["one"]


@pytest.mark.parametrize(
    ("frequency", "periods"),
    [
        (Frequency.QUARTERLY, ["2025-02-01", "2025-05-01", "2025-08-01"]),
        (Frequency.ANNUAL, ["2025-11-01"]),
    ],
)
def test_seed_003_r96_r127_quarterly_and_annual_statements(
    frequency: Frequency, periods: list[str]
) -> None:
    """Started 2024-11-20, first of month: 10 calls on every 25th land on the right invoice."""
    scene = selling(Calls="100")
    scene.sign(
        "k",
        span("2024-11-20"),
        signed="2024-11-01",
        statement=StatementSchedule(frequency=frequency),
    )
    scene.use("Calls", *((f"{month}-25", "1") for month in ("2024-11", "2024-12", "2025-01")))
    scene.live("2025-09-01", "2025-11-05", hours=24 * 65)
    found = scene.invoices("USAGE")

    assert [f"{i.end:%Y-%m-%d}" for i in found if i.end][: len(periods)] == periods
    assert dollars(found[0].total) == 3


def test_seed_003_r56_a_card_price_reaches_every_contract_without_an_edit() -> None:
    """10 c until Jan 16, then 20 c by an edit of the card on Jan 10: 10 + 10 units = 3.00."""
    scene = selling(Calls="10")
    scene.sign("k", span("2025-01-01"), signed="2024-12-01")
    scene.use("Calls", ("2025-01-15T23:00:00", "10"), ("2025-01-16", "10"))
    new = rate("Calls", "20", span("2025-01-16"), id="new")
    scene.world.engine.add_rates("card", [new], at("2025-01-10"))
    scene.live("2025-02-02", "2025-02-02")

    assert dollars(scene.usage("2025-01-01").total) == 3


def test_seed_004_r229_a_pool_linked_to_a_subscription_that_is_there_already() -> None:
    """10 seats since June; a pool of 10.00 a seat added on Jul 10 from Aug 1: 100.00 in August."""
    version = ProductVersion(starting_at=EPOCH, name="Seat")
    seat = Product(id="p-Seat", type=ProductType.SUBSCRIPTION, versions=(version,))
    scene = stage(
        [usage_product("AI", "ai"), seat],
        [metric("AI")],
        [rate("AI", "1"), rate("Seat", "3000", billing_frequency="MONTHLY")],
    )
    scene.sign("c", span("2025-06-01"), signed="2025-05-20", subscriptions=[seats()])
    scene.live("2025-06-01", "2025-07-10")
    pool = replace(credit(), window=span("2025-08-01"))
    scene.edit("c", Revise(add=Added(recurring=(pool,))), "2025-07-10T05:00:00")
    scene.use("AI", ("2025-07-31T23:00:00", "700"), ("2025-08-01", "900"))
    scene.live("2025-07-11", "2025-09-03")

    assert [told[2] for told in scene.billed()] == [300, 300, 307, 300]


def test_s1_r191_r124_an_unmet_promise_moves_on_by_half_and_the_rest_is_trued_up() -> None:
    """1,200.00 for 2025, f = 0.5, 300.00 used by Jul 1: 900 unmet, min(900, 600) = 600 move on.

    True-up of the old one: 300.00. The new one is progressed by August's 700.00: 600, all of it
    payable all the same; 100 is plain overage; nothing is left of it.
    """
    scene = selling(Calls="100")
    post = commit(
        "post",
        ("1200", "2025-01-01", "2026-01-01"),
        kind=CommitKind.POSTPAID,
        payments={"2026-01-01": "1200"},
        rollover_fraction=D("0.5"),
    )
    scene.sign("old", span("2025-01-01", "2026-01-01"), signed="2025-01-01", commits=[post])
    scene.use("Calls", ("2025-02-10", "300"), ("2025-08-10", "700"))
    scene.live("2025-01-01", "2025-06-10")
    follows = Transition(type=TransitionType.RENEWAL, from_contract_id="old")
    scene.sign(
        "new", span("2025-07-01", "2026-07-01"), signed="2025-06-10T05:00:00", transition=follows
    )
    scene.live("2025-06-11", "2026-07-05")
    moved = derive("rollover", "new", "post")

    assert [told[0::2] for told in scene.ledger("post")] == [
        ("INITIAL_BALANCE", D(1200)),
        ("AUTOMATED_INVOICE_DEDUCTION", D(-300)),
        ("ROLLOVER", D(-600)),
        ("TRUEUP", D(-300)),
    ]
    assert [told[2] for told in scene.ledger(moved)] == [600, -600]
    assert sum(told[2] for told in scene.billed()) == 300 + 300 + 700
    assert scene.books() == {LedgerAccount.RECEIVABLE: 130000, LedgerAccount.REVENUE: -130000}
