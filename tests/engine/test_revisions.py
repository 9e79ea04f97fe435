"""What finalized invoices still let an edit do, exactly (R113, R117, R119, R123, R197, R205)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.balances.test_recurring import recurring
from billing.world import at, cents, commit, dollars, span
from build import Setup, infrax, infrax_renewal, setup
from closedwon.billing.balances.recurring import child_id
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.contracts.edits import Added, Amend, Archive, ChangeEnd, Create, Revise
from closedwon.billing.contracts.terms import AccessSegment, Commit
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.kernel.errors import Conflict, NotFound, Refused

NOW = at("2024-06-10")


@pytest.fixture
def world() -> Setup:
    """InfraX signed, January to May 2024 finalized."""
    found = setup()
    infrax(found.engine, found.usage)
    found.engine.finalize(at("2024-06-02"))
    return found


def edit(world: Setup, change: Any, now: Any = NOW) -> None:
    world.engine.edit_contract("first", change, by="test", now=now)


def main_commit(world: Setup) -> Commit:
    return world.engine.contract("first").commits[0]


def resized(world: Setup, wire: Decimal) -> Revise:
    a = main_commit(world)
    first, *rest = a.schedule
    segments = (replace(first, amount=wire), *rest)
    return Revise(replace=Added(commits=(replace(a, segments=segments),)))


def used(world: Setup) -> Decimal:
    return -sum(e.amount for e in world.engine.ledger("A") if e.invoice_id is not None)


def left(world: Setup, segment_id: str) -> Decimal:
    bill = world.engine.bill("customer", NOW)
    return next(b.remaining for b in bill.balances if b.segment_id == segment_id)


def test_r197_a_segment_may_be_lowered_to_what_finalized_invoices_used_and_no_further(
    world: Setup,
) -> None:
    taken = used(world)
    assert dollars(taken) == Decimal("18702.00")

    with pytest.raises(Refused, match="R197"):
        edit(world, resized(world, taken - Decimal("0.01")))
    edit(world, resized(world, taken))
    assert left(world, "A1") == 0
    world.engine.finalize(at("2024-07-02"))
    june = world.engine.invoices("customer")[-1]
    assert dollars(june.total) == Decimal("4863.00")
    assert world.engine.findings() == ()


def test_r197_a_segment_that_begins_at_the_very_instant_has_begun(world: Setup) -> None:
    small = commit("X", ("10", "2024-06-10", "2024-07-01"))
    edit(world, Amend(starting_at=NOW, terms=Added(commits=(small,))), at("2024-06-09"))
    world.engine.finalize(NOW)
    more = commit("X", ("15", "2024-06-10", "2024-07-01"))
    edit(world, Revise(replace=Added(commits=(more,))))
    world.engine.finalize(at("2024-06-11"))

    entries = [(e.type, dollars(e.amount)) for e in world.engine.ledger("X")]
    assert entries == [("SEGMENT_START", Decimal("10.00")), ("CREDITED", Decimal("5.00"))]
    assert world.engine.problems() == ()


def test_r197_below_draft_use_the_draft_recalculates(world: Setup) -> None:
    edit(world, resized(world, used(world) + cents("863")))
    june = next(i for i in world.engine.bill("customer", at("2024-06-30")).invoices if i.end)

    assert dollars(june.total) == Decimal("4000.00")


def test_r195_r197_the_ledger_keeps_what_was_granted_and_adds_the_change(world: Setup) -> None:
    edit(world, resized(world, cents("60000")))
    edit(world, resized(world, cents("40000")), at("2024-06-11"))
    world.engine.finalize(at("2024-07-02"))
    entries = [(e.type, dollars(e.amount)) for e in world.engine.ledger("A") if not e.invoice_id]

    assert entries == [
        ("SEGMENT_START", Decimal("50000.00")),
        ("CREDITED", Decimal("10000.00")),
        ("CANCELED", Decimal("-20000.00")),
    ]
    total = sum(e.amount for e in world.engine.ledger("A"))
    (active,) = (b for b in world.engine.bill("customer", at("2024-07-02")).balances if b.is_active)
    assert total == active.granted - active.used_final == cents("16435")


@given(steps=st.lists(st.integers(18_702, 90_000), min_size=1, max_size=4))
@settings(max_examples=8, deadline=None)
def test_r195_r197_however_an_amount_is_edited_the_ledger_sums_to_the_balance(
    steps: list[int],
) -> None:
    found = setup()
    infrax(found.engine, found.usage)
    found.engine.finalize(at("2024-06-02"))
    for amount in steps:
        edit(found, resized(found, cents(str(amount))))
    found.engine.finalize(at("2024-06-20"))
    ledger = sum(e.amount for e in found.engine.ledger("A"))

    assert ledger == cents(str(steps[-1])) - used(found)
    assert found.engine.findings() == ()


def test_r113_a_segment_that_has_not_begun_may_go_or_change_freely(world: Setup) -> None:
    a = main_commit(world)
    first, second, _ = a.schedule
    moved = replace(second, amount=cents("1"), window=span("2025-02-01", "2025-03-01"))
    edit(world, Revise(replace=Added(commits=(replace(a, segments=(first, moved)),))))

    assert [s.amount for s in main_commit(world).segments] == [cents("50000"), cents("1")]
    assert main_commit(world).segments[1].changes == ()


def test_r113_removing_a_segment_that_has_begun_takes_its_balance_and_manual_entries(
    world: Setup,
) -> None:
    extra = commit("X", ("100", "2024-06-01", "2024-07-01"), ("100", "2024-07-01", "2024-08-01"))
    edit(world, Amend(starting_at=NOW, terms=Added(commits=(replace(extra, priority=Decimal(9)),))))
    world.engine.finalize(NOW)
    bonus = LedgerEntry(
        id="bonus",
        commit_id="X",
        segment_id="X1",
        type=EntryType.MANUAL,
        timestamp=at("2024-06-01"),
        amount=cents("7"),
        reason="goodwill",
    )
    world.engine.add_manual_entry("customer", bonus, NOW)
    x = world.engine.contract("first").commits[1]
    later = at("2024-06-12")
    edit(world, Revise(replace=Added(commits=(replace(x, segments=x.schedule[1:]),))), later)
    world.engine.finalize(later)

    assert [s.id for s in world.engine.contract("first").commits[1].schedule] == ["X2"]
    assert sum(e.amount for e in world.engine.ledger("X") if e.segment_id == "X1") == 0
    back = at("2024-06-13")
    edit(world, Revise(replace=Added(commits=(x,))), back)
    world.engine.finalize(back)
    assert sum(e.amount for e in world.engine.ledger("X") if e.segment_id == "X1") == cents("100")
    assert [s.id for s in world.engine.contract("first").commits[1].segments] == ["X1", "X2"]
    assert world.engine.findings() == ()


def test_r113_a_segment_keeps_its_start_once_begun_and_all_once_ended(world: Setup) -> None:
    a = main_commit(world)
    first, *rest = a.schedule
    moved = replace(first, window=span("2024-02-01", "2025-01-01"))
    with pytest.raises(Refused, match="keeps its start"):
        edit(world, Revise(replace=Added(commits=(replace(a, segments=(moved, *rest)),))))


def test_r113_points_of_void_invoices_stay_but_may_change(world: Setup) -> None:
    paid = next(i for i in world.engine.invoices("customer") if i.type == "SCHEDULED")
    world.engine.void_invoice(paid.id, NOW)
    a = main_commit(world)
    cheaper = replace(a.payments[0], amount=cents("1"), unit_price=cents("1"))

    with pytest.raises(Refused, match="void invoice stays"):
        edit(world, Revise(replace=Added(commits=(replace(a, payments=a.payments[1:]),))))
    edit(world, Revise(replace=Added(commits=(replace(a, payments=(cheaper, a.payments[1])),))))
    assert main_commit(world).payments[0].amount == cents("1")


def test_r205_a_commit_is_archived_when_no_finalized_invoice_needs_it(world: Setup) -> None:
    with pytest.raises(Refused, match="void the invoice first"):
        edit(world, Revise(archive_ids=("A",)))
    for invoice in world.engine.invoices("customer"):
        world.engine.void_invoice(invoice.id, NOW)
    edit(world, Revise(archive_ids=("A",)))
    world.engine.finalize(at("2024-07-03"))

    assert main_commit(world).archived_at == NOW
    assert sum(e.amount for e in world.engine.ledger("A")) == 0
    assert world.engine.findings() == ()


def test_r205_r114_a_used_child_stays_and_generators_are_ended_not_removed(world: Setup) -> None:
    term = recurring(
        "grant", "1000", window=span("2024-06-01"), priority=Decimal(1), created_at=NOW
    )
    edit(world, Amend(starting_at=NOW, terms=Added(recurring=(term,))))
    world.engine.finalize(at("2024-07-03"))
    june, august = (child_id("grant", at(day)) for day in ("2024-06-01", "2024-08-01"))
    now = at("2024-07-05")

    with pytest.raises(Refused, match="R205"):
        edit(world, Revise(archive_ids=(june,)), now)
    with pytest.raises(Refused, match="ended, not removed"):
        edit(world, Revise(remove_ids=("grant",)), now)
    moved = replace(term, window=span("2024-07-01"))
    with pytest.raises(Refused, match=r"R114.*starting_at"):
        edit(world, Revise(replace=Added(recurring=(moved,))), now)
    with pytest.raises(Refused, match="edit the generator"):
        edit(
            world,
            Revise(replace=Added(commits=(commit(august, ("1", "2024-08-01", "2024-09-01")),))),
            now,
        )
    edit(world, Revise(archive_ids=(august,)), now)
    world.engine.finalize(at("2024-08-03"))
    assert sum(e.amount for e in world.engine.ledger(august)) == 0


def test_r119_a_contract_may_end_before_a_finalized_invoice_when_told_so(world: Setup) -> None:
    early = ChangeEnd(ending_before=at("2024-05-20"))
    with pytest.raises(Refused, match="R119"):
        edit(world, early)
    edit(world, replace(early, allow_before_finalized=True))
    assert world.engine.finalize(at("2024-06-12")).parked == 0
    may = next(i for i in world.engine.invoices("customer") if i.end == at("2024-06-01"))

    assert may.status is InvoiceStatus.FINALIZED
    expired = [e.timestamp for e in world.engine.ledger("A") if e.type == "EXPIRATION"]
    assert set(expired) == {at("2024-05-20")}
    assert sum(e.amount for e in world.engine.ledger("A") if e.segment_id == "A1") == 0
    assert world.engine.findings() == ()


def test_r117_r119_the_same_in_an_edit_with_other_changes(world: Setup) -> None:
    early = ChangeEnd(ending_before=at("2024-05-20"))
    with pytest.raises(Refused, match="R119"):
        edit(world, Revise(name="x", end=early))
    edit(world, Revise(name="x", end=replace(early, allow_before_finalized=True)))
    assert world.engine.contract("first").term.end == at("2024-05-20")


def test_r123_archiving_with_void_voids_what_was_finalized_and_empties_balances(
    world: Setup,
) -> None:
    edit(world, Archive(void_invoices=True))
    world.engine.finalize(at("2024-06-12"))

    assert {i.status for i in world.engine.invoices("customer")} == {InvoiceStatus.VOID}
    assert world.engine.bill("customer", at("2024-06-12")).invoices == ()
    assert sum(e.amount for e in world.engine.ledger("A")) == 0
    assert world.engine.findings() == ()


def test_r123_archiving_without_void_keeps_finalized_invoices_and_expires_the_rest(
    world: Setup,
) -> None:
    edit(world, Archive(void_invoices=False))
    world.engine.finalize(at("2024-06-12"))
    entries = [e for e in world.engine.ledger("A") if e.segment_id == "A1"]

    assert {i.status for i in world.engine.invoices("customer")} == {InvoiceStatus.FINALIZED}
    assert (entries[-1].type, entries[-1].timestamp) == ("EXPIRATION", NOW)
    assert dollars(entries[-1].amount) == Decimal("-31298.00")


def test_r116_a_removed_override_is_gone_from_the_whole_open_period(world: Setup) -> None:
    name = world.engine.contract("first").overrides[0].id
    before = world.engine.bill("customer", at("2024-06-30")).invoices
    edit(world, Revise(remove_ids=(name,)))
    after = world.engine.bill("customer", at("2024-06-30")).invoices

    def storage(found: Any) -> Decimal:
        return sum(
            x.total
            for i in found
            if i.end
            for x in i.lines
            if x.product_id == "p-Storage" and x.total > 0
        )

    assert storage(after) * Decimal("0.9") == storage(before)


def test_r113_rollover_commits_are_not_editable(world: Setup) -> None:
    world.engine.create_contract(
        "next", replace(infrax_renewal(), term=span("2024-07-01")), by="test", now=NOW
    )
    world.engine.finalize(at("2024-07-03"))
    rolled = next(
        c for c in world.engine.bill("customer", at("2024-07-03")).commits if c.rolled_over_from
    )
    change = Revise(replace=Added(commits=(replace(rolled, name="x"),)))
    with pytest.raises(Refused, match="no such term"):
        world.engine.edit_contract("next", change, by="test", now=at("2024-07-04"))


def test_r117_r118_segments_an_end_cuts_off_begin_again_when_it_moves_back(world: Setup) -> None:
    """While the last statement is open nothing is said of years that may still come."""
    edit(world, ChangeEnd(ending_before=at("2024-06-20")))
    world.engine.finalize(at("2024-06-20T01"))
    edit(world, ChangeEnd(ending_before=at("2025-06-01")), at("2024-06-20T02"))
    report = world.engine.finalize(at("2025-01-02"))
    starts = [e.timestamp for e in world.engine.ledger("A") if e.type is EntryType.SEGMENT_START]

    assert report.parked == 0, world.engine.problems()
    assert starts == [at("2024-01-01"), at("2025-01-01")]


def test_r7_r97_a_key_makes_one_contract(world: Setup) -> None:
    keyed = Create(customer_id="customer", term=span("2028-01-01"), uniqueness_key="order-1")
    world.engine.create_contract("a", keyed, by="test", now=NOW)
    with pytest.raises(Conflict, match="already been used"):
        world.engine.create_contract("b", keyed, by="test", now=NOW)
    edit(world, Archive(void_invoices=False))
    with pytest.raises(Conflict, match="already been used"):
        world.engine.create_contract("c", keyed, by="test", now=NOW)
    with pytest.raises(NotFound):
        world.engine.contract("b")


def test_r100_a_segment_cannot_end_where_it_begins() -> None:
    with pytest.raises(Refused, match="ends when it starts"):
        AccessSegment(id="s", amount=Decimal(1), window=span("2024-01-01", "2024-01-01"))
