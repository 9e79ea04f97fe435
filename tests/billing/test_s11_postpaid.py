"""S11: a postpaid commit and its true-up (R186-R191, R206)."""

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
    dollars,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.edits import Added, Create, Follow
from closedwon.billing.contracts.terms import (
    Commit,
    CommitKind,
    StatementSchedule,
    Transition,
    TransitionType,
)
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

MONTHS = [f"2024-{m:02}" for m in (10, 11, 12)] + [f"2025-{m:02}" for m in range(1, 10)]


def promise(**more: object) -> Commit:
    fields = {"payments": {"2025-10-01": "10000"}, "kind": CommitKind.POSTPAID, **more}
    return commit("X", ("10000", "2024-10-01", "2025-10-01"), **fields)  # type: ignore[arg-type]


def year_of(monthly: str, *commits: Commit, follow: Follow | None = None) -> World:
    signed = Create(
        customer_id="customer",
        term=span("2024-10-01", "2025-10-01"),
        rate_card_id="card",
        terms=Added(commits=(promise(), *commits)),
    )
    products = [usage_product("Api"), fixed_product("commit")]
    changes: Sequence[object] = [signed, *([follow] if follow else [])]
    renewed = []
    if follow is not None:
        second = Create(
            customer_id="customer",
            term=span("2025-04-01", "2026-04-01"),
            rate_card_id="card",
            transition=follow.transition,
        )
        renewed = [contract("second", second)]
    w = World(
        catalog(products, [metric("Api")], [rate("Api", "100")]),
        [contract("first", *changes), *renewed],  # type: ignore[arg-type]
    )
    for month in MONTHS:
        w.use("Api", f"{month}-10", monthly)
    return w


def test_a_prepaid_covered_usage_does_not_count_and_the_rest_is_trued_up() -> None:
    free = commit("free", ("500", "2024-10-01", "2024-11-01"), kind=CommitKind.CREDIT)
    w = year_of("750", free)
    bill = w.finalize("2025-10-02")
    ledger = [e for e in bill.entries if e.commit_id == "X"]

    assert [dollars(i.total) for i in w.invoices()] == [Decimal(250), *[Decimal(750)] * 11]
    assert [(i.issued_at, dollars(i.total)) for i in w.invoices("SCHEDULED")] == [
        (at("2025-10-02"), Decimal(1500))
    ]
    assert [e.type for e in ledger][:: len(ledger) - 1] == ["INITIAL_BALANCE", "TRUEUP"]
    assert sum(e.amount for e in ledger) == 0


def test_b_the_draft_shows_the_live_shortfall_and_waits_for_the_last_statement() -> None:
    w = year_of("800")
    w.finalize("2025-10-01")
    live = [i for i in w.bill("2025-10-01").invoices if i.type == "SCHEDULED"]

    assert [(i.issued_at, dollars(i.total)) for i in live] == [(at("2025-10-02"), Decimal(400))]
    assert w.invoices("SCHEDULED") == []


def test_c_usage_above_the_promise_is_plain_overage_and_nothing_is_trued_up_r188() -> None:
    w = year_of("900")
    w.finalize("2025-10-05")
    september = w.invoices()[-1]

    assert w.invoices("SCHEDULED") == []
    assert september.total == cents("900")
    assert [(dollars(x.total), x.commit_id) for x in september.lines] == [
        (Decimal(100), "X"),
        (Decimal(800), None),
        (Decimal(-100), "X"),
    ]


@pytest.mark.parametrize(("removes", "expected"), [(True, []), (False, [Decimal(5500)])])
def test_d_a_renewal_keeps_or_removes_the_trueup_r124(
    expected: list[Decimal], *, removes: bool
) -> None:
    transition = Transition(
        type=TransitionType.RENEWAL, from_contract_id="first", removes_trueup=removes
    )
    follow = Follow(transition=transition, to_contract_id="second", at=at("2025-04-01"))
    w = year_of("750", follow=follow)
    w.finalize("2026-05-01")

    assert [dollars(i.total) for i in w.invoices("SCHEDULED")] == expected
    assert [i.total for i in w.invoices() if i.contract_id == "first"] == [cents("750")] * 6


def test_s16_rollover_prepaid_and_postpaid_burn_in_that_order_r178() -> None:
    w = year_of("650", commit("A", ("600", "2024-10-01", "2024-11-01"), priority=Decimal(999)))
    october = w.bill("2024-10-31").invoices[0]

    assert [dollars(x.total) for x in october.lines] == [600, 50, -600, -50]
    assert october.total == cents("50")


@pytest.mark.parametrize(
    "wrong",
    [
        {"payments": {}},
        {"payments": {"2025-10-01": "9999"}},
        {"payments": {"2025-09-01": "10000"}},
        {"payments": {"2025-10-01": "5000", "2025-11-01": "5000"}},
    ],
)
def test_r206_a_postpaid_commit_has_one_later_payment_of_its_amount(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(Refused, match="postpaid"):
        promise(**wrong)


def test_r140_r187_a_shared_promise_waits_for_the_last_statement_of_every_contract() -> None:
    """One contract bills the promise monthly, another draws from it and is billed quarterly."""
    shared = commit(
        "X",
        ("10000", "2025-01-01", "2025-02-01"),
        payments={"2025-02-01": "10000"},
        kind=CommitKind.POSTPAID,
        invoice_contract_id="monthly",
    )
    quarterly = StatementSchedule(frequency=Frequency.QUARTERLY)
    signed = [
        Create(customer_id="customer", term=term, rate_card_id="card", statement=statement)
        for term, statement in (
            (span("2025-01-01", "2025-02-01"), StatementSchedule()),
            (span("2025-01-01", "2025-04-01"), quarterly),
        )
    ]
    w = World(
        catalog(
            [usage_product("Api"), fixed_product("commit")], [metric("Api")], [rate("Api", "100")]
        ),
        [contract("monthly", signed[0]), contract("quarterly", signed[1])],
        commits=(shared,),
    )
    w.use("Api", "2025-01-10", "20")

    w.finalize("2025-02-03")
    w.use("Api", "2025-01-20", "5")
    early = w.invoices("SCHEDULED")
    w.finalize("2025-04-02")
    (trueup,) = w.invoices("SCHEDULED")

    assert early == []
    assert trueup.issued_at == at("2025-04-02")
    assert sum(invoice.total for invoice in w.account.finalized) == cents("10000")
