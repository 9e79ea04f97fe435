"""S4: a seat subscription with proration and a shared pool, to the cent (seed 4, type 2)."""

from decimal import Decimal

import pytest

from billing.subscriptions.build import WHOLE_CENTS, credit, more, seats
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
from closedwon.billing.balances.types import EntryType
from closedwon.billing.bill import Bill
from closedwon.billing.catalog.types import Product, ProductType, ProductVersion
from closedwon.billing.contracts.applicability import EVERYTHING
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.subscriptions import InvoiceBehavior, Subscription
from closedwon.billing.invoices.types import Invoice, LineType

UPDATES = (more("2025-06-11", "5"), more("2025-06-20", "-3"))


def s4(recurring: RecurringCommit | None = None, **more_of: object) -> World:
    """AI usage of $158.40 in June; ten seats at $29.00, five more, three fewer."""
    subscription = seats(**{"rounding": WHOLE_CENTS, "quantity_updates": UPDATES, **more_of})
    pool = credit(access_rounding=WHOLE_CENTS) if recurring is None else recurring
    return seat_world(subscription, pool, "2900")


def seat_world(subscription: Subscription, pool: RecurringCommit, cents: str) -> World:
    seat = Product(
        id="p-Seat",
        type=ProductType.SUBSCRIPTION,
        versions=(ProductVersion(starting_at=at("2020-01-01"), name="Seat"),),
    )
    ai = usage_product("AI", "ai")
    prices = [rate("AI", "1"), rate("Seat", cents, billing_frequency="MONTHLY")]
    found = catalog([ai, seat, fixed_product("commit")], [metric("AI")], prices)
    create = Create(
        customer_id="customer",
        term=span("2025-06-01"),
        rate_card_id="card",
        terms=Added(subscriptions=(subscription,), recurring=(pool,)),
    )
    world = World(found, [contract("c", create)])
    world.use("AI", "2025-06-09", "10000")
    world.use("AI", "2025-06-25", "5840")
    return world


def settled(world: World, *days: str) -> Bill:
    for day in days[:-1]:
        world.finalize(day)
    return world.finalize(days[-1])


def totals(invoices: list[Invoice]) -> dict[str, Decimal]:
    return {i.issued_at.strftime("%m-%d"): dollars(i.total) for i in invoices}


def moves(bill: Bill, month: int) -> list[tuple[str, Decimal]]:
    segments = [s.id for c in bill.commits for s in c.segments if s.window.start.month == month]
    return [(e.type.value, dollars(e.amount)) for e in bill.entries if e.segment_id in segments]


ONCE = ("2025-07-02",)
DAILY = (*(f"2025-06-{day:02}" for day in range(1, 31)), "2025-07-01", "2025-07-02")


@pytest.mark.parametrize("days", [ONCE, DAILY, ("2025-06-01", "2025-06-11", "2025-07-02")])
def test_s4_r219_r220_r221_r229_seats_and_their_shared_pool(days: tuple[str, ...]) -> None:
    world = s4()

    bill = settled(world, *days)

    assert totals(world.invoices("SCHEDULED")) == {
        "06-01": Decimal("290.00"),
        "06-11": Decimal("96.65"),
    }
    assert totals(world.invoices()) == {"07-02": Decimal("373.07")}
    assert moves(bill, 6) == [
        ("SEGMENT_START", Decimal("100.00")),
        ("SEAT_BASED_ADJUSTMENT", Decimal("33.33")),
        ("AUTOMATED_INVOICE_DEDUCTION", Decimal("-133.33")),
    ]
    assert moves(bill, 7) == [("SEGMENT_START", Decimal("120.00"))]


def test_s4_lines_of_the_june_statement() -> None:
    world = s4()
    settled(world, *ONCE)
    (invoice,) = world.invoices()

    assert [(line.type, dollars(line.total)) for line in invoice.lines] == [
        (LineType.USAGE, Decimal("133.33")),
        (LineType.USAGE, Decimal("25.07")),
        (LineType.APPLIED, Decimal("-133.33")),
        (LineType.SUBSCRIPTION, Decimal("348.00")),
    ]
    seat = invoice.lines[-1]
    assert (seat.name, seat.quantity, seat.unit_price, seat.is_prorated) == (
        "Seats",
        12,
        2900,
        False,
    )
    assert (seat.starting_at, seat.ending_before) == (at("2025-07-01"), at("2025-08-01"))
    (raised,) = world.invoices("SCHEDULED")[1].lines
    assert (raised.quantity, raised.unit_price, raised.is_prorated) == (5, 1933, True)


def test_s4_r221_variant_bill_on_next_collection_date() -> None:
    world = s4(invoice_behavior=InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE)

    settled(world, *DAILY)

    assert totals(world.invoices("SCHEDULED")) == {"06-01": Decimal("290.00")}
    assert totals(world.invoices()) == {"07-02": Decimal("469.72")}


def test_s4_r221_variant_not_prorated() -> None:
    world = s4(is_prorated=False)

    settled(world, *DAILY)

    assert totals(world.invoices("SCHEDULED"))["06-11"] == Decimal("145.00")


def test_s4_r240_guard_an_unrestricted_pool_pays_the_next_month_of_seats() -> None:
    world = s4(credit(access_rounding=WHOLE_CENTS, applicability=EVERYTHING))

    bill = settled(world, "2025-06-01", "2025-06-11", "2025-07-02")

    (june,) = world.invoices()
    july_seats = [x for x in june.lines if x.starting_at == at("2025-07-01")]
    assert dollars(sum((x.total for x in july_seats), Decimal(0))) == Decimal("228.00")
    assert ("AUTOMATED_INVOICE_DEDUCTION", Decimal("-120.00")) in moves(bill, 7)


def test_r240_an_unrestricted_pool_pays_seats_on_a_scheduled_invoice_too() -> None:
    """June's child begins with the seats it pays; what it pays there is gone for usage."""
    world = s4(credit(access_rounding=WHOLE_CENTS, applicability=EVERYTHING))

    bill = world.finalize("2025-06-02")

    (first,) = world.invoices("SCHEDULED")
    assert [(x.type, dollars(x.total)) for x in first.lines] == [
        (LineType.SUBSCRIPTION, Decimal("100.00")),
        (LineType.SUBSCRIPTION, Decimal("190.00")),
        (LineType.APPLIED, Decimal("-100.00")),
    ]
    assert [line.payment_id is None for line in first.lines] == [False, True, True]
    deduction = next(e for e in bill.entries if e.type is EntryType.AUTOMATED_INVOICE_DEDUCTION)
    assert (deduction.timestamp, dollars(deduction.amount)) == (at("2025-06-01"), Decimal(-100))
