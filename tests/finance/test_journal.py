"""Double entry: worked examples, and laws for all commits and all ways to use them up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.world import at, commit, items
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line, LineType
from closedwon.finance.journal import (
    CommitBooks,
    JournalEntry,
    JournalKind,
    LedgerAccount,
    Movement,
    Posting,
    balance_entry,
    cost_minor,
    deferral,
    invoice_entry,
    moved,
)
from closedwon.kernel.errors import InvariantBroken

CURRENCIES = {USD: "USD", "tokens": None, "yen": "JPY"}
START, END = at("2024-01-01"), at("2025-01-01")


def sides(entry: JournalEntry | None) -> list[tuple[str, int]]:
    return [] if entry is None else [(p.account.value, p.minor) for p in entry.postings]


def paid(access: str, cost: str, **more: object) -> Commit:
    return commit(
        "C",
        (access, "2024-01-01", "2025-01-01"),
        payments={"2024-01-01": cost} if Decimal(cost) else {},
        **more,
    )


def line(total: str, kind: LineType = LineType.USAGE, **more: object) -> Line:
    fields = {"type": kind, "name": "Calls", "total": Decimal(total), "product_id": "p"}
    return Line(**{**fields, **more})  # type: ignore[arg-type]


def invoice(*lines: Line, **more: object) -> Invoice:
    total = sum(
        (
            x.total
            for x in lines
            if not (x.commit_kind == "POSTPAID" and x.type == LineType.APPLIED)
        ),
        Decimal(0),
    )
    fields = {
        "id": "i",
        "customer_id": "customer",
        "contract_id": "k",
        "type": InvoiceType.USAGE,
        "status": InvoiceStatus.FINALIZED,
        "total": total,
        "lines": lines,
        "start": at("2024-01-01"),
        "end": at("2024-02-01"),
        "issued_at": at("2024-02-02"),
    }
    return Invoice(**{**fields, **more})  # type: ignore[arg-type]


def movement(
    found: Commit,
    kind: EntryType,
    amount: Decimal | str,
    books: CommitBooks | None = None,
    of: Invoice | None = None,
    **more: object,
) -> Movement:
    fields = {
        "id": f"{kind}/{amount}/{books}",
        "commit_id": found.id,
        "segment_id": found.segments[0].id,
        "type": kind,
        "timestamp": END,
        "amount": Decimal(amount),
        "invoice_id": None if of is None else of.id,
    }
    return Movement(
        entry=LedgerEntry(**{**fields, **more}),  # type: ignore[arg-type]
        commit=found,
        books=books or CommitBooks(),
        customer_id="customer",
        invoice=of,
        currencies=CURRENCIES,
    )


def applied(found: Commit, *amounts: tuple[str, str]) -> Invoice:
    """A usage invoice whose products were paid by the commit: (product, wire amount)."""
    where = {"commit_id": found.id, "segment_id": found.segments[0].id, "commit_kind": found.kind}
    lines = []
    for product, amount in amounts:
        lines.append(line(amount, product_id=product, **where))
        lines.append(line(f"-{amount}", LineType.APPLIED, product_id=product, **where))
    return invoice(*lines)


def test_s24_a_discounted_commit_is_recognized_at_its_cost_basis() -> None:
    found = paid("10000", "8000")
    drawn = movement(
        found, EntryType.AUTOMATED_INVOICE_DEDUCTION, "-250000", of=applied(found, ("p", "250000"))
    )
    entry = balance_entry(drawn)
    assert sides(entry) == [("deferred_revenue", 200_000), ("revenue", -200_000)]

    expired = movement(found, EntryType.EXPIRATION, "-100000", moved(drawn, entry))
    assert sides(balance_entry(expired)) == [("deferred_revenue", 80_000), ("breakage", -80_000)]


def test_a_purchase_is_deferred_and_a_charge_is_earned() -> None:
    bought = line(
        "1000000", LineType.COMMIT_PURCHASE, commit_id="C", commit_kind=CommitKind.PREPAID
    )
    fee = line("100000", LineType.SCHEDULED, product_id="fee")
    entry = invoice_entry(
        invoice(bought, fee, type=InvoiceType.SCHEDULED, start=None, end=None), "USD"
    )
    assert sides(entry) == [
        ("receivable", 1_100_000),
        ("deferred_revenue", -1_000_000),
        ("revenue", -100_000),
    ]
    assert entry
    assert entry.booked_on.isoformat() == "2024-02-02"


def test_usage_is_booked_in_the_month_it_happened_not_when_it_was_invoiced() -> None:
    entry = invoice_entry(invoice(line("349300")), "USD")
    assert entry
    assert (entry.booked_on.isoformat(), entry.kind) == ("2024-01-31", JournalKind.INVOICE)


def test_covered_usage_is_not_receivable_and_a_covered_month_posts_nothing() -> None:
    assert invoice_entry(applied(paid("10", "10"), ("p", "500")), "USD") is None


def test_usage_on_a_postpaid_commit_and_its_true_up_are_plain_revenue_r186_r351() -> None:
    kind = CommitKind.POSTPAID
    progress = line("75000", commit_id="P", commit_kind=kind, segment_id="P1")
    application = line("-75000", LineType.APPLIED, commit_id="P", commit_kind=kind, segment_id="P1")
    assert sides(invoice_entry(invoice(progress, application), "USD")) == [
        ("receivable", 75_000),
        ("revenue", -75_000),
    ]
    trueup = line("150000", LineType.COMMIT_PURCHASE, commit_id="P", commit_kind=kind)
    assert sides(invoice_entry(invoice(trueup, start=None, end=None), "USD")) == [
        ("receivable", 150_000),
        ("revenue", -150_000),
    ]


def test_usage_on_a_free_credit_is_revenue_against_promotion_r351() -> None:
    free = paid("100", "0", kind=CommitKind.CREDIT)
    drawn = movement(
        free, EntryType.AUTOMATED_INVOICE_DEDUCTION, "-4000", of=applied(free, ("p", "4000"))
    )
    assert sides(balance_entry(drawn)) == [("promotion", 4_000), ("revenue", -4_000)]
    assert balance_entry(movement(free, EntryType.EXPIRATION, "-6000")) is None


def test_a_rollover_takes_its_deferral_along_and_clears_it_to_the_cent() -> None:
    old = paid("3", "1")
    rolls = movement(old, EntryType.ROLLOVER, "-100", new_commit_id="new")
    entry = balance_entry(rolls)
    assert sides(entry) == [("deferred_revenue", 33), ("deferred_revenue", -33)]
    assert (deferral(entry, "C"), deferral(entry, "new")) == (33, -33)

    new = replace(paid("1", "0"), id="new")
    used = movement(
        new,
        EntryType.AUTOMATED_INVOICE_DEDUCTION,
        "-100",
        CommitBooks(received=33),
        applied(new, ("p", "100")),
    )
    assert sides(balance_entry(used)) == [("deferred_revenue", 33), ("revenue", -33)]


def test_what_was_billed_elsewhere_is_deferred_when_access_begins_r154() -> None:
    found = paid("100", "80", do_not_invoice=True)
    start = movement(found, EntryType.SEGMENT_START, "10000", timestamp=START)
    assert sides(balance_entry(start)) == [
        ("billed_elsewhere", 8_000),
        ("deferred_revenue", -8_000),
    ]
    assert balance_entry(movement(paid("100", "80"), EntryType.SEGMENT_START, "10000")) is None


def test_revenue_is_split_over_the_products_the_balance_paid_for() -> None:
    found = paid("100", "50")
    of = applied(found, ("a", "100"), ("b", "201"))
    entry = balance_entry(movement(found, EntryType.AUTOMATED_INVOICE_DEDUCTION, "-301", of=of))
    assert entry
    assert [(p.product_id, p.minor) for p in entry.postings] == [
        (None, 151),
        ("a", -50),
        ("b", -101),
    ]


def test_a_balance_in_a_pricing_unit_moves_money_only_if_it_was_paid() -> None:
    free = paid("100", "0", access_credit_type_id="tokens")
    bought = paid("100", "80", access_credit_type_id="tokens")
    for found, expected in ((free, []), (bought, [4_000, -4_000])):
        of = applied(found, ("p", "5000"))
        drawn = movement(found, EntryType.AUTOMATED_INVOICE_DEDUCTION, "-5000", of=of)
        assert [minor for _, minor in sides(balance_entry(drawn))] == expected


def test_yen_have_no_minor_unit() -> None:
    assert sides(invoice_entry(invoice(line("1000.5")), "JPY")) == [
        ("receivable", 1_001),
        ("revenue", -1_001),
    ]


def test_fractions_that_no_revenue_line_can_carry_are_shown_as_rounding() -> None:
    bought = [
        line("0.4", LineType.COMMIT_PURCHASE, commit_id=name, commit_kind=CommitKind.PREPAID)
        for name in ("X", "Y")
    ]
    assert sides(invoice_entry(invoice(*bought), "USD")) == [("receivable", 1), ("rounding", -1)]


def test_lines_that_do_not_sum_or_deductions_without_lines_are_our_fault() -> None:
    with pytest.raises(InvariantBroken, match="do not sum"):
        invoice_entry(invoice(line("5"), total=Decimal(6)), "USD")
    found = paid("10", "10")
    with pytest.raises(InvariantBroken, match="differs from its invoice"):
        balance_entry(
            movement(
                found, EntryType.AUTOMATED_INVOICE_DEDUCTION, "-5", of=applied(found, ("p", "4"))
            )
        )


def test_an_entry_that_does_not_balance_cannot_exist() -> None:
    common = {
        "entry_id": "e",
        "kind": JournalKind.INVOICE,
        "booked_on": START.date(),
        "customer_id": "c",
    }
    one = Posting(number=1, account=LedgerAccount.REVENUE, minor=1, currency="USD", **common)  # type: ignore[arg-type]
    other = replace(one, number=2, minor=-1, currency="EUR")
    for postings in ((), (one,), (one, other)):
        with pytest.raises(InvariantBroken, match="does not balance"):
            JournalEntry(
                id="e",
                kind=JournalKind.INVOICE,
                booked_on=START.date(),
                customer_id="c",
                postings=postings,
            )


wires = st.decimals(min_value="0.001", max_value="99999999", places=3)


@given(totals=st.lists(st.decimals("-99999", "99999", places=4), min_size=1, max_size=8))
def test_every_invoice_balances_and_is_receivable_as_payable(totals: list[Decimal]) -> None:
    lines = [line(str(total), product_id=f"p{n % 3}") for n, total in enumerate(totals)]
    entry = invoice_entry(invoice(*lines), "USD")
    booked = dict.fromkeys(LedgerAccount, 0)
    for account, minor in sides(entry):
        booked[LedgerAccount(account)] += minor

    exact = sum(totals, Decimal(0))
    assert abs(booked[LedgerAccount.RECEIVABLE] - exact) <= Decimal("0.5")
    assert booked[LedgerAccount.RECEIVABLE] == -booked[LedgerAccount.REVENUE]


@given(
    cost=st.decimals("0.01", "99999999", places=2),
    access=wires,
    shares=st.lists(st.integers(1, 1000), min_size=1, max_size=12),
    kinds=st.lists(
        st.sampled_from(
            [
                EntryType.AUTOMATED_INVOICE_DEDUCTION,
                EntryType.EXPIRATION,
                EntryType.ROLLOVER,
                EntryType.MANUAL,
            ]
        ),
        min_size=12,
        max_size=12,
    ),
)
def test_a_used_up_commit_has_recognized_exactly_what_it_cost_r353(
    cost: Decimal, access: Decimal, shares: list[int], kinds: list[EntryType]
) -> None:
    found = replace(
        commit("C", ("1", "2024-01-01", "2025-01-01")),
        segments=(replace(paid("1", "1").segments[0], amount=access),),
        payments=items("C", {"2024-01-01": str(cost / 100), "2024-07-01": str(cost / 50)}),
    )
    amounts = [access * share / sum(shares) for share in shares]
    amounts[-1] = access - sum(amounts[:-1], Decimal(0))
    books = CommitBooks()
    debited = 0
    for amount, kind in zip(amounts, kinds, strict=False):
        of = (
            applied(found, ("p", str(amount)))
            if kind is EntryType.AUTOMATED_INVOICE_DEDUCTION
            else None
        )
        step = movement(found, kind, -amount, books, of, new_commit_id="new")
        entry = balance_entry(step)
        books = moved(step, entry)
        debited += deferral(entry, "C")
        total = cost_minor(step)
        assert abs(debited - total * books.consumed / access) <= Decimal("0.5")

    assert books.consumed == access
    assert debited == cost_minor(movement(found, EntryType.EXPIRATION, "-1"))
