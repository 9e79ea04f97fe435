"""Recurring fees for seats or units (metronome.md 2.7 SubscriptionInput; R216-R240, seed 004)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.billing.contracts.recurring import ProrationRounding
from closedwon.billing.contracts.source import Source
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, on_hour, wire_instant


class Collection(StrEnum):
    """When a subscription's period is billed (R219)."""

    ADVANCE = "ADVANCE"
    ARREARS = "ARREARS"


class InvoiceBehavior(StrEnum):
    """When an increase inside a period is billed (R221)."""

    BILL_IMMEDIATELY = "BILL_IMMEDIATELY"
    BILL_ON_NEXT_COLLECTION_DATE = "BILL_ON_NEXT_COLLECTION_DATE"


class Placement(StrEnum):
    """On which invoice a charge goes (R220)."""

    ON_USAGE_INVOICE = "ON_USAGE_INVOICE"
    ON_SCHEDULED_INVOICE = "ON_SCHEDULED_INVOICE"


class QuantityMode(StrEnum):
    """Whether seats are counted or named (R230)."""

    QUANTITY_ONLY = "QUANTITY_ONLY"
    SEAT_BASED = "SEAT_BASED"


class QuantityUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """From ``starting_at`` the quantity is ``quantity``, or ``delta`` more (R224)."""

    starting_at: datetime
    quantity: Decimal | None = None
    delta: Decimal | None = None
    recorded_at: datetime | None = None
    """When an edit brought it, set by the fold; None came with the subscription."""
    source: Source | None = None
    """The deal that asked for it; None was written by hand."""

    def __post_init__(self) -> None:
        on_hour(self.starting_at, "quantity update")
        if (self.quantity is None) == (self.delta is None):
            raise Refused("a quantity update gives quantity or quantity_delta (R224)")
        if self.quantity is not None and self.quantity < 0:
            raise Refused("a quantity must not be negative (R224)", found=str(self.quantity))


class SeatUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Seats that come or go at ``starting_at``, in the order of its fields (R231-R235)."""

    starting_at: datetime
    add_seat_ids: tuple[str, ...] = ()
    remove_seat_ids: tuple[str, ...] = ()
    add_unassigned: int = 0
    remove_unassigned: int = 0
    """At most as many as there are then (R234)."""
    recorded_at: datetime | None = None
    """When an edit brought it, set by the fold; None came with the subscription."""

    def __post_init__(self) -> None:
        on_hour(self.starting_at, "seat update")
        if self.add_unassigned < 0 or self.remove_unassigned < 0:
            raise Refused("a number of seats must not be negative")


class SeatConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Named seats of a SEAT_BASED subscription (R230-R239)."""

    seat_group_key: str
    initial_seat_ids: tuple[str, ...] = ()
    initial_unassigned: int = 0
    since: datetime | None = None
    """When a QUANTITY_ONLY subscription became SEAT_BASED; None from its start (R239)."""

    def __post_init__(self) -> None:
        if not self.seat_group_key:
            raise Refused("named seats need their seat_group_key (R230)")
        if self.initial_unassigned < 0:
            raise Refused("a number of seats must not be negative")
        if len(set(self.initial_seat_ids)) != len(self.initial_seat_ids):
            raise Refused("a seat is named twice", seats=", ".join(self.initial_seat_ids))
        if self.since is not None and (self.initial_seat_ids or self.initial_unassigned):
            raise Refused("seats that were counted before start unassigned (R239)")


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A recurring fee: product and frequency choose the rate (R216, R217)."""

    id: str
    product_id: str
    frequency: Frequency
    window: Interval
    collection: Collection
    is_prorated: bool
    invoice_behavior: InvoiceBehavior = InvoiceBehavior.BILL_IMMEDIATELY
    """ARREARS bills everything on its next collection date (R221)."""
    rounding: ProrationRounding | None = None
    """Of the prorated unit price (R223)."""
    mode: QuantityMode = QuantityMode.QUANTITY_ONLY
    initial_quantity: Decimal = Decimal(0)
    """Of counted seats; SEAT_BASED from the start counts those it names."""
    quantity_updates: tuple[QuantityUpdate, ...] = ()
    """In the order submitted (R224)."""
    seats: SeatConfig | None = None
    seat_updates: tuple[SeatUpdate, ...] = ()
    """In the order submitted."""
    anchor_date: datetime | None = None
    """Where its own grid hangs, ADVANCE only; None follows the usage statement (R217)."""
    placement: Placement = Placement.ON_USAGE_INVOICE
    name: str = ""
    description: str = ""
    custom_fields: Mapping[str, str] = {}
    source: Source | None = None

    def __post_init__(self) -> None:
        on_hour(self.window.start, "subscription start")
        if self.window.end is not None:
            on_hour(self.window.end, "subscription end")
        self._check_billing()
        self._check_seats()

    def _check_billing(self) -> None:
        """When it bills what (R217, R221)."""
        in_arrears = self.collection is Collection.ARREARS
        if in_arrears and self.invoice_behavior is InvoiceBehavior.BILL_IMMEDIATELY:
            raise Refused("ARREARS bills on the next collection date (R221)", subscription=self.id)
        if self.anchor_date is None:
            return
        on_hour(self.anchor_date, "subscription anchor")
        if in_arrears:
            raise Refused("only ADVANCE has an anchor of its own (R217)", subscription=self.id)
        if self.anchor_date > self.window.start:
            raise Refused(
                "anchor_date must not be later than the subscription's start (R217)",
                subscription=self.id,
                found=wire_instant(self.anchor_date),
            )

    def _check_seats(self) -> None:
        """Counted or named, never both at once (R230, R239)."""
        if (self.mode is QuantityMode.SEAT_BASED) != (self.seats is not None):
            raise Refused("seat_config goes with SEAT_BASED, and only with it", id=self.id)
        if self.seat_updates and self.seats is None:
            raise Refused("seat updates need SEAT_BASED (R232)", subscription=self.id)
        if self.initial_quantity < 0:
            raise Refused("a quantity must not be negative (R224)", subscription=self.id)
        if self.seats is None:
            return
        since = self.seats.since
        if since is None and (self.initial_quantity or self.quantity_updates):
            raise Refused("SEAT_BASED counts its seats, not a quantity (R232)", id=self.id)
        if since is None:
            return
        on_hour(since, "quantity management mode update")
        if any(update.starting_at > since for update in self.quantity_updates) or any(
            update.starting_at < since for update in self.seat_updates
        ):
            raise Refused("quantities change before the switch, seats after it (R239)", id=self.id)
