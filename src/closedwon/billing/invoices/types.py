"""Invoices and their lines (metronome.md 2.10)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.hierarchy import Party
from closedwon.billing.contracts.terms import CommitKind


class InvoiceType(StrEnum):
    """What an invoice bills."""

    USAGE = "USAGE"
    SCHEDULED = "SCHEDULED"
    USAGE_CONSOLIDATED = "USAGE_CONSOLIDATED"
    """A parent's copy of its children's usage lines (R304)."""


class InvoiceStatus(StrEnum):
    """DRAFT -> FINALIZED -> VOID, and nothing else (R282)."""

    DRAFT = "DRAFT"
    FINALIZED = "FINALIZED"
    VOID = "VOID"


class LineType(StrEnum):
    """What a line stands for; the values are the wire's (metronome.md 2.10)."""

    USAGE = "usage"
    APPLIED = "applied_commit_or_credit"
    COMMIT_PURCHASE = "commit_purchase"
    SCHEDULED = "scheduled"
    SUBSCRIPTION = "subscription"
    COMPOSITE = "composite"
    CPU_CONVERSION = "cpu_conversion"


class TierRef(msgspec.Struct, frozen=True, kw_only=True):
    """The tier a line was priced in; level counts from 1 (R59, R60)."""

    level: int
    starting_at: Decimal
    size: Decimal | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """What priced a line (D10): ids of rate, override, charge or payment, and of the edit."""

    rate_id: str | None = None
    override_id: str | None = None
    edit_id: str | None = None
    """The edit that brought the override, commit or charge."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The line a USAGE_CONSOLIDATED invoice copied (R304)."""

    customer_id: str
    contract_id: str
    invoice_id: str
    line_number: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line; ``total`` in the wire unit of ``credit_type_id``, negative for applications."""

    type: LineType
    name: str
    total: Decimal
    product_id: str | None = None
    product_tags: tuple[str, ...] = ()
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    list_price: Decimal | None = None
    """List unit price before overrides, for spend reports."""
    credit_type_id: str = USD
    starting_at: datetime | None = None
    ending_before: datetime | None = None
    commit_id: str | None = None
    segment_id: str | None = None
    commit_kind: CommitKind | None = None
    payment_id: str | None = None
    """Schedule item a commit_purchase or scheduled line bills."""
    charge_id: str | None = None
    discount_id: str | None = None
    service_id: str | None = None
    """Professional service a line bills (R159)."""
    subscription_id: str | None = None
    is_prorated: bool = False
    tier: TierRef | None = None
    pricing_group_values: Mapping[str, str] = {}
    presentation_group_values: Mapping[str, str | None] = {}
    origin: Origin | None = None
    custom_fields: Mapping[str, Mapping[str, str]] = {}
    """Of its product, commit, scheduled_charge, subscription, ..., by that name (R365)."""
    why: Why = Why()

    @property
    def payable(self) -> Decimal:
        """What the line adds to the total; postpaid applications add nothing (R133, R186)."""
        if self.type is LineType.APPLIED and self.commit_kind is CommitKind.POSTPAID:
            return Decimal(0)
        return self.total


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Which invoice one corrects, and why (R285)."""

    corrected_invoice_id: str
    reason: str
    memo: str = ""
    created_at: datetime


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """A bill; frozen once FINALIZED (R52, G9). ``total`` is the sum of its lines (R133)."""

    id: str
    customer_id: str
    contract_id: str
    type: InvoiceType
    status: InvoiceStatus
    total: Decimal
    lines: tuple[Line, ...]
    credit_type_id: str = USD
    start: datetime | None = None
    """Service period; None on SCHEDULED."""
    end: datetime | None = None
    issued_at: datetime
    """Planned on drafts, actual on the rest (R139)."""
    finalized_at: datetime | None = None
    voided_at: datetime | None = None
    net_payment_terms_days: int | None = None
    contract_custom_fields: Mapping[str, str] = {}
    customer_custom_fields: Mapping[str, str] = {}
    regenerated_from: str | None = None
    correction: Correction | None = None
    """The correction_record of a correction invoice (R285)."""
    payer: Party | None = None
    """The parent that pays for a child's invoice (R303)."""
    constituents: tuple[str, ...] = ()
    """USAGE_CONSOLIDATED only: the invoices whose lines it copies (R304)."""
    is_billable: bool = True
    """False flags an invoice of an unbillable customer; it is computed all the same (R290)."""

    @property
    def payment_ids(self) -> frozenset[str]:
        """Schedule points that its lines bill."""
        return frozenset(line.payment_id for line in self.lines if line.payment_id is not None)

    @property
    def applied_segments(self) -> frozenset[str]:
        """Segments whose balance paid some of it."""
        applied = (line for line in self.lines if line.type is LineType.APPLIED)
        return frozenset(line.segment_id for line in applied if line.segment_id is not None)
