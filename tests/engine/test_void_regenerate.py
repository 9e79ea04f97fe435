"""Voiding invoices and making them anew, to the cent and never twice (R196, R282-R284)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.world import at, charge, commit, fixed_product, items, metric, multiplier, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.balances.types import EntryType
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create
from closedwon.billing.contracts.terms import Commit, CommitKind, Transition, TransitionType
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.finance.postings import LedgerAccount
from closedwon.kernel.errors import NotFound, Refused

SIGNED = at("2025-01-01")
ALL = Decimal(1)
DAY = {"2025-03-05": "3"}


def world(*commits: Commit, end: str | None = None, **charges: Mapping[str, str]) -> Setup:
    """A contract ``k`` from March 2025 that sells calls at a dollar and has some commits."""
    found = setup()
    add_catalog(
        found.engine,
        [usage("Calls", "calls"), fixed_product("commit"), fixed_product("fee")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    terms = Added(
        commits=commits, charges=tuple(charge(name, dates) for name, dates in charges.items())
    )
    create = Create(
        customer_id="customer", term=span("2025-03-01", end), rate_card_id="card", terms=terms
    )
    found.engine.create_contract("k", create, by="test", now=SIGNED)
    return found


def use(found: Setup, when: str, value: str) -> None:
    found.usage.use(event("customer", "Calls", at(when), value))


def usage_of(found: Setup, month: str) -> Invoice:
    """The newest usage invoice of a month, draft or not."""
    stored = [i for i in found.engine.invoices("customer") if i.start == at(f"{month}-01")]
    return max(stored, key=lambda i: i.issued_at)


def draft_of(found: Setup, month: str, now: str) -> Decimal:
    (draft,) = [
        i for i in found.engine.bill("customer", at(now)).invoices if i.start == at(f"{month}-01")
    ]
    return draft.total


def left(found: Setup, segment: str, now: str) -> Decimal:
    """Balance of a segment, drafts left out."""
    (balance,) = [
        b for b in found.engine.bill("customer", at(now)).balances if b.segment_id == segment
    ]
    return balance.granted + balance.adjusted - balance.used_final - balance.expired


def posted(found: Setup, commit_id: str) -> list[tuple[EntryType, Decimal]]:
    return [(entry.type, entry.amount) for entry in found.engine.ledger(commit_id)]


def promise(amount: str, start: str, end: str) -> Commit:
    """A postpaid commit that is due when its access ends."""
    return commit("promise", (amount, start, end), payments={end: amount}, kind=CommitKind.POSTPAID)


def finalized_april(found: Setup) -> Invoice:
    found.engine.finalize(at("2025-05-02"))
    return usage_of(found, "2025-04")


def renew(found: Setup, start: str, now: datetime) -> None:
    """Contract ``next`` follows ``k``."""
    follows = Transition(type=TransitionType.RENEWAL, from_contract_id="k")
    create = Create(
        customer_id="customer", term=span(start), rate_card_id="card", transition=follows
    )
    found.engine.create_contract("next", create, by="test", now=now)


def renewed() -> Setup:
    """A hundred paid for, 80 used in March, the rest rolled over on April 1."""
    found = world(commit("paid", ("100", "2025-03-01", "2026-01-01"), rollover_fraction=ALL))
    use(found, "2025-03-10", "80")
    renew(found, "2025-04-01", at("2025-03-20"))
    found.engine.finalize(at("2025-04-02"))
    return found


def in_order(found: Setup) -> None:
    """Books balance, caches and bytes are sound, nobody is parked."""
    assert found.engine.findings() == ()
    assert found.engine.problems() == ()
    assert sum(p.minor for p in found.engine.postings()) == 0


def account_sum(found: Setup, account: LedgerAccount) -> int:
    return sum(p.minor for p in found.engine.postings() if p.account is account)


def test_s23_r283_r284_r196_void_gives_back_and_regenerate_takes_what_is_left() -> None:
    paid = commit("paid", ("100", "2025-03-01", "2026-01-01"), payments={"2025-03-01": "100"})
    found = world(paid)
    use(found, "2025-03-10", "250")
    use(found, "2025-04-05", "60")
    found.engine.finalize(at("2025-04-02"))
    march = usage_of(found, "2025-03")
    assert march.total == 15000
    assert left(found, "paid1", "2025-04-09") == 0
    assert draft_of(found, "2025-04", "2025-04-09") == 6000

    now = at("2025-04-10")
    cheaper = Amend(
        starting_at=now, terms=Added(overrides=(multiplier("calls", "0.8", "2025-03-01"),))
    )
    found.engine.edit_contract("k", cheaper, by="test", now=now)
    void = found.engine.void_invoice(march.id, now)

    assert (void.status, void.voided_at, void.total) == (InvoiceStatus.VOID, now, 15000)
    assert posted(found, "paid") == [(EntryType.SEGMENT_START, Decimal(10000))]
    assert left(found, "paid1", "2025-04-10") == 10000
    assert draft_of(found, "2025-04", "2025-04-10") == 0
    in_order(found)

    again = found.engine.regenerate_invoice(march.id, now)

    assert again.id != march.id
    assert again.regenerated_from == march.id
    assert (again.start, again.end, again.issued_at) == (march.start, march.end, now)
    assert (again.status, again.total) == (InvoiceStatus.FINALIZED, 10000)
    assert posted(found, "paid")[1:] == [(EntryType.AUTOMATED_INVOICE_DEDUCTION, Decimal(-10000))]
    assert draft_of(found, "2025-04", "2025-04-10") == 4800
    in_order(found)


def test_s30_r12_late_usage_is_on_no_invoice_until_its_own_is_regenerated() -> None:
    found = world()
    first = event("customer", "Calls", at("2025-03-31T23:50:00"), "5")
    found.usage.use(first, first)
    found.engine.finalize(at("2025-04-01T12:00:00"))
    use(found, "2025-03-31T10:00:00", "7")
    found.engine.finalize(at("2025-04-02"))
    assert usage_of(found, "2025-03").total == 1200

    use(found, "2025-03-31T11:00:00", "9")
    found.engine.finalize(at("2025-05-02"))
    march, april = usage_of(found, "2025-03"), usage_of(found, "2025-04")
    assert (march.total, april.total) == (1200, 0)

    found.engine.void_invoice(march.id, at("2025-05-03"))
    assert found.engine.regenerate_invoice(march.id, at("2025-05-03")).total == 2100


def test_r284_what_later_invoices_took_meanwhile_is_gone() -> None:
    """April absorbed the returned balance and is final: March only finds what April left."""
    found = world(commit("paid", ("100", "2025-03-01", "2026-01-01")))
    use(found, "2025-03-10", "100")
    use(found, "2025-04-05", "30")
    found.engine.finalize(at("2025-04-02"))
    march = usage_of(found, "2025-03")
    found.engine.void_invoice(march.id, at("2025-04-20"))
    found.engine.finalize(at("2025-05-02"))
    assert usage_of(found, "2025-04").total == 0

    assert found.engine.regenerate_invoice(march.id, at("2025-05-03")).total == 3000
    assert left(found, "paid1", "2025-05-03") == 0
    in_order(found)


def test_r284_a_segment_that_ended_still_pays_usage_inside_it() -> None:
    """A monthly credit expired with 40 left; late usage of 50 is covered by all of them."""
    found = world(commit("free", ("100", "2025-03-01", "2025-04-01"), kind=CommitKind.CREDIT))
    use(found, "2025-03-10", "60")
    found.engine.finalize(at("2025-04-02"))
    use(found, "2025-03-11", "50")
    march = usage_of(found, "2025-03")
    expired = (EntryType.EXPIRATION, Decimal(-4000))
    assert expired in posted(found, "free")

    found.engine.void_invoice(march.id, at("2025-04-10"))
    assert posted(found, "free") == [(EntryType.SEGMENT_START, Decimal(10000))]
    found.engine.finalize(at("2025-04-10"))
    assert posted(found, "free")[1:] == [(EntryType.EXPIRATION, Decimal(-10000))]

    again = found.engine.regenerate_invoice(march.id, at("2025-04-11"))
    found.engine.finalize(at("2025-04-11"))

    assert again.total == 1000
    assert posted(found, "free")[1:] == [
        (EntryType.AUTOMATED_INVOICE_DEDUCTION, Decimal(-10000)),
    ]
    in_order(found)


def test_r283_a_void_period_or_payment_is_not_billed_again_by_itself() -> None:
    found = world(fee={"2025-03-05": "10", "2025-06-05": "20"})
    use(found, "2025-03-10", "4")
    found.engine.finalize(at("2025-04-02"))
    for invoice in found.engine.invoices("customer"):
        found.engine.void_invoice(invoice.id, at("2025-04-03"))
    found.engine.finalize(at("2025-07-02"))

    standing = found.engine.invoices("customer", status=InvoiceStatus.FINALIZED)
    assert [(i.start, i.total) for i in standing] == [
        (at("2025-04-01"), 0),
        (at("2025-05-01"), 0),
        (None, 2000),
        (at("2025-06-01"), 0),
    ]
    in_order(found)


def test_r284_a_payment_is_regenerated_once_with_what_the_contract_says_now() -> None:
    found = world(fee={"2025-03-05": "10"})
    found.engine.finalize(at("2025-03-05"))
    (old,) = found.engine.invoices("customer")
    found.engine.void_invoice(old.id, at("2025-03-06"))
    again = found.engine.regenerate_invoice(old.id, at("2025-03-07"))

    assert (again.total, again.issued_at, again.start) == (1000, at("2025-03-07"), None)
    assert [line.payment_id for line in again.lines] == ["fee@2025-03-05"]
    assert account_sum(found, LedgerAccount.RECEIVABLE) == 1000
    found.engine.finalize(at("2025-03-08"))
    assert len(found.engine.invoices("customer")) == 2
    in_order(found)


def test_r155_a_statement_with_charges_is_made_anew_with_them() -> None:
    found = setup()
    add_catalog(
        found.engine,
        [usage("Calls"), fixed_product("fee")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    create = Create(
        customer_id="customer",
        term=span("2025-03-01"),
        rate_card_id="card",
        charges_on_usage_invoices=True,
        terms=Added(charges=(charge("fee", {"2025-04-01": "9"}),)),
    )
    found.engine.create_contract("k", create, by="test", now=SIGNED)
    use(found, "2025-03-10", "2")
    found.engine.finalize(at("2025-04-02"))
    (march,) = found.engine.invoices("customer")
    assert march.total == 1100
    found.engine.void_invoice(march.id, at("2025-04-03"))
    use(found, "2025-03-11", "1")
    again = found.engine.regenerate_invoice(march.id, at("2025-04-04"))
    assert (again.total, again.payment_ids) == (1200, {"fee@2025-04-01"})
    found.engine.finalize(at("2025-05-02"))
    assert [i.total for i in found.engine.invoices("customer")] == [1100, 1200, 0]
    in_order(found)


def test_r150_a_charge_added_to_a_void_moment_gets_an_invoice_of_its_own() -> None:
    found = world(fee={"2025-03-05": "10"})
    found.engine.finalize(at("2025-03-05"))
    (old,) = found.engine.invoices("customer")
    found.engine.void_invoice(old.id, at("2025-03-06"))
    extra = replace(charge("fee", {"2025-03-05": "3"}), id="extra", items=items("extra", DAY))
    terms = Added(charges=(extra,))
    found.engine.edit_contract(
        "k", Amend(starting_at=SIGNED, terms=terms), by="test", now=at("2025-03-07")
    )
    found.engine.finalize(at("2025-03-07"))
    again = found.engine.regenerate_invoice(old.id, at("2025-03-08"))

    standing = found.engine.invoices("customer", status=InvoiceStatus.FINALIZED)
    assert sorted((i.total, i.id == again.id) for i in standing) == [(300, False), (1000, True)]
    in_order(found)


def test_r140_r187_a_true_up_waits_for_a_last_statement_that_is_void() -> None:
    found = world(promise("1000", "2025-03-01", "2025-05-01"), end="2025-05-01")
    use(found, "2025-03-10", "300")
    use(found, "2025-04-10", "250")
    found.engine.finalize(at("2025-05-01"))
    april = finalized_april(found)
    assert april.total == 25000
    (trueup,) = found.engine.invoices("customer", status=InvoiceStatus.FINALIZED)[-1:]
    assert trueup.total == 45000

    found.engine.void_invoice(trueup.id, at("2025-05-03"))
    found.engine.void_invoice(april.id, at("2025-05-03"))
    found.engine.finalize(at("2025-05-04"))
    with pytest.raises(Refused, match="nothing to bill"):
        found.engine.regenerate_invoice(trueup.id, at("2025-05-04"))
    use(found, "2025-04-11", "50")
    assert found.engine.regenerate_invoice(april.id, at("2025-05-05")).total == 30000
    assert found.engine.regenerate_invoice(trueup.id, at("2025-05-06")).total == 40000
    found.engine.finalize(at("2025-05-06"))

    assert sum(amount for _, amount in posted(found, "promise")) == 0
    in_order(found)


def test_r187_usage_made_anew_after_the_true_up_counts_towards_what_is_left() -> None:
    """The shortfall is billed already, so less usage than before is not billed a second time."""
    found = world(promise("1000", "2025-03-01", "2025-05-01"), end="2025-05-01")
    use(found, "2025-04-10", "250")
    found.engine.finalize(at("2025-05-02"))
    april = finalized_april(found)
    found.engine.void_invoice(april.id, at("2025-05-03"))
    found.engine.finalize(at("2025-05-03"))
    again = found.engine.regenerate_invoice(april.id, at("2025-05-04"))
    found.engine.finalize(at("2025-05-04"))

    assert again.total == 25000
    assert {line.commit_id for line in again.lines} == {"promise"}
    assert sum(amount for _, amount in posted(found, "promise")) == 0
    in_order(found)


def test_r121_r196_what_was_rolled_over_stays_with_the_new_contract() -> None:
    found = renewed()
    march = usage_of(found, "2025-03")
    rolled = [entry for entry in posted(found, "paid") if entry[0] is EntryType.ROLLOVER]
    assert rolled == [(EntryType.ROLLOVER, Decimal(-2000))]

    found.engine.void_invoice(march.id, at("2025-04-10"))
    found.engine.finalize(at("2025-04-10"))
    assert rolled[0] in posted(found, "paid")
    assert (EntryType.EXPIRATION, Decimal(-8000)) in posted(found, "paid")
    use(found, "2025-03-12", "5")
    again = found.engine.regenerate_invoice(march.id, at("2025-04-11"))
    found.engine.finalize(at("2025-05-02"))

    assert again.total == 500
    assert sum(amount for _, amount in posted(found, "paid")) == 0
    in_order(found)


def test_r121_a_void_before_the_renewal_does_not_make_more_roll_over() -> None:
    """What the void invoice gave back waits for it, so voiding and regenerating changes nothing."""
    found = world(commit("paid", ("100", "2025-03-01", "2026-01-01"), rollover_fraction=ALL))
    use(found, "2025-03-10", "80")
    found.engine.finalize(at("2025-04-02"))
    march = usage_of(found, "2025-03")
    found.engine.void_invoice(march.id, at("2025-04-10"))
    renew(found, "2025-05-01", at("2025-04-20"))
    found.engine.finalize(at("2025-05-03"))

    assert (EntryType.ROLLOVER, Decimal(-2000)) in posted(found, "paid")
    assert found.engine.regenerate_invoice(march.id, at("2025-05-04")).total == 0
    found.engine.finalize(at("2025-05-04"))
    assert sum(amount for _, amount in posted(found, "paid")) == 0
    in_order(found)


def test_r283_r284_what_is_refused() -> None:
    found = world()
    found.engine.finalize(at("2025-04-02"))
    (march,) = found.engine.invoices("customer")
    before = found.engine.content_hash()
    with pytest.raises(NotFound):
        found.engine.void_invoice("draft", at("2025-04-03"))
    with pytest.raises(Refused, match="only a VOID invoice"):
        found.engine.regenerate_invoice(march.id, at("2025-04-03"))
    assert found.engine.content_hash() == before

    found.engine.void_invoice(march.id, at("2025-04-03"))
    with pytest.raises(Refused, match="only a FINALIZED invoice"):
        found.engine.void_invoice(march.id, at("2025-04-03"))
    again = found.engine.regenerate_invoice(march.id, at("2025-04-03"))
    with pytest.raises(Refused, match="regenerated once"):
        found.engine.regenerate_invoice(march.id, at("2025-04-03"))
    found.engine.void_invoice(again.id, at("2025-04-04"))
    with pytest.raises(Refused, match="regenerated once"):
        found.engine.regenerate_invoice(march.id, at("2025-04-04"))
    third = found.engine.regenerate_invoice(again.id, at("2025-04-04"))
    assert third.regenerated_from == again.id
    in_order(found)


def test_r351_void_and_regenerated_postings_are_booked_on_their_own_day() -> None:
    found = world(
        commit("paid", ("100", "2025-03-01", "2026-01-01"), payments={"2025-03-01": "80"})
    )
    use(found, "2025-03-10", "150")
    found.engine.finalize(at("2025-04-02"))
    closed = found.engine.postings(end=at("2025-04-01").date())
    march = usage_of(found, "2025-03")
    found.engine.void_invoice(march.id, at("2025-04-10"))

    assert account_sum(found, LedgerAccount.RECEIVABLE) == 8000
    assert account_sum(found, LedgerAccount.DEFERRED) == -8000
    assert account_sum(found, LedgerAccount.REVENUE) == 0

    found.engine.regenerate_invoice(march.id, at("2025-04-12"))
    assert account_sum(found, LedgerAccount.RECEIVABLE) == 13000
    assert account_sum(found, LedgerAccount.DEFERRED) == 0
    assert account_sum(found, LedgerAccount.REVENUE) == -13000
    assert found.engine.postings(end=at("2025-04-01").date()) == closed
    in_order(found)


def test_r293_a_regenerated_invoice_is_told_anew() -> None:
    found = world()
    found.engine.finalize(at("2025-04-02"))
    (march,) = found.engine.invoices("customer")
    found.engine.void_invoice(march.id, at("2025-04-03"))
    again = found.engine.regenerate_invoice(march.id, at("2025-04-03"))
    bodies = [e.body for e in found.engine.stores.events.after(0, 10, ["invoice.finalized"])]
    assert [i in body for i, body in zip((march.id, again.id), bodies, strict=True)] == [True, True]


def test_r118_an_extended_contract_bills_on_from_its_last_statement() -> None:
    found = world(end="2025-03-10")
    use(found, "2025-03-05", "3")
    found.engine.finalize(at("2025-03-11"))
    found.engine.edit_contract("k", ChangeEnd(ending_before=None), by="test", now=at("2025-03-12"))
    use(found, "2025-03-15", "4")
    found.engine.finalize(at("2025-04-02"))

    bills = [(i.start, i.end, i.total) for i in found.engine.invoices("customer")]
    assert bills == [
        (at("2025-03-01"), at("2025-03-10"), 300),
        (at("2025-03-10"), at("2025-04-01"), 400),
    ]
    first = usage_of(found, "2025-03")
    found.engine.void_invoice(first.id, at("2025-04-03"))
    again = found.engine.regenerate_invoice(first.id, at("2025-04-03"))
    assert (again.start, again.end, again.total) == (first.start, first.end, 300)


def test_a_look_back_shows_what_was_final_then() -> None:
    found = world(commit("paid", ("100", "2025-03-01", "2026-01-01")))
    use(found, "2025-03-10", "60")
    found.engine.finalize(at("2025-04-02"))
    march = usage_of(found, "2025-03")
    found.engine.void_invoice(march.id, at("2025-04-10"))
    use(found, "2025-03-11", "10")
    again = found.engine.regenerate_invoice(march.id, at("2025-04-12"))

    def final(now: str) -> list[str]:
        return [invoice.id for invoice in found.engine.account("customer", at(now)).finalized]

    assert final("2025-04-05") == [march.id]
    assert final("2025-04-11") == []
    assert final("2025-04-12") == [again.id]
    assert left(found, "paid1", "2025-04-05") == 4000
    assert left(found, "paid1", "2025-04-11") == 10000
    assert left(found, "paid1", "2025-04-13") == 3000


@given(
    uses=st.lists(st.tuples(st.integers(3, 6), st.decimals(1, 90, places=2)), max_size=6),
    free=st.decimals(1, 150, places=2),
    month=st.integers(3, 6),
    times=st.integers(1, 3),
)
@settings(max_examples=15, deadline=None)
def test_r284_when_nothing_changed_the_new_invoice_says_the_same(
    uses: list[tuple[int, Decimal]], free: Decimal, month: int, times: int
) -> None:
    """Void and regenerate, again and again: lines, balances and books are as if it never was."""
    monthly = commit("m", (str(free), f"2025-{month:02}-01", f"2025-{month + 1:02}-01"))
    yearly = commit("y", (str(free), "2025-03-01", "2025-08-01"), payments={"2025-03-01": "50"})
    found = world(monthly, yearly, promise("300", "2025-03-01", "2025-07-01"), end="2025-07-01")
    for number, (when, value) in enumerate(uses):
        use(found, f"2025-{when:02}-{10 + number}", str(value))
    found.engine.finalize(at("2025-08-02"))
    old = usage_of(found, f"2025-{month:02}")
    before = {name: sorted(posted(found, name)) for name in ("m", "y", "promise")}
    sums = {account: account_sum(found, account) for account in LedgerAccount}

    current = old
    for _ in range(times):
        found.engine.void_invoice(current.id, at("2025-08-03"))
        found.engine.finalize(at("2025-08-03"))
        current = found.engine.regenerate_invoice(current.id, at("2025-08-03"))
        found.engine.finalize(at("2025-08-03"))

    assert current.lines == old.lines
    assert {name: sorted(posted(found, name)) for name in before} == before
    assert {account: account_sum(found, account) for account in LedgerAccount} == sums
    in_order(found)
