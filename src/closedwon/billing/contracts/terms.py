"""What a contract promises: commits, charges, filters, statements (metronome.md 2.7).

Every term has an ``id``. What a mapped deal brings gets an id derived from its own key, so that the
same deal always asks for the same terms; what an API caller creates gets one from the id source.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.applicability import EVERYTHING, Applicability
from closedwon.billing.contracts.hierarchy import ChildAccess
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.thresholds import Gate, GateStatus, GateType
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, on_hour


class SeatAdjustment(msgspec.Struct, frozen=True, kw_only=True):
    """Balance that seats added inside a segment's window brought it at ``at`` (R229, R235)."""

    at: datetime
    amount: Decimal
    seat_id: str | None = None
    """INDIVIDUAL allocation only."""


class AmountChange(msgspec.Struct, frozen=True, kw_only=True):
    """An edit at ``at`` that changed what a segment grants by ``amount`` after it began (R197)."""

    at: datetime
    amount: Decimal


class AccessSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One window in which ``amount`` can be drawn (R179, R185); amount in the wire unit."""

    id: str
    amount: Decimal
    """What it grants now, edits included."""
    window: Interval
    changes: tuple[AmountChange, ...] = ()
    """How ``amount`` became what it is after the window began, oldest first."""
    removed_at: datetime | None = None
    """When it was taken out of the schedule after it had begun; it grants nothing (R113)."""
    adjustments: tuple[SeatAdjustment, ...] = ()
    """Later grants, oldest first; on top of ``amount``."""
    seats: Mapping[str, Decimal] = {}
    """INDIVIDUAL allocation: what each seat was granted at the start; sums to ``amount`` (R230)."""

    @property
    def granted(self) -> Decimal:
        """All it brings, later grants included."""
        return sum((more.amount for more in self.adjustments), self.amount)

    @property
    def granted_seats(self) -> dict[str, Decimal]:
        """INDIVIDUAL allocation: all each seat was brought; sums to ``granted`` (R230, R235)."""
        found = dict(self.seats)
        for more in self.adjustments:
            if more.seat_id is not None:
                found[more.seat_id] = found.get(more.seat_id, Decimal(0)) + more.amount
        return found

    def __post_init__(self) -> None:
        on_hour(self.window.start, "access start")
        if self.window.end is not None:
            on_hour(self.window.end, "access end")
        if self.window.start == self.window.end:
            raise Refused("access ends when it starts", segment=self.id)
        if self.amount < 0:
            raise Refused("an access amount must not be negative", segment=self.id)


class ScheduleItem(msgspec.Struct, frozen=True, kw_only=True):
    """One point of an invoice schedule; ``amount`` in the wire unit (R148)."""

    id: str
    timestamp: datetime
    amount: Decimal
    unit_price: Decimal
    quantity: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if self.unit_price * self.quantity != self.amount:
            raise Refused("amount must equal unit_price x quantity", item=self.id)


class CommitKind(StrEnum):
    """PREPAID and POSTPAID are promises, CREDIT is free balance."""

    PREPAID = "PREPAID"
    POSTPAID = "POSTPAID"
    CREDIT = "CREDIT"


class RolloverOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """The balance a rollover commit came from (R121)."""

    contract_id: str
    commit_id: str


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit or credit with its access segments and payments (R161-R215)."""

    id: str
    kind: CommitKind
    product_id: str
    name: str
    segments: tuple[AccessSegment, ...]
    payments: tuple[ScheduleItem, ...] = ()
    """The invoice schedule; empty is complimentary (R174)."""
    do_not_invoice: bool = False
    description: str = ""
    priority: Decimal | None = None
    """Lower burns first; None after every number (R171)."""
    rollover_fraction: Decimal | None = None
    applicability: Applicability = EVERYTHING
    rate_type: str = "LIST_RATE"
    access_credit_type_id: str = USD
    payment_credit_type_id: str = USD
    rolled_over_from: RolloverOrigin | None = None
    recurring_id: str | None = None
    """Generator that made it (R204)."""
    seat_group_key: str | None = None
    """INDIVIDUAL allocation: the presentation key whose value is the seat (R230)."""
    contract_ids: tuple[str, ...] = ()
    """Customer-level balances: contracts that may draw; empty is all (R109)."""
    invoice_contract_id: str | None = None
    """Customer-level commits: the contract that bills the payments (R212)."""
    gate: Gate | None = None
    """Payment that has to come before the balance is released (R200)."""
    is_recharge: bool = False
    """Made by a threshold, not by hand; what spend trackers tell apart (R268)."""
    counts_as_discounted: bool = False
    """spend_tracker_attributes (R268)."""
    child_access: ChildAccess = ChildAccess()
    created_at: datetime
    archived_at: datetime | None = None
    custom_fields: Mapping[str, str] = {}
    echoed: Mapping[str, str] = {}
    """Kept and shown, never rated: netsuite_sales_order_id, salesforce_opportunity_id."""
    source: Source | None = None

    def __post_init__(self) -> None:
        if not self.segments:
            raise Refused("a commit needs an access schedule", commit=self.name)
        if self.kind is CommitKind.CREDIT and self.payments:
            raise Refused("a credit is free and has no invoice schedule", commit=self.name)
        if self.kind is CommitKind.POSTPAID:
            self._check_postpaid()
        if self.rollover_fraction is not None and not 0 <= self.rollover_fraction <= 1:
            raise Refused("rollover_fraction must lie in 0..1", found=str(self.rollover_fraction))

    @property
    def schedule(self) -> tuple[AccessSegment, ...]:
        """The access schedule as it stands: without segments that were removed."""
        return tuple(segment for segment in self.segments if segment.removed_at is None)

    @property
    def is_released(self) -> bool:
        """Whether it grants anything: no payment is awaited, none has failed (R200)."""
        gate = self.gate
        return gate is None or gate.type is GateType.NONE or gate.status is GateStatus.PAID

    def _check_postpaid(self) -> None:
        """One access window, one later payment of the same amount (R206)."""
        if len(self.segments) != 1 or len(self.payments) != 1:
            raise Refused("a postpaid commit has one access item and one payment", commit=self.name)
        (segment,), (payment,) = self.segments, self.payments
        if segment.amount != payment.amount:
            raise Refused("a postpaid commit is paid what it grants", commit=self.name)
        if payment.timestamp < segment.window.until:
            raise Refused("a postpaid commit is paid after its access ends", commit=self.name)

    @property
    def access_total(self) -> Decimal:
        """Sum over all segments."""
        return sum((segment.granted for segment in self.segments), Decimal(0))

    @property
    def cost_total(self) -> Decimal:
        """Sum of the payments, invoiced or not (R174)."""
        return sum((payment.amount for payment in self.payments), Decimal(0))


