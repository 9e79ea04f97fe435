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
from closedwon.kernel.instant import Interval, on_hour


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

    def __post_init__(self) -> None:
        on_hour(self.starting_at, "quantity update")
        if (self.quantity is None) == (self.delta is None):
            raise Refused("a quantity update gives quantity or quantity_delta (R224)")


class SeatUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Seats that come or go at ``starting_at`` (R231-R235)."""

    starting_at: datetime
    add_seat_ids: tuple[str, ...] = ()
    remove_seat_ids: tuple[str, ...] = ()
    add_unassigned: int = 0
    remove_unassigned: int = 0

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


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A recurring fee: product and frequency choose the rate (R216, R217)."""

    id: str
    product_id: str
    frequency: Frequency
    window: Interval
    collection: Collection
    is_prorated: bool
    invoice_behavior: InvoiceBehavior = InvoiceBehavior.BILL_IMMEDIATELY
    rounding: ProrationRounding | None = None
    """Of the prorated unit price (R223)."""
    mode: QuantityMode = QuantityMode.QUANTITY_ONLY
    initial_quantity: Decimal = Decimal(0)
    """SEAT_BASED counts its seats instead."""
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
