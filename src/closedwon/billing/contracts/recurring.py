"""Generators of one commit or credit per period (metronome.md 2.7 RecurringCommit; R201-R210)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.applicability import EVERYTHING, Applicability
from closedwon.billing.contracts.hierarchy import ChildAccess
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.terms import CommitKind
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, on_hour


class RoundingMethod(StrEnum):
    """How a prorated amount is rounded (R207)."""

    HALF_UP = "HALF_UP"
    FLOOR = "FLOOR"
    CEILING = "CEILING"


class ProrationRounding(msgspec.Struct, frozen=True, kw_only=True):
    """To ``decimal_places`` of the wire unit: 0 is cents on USD, -2 whole dollars (R207)."""

    method: RoundingMethod
    decimal_places: int

    def __post_init__(self) -> None:
        if not -5 <= self.decimal_places <= 5:
            raise Refused("decimal_places must lie in -5..5 (R207)", found=self.decimal_places)


class Proration(StrEnum):
    """Which partial periods of a generator are prorated (R201)."""

    NONE = "NONE"
    FIRST = "FIRST"
    LAST = "LAST"
    FIRST_AND_LAST = "FIRST_AND_LAST"


class RecurringAmount(msgspec.Struct, frozen=True, kw_only=True):
    """What each child grants or costs: unit_price x quantity in the wire unit."""

    unit_price: Decimal
    quantity: Decimal | None = Decimal(1)
    """None when a subscription's quantity counts (R229)."""
    credit_type_id: str = USD

    def __post_init__(self) -> None:
        if self.unit_price < 0 or (self.quantity is not None and self.quantity < 0):
            raise Refused("a recurring amount must not be negative")

    def times(self, quantity: Decimal) -> Decimal:
        """The amount for ``quantity`` where none is fixed, else for its own."""
        return self.unit_price * (quantity if self.quantity is None else self.quantity)


class Allocation(StrEnum):
    """How seats share a recurring credit (R229, R230)."""

    POOLED = "POOLED"
    INDIVIDUAL = "INDIVIDUAL"


class SeatLink(msgspec.Struct, frozen=True, kw_only=True):
    """The subscription whose quantity or seats a generator follows (R229-R236)."""

    subscription_id: str
    allocation: Allocation = Allocation.POOLED
    is_prorated: bool
    """Whether seats added inside a period are granted a share of it."""


class RecurringCommit(msgspec.Struct, frozen=True, kw_only=True):
    """Grants one child commit (PREPAID) or credit (CREDIT) per period (R201-R210)."""

    id: str
    kind: CommitKind
    product_id: str
    name: str
    access: RecurringAmount
    invoice: RecurringAmount | None = None
    """What each child costs; None grants for free. Commits only."""
    window: Interval
    """No child starts at or after its end (R209)."""
    duration_periods: int = 1
    """Periods a child's access lasts (R203)."""
    frequency: Frequency | None = None
    """None follows the usage billing periods (R201), else a grid from ``window.start`` (R202)."""
    proration: Proration = Proration.FIRST_AND_LAST
    access_rounding: ProrationRounding | None = None
    invoice_rounding: ProrationRounding | None = None
    description: str = ""
    priority: Decimal | None = None
    rollover_fraction: Decimal | None = None
    rate_type: str = "LIST_RATE"
    applicability: Applicability = EVERYTHING
    seats: SeatLink | None = None
    child_access: ChildAccess = ChildAccess()
    custom_fields: Mapping[str, str] = {}
    echoed: Mapping[str, str] = {}
    """Kept and shown, never rated: netsuite_sales_order_id, salesforce_opportunity_id."""
    created_at: datetime
    source: Source | None = None
    earlier: tuple["EarlierRecurring", ...] = ()
    """What it was before edits, oldest first; children that had begun stay as they are (R114)."""

    def __post_init__(self) -> None:
        on_hour(self.window.start, "recurring start")
        if self.window.end is not None:
            on_hour(self.window.end, "recurring end")
        if self.kind is CommitKind.POSTPAID:
            raise Refused("a recurring term is PREPAID or CREDIT", recurring=self.name)
        if self.kind is CommitKind.CREDIT and self.invoice is not None:
            raise Refused("a recurring credit is free", recurring=self.name)
        if self.duration_periods < 1:
            raise Refused("commit_duration must be at least one period", recurring=self.name)
        if self.rollover_fraction is not None and not 0 <= self.rollover_fraction <= 1:
            raise Refused("rollover_fraction must lie in 0..1", found=str(self.rollover_fraction))
        if (self.access.quantity is None) != (self.seats is not None):
            raise Refused(
                "access_amount.quantity is given, or taken from a subscription, not both",
                recurring=self.name,
            )


class EarlierRecurring(msgspec.Struct, frozen=True, kw_only=True):
    """The generator as it was for children that had begun by ``until``, that included (R114).

    Its window ends where it would have ended then, the contract's own end considered.
    """

    until: datetime
    term: RecurringCommit