class ScheduledCharge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge at points in time for a fixed product, or for work that was done (R148-R160)."""

    id: str
    product_id: str
    name: str
    items: tuple[ScheduleItem, ...]
    credit_type_id: str = USD
    service_id: str | None = None
    """The professional service it bills (R159)."""
    archived_at: datetime | None = None
    custom_fields: Mapping[str, str] = {}
    echoed: Mapping[str, str] = {}
    """Kept and shown, never rated: netsuite_sales_order_id, salesforce_opportunity_id."""
    source: Source | None = None


class UsageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """From ``starting_at``, only events whose key has one of the values are rated (R105, R106)."""

    group_key: str
    group_values: tuple[str, ...]
    starting_at: datetime


class StatementDay(StrEnum):
    """Anchor of the usage statement (R126)."""

    FIRST_OF_MONTH = "FIRST_OF_MONTH"
    CONTRACT_START = "CONTRACT_START"
    CUSTOM_DATE = "CUSTOM_DATE"


class StatementSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """How often usage is invoiced; monthly on the first unless said otherwise (R96, R126)."""

    frequency: Frequency = Frequency.MONTHLY
    day: StatementDay = StatementDay.FIRST_OF_MONTH
    billing_anchor_date: datetime | None = None
    invoice_generation_starting_at: datetime | None = None

    def __post_init__(self) -> None:
        if (self.day is StatementDay.CUSTOM_DATE) != (self.billing_anchor_date is not None):
            raise Refused("billing_anchor_date goes with CUSTOM_DATE, and only with it")
        if self.frequency is Frequency.WEEKLY and self.day is StatementDay.FIRST_OF_MONTH:
            raise Refused("WEEKLY statements need CONTRACT_START or CUSTOM_DATE")


class TransitionType(StrEnum):
    """How a contract follows another (R120, R122)."""

    RENEWAL = "RENEWAL"
    SUPERSEDE = "SUPERSEDE"


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A link from the contract being created to the one it follows."""

    type: TransitionType
    from_contract_id: str
    removes_trueup: bool = False
    """Whether the old contract's postpaid true-ups are cancelled (R124)."""
