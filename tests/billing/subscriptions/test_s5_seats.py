"""S5: every seat owns its credit, to the cent (seed 4, type 3)."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.subscriptions.build import credit, named, seat_update
from billing.world import (
    World,
    at,
    catalog,
    contract,
    dollars,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.balances.seats import contract_level, seat_balances
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.bill import Bill
from closedwon.billing.catalog.types import Product, ProductType, ProductVersion
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.recurring import Allocation, RecurringCommit
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.billing.invoices.types import Invoice, LineType

D_COMES = seat_update("2025-06-16", add_seat_ids=("d",))
ABC = named("a", "b", "c", unassigned=1, seat_updates=(D_COMES,))
OWN = credit(Allocation.INDIVIDUAL, "2500")


def s5(
    subscription: Subscription = ABC, own: RecurringCommit = OWN, end: str | None = None
) -> World:
    """June: a uses $31.50, b $10.00, c nothing; d, named on the 16th, $15.00 after it."""
    seat = Product(
        id="p-Seat",
        type=ProductType.SUBSCRIPTION,
        versions=(ProductVersion(starting_at=at("2020-01-01"), name="Seat"),),
    )
    ai = usage_product("AI", "ai", presentation_group_key=("user_id",))
    prices = [rate("AI", "1"), rate("Seat", "4000", billing_frequency="MONTHLY")]
    found = catalog([ai, seat, fixed_product("commit")], [metric("AI")], prices)
    create = Create(
        customer_id="customer",
        term=span("2025-06-01", end),
        rate_card_id="card",
        terms=Added(subscriptions=(subscription,), recurring=(own,)),
    )
    world = World(found, [contract("c", create)])
    world.use("AI", "2025-06-10", "3150", user_id="a")
    world.use("AI", "2025-06-12", "1000", user_id="b")
    world.use("AI", "2025-06-20", "1500", user_id="d")
    return world


def left(bill: Bill) -> dict[str, Decimal]:
    return {found.seat_id: dollars(found.remaining) for found in seat_balances(bill)}


@pytest.mark.parametrize("days", [(), ("2025-06-01", "2025-06-16", "2025-07-01")])
def test_s5_r230_r231_r232_r235_seats_own_their_credit(days: tuple[str, ...]) -> None:
    world = s5()
    for day in days:
        world.finalize(day)
    bill = world.finalize("2025-07-02")

    (first,) = world.invoices("SCHEDULED")
    (june,) = world.invoices()
    covered = [x for x in june.lines if x.type is LineType.USAGE and x.commit_id]
    over = [x for x in june.lines if x.type is LineType.USAGE and not x.commit_id]

    assert (dollars(first.total), dollars(june.total)) == (Decimal("160.00"), Decimal("169.00"))
    assert [(x.presentation_group_values["user_id"], dollars(x.total)) for x in covered] == [
        ("a", Decimal("25.00")),
        ("b", Decimal("10.00")),
        ("d", Decimal("12.50")),
    ]
    assert [(x.presentation_group_values["user_id"], dollars(x.total)) for x in over] == [
        ("a", Decimal("6.50")),
        ("d", Decimal("2.50")),
    ]
    june_entries = [e for e in bill.entries if e.timestamp <= at("2025-07-01")]
    assert [
        (e.type.value, dollars(e.amount))
        for e in june_entries
        if e.type is not EntryType.SEGMENT_START or e.timestamp < at("2025-07-01")
    ] == [
        ("SEGMENT_START", Decimal("75.00")),
        ("SEAT_BASED_ADJUSTMENT", Decimal("12.50")),
        ("AUTOMATED_INVOICE_DEDUCTION", Decimal("-47.50")),
        ("EXPIRATION", Decimal("-40.00")),
    ]


def test_s5_r230_seat_balances_at_the_end_of_june_are_no_contract_balance() -> None:
    bill = s5().bill("2025-06-30")

    assert left(bill) == {
        "a": Decimal("0.00"),
        "b": Decimal("15.00"),
        "c": Decimal("25.00"),
        "d": Decimal("0.00"),
    }
    assert contract_level(bill.balances) == ()
    assert [x.seat_id for x in seat_balances(bill, ("b", "c"))] == ["b", "c"]
    b = seat_balances(bill, ("b",))[0]
    assert (dollars(b.granted), dollars(b.remaining)) == (Decimal("25.00"), Decimal("15.00"))


def test_r230_usage_of_no_seat_and_of_an_unknown_one_is_on_demand() -> None:
    world = s5()
    world.use("AI", "2025-06-20", "700", user_id="stranger")

    (june,) = [i for i in world.bill("2025-06-30").invoices if i.type == "USAGE"]
    strange = [x for x in june.lines if x.presentation_group_values.get("user_id") == "stranger"]

    assert [(dollars(x.total), x.commit_id) for x in strange] == [(Decimal("7.00"), None)]


@dataclass(frozen=True)
class Bit:
    """A usage line of one seat: its first and last day, its dollars, whether a credit paid it."""

    start: str
    end: str
    total: Decimal
    is_covered: bool


def bits(invoice: Invoice, seat: str) -> list[Bit]:
    return [
        Bit(f"{line.starting_at:%m-%d}", f"{line.ending_before:%m-%d}", dollars(line.total), paid)
        for line in invoice.lines
        if line.type is LineType.USAGE and line.presentation_group_values["user_id"] == seat
        for paid in [line.commit_id is not None]
    ]


@pytest.mark.parametrize("days", [(), ("2025-06-01", "2025-06-10", "2025-06-17", "2025-07-01")])
@pytest.mark.parametrize("unassigned", [0, 1])
def test_r131_r235_a_seat_s_credit_pays_nothing_from_before_it_was_named(
    days: tuple[str, ...], unassigned: int
) -> None:
    world = s5(named("a", "b", "c", unassigned=unassigned, seat_updates=(D_COMES,)))
    world.use("AI", "2025-06-05", "100", user_id="d")
    world.use("AI", "2025-06-15T23:59:59", "20", user_id="d")
    world.use("AI", "2025-06-16T00:00:00", "30", user_id="d")

    for day in days:
        world.finalize(day)
    world.finalize("2025-07-02")

    (june,) = world.invoices()
    assert bits(june, "d") == [
        Bit("06-01", "06-16", Decimal("1.20"), is_covered=False),
        Bit("06-16", "07-01", Decimal("12.50"), is_covered=True),
        Bit("06-16", "07-01", Decimal("2.80"), is_covered=False),
    ]


def test_r235_a_seat_that_used_only_before_it_was_named_keeps_all_its_credit() -> None:
    e_comes = seat_update("2025-06-16", add_seat_ids=("e",))
    world = s5(named("a", "b", "c", seat_updates=(e_comes,)))
    world.use("AI", "2025-06-05", "100", user_id="e")

    bill = world.bill("2025-06-30")

    (june,) = [i for i in bill.invoices if i.type == "USAGE"]
    assert bits(june, "e") == [Bit("06-01", "06-16", Decimal("1.00"), is_covered=False)]
    assert left(bill)["e"] == Decimal("12.50")


def test_r131_r235_a_seat_that_comes_cuts_no_line_of_another() -> None:
    world = s5()
    world.use("AI", "2025-06-25", "300", user_id="b")

    (june,) = [i for i in world.bill("2025-06-30").invoices if i.type == "USAGE"]

    assert bits(june, "a") == [
        Bit("06-01", "07-01", Decimal("25.00"), is_covered=True),
        Bit("06-01", "07-01", Decimal("6.50"), is_covered=False),
    ]
    assert bits(june, "b") == [Bit("06-01", "07-01", Decimal("13.00"), is_covered=True)]


def test_r198_r235_what_a_seat_was_given_by_hand_pays_from_the_start() -> None:
    world = s5()
    world.use("AI", "2025-06-05", "900", user_id="d")
    commit = next(c for c in world.bill("2025-06-30").commits if c.recurring_id == "pool")
    entry = LedgerEntry(
        id="manual",
        commit_id=commit.id,
        segment_id=commit.segments[0].id,
        type=EntryType.MANUAL,
        timestamp=at("2025-06-02"),
        amount=Decimal(400),
        reason="welcome",
        per_seat={"d": Decimal(400)},
    )
    world.account = replace(world.account, manual=(entry,))

    (june,) = [i for i in world.bill("2025-06-30").invoices if i.type == "USAGE"]

    assert bits(june, "d") == [
        Bit("06-01", "06-16", Decimal("4.00"), is_covered=True),
        Bit("06-01", "06-16", Decimal("5.00"), is_covered=False),
        Bit("06-16", "07-01", Decimal("12.50"), is_covered=True),
        Bit("06-16", "07-01", Decimal("2.50"), is_covered=False),
    ]


def test_r236_a_removed_seat_s_credit_pays_its_late_usage_and_nobody_else_s() -> None:
    gone = seat_update("2025-06-15", remove_seat_ids=("b",), add_seat_ids=("e",))
    world = s5(replace(ABC, seat_updates=(gone,)))
    world.use("AI", "2025-06-25", "2000", user_id="b")
    world.use("AI", "2025-06-26", "2000", user_id="e")

    bill = world.bill("2025-06-30")

    assert left(bill) == {
        "a": Decimal("0.00"),
        "b": Decimal("0.00"),
        "c": Decimal("25.00"),
        "e": Decimal("0.00"),
    }
    (june,) = [i for i in bill.invoices if i.type == "USAGE"]
    paid = {
        str(x.presentation_group_values["user_id"]): dollars(x.total)
        for x in june.lines
        if x.type is LineType.USAGE and x.commit_id
    }
    assert paid == {
        "a": Decimal("25.00"),
        "b": Decimal("25.00"),
        "e": Decimal("13.33"),
    }


def test_r198_a_manual_entry_moves_the_seats_it_names() -> None:
    world = s5()
    segment = next(
        s for c in world.bill("2025-06-30").commits for s in c.segments if s.window.start.month == 6
    )
    commit = next(c for c in world.bill("2025-06-30").commits if segment in c.segments)
    entry = LedgerEntry(
        id="manual",
        commit_id=commit.id,
        segment_id=segment.id,
        type=EntryType.MANUAL,
        timestamp=at("2025-06-02"),
        amount=Decimal(-500),
        reason="gave it back",
        per_seat={"b": Decimal(-700), "c": Decimal(200)},
    )
    world.account = replace(world.account, manual=(entry,))

    assert left(world.bill("2025-06-30")) == {
        "a": Decimal("0.00"),
        "b": Decimal("8.00"),
        "c": Decimal("27.00"),
        "d": Decimal("0.00"),
    }


def test_r121_r210_r236_what_rolls_over_stays_with_its_seat() -> None:
    own = replace(OWN, rollover_fraction=Decimal("0.5"))
    world = s5(own=own, end="2025-07-01")
    renewal = Create(
        customer_id="customer",
        term=span("2025-07-01"),
        rate_card_id="card",
        transition=Transition(type=TransitionType.RENEWAL, from_contract_id="c"),
    )
    world.account = replace(
        world.account, contracts=(*world.account.contracts, contract("next", renewal))
    )
    world.use("AI", "2025-07-03", "5000", user_id="b")

    bill = world.bill("2025-07-20")

    assert left(bill) == {
        "a": Decimal("0.00"),
        "b": Decimal("0.00"),
        "c": Decimal("12.50"),
        "d": Decimal("0.00"),
    }
    july = next(i for i in bill.invoices if i.type == "USAGE" and i.start == at("2025-07-01"))
    assert dollars(july.total) == Decimal("37.50")
