"""Subscriptions and recurring credits of the golden seat scenarios (S4, S5)."""

from decimal import Decimal

from billing.world import EPOCH, at, span
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.recurring import (
    Allocation,
    ProrationRounding,
    RecurringAmount,
    RecurringCommit,
    RoundingMethod,
    SeatLink,
)
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    QuantityMode,
    QuantityUpdate,
    SeatConfig,
    SeatUpdate,
    Subscription,
)
from closedwon.billing.contracts.terms import CommitKind
from closedwon.kernel.calendar import Frequency

WHOLE_CENTS = ProrationRounding(method=RoundingMethod.HALF_UP, decimal_places=0)


def seats(start: str = "2025-06-01", end: str | None = None, **more: object) -> Subscription:
    """Ten counted seats by the month, in advance, prorated, increases billed at once."""
    fields = {
        "id": "seats",
        "product_id": "p-Seat",
        "frequency": Frequency.MONTHLY,
        "window": span(start, end),
        "collection": Collection.ADVANCE,
        "is_prorated": True,
        "invoice_behavior": InvoiceBehavior.BILL_IMMEDIATELY,
        "initial_quantity": Decimal(10),
        "name": "Seats",
    }
    return Subscription(**{**fields, **more})  # type: ignore[arg-type]


def named(*ids: str, unassigned: int = 0, **more: object) -> Subscription:
    """Named seats, keyed by user_id."""
    config = SeatConfig(
        seat_group_key="user_id", initial_seat_ids=ids, initial_unassigned=unassigned
    )
    fields = {"mode": QuantityMode.SEAT_BASED, "seats": config, "initial_quantity": Decimal(0)}
    return seats(**{**fields, **more})  # type: ignore[arg-type]


def more(when: str, delta: str, recorded: str | None = None) -> QuantityUpdate:
    return QuantityUpdate(
        starting_at=at(when),
        delta=Decimal(delta),
        recorded_at=None if recorded is None else at(recorded),
    )


def sets(when: str, quantity: str) -> QuantityUpdate:
    return QuantityUpdate(starting_at=at(when), quantity=Decimal(quantity))


def seat_update(when: str, recorded: str | None = None, **fields: object) -> SeatUpdate:
    return SeatUpdate(
        starting_at=at(when),
        recorded_at=None if recorded is None else at(recorded),
        **fields,  # type: ignore[arg-type]
    )


def credit(
    allocation: Allocation = Allocation.POOLED, cents: str = "1000", **fields: object
) -> RecurringCommit:
    """A monthly credit per seat for the tag ``ai``."""
    found = {
        "id": "pool",
        "kind": CommitKind.CREDIT,
        "product_id": "p-commit",
        "name": "Pool",
        "access": RecurringAmount(unit_price=Decimal(cents), quantity=None),
        "window": span("2025-06-01"),
        "applicability": Applicability(product_tags=("ai",)),
        "seats": SeatLink(subscription_id="seats", allocation=allocation, is_prorated=True),
        "created_at": EPOCH,
    }
    return RecurringCommit(**{**found, **fields})  # type: ignore[arg-type]
