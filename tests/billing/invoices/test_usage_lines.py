"""Lines of a usage invoice: cuts, covered parts, order and totals (R131-R136, R145, R146, S27)."""

from decimal import Decimal

from billing.world import (
    World,
    at,
    catalog,
    cents,
    charge,
    commit,
    contract,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.catalog.types import Aggregation
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.kernel.exact import Money

CATALOG = catalog(
    [
        usage_product("Reads"),
        usage_product("Calls", "calls"),
        usage_product("Level"),
        fixed_product("commit"),
        fixed_product("fee"),
    ],
    [metric("Reads"), metric("Calls"), metric("Level", Aggregation.LATEST)],
    [rate("Reads", "260"), rate("Calls", "100"), rate("Level", "0.37")],
)


def world(*commits: Commit) -> World:
    create = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(commits=commits, charges=(charge("fee", {"2025-02-01": "5"}),)),
        charges_on_usage_invoices=True,
    )
    return World(CATALOG, [contract("k", create)])


def january(found: World) -> Invoice:
    found.finalize("2025-02-02")
    return found.invoices()[0]


def credit(amount: str, start: str, end: str) -> Commit:
    return commit(
        "Trial",
        (amount, start, end),
        kind=CommitKind.CREDIT,
        applicability=Applicability(product_tags=("calls",)),
    )


def test_r131_r132_a_trial_that_ends_inside_splits_the_line_and_shows_what_it_paid() -> None:
    found = world(credit("100", "2025-01-01", "2025-01-16"))
    found.use("Calls", "2025-01-15T23:59:00", "120")
    found.use("Calls", "2025-01-16", "30")
    lines = [line for line in january(found).lines if line.name in ("Calls", "Trial applied")]

    assert [(x.type, x.ending_before, x.quantity, x.total, x.commit_id) for x in lines] == [
        (LineType.USAGE, at("2025-01-16"), 100, 10000, "Trial"),
        (LineType.USAGE, at("2025-01-16"), 20, 2000, None),
        (LineType.USAGE, at("2025-02-01"), 30, 3000, None),
        (LineType.APPLIED, at("2025-01-16"), None, -10000, "Trial"),
    ]
    covered, applied = lines[0], lines[-1]
    assert (covered.segment_id, covered.commit_kind) == ("Trial1", CommitKind.CREDIT)
    assert (applied.product_id, applied.starting_at) == (covered.product_id, covered.starting_at)
    assert applied.unit_price is None


def test_r133_r145_the_total_is_what_is_payable_and_net_of_tax() -> None:
    found = world(credit("50", "2025-01-01", "2026-01-01"))
    found.use("Calls", "2025-01-10", "80")
    invoice = january(found)
    assert invoice.total == cents("30") + cents("5")
    assert not any("tax" in field for field in (*Invoice.__struct_fields__, *LineType))


def test_r134_usage_in_card_order_then_what_was_applied_then_the_schedule() -> None:
    found = world(credit("50", "2025-01-01", "2026-01-01"))
    for name in ("Level", "Calls", "Reads"):
        found.use(name, "2025-01-10", "80")
    assert [(line.type.value, line.name) for line in january(found).lines] == [
        ("usage", "Reads"),
        ("usage", "Calls"),
        ("usage", "Calls"),
        ("usage", "Level"),
        ("applied_commit_or_credit", "Trial applied"),
        ("scheduled", "fee"),
    ]


def test_r135_a_month_without_usage_is_kept_as_evidence() -> None:
    found = world()
    found.finalize("2025-03-02")
    february = found.invoices()[1]
    assert (february.total, len(february.lines)) == (0, 3)
    assert {line.quantity for line in february.lines} == {0}


def test_r136_r164_usage_that_is_taken_back_makes_a_total_negative() -> None:
    """A credit ends between: 120 before and 40 less after; nothing is restored nor clamped."""
    found = world(commit("Free", ("100", "2025-01-01", "2025-01-16"), kind=CommitKind.CREDIT))
    found.use("Calls", "2025-01-10", "120")
    found.use("Calls", "2025-01-20", "-145")
    invoice = january(found)
    assert invoice.total == cents("20") - cents("145") + cents("5")
    assert invoice.total < 0


def test_s27_r146_a_covered_quantity_may_be_a_fraction_and_money_adds_up() -> None:
    found = world(
        commit("Prepaid", ("10", "2025-01-01", "2026-01-01"), payments={"2025-06-01": "10"})
    )
    found.use("Level", "2025-01-10", "123457")
    invoice = january(found)
    covered, due = [line for line in invoice.lines if line.name == "Level"]
    assert (covered.total, due.total) == (1000, Decimal("44679.09"))
    assert str(covered.quantity).startswith("2702.702702702702702702702702")
    assert (covered.quantity or 0) + (due.quantity or 0) == 123457
    assert Money.rounded(due.total, "USD").amount == Decimal("446.79")
