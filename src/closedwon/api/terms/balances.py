"""Commits, credits and what grants them again and again, as sent (2.7; R161-R215)."""

from typing import Annotated

from pydantic import AliasChoices, Field

from closedwon.api.answers import Unsupported
from closedwon.api.model import Instant, Number, Texts, Wire, one_of, whole, word
from closedwon.api.terms.making import Making, echoed, inside
from closedwon.api.terms.schedules import (
    AccessScheduleSent,
    AccessType,
    ScheduleSent,
    points,
    segments,
)
from closedwon.api.terms.scopes import (
    BalanceHierarchySent,
    SpecifierSent,
    applicability,
    child_access,
)
from closedwon.billing.contracts.recurring import (
    Allocation,
    Proration,
    ProrationRounding,
    RecurringAmount,
    RecurringCommit,
    RoundingMethod,
    SeatLink,
)
from closedwon.billing.contracts.terms import Commit, CommitKind, ScheduleItem
from closedwon.billing.contracts.thresholds import GateType, gate_of
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval

PRODUCT = AliasChoices("product_id", "product")
"""Seed 0 says ``product`` (G1)."""
PERIODS_MAX = 1200
"""Periods that a child lasts at most."""
RateType = Annotated[str, one_of("LIST_RATE", "COMMIT_RATE")]


class TrackedSent(Wire):
    """spend_tracker_attributes."""

    counts_as_discounted: bool = Field(
        validation_alias=AliasChoices("counts_as_discounted", "count_as_discounted")
    )


class BalanceGateSent(Wire):
    """payment_gate_config of one commit (R200)."""

    payment_gate_type: Annotated[GateType, word(GateType)]
    tax_type: Annotated[str, one_of("NONE")] = "NONE"


class UndatedBalanceSent(Wire):
    """A commit or a credit without its schedules; which of the two its place in the payload says.

    What contracts, packages and customers say of one alike.
    """

    product_id: str = Field(validation_alias=PRODUCT)
    type: Annotated[CommitKind, word(CommitKind)] | None = None
    name: str | None = None
    description: str = ""
    priority: Number | None = None
    applicable_product_ids: list[str] | None = None
    applicable_product_tags: list[str] | None = None
    specifiers: list[SpecifierSent] | None = None
    rate_type: RateType = "LIST_RATE"
    custom_fields: Texts = {}


class BalanceSent(UndatedBalanceSent):
    """A commit or a credit of a contract."""

    access_schedule: AccessScheduleSent
    invoice_schedule: ScheduleSent | None = None
    rollover_fraction: Number | None = None
    temporary_id: str | None = None
    hierarchy_configuration: BalanceHierarchySent | None = None
    spend_tracker_attributes: TrackedSent | None = None
    payment_gate_config: BalanceGateSent | None = None
    netsuite_sales_order_id: str | None = None
    salesforce_opportunity_id: str | None = None
    """Of a customer's own balances."""


def commit(make: Making, sent: BalanceSent, where: str) -> Commit:
    """A prepaid or postpaid commit."""
    if sent.type not in (CommitKind.PREPAID, CommitKind.POSTPAID):
        raise Refused(f"{inside(where, 'type')}: expected PREPAID or POSTPAID")
    return _balance(make, sent, sent.type, where)


def credit(make: Making, sent: BalanceSent, where: str) -> Commit:
    """A free credit; raises Refused for what only a commit has."""
    for name in ("invoice_schedule", "payment_gate_config"):
        if getattr(sent, name) is not None:
            raise Refused(f"{inside(where, name)}: unknown field; a credit is free")
    if sent.type not in (None, CommitKind.CREDIT):
        raise Refused(f"{inside(where, 'type')}: unknown field of a credit")
    return _balance(make, sent, CommitKind.CREDIT, where)


def _balance(make: Making, sent: BalanceSent, kind: CommitKind, where: str) -> Commit:
    windows, unit = segments(make, sent.access_schedule, inside(where, "access_schedule"))
    payments: tuple[ScheduleItem, ...] = ()
    paid_in = make.unit(None)
    schedule = sent.invoice_schedule
    if schedule is not None:
        payments, paid_in = points(make, schedule, inside(where, "invoice_schedule"))
    gate, tracked = sent.payment_gate_config, sent.spend_tracker_attributes
    commit_id = make.own_id(sent.temporary_id)
    return Commit(
        id=commit_id,
        kind=kind,
        product_id=sent.product_id,
        name=make.named(sent.name, sent.product_id),
        segments=windows,
        payments=payments,
        do_not_invoice=schedule is not None and schedule.do_not_invoice,
        description=sent.description,
        priority=sent.priority,
        rollover_fraction=sent.rollover_fraction,
        applicability=applicability(
            sent.applicable_product_ids, sent.applicable_product_tags, sent.specifiers
        ),
        rate_type=sent.rate_type,
        access_credit_type_id=unit,
        payment_credit_type_id=paid_in,
        gate=None if gate is None else gate_of(gate.payment_gate_type, commit_id),
        counts_as_discounted=tracked is not None and tracked.counts_as_discounted,
        child_access=child_access(sent.hierarchy_configuration),
        created_at=make.now,
        custom_fields=sent.custom_fields,
        echoed=echoed(sent),
    )


