"""Packages as they are sent: terms dated from the contract's start (2.12; R308-R311)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, Field, GetJsonSchemaHandler

from closedwon.api.answers import Unsupported
from closedwon.api.model import Days, Instant, Key, Number, Texts, Wire, one_of, parsed, word
from closedwon.api.terms.balances import (
    PRODUCT,
    RecurringSent,
    UndatedBalanceSent,
    recurring,
)
from closedwon.api.terms.configurations import PROVIDERS, Method
from closedwon.api.terms.making import Making
from closedwon.api.terms.overrides import OverrideSent, override
from closedwon.api.terms.schedules import AccessType, SpanSent
from closedwon.api.terms.scopes import applicability
from closedwon.api.terms.settings import BalanceThresholdSent, SpendThresholdSent, TrackerSent
from closedwon.api.terms.subscriptions import SubscriptionSent, subscription
from closedwon.billing.contracts.overrides import Prioritization
from closedwon.billing.contracts.packages import (
    PackageCharge,
    PackageCommit,
    PackageOverride,
    PackagePoint,
    PackageRecurring,
    PackageSegment,
    PackageSubscription,
    Relative,
)
from closedwon.billing.contracts.terms import CommitKind, StatementDay
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

M = TypeVar("M", bound=Wire)
OFFSETS = ("starting_at_offset", "starting_offset")
"""Both names are in use (G5)."""
ABSOLUTE = ("starting_at", "ending_before")


class WindowSent(Wire):
    """When something begins after the contract does, and how long it lasts."""

    offset: SpanSent | None = None
    duration: SpanSent | None = None

    @property
    def window(self) -> Relative:
        """As the engine knows it."""
        begins = {} if self.offset is None else {"offset": self.offset.span}
        return Relative(duration=None if self.duration is None else self.duration.span, **begins)


@dataclass(frozen=True, slots=True)
class Dated:
    """Marks a term that a contract has too, dated from the contract's start; ``dated`` reads it."""

    kind: type[Wire]

    def __get_pydantic_json_schema__(
        self, _core: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The term as a contract takes it, with other dates."""
        known = handler.resolve_ref_schema(handler(self.kind.__pydantic_core_schema__))
        window = handler.resolve_ref_schema(handler(WindowSent.__pydantic_core_schema__))
        spans = window["properties"]
        dates = {OFFSETS[0]: spans["offset"], "duration": spans["duration"]}
        gone = () if self.kind is OverrideSent else ABSOLUTE
        kept = {name: one for name, one in known["properties"].items() if name not in gone}
        required = [name for name in known.get("required", ()) if name not in ABSOLUTE]
        return {**known, "properties": {**dates, **kept}, "required": required}


class PackageAccessSent(Wire):
    """One access window."""

    amount: Number
    starting_at_offset: SpanSent = Field(validation_alias=AliasChoices(*OFFSETS))
    duration: SpanSent


class PackageAccessScheduleSent(Wire):
    """When how much can be drawn."""

    schedule_items: Annotated[list[PackageAccessSent], Field(min_length=1)]
    credit_type_id: str | None = None
    access_type: AccessType | None = None


class PackagePointSent(Wire):
    """One payment."""

    date_offset: SpanSent
    unit_price: Number
    quantity: Number


class PackageScheduleSent(Wire):
    """An invoice schedule."""

    schedule_items: Annotated[list[PackagePointSent], Field(min_length=1)]
    credit_type_id: str | None = None
    do_not_invoice: bool = False


class PackageBalanceSent(UndatedBalanceSent):
    """A commit or a credit of a package."""

    access_schedule: PackageAccessScheduleSent
    invoice_schedule: PackageScheduleSent | None = None
    rollover_fraction: Number | None = None
    temporary_id: str | None = None


class PackageChargeSent(Wire):
    """A scheduled charge of a package."""

    product_id: str = Field(validation_alias=PRODUCT)
    schedule: PackageScheduleSent
    name: str | None = None
    custom_fields: Texts = {}


class PackageStatementSent(Wire):
    """usage_statement_schedule of a package."""

    frequency: Annotated[Frequency, word(Frequency)]
    day: Annotated[StatementDay, word(StatementDay)] = StatementDay.FIRST_OF_MONTH


class AliasSent(Wire):
    """A name the package answers to during a window."""

    name: str
    starting_at: Instant | None = None
    ending_before: Instant | None = None


class PackageSent(Wire):
    """POST /v1/packages/create; terms that differ from a contract's in dates only come as such."""

    name: str = Field(min_length=1)
    aliases: list[AliasSent] = []
    uniqueness_key: Key | None = None
    rate_card_id: str | None = None
    rate_card_alias: str | None = None
    duration: SpanSent | None = None
    contract_name: str = ""
    billing_provider: Annotated[str, one_of(*PROVIDERS)] | None = None
    delivery_method: Method | None = None
    net_payment_terms_days: Days | None = None
    commits: list[PackageBalanceSent] = []
    credits: list[PackageBalanceSent] = []
    recurring_commits: list[Annotated[dict[str, Any], Dated(RecurringSent)]] = []
    recurring_credits: list[Annotated[dict[str, Any], Dated(RecurringSent)]] = []
    overrides: list[Annotated[dict[str, Any], Dated(OverrideSent)]] = []
    scheduled_charges: list[PackageChargeSent] = []
    scheduled_charges_on_usage_invoices: Annotated[str, one_of("ALL")] | None = None
    subscriptions: list[Annotated[dict[str, Any], Dated(SubscriptionSent)]] = []
    multiplier_override_prioritization: Annotated[Prioritization, word(Prioritization)] = (
        Prioritization.LOWEST_MULTIPLIER
    )
    usage_statement_schedule: PackageStatementSent | None = None
    spend_threshold_configuration: SpendThresholdSent | None = None
    prepaid_balance_threshold_configuration: BalanceThresholdSent | None = None
    spend_trackers: list[TrackerSent] = []
    custom_fields: Texts = {}


def dated(
    kind: type[M], sent: Mapping[str, Any], anchor: str, where: str
) -> tuple[M, Relative | None]:
    """A term of a package as a contract's that begins at ``anchor``, and when it really does.

    Only overrides may have an absolute start instead (2.12); None stands for that.
    """
    rest = {name: value for name, value in sent.items() if name not in (*OFFSETS, "duration")}
    window = {"duration": sent["duration"]} if "duration" in sent else {}
    offset = next((sent[name] for name in OFFSETS if name in sent), None)
    if kind is OverrideSent and offset is None and "starting_at" in rest:
        return parsed(kind, rest, where), None
    for name in ABSOLUTE:
        if name in rest:
            raise Refused(f"{where}.{name}: a package says {OFFSETS[0]} and duration (R309)")
    relative = parsed(WindowSent, window | ({} if offset is None else {"offset": offset}), where)
    return parsed(kind, {**rest, "starting_at": anchor}, where), relative.window


def package_commit(make: Making, sent: PackageBalanceSent, where: str) -> PackageCommit:
    """A commit of a package."""
    if sent.type not in (CommitKind.PREPAID, CommitKind.POSTPAID):
        raise Refused(f"{where}.type: expected PREPAID or POSTPAID")
    return _balance(make, sent, sent.type, where)


def package_credit(make: Making, sent: PackageBalanceSent, where: str) -> PackageCommit:
    """A credit of a package."""
    if sent.invoice_schedule is not None or sent.type not in (None, CommitKind.CREDIT):
        name = "type" if sent.invoice_schedule is None else "invoice_schedule"
        raise Refused(f"{where}.{name}: unknown field; a credit is free")
    return _balance(make, sent, CommitKind.CREDIT, where)


def package_charge(make: Making, sent: PackageChargeSent, where: str) -> PackageCharge:
    """A scheduled charge of a package."""
    if sent.schedule.do_not_invoice:
        raise Refused(f"{where}.schedule.do_not_invoice: goes with commits only (2.7)")
    return PackageCharge(
        id=make.own_id(),
        product_id=sent.product_id,
        name=make.named(sent.name, sent.product_id),
        items=_points(sent.schedule),
        credit_type_id=make.unit(sent.schedule.credit_type_id),
        custom_fields=sent.custom_fields,
    )


def package_override(
    make: Making, sent: tuple[OverrideSent, Relative | None], where: str
) -> PackageOverride:
    """An override of a package."""
    return PackageOverride(template=override(make, sent[0], where), window=sent[1])


def package_recurring(
    make: Making, sent: tuple[RecurringSent, Relative | None], kind: CommitKind, where: str
) -> PackageRecurring:
    """A generator of a package."""
    template = recurring(make, sent[0], kind, where)
    return PackageRecurring(template=template, window=sent[1] or Relative())


def package_subscription(
    make: Making, sent: tuple[SubscriptionSent, Relative | None], where: str
) -> PackageSubscription:
    """A subscription of a package."""
    template = subscription(make, sent[0], where)
    if template.anchor_date is not None:
        raise Refused(f"{where}.billing_cycle_config.anchor_date: unknown field of a package")
    return PackageSubscription(template=template, window=sent[1] or Relative())


def _balance(make: Making, sent: PackageBalanceSent, kind: CommitKind, where: str) -> PackageCommit:
    schedule, paid = sent.access_schedule, sent.invoice_schedule
    if schedule.access_type == "QUANTITY":
        raise Unsupported(f"{where}.access_schedule.access_type: only SPEND is supported (R161)")
    return PackageCommit(
        id=make.own_id(sent.temporary_id),
        kind=kind,
        product_id=sent.product_id,
        name=make.named(sent.name, sent.product_id),
        segments=tuple(
            PackageSegment(
                amount=one.amount,
                window=Relative(offset=one.starting_at_offset.span, duration=one.duration.span),
            )
            for one in schedule.schedule_items
        ),
        payments=() if paid is None else _points(paid),
        do_not_invoice=paid is not None and paid.do_not_invoice,
        description=sent.description,
        priority=sent.priority,
        rollover_fraction=sent.rollover_fraction,
        applicability=applicability(
            sent.applicable_product_ids, sent.applicable_product_tags, sent.specifiers
        ),
        rate_type=sent.rate_type,
        access_credit_type_id=make.unit(schedule.credit_type_id),
        payment_credit_type_id=make.unit(None if paid is None else paid.credit_type_id),
        custom_fields=sent.custom_fields,
    )


def _points(sent: PackageScheduleSent) -> tuple[PackagePoint, ...]:
    return tuple(
        PackagePoint(
            date_offset=one.date_offset.span, unit_price=one.unit_price, quantity=one.quantity
        )
        for one in sent.schedule_items
    )
