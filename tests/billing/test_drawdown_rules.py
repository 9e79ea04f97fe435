"""Which balance pays which line, and when (R161-R185)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from billing.world import (
    World,
    at,
    catalog,
    cents,
    commit,
    contract,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import Commit, CommitKind, RolloverOrigin
from closedwon.billing.invoices.types import LineType
from closedwon.billing.pricing import Tier, Tiered

D = Decimal
YEAR = ("2025-01-01", "2026-01-01")


def world(commits: Sequence[Commit], *customer_commits: Commit, **more: object) -> World:
    products = [
        usage_product("Reads", "db", **more),
        usage_product("Storage", "disk", **more),
        fixed_product("commit"),
    ]
    metrics = [
        metric("Reads", group_keys=(("region",),)),
        metric("Storage", group_keys=(("region",),)),
    ]
    rates = [rate("Reads", "260"), rate("Storage", "100")]
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(commits=tuple(commits)),
    )
    return World(
        catalog(products, metrics, rates), [contract("k", signed)], commits=customer_commits
    )


def drawn(w: World, now: str = "2025-01-31") -> dict[str, Decimal]:
    return {b.commit_id: b.used / 100 for b in w.bill(now).balances if b.used}


def test_r176_the_dearer_line_meets_the_balance_first() -> None:
    w = world([commit("c", ("260", *YEAR))])
    w.use("Storage", "2025-01-05", "50")
    w.use("Reads", "2025-01-25", "100")
    lines = [x for x in w.bill("2025-01-31").invoices[0].lines if x.commit_id and x.total > 0]

    assert [line.name for line in lines] == ["Reads"]


def test_s16_r168_priority_then_free_then_narrow_then_early_end() -> None:
    eu = Specifier(presentation_group_values={"region": "us-east-1"}, product_id="p-Reads")
    west = Specifier(presentation_group_values={"region": "us-west-1"})
    both = Applicability(specifiers=(eu, west))

    def sold(name: str, priority: str, end: str, **more: object) -> Commit:
        more = {"payments": {"2025-01-01": "1"}, **more}
        return commit(name, ("100", "2025-01-01", end), priority=D(priority), **more)  # type: ignore[arg-type]

    commits = [
        sold("F", "100", "2025-10-01"),
        sold("E", "100", "2026-10-01", applicability=both),
        sold("D", "100", "2025-10-01", applicability=both),
        sold("C", "100", "2027-01-01", applicability=Applicability(product_ids=("p-Reads",))),
        sold("B", "100", "2027-01-01", payments={}),
        sold("A", "50", "2027-01-01"),
    ]
    w = world(commits, presentation_group_key=("region",))
    w.use("Reads", "2025-01-05", cents("450") / 260, region="us-east-1")

    assert {name: amount.quantize(D("0.01")) for name, amount in drawn(w).items()} == {
        "A": 100,
        "B": 100,
        "C": 100,
        "D": 100,
        "E": 50,
    }


def test_r167_type_beats_priority_and_rollovers_burn_first() -> None:
    rolled = commit(
        "R",
        ("20", *YEAR),
        priority=D(999),
        rolled_over_from=RolloverOrigin(contract_id="old", commit_id="x"),
    )
    w = world([commit("P", ("100", *YEAR), priority=D(1)), rolled])
    w.use("Storage", "2025-01-05", "50")

    assert drawn(w) == {"R": 20, "P": 30}


def test_r171_a_balance_without_priority_burns_after_every_number() -> None:
    w = world([commit("none", ("10", *YEAR)), commit("low", ("10", *YEAR), priority=D(10_000))])
    w.use("Storage", "2025-01-05", "5")

    assert drawn(w) == {"low": 5}


def test_r175_the_segment_that_ends_first_burns_first_then_the_one_that_started_first() -> None:
    w = world(
        [
            commit("late", ("10", "2025-01-01", "2026-06-01")),
            commit("started", ("10", "2024-06-01", "2026-01-01")),
            commit("soon", ("10", "2025-01-01", "2026-01-01")),
        ]
    )
    w.use("Storage", "2025-01-05", "15")

    assert drawn(w) == {"started": 10, "soon": 5}


def test_r109_contract_balances_burn_before_those_of_the_customer() -> None:
    w = world([commit("own", ("10", *YEAR))], commit("shared", ("10", *YEAR)))
    w.use("Storage", "2025-01-05", "15")

    assert drawn(w) == {"own": 10, "shared": 5}


def test_r165_a_tagged_balance_pays_only_its_products() -> None:
    w = world([commit("c", ("100", *YEAR), applicability=Applicability(product_tags=("disk",)))])
    w.use("Storage", "2025-01-05", "5")
    w.use("Reads", "2025-01-05", "5")
    invoice = w.bill("2025-01-31").invoices[0]

    assert invoice.total == D(1300)


def test_r166_a_group_value_never_matches_a_product_without_the_key() -> None:
    west = Applicability(specifiers=(Specifier(presentation_group_values={"region": "west"}),))
    w = world([commit("c", ("100", *YEAR), applicability=west)])
    w.use("Storage", "2025-01-05", "5")

    assert drawn(w) == {}


def test_r192_credits_and_prepaid_commits_share_one_order() -> None:
    free = commit("free", ("10", *YEAR), kind=CommitKind.CREDIT)
    paid = commit("paid", ("10", *YEAR), payments={"2025-01-01": "10"})
    w = world([paid, free])
    w.use("Storage", "2025-01-05", "15")

    assert drawn(w) == {"free": 10, "paid": 5}


def test_r147_units_that_cost_nothing_use_no_balance_in_any_tier() -> None:
    w = world([commit("c", ("2", *YEAR))])
    tiers = Tiered(tiers=(Tier(price=D(0), size=D(10)), Tier(price=D(100))))
    w.catalog = catalog(
        list(w.catalog.products.values()),
        list(w.catalog.metrics.values()),
        [rate("Reads", tiers)],
    )
    w.use("Reads", "2025-01-05", "15")
    invoice = w.bill("2025-01-31").invoices[0]

    assert [(x.quantity, x.total, x.commit_id) for x in invoice.lines] == [
        (D(10), D(0), None),
        (D(2), D(200), "c"),
        (D(3), D(300), None),
        (None, D(-200), "c"),
    ]


def test_s18_a_commit_rate_prices_what_the_balance_covers_and_tiers_go_on() -> None:
    w = world([commit("c", ("125", *YEAR), rate_type="COMMIT_RATE")])
    listed = Tiered(tiers=(Tier(price=D(100), size=D(100)), Tier(price=D(80))))
    committed = Tiered(tiers=(Tier(price=D(90), size=D(100)), Tier(price=D(70))))
    w.catalog = catalog(
        list(w.catalog.products.values()),
        list(w.catalog.metrics.values()),
        [rate("Reads", listed, commit_price=committed)],
    )
    w.use("Reads", "2025-01-05", "250")
    invoice = w.bill("2025-01-31").invoices[0]

    assert [(x.quantity, x.total) for x in invoice.lines if x.type is LineType.USAGE] == [
        (D(100), D(9000)),
        (D(50), D(3500)),
        (D(100), D(8000)),
    ]
    assert invoice.total == D(8000)


def test_r146_money_leads_so_parts_add_up_although_quantities_do_not_end() -> None:
    w = world([commit(name, ("1", *YEAR)) for name in "abc"])
    w.use("Reads", "2025-01-05", "7")
    invoice = w.bill("2025-01-31").invoices[0]
    gross = sum((x.total for x in invoice.lines if x.type is LineType.USAGE), D(0))

    assert gross == D(7) * 260
    assert invoice.total == D(7) * 260 - 300


def test_r198_a_manual_entry_moves_the_balance() -> None:
    from closedwon.billing.balances.types import EntryType, LedgerEntry

    w = world([commit("c", ("100", *YEAR))])
    manual = LedgerEntry(
        id="e",
        commit_id="c",
        segment_id="c1",
        type=EntryType.MANUAL,
        timestamp=at("2025-01-01"),
        amount=cents("-30"),
        reason="goodwill returned",
    )
    w.account = type(w.account)(
        customer=w.account.customer, contracts=w.account.contracts, manual=(manual,)
    )

    assert [b.remaining for b in w.bill("2025-01-31").balances] == [cents("70")]


@pytest.mark.parametrize(("day", "covered"), [("2025-01-15T23:59:59", True), ("2025-01-16", False)])
def test_r179_only_usage_inside_the_segment_is_paid(day: str, *, covered: bool) -> None:
    w = world([commit("c", ("100", "2025-01-01", "2025-01-16"))])
    w.use("Storage", day, "5")

    assert bool(drawn(w)) is covered