class RoundingSent(Wire):
    """How a prorated amount is rounded (R207)."""

    rounding_method: Annotated[RoundingMethod, word(RoundingMethod)]
    decimal_places: Annotated[int, whole(-5, 5)]

    @property
    def rounding(self) -> ProrationRounding:
        """As the engine knows it."""
        return ProrationRounding(method=self.rounding_method, decimal_places=self.decimal_places)


class ProrationRoundingSent(Wire):
    """Of what is granted and of what is paid."""

    access: RoundingSent | None = None
    invoice: RoundingSent | None = None


class RecurringAmountSent(Wire):
    """What each child grants or costs."""

    unit_price: Number
    quantity: Number | None = None
    credit_type_id: str | None = None
    access_type: AccessType | None = None


class DurationSent(Wire):
    """How long a child's access lasts (R203)."""

    value: Annotated[int, whole(1, PERIODS_MAX)]
    unit: Annotated[str, one_of("PERIODS")] = "PERIODS"


class SeatIncreaseSent(Wire):
    """What seats that are added inside a period are granted."""

    is_prorated: bool


class SeatLinkSent(Wire):
    """subscription_config (R229, R230)."""

    subscription_id: str
    allocation: Annotated[Allocation, word(Allocation)] = Allocation.POOLED
    apply_seat_increase_config: SeatIncreaseSent


class RecurringSent(Wire):
    """A recurring commit or credit; which of the two its place in the payload says."""

    product_id: str = Field(validation_alias=PRODUCT)
    access_amount: RecurringAmountSent
    priority: Number
    starting_at: Instant
    commit_duration: DurationSent
    invoice_amount: RecurringAmountSent | None = None
    ending_before: Instant | None = None
    recurrence_frequency: Annotated[Frequency, word(Frequency)] | None = None
    proration: Annotated[Proration, word(Proration)] = Proration.FIRST_AND_LAST
    proration_rounding: ProrationRoundingSent | None = None
    rollover_fraction: Number | None = None
    rate_type: RateType = "LIST_RATE"
    applicable_product_ids: list[str] | None = None
    applicable_product_tags: list[str] | None = None
    specifiers: list[SpecifierSent] | None = None
    name: str | None = None
    description: str = ""
    temporary_id: str | None = None
    subscription_config: SeatLinkSent | None = None
    hierarchy_configuration: BalanceHierarchySent | None = None
    netsuite_sales_order_id: str | None = None


def recurring(make: Making, sent: RecurringSent, kind: CommitKind, where: str) -> RecurringCommit:
    """A generator of commits (PREPAID) or credits (CREDIT)."""
    if kind is CommitKind.CREDIT and sent.invoice_amount is not None:
        raise Refused(f"{where}.invoice_amount: unknown field; a credit is free")
    if sent.access_amount.access_type == "QUANTITY":
        raise Unsupported(f"{where}.access_amount.access_type: only SPEND is supported (R161)")
    if sent.ending_before is not None and sent.ending_before < sent.starting_at:
        raise Refused(f"{where}.ending_before: must not be before starting_at")
    rounding = sent.proration_rounding or ProrationRoundingSent()
    return RecurringCommit(
        id=make.own_id(sent.temporary_id),
        kind=kind,
        product_id=sent.product_id,
        name=make.named(sent.name, sent.product_id),
        access=_amount(make, sent.access_amount),
        invoice=_invoiced(make, sent, where),
        window=Interval(sent.starting_at, sent.ending_before),
        duration_periods=sent.commit_duration.value,
        frequency=sent.recurrence_frequency,
        proration=sent.proration,
        access_rounding=None if rounding.access is None else rounding.access.rounding,
        invoice_rounding=None if rounding.invoice is None else rounding.invoice.rounding,
        description=sent.description,
        priority=sent.priority,
        rollover_fraction=sent.rollover_fraction,
        rate_type=sent.rate_type,
        applicability=applicability(
            sent.applicable_product_ids, sent.applicable_product_tags, sent.specifiers
        ),
        seats=_seats(make, sent.subscription_config),
        child_access=child_access(sent.hierarchy_configuration),
        echoed=echoed(sent),
        created_at=make.now,
    )


def _amount(make: Making, sent: RecurringAmountSent) -> RecurringAmount:
    return RecurringAmount(
        unit_price=sent.unit_price,
        quantity=sent.quantity,
        credit_type_id=make.unit(sent.credit_type_id),
    )


def _invoiced(make: Making, sent: RecurringSent, where: str) -> RecurringAmount | None:
    amount = sent.invoice_amount
    if amount is None:
        return None
    if amount.quantity is None and sent.subscription_config is None:
        raise Refused(f"{where}.invoice_amount.quantity: required")
    return _amount(make, amount)


def _seats(make: Making, sent: SeatLinkSent | None) -> SeatLink | None:
    if sent is None:
        return None
    return SeatLink(
        subscription_id=make.meant(sent.subscription_id),
        allocation=sent.allocation,
        is_prorated=sent.apply_seat_increase_config.is_prorated,
    )
