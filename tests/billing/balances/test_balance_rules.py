"""Balances: who may pay, in which order, what the ledger says (R163-R195)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.world import (
    World,
    at,
    catalog,
    cents,
    commit,
    contract,
    dollars,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.catalog.types import Aggregation
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create, Follow
from closedwon.billing.contracts.terms import (
    Commit,
    CommitKind,
    RolloverOrigin,
    Transition,
    TransitionType,
)

YEAR = ("2025-01-01", "2026-01-01")
LATE = ("2025-01-01", "2026-06-01")
OLD = RolloverOrigin(contract_id="o", commit_id="o")
CATALOG = catalog(
    [
        usage_product("Calls", "cloud", "api"),
        usage_product("Reads", "cloud"),
        usage_product("Disk"),
        usage_product("Gauge"),
        fixed_product("commit"),
    ],
    [
        metric("Calls", group_keys=(("region",),)),
        metric("Reads"),
        metric("Disk"),
        metric("Gauge", Aggregation.LATEST),
    ],
    [rate("Calls", "100"), rate("Reads", "100"), rate("Disk", "100"), rate("Gauge", "100")],
)


def world(*commits: Commit, **more: Any) -> World:
    create = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(commits=commits),
    )
    return World(CATALOG, [contract("k", create)], **more)


def held(name: str, amount: str = "10", window: tuple[str, str] = YEAR, **more: Any) -> Commit:
    return commit(name, (amount, *window), **{"priority": Decimal(1), **more})


def postpaid(name: str, amount: str = "10", window: tuple[str, str] = YEAR, **more: Any) -> Commit:
    fields = {"kind": CommitKind.POSTPAID, "payments": {window[1]: amount}, **more}
    return held(name, amount, window, **fields)


def order(w: World, usage: str = "1000") -> list[str]:
    """Commits in the order in which they pay one line of calls."""
    w.use("Calls", "2025-01-10", usage)
    applied = [
        line.commit_id
        for invoice in w.bill("2025-01-31").invoices
        for line in invoice.lines
        if line.total < 0 and line.commit_id
    ]
    return list(dict.fromkeys(applied))


def tagged(*tags: str) -> Applicability:
    return Applicability(product_tags=tags)


@pytest.mark.parametrize(
    ("wrong", "paid"),
    [
        ({}, "5"),
        ({"applicability": tagged("disk")}, "0"),
        ({"window": ("2025-02-01", "2026-01-01")}, "0"),
        ({"amount": "0"}, "0"),
        ({"access_credit_type_id": "tokens"}, "0"),
        ({"amount": "3"}, "3"),
    ],
)
def test_r163_a_balance_pays_what_it_is_for_while_it_lasts(
    wrong: dict[str, Any], paid: str
) -> None:
    w = world(held("c", **wrong))
    w.use("Calls", "2025-01-10", "5")
    (statement,) = (i for i in w.bill("2025-01-31").invoices if i.end)

    assert dollars(statement.total) == 5 - Decimal(paid)


def test_r163_r109_a_balance_of_another_contract_does_not_pay() -> None:
    other = held("c", contract_ids=("elsewhere",))
    w = world(commits=(other,))
    w.use("Calls", "2025-01-10", "5")
    assert dollars(w.bill("2025-01-31").invoices[0].total) == 5


def test_r169_rollovers_burn_by_priority_then_products_then_end() -> None:
    rolled = {"rolled_over_from": OLD}
    found = order(
        world(
            held("late", window=LATE, **rolled),
            held("soon", payments={"2025-01-01": "1"}, **rolled),
            held("narrow", window=LATE, applicability=tagged("api"), **rolled),
            held("first", priority=Decimal(0), window=LATE, **rolled),
            held("plain", priority=Decimal(-5)),
        )
    )
    assert found == ["first", "narrow", "soon", "late", "plain"]


def test_r167_r169_postpaid_rollovers_come_first_of_all() -> None:
    found = order(
        world(
            held("prepaid", priority=Decimal(0), rolled_over_from=OLD),
            postpaid("promise", priority=Decimal(9), rolled_over_from=OLD),
        )
    )
    assert found == ["promise", "prepaid"]


def test_r170_postpaid_burn_by_priority_then_products_then_end_after_all_prepaid() -> None:
    found = order(
        world(
            postpaid("late", window=LATE),
            postpaid("soon"),
            postpaid("narrow", window=LATE, applicability=tagged("api")),
            postpaid("first", priority=Decimal(0)),
            held("prepaid", priority=Decimal(99)),
        )
    )
    assert found == ["prepaid", "first", "narrow", "soon", "late"]


@pytest.mark.parametrize(
    ("applicability", "rank"),
    [
        (Applicability(product_ids=("p-Calls",)), 1),
        (tagged("api"), 1),
        (tagged("cloud"), 2),
        (Applicability(product_ids=("p-Calls", "p-Disk")), 2),
        (Applicability(specifiers=(Specifier(product_tags=("cloud",)),)), 2),
        (Applicability(specifiers=(Specifier(product_id="p-Calls"),)), 1),
        (Applicability(), 3),
    ],
)
def test_r172_fewer_products_burn_first_and_everything_last(
    applicability: Applicability, rank: int
) -> None:
    """Against one that pays two products and ends later than all others."""
    w = world(
        held("two", window=LATE, applicability=Applicability(product_ids=("p-Calls", "p-Reads"))),
        held("this", window=YEAR if rank < 3 else LATE, applicability=applicability),
    )
    assert order(w).index("this") == (0 if rank < 3 else 1)


def test_r172_the_count_is_of_products_it_can_hit_now() -> None:
    one = held("one", window=LATE, applicability=tagged("api"))
    two = held("two", applicability=tagged("cloud"))
    assert order(world(two, one)) == ["one", "two"]


def test_r173_balances_without_group_values_go_before_those_with() -> None:
    """D/E and F of the published order: values narrow the use, not the products."""
    by_region = Applicability(specifiers=(Specifier(pricing_group_values={"region": "us"}),))
    plain = held("plain", window=LATE)
    valued = held("valued", applicability=by_region)
    w = world(valued, plain)
    assert order(w)[0] == "plain"


def test_r180_of_a_latest_metric_only_the_rise_inside_the_window_is_eligible() -> None:
    w = world(held("c", window=("2025-01-10", "2025-01-20")))
    w.use("Gauge", "2025-01-05", "7")
    w.use("Gauge", "2025-01-15", "9")
    (statement,) = (i for i in w.bill("2025-01-31").invoices if i.end)

    applied = [line.total for line in statement.lines if line.total < 0]
    assert (applied, dollars(statement.total)) == ([-cents("2")], Decimal("7.00"))


def test_r181_a_balance_includes_what_drafts_use() -> None:
    w = world(held("c"))
    w.use("Calls", "2025-01-10", "4")
    (balance,) = w.bill("2025-01-15").balances
    assert (balance.remaining, balance.used, balance.used_final) == (cents("6"), cents("4"), 0)


def test_r182_each_payment_is_a_purchase_line_and_access_waits_for_none() -> None:
    w = world(held("c", payments={"2025-03-01": "4", "2025-06-01": "5"}))
    w.use("Calls", "2025-01-10", "4")
    bill = w.bill("2025-01-31")
    bought = [
        (i.issued_at, line.type, line.commit_id, dollars(line.total))
        for i in bill.invoices
        for line in i.lines
        if i.end is None
    ]
    assert bought == [
        (at("2025-03-01"), "commit_purchase", "c", Decimal("4.00")),
        (at("2025-06-01"), "commit_purchase", "c", Decimal("5.00")),
    ]
    assert dollars(bill.invoices[0].total) == 0


def test_r183_less_is_paid_than_granted_and_usage_shows_full_prices() -> None:
    w = world(held("c", "10000", payments={"2025-01-01": "8000"}))
    w.use("Calls", "2025-01-10", "250")
    bill = w.bill("2025-01-31")
    (statement,) = (i for i in bill.invoices if i.end)
    (found,) = bill.commits

    assert [line.unit_price for line in statement.lines if line.total > 0] == [cents("1")]
    assert (found.cost_total / found.access_total, statement.total) == (Decimal("0.8"), 0)


def test_r189_r178_what_prepaid_covers_counts_toward_no_promise() -> None:
    w = world(held("prepaid", "400"), postpaid("promise", "400"))
    w.use("Calls", "2025-01-10", "500")
    used = {b.commit_id: dollars(b.used) for b in w.bill("2025-01-31").balances}
    (statement,) = (i for i in w.bill("2025-01-31").invoices if i.end)

    assert used == {"prepaid": Decimal("400.00"), "promise": Decimal("100.00")}
    assert dollars(statement.total) == Decimal("100.00")


def renewed(fraction: str) -> World:
    """A promise of 100 with 40 kept, renewed when it ends."""
    promise = postpaid(
        "promise", "100", ("2025-01-01", "2025-03-01"), rollover_fraction=Decimal(fraction)
    )
    transition = Transition(type=TransitionType.RENEWAL, from_contract_id="old")
    create = Create(
        customer_id="customer",
        term=span("2025-01-01", "2025-03-01"),
        rate_card_id="card",
        terms=Added(commits=(promise,)),
    )
    old = contract(
        "old", create, Follow(transition=transition, to_contract_id="new", at=at("2025-03-01"))
    )
    new = contract(
        "new",
        Create(
            customer_id="customer",
            term=span("2025-03-01", "2026-03-01"),
            rate_card_id="card",
            terms=Added(commits=(held("fresh", "50", ("2025-03-01", "2026-03-01")),)),
            transition=transition,
        ),
    )
    w = World(CATALOG, [old, new])
    w.use("Calls", "2025-01-10", "40")
    w.use("Calls", "2025-03-10", "25")
    return w


def test_r191_an_unmet_promise_moves_on_burns_first_and_lowers_the_true_up() -> None:
    w = renewed("0.5")
    w.finalize("2025-03-10")
    bill = w.bill("2025-03-31")
    rolled = next(c for c in bill.commits if c.rolled_over_from)
    known = (*bill.invoices, *w.invoices("SCHEDULED"))
    trueup = next(i for i in known if i.end is None and i.contract_id == "old")
    used = {b.commit_id: dollars(b.used) for b in bill.balances}

    assert (rolled.kind, dollars(rolled.access_total)) == (CommitKind.POSTPAID, Decimal("50.00"))
    assert dollars(trueup.total) == Decimal("10.00")
    assert (used[rolled.id], used["fresh"]) == (Decimal("25.00"), Decimal(0))


def test_r193_one_deduction_per_invoice_and_segment_at_its_end_or_the_segments() -> None:
    w = world(held("c", "10", ("2025-01-01", "2025-01-16")), held("d", "90", priority=Decimal(2)))
    for day in ("2025-01-05", "2025-01-10", "2025-01-20"):
        w.use("Calls", day, "8")
        w.use("Disk", day, "1")
    w.finalize("2025-02-03")
    taken = [
        (e.commit_id, e.timestamp, dollars(e.amount))
        for e in w.bill("2025-02-03").entries
        if e.type == "AUTOMATED_INVOICE_DEDUCTION"
    ]
    assert taken == [
        ("c", at("2025-01-16"), Decimal("-10.00")),
        ("d", at("2025-02-01"), Decimal("-17.00")),
    ]


def test_r194_r195_a_segment_shows_when_it_starts_and_counts_while_it_runs() -> None:
    w = world(commit("c", ("10", "2025-01-01", "2025-02-01"), ("20", "2025-03-01", "2025-04-01")))

    def seen(now: str) -> tuple[int, Decimal]:
        bill = w.bill(now)
        starts = sum(e.type == "SEGMENT_START" for e in bill.entries)
        return starts, sum((b.remaining for b in bill.balances if b.is_active), Decimal(0))

    assert [seen(day) for day in ("2024-12-31", "2025-01-01", "2025-02-15", "2025-03-01")] == [
        (0, Decimal(0)),
        (1, cents("10")),
        (1, Decimal(0)),
        (2, cents("20")),
    ]


@given(
    used=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    granted=st.lists(st.integers(1, 60), min_size=1, max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_r177_r178_r195_every_dollar_of_usage_is_paid_once_and_every_grant_spent_once(
    used: list[int], granted: list[int]
) -> None:
    commits = [held(f"c{n}", str(amount)) for n, amount in enumerate(granted)]
    w = world(*(replace(one, priority=Decimal(n % 2)) for n, one in enumerate(commits)))
    for n, amount in enumerate(used):
        w.use("Calls" if n % 2 else "Disk", f"2025-01-{n + 1:02}", str(amount))
    bill = w.bill("2025-01-31")
    (statement,) = (i for i in bill.invoices if i.end)
    drawn = sum(b.used for b in bill.balances)

    assert drawn + statement.total == cents(str(sum(used)))
    assert drawn == min(cents(str(sum(used))), cents(str(sum(granted))))
