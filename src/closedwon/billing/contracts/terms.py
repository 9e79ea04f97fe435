"""What a contract promises: commits, overrides, charges, filters (metronome.md 2.7).

Every term has an ``id``. What a mapped deal brings gets an id derived from its own key, so that the
same deal always asks for the same terms; what an API caller creates gets one from the id source.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.billing.catalog.types import USD
from closedwon.billing.pricing import Price
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, on_hour


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a term came from, so that a line can be explained back to its quote line (D10)."""

    opportunity_id: str
    quote_id: str = ""
    line_ids: tuple[str, ...] = ()
    rule: str = ""
    """Id of the mapping rule."""
    place: str = ""
    """``file:line`` of that rule."""


class AccessSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One window in which ``amount`` can be drawn (R179, R185); amount in the wire unit."""

    id: str
    amount: Decimal
    window: Interval

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


class Specifier(msgspec.Struct, frozen=True, kw_only=True):
    """Selects lines: AND inside, OR across specifiers (R75, R76)."""

    product_id: str | None = None
    product_tags: tuple[str, ...] = ()
    """The product has ALL of these tags (R75)."""
    pricing_group_values: Mapping[str, str] = {}
    presentation_group_values: Mapping[str, str] = {}


class Applicability(msgspec.Struct, frozen=True, kw_only=True):
    """What a balance or override applies to; all empty means every product (R74, R163)."""

    product_ids: tuple[str, ...] = ()
    product_tags: tuple[str, ...] = ()
    """The product has ANY of these tags (R75)."""
    specifiers: tuple[Specifier, ...] = ()

    def __post_init__(self) -> None:
        if self.specifiers and (self.product_ids or self.product_tags):
            raise Refused("specifiers cannot be combined with product ids or tags")

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it."""
        return not (self.product_ids or self.product_tags or self.specifiers)


EVERYTHING = Applicability()


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
    created_at: datetime
    archived_at: datetime | None = None
    custom_fields: Mapping[str, str] = {}
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
        return sum((segment.amount for segment in self.segments), Decimal(0))

    @property
    def cost_total(self) -> Decimal:
        """Sum of the payments, invoiced or not (R174)."""
        return sum((payment.amount for payment in self.payments), Decimal(0))


class Overwrite(msgspec.Struct, frozen=True, kw_only=True, tag="OVERWRITE"):
    """Replaces the list rate and detaches from later card changes (R73)."""

    price: Price
    credit_type_id: str = USD


class Multiplier(msgspec.Struct, frozen=True, kw_only=True, tag="MULTIPLIER"):
    """Times the list price; follows card changes (R73)."""

    multiplier: Decimal

    def __post_init__(self) -> None:
        if self.multiplier < 0:
            raise Refused("a multiplier must not be negative", found=str(self.multiplier))


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A contract's own rate or entitlement over a window (R73-R92)."""

    id: str
    window: Interval
    applicability: Applicability = EVERYTHING
    rate: Overwrite | Multiplier | None = None
    """None changes entitlement only (R85)."""
    entitled: bool | None = None
    priority: Decimal | None = None
    """Lowest wins under EXPLICIT (R83)."""
    source: Source | None = None

    def __post_init__(self) -> None:
        on_hour(self.window.start, "override start")
        if self.window.end is not None:
            on_hour(self.window.end, "override end")
        if self.rate is None and self.entitled is None:
            raise Refused("an override must change a rate or an entitlement", override=self.id)
        if isinstance(self.rate, Overwrite) and (
            self.applicability.product_tags
            or any(s.product_tags for s in self.applicability.specifiers)
        ):
            raise Refused("an OVERWRITE cannot target tags", override=self.id)
        if self.priority is not None and self.priority <= 0:
            raise Refused("an override priority must be above 0", override=self.id)


class ScheduledCharge(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed-product charge at points in time (R148-R160)."""

    id: str
    product_id: str
    name: str
    items: tuple[ScheduleItem, ...]
    credit_type_id: str = USD
    archived_at: datetime | None = None
    custom_fields: Mapping[str, str] = {}
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


class Prioritization(StrEnum):
    """Which multiplier wins when several match (R82, R83)."""

    LOWEST_MULTIPLIER = "LOWEST_MULTIPLIER"
    EXPLICIT = "EXPLICIT"
