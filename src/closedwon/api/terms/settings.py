"""What a contract has one of, as sent: thresholds, trackers, hierarchy, provider (2.7)."""

from typing import Annotated

from pydantic import AliasChoices, Field

from closedwon.api.answers import sparse
from closedwon.api.model import Number, Texts, Wire, one_of, word
from closedwon.api.terms.balances import RateType
from closedwon.api.terms.making import Making
from closedwon.api.terms.schedules import SpanSent
from closedwon.api.terms.scopes import SpecifierSent, applicability
from closedwon.billing.contracts.hierarchy import Hierarchy, Payer, StatementBehavior
from closedwon.billing.contracts.thresholds import (
    BalanceThreshold,
    DiscountCap,
    FieldFilter,
    GateConfig,
    GateType,
    PurchaseDiscount,
    SpendThreshold,
    SpendTracker,
    ThresholdCommit,
)
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import canonical

OF_RECHARGES = (
    "duration",
    "rate_type",
    "rollover_fraction",
    "applicable_product_ids",
    "applicable_product_tags",
    "specifiers",
)
"""Fields of the commit a balance threshold buys that one of a spend threshold does not have."""
METADATA = "metadata."
"""In front of keys of Stripe's invoice_metadata among a gate's provider settings."""


class StripeSent(Wire):
    """How Stripe asks for the money."""

    payment_type: Annotated[str, one_of("INVOICE", "PAYMENT_INTENT")] = "INVOICE"
    invoice_metadata: Texts = {}


class TaxSent(Wire):
    """A tax somebody else has worked out."""

    tax_amount: Number
    tax_name: str | None = None


class GateSent(Wire):
    """payment_gate_config (R261, R262)."""

    payment_gate_type: Annotated[GateType, word(GateType)]
    tax_type: Annotated[str, one_of("NONE", "STRIPE", "ANROK", "PRECALCULATED")] = "NONE"
    stripe_config: StripeSent | None = None
    precalculated_tax_config: TaxSent | None = None


class CapSent(Wire):
    """Until when purchases are discounted (R260)."""

    amount: Number
    spend_tracker_alias: str


class PurchaseDiscountSent(Wire):
    """discount_configuration; older guides say ``fraction`` (G5)."""

    payment_fraction: Number = Field(validation_alias=AliasChoices("payment_fraction", "fraction"))
    cap: CapSent | None = None


class ThresholdCommitSent(Wire):
    """The commit a threshold buys."""

    product_id: str
    name: str = ""
    description: str = ""
    priority: Number | None = None
    duration: SpanSent | None = None
    rate_type: RateType | None = None
    rollover_fraction: Number | None = None
    applicable_product_ids: list[str] | None = None
    applicable_product_tags: list[str] | None = None
    specifiers: list[SpecifierSent] | None = None


class SpendThresholdSent(Wire):
    """spend_threshold_configuration (R264)."""

    is_enabled: bool
    threshold_amount: Number
    commit: ThresholdCommitSent
    payment_gate_config: GateSent
    discount_configuration: PurchaseDiscountSent | None = Field(
        default=None, validation_alias=AliasChoices("discount_configuration", "discount_config")
    )


class FieldFilterSent(Wire):
    """A custom field value (R257)."""

    entity: Annotated[str, one_of("Commit", "ContractCredit", "ContractCreditOrCommit")]
    key: str
    value: str


class ExcludedSent(Wire):
    """AND inside."""

    custom_field_filters: list[FieldFilterSent]


class EligibleSent(Wire):
    """OR across."""

    exclude: list[ExcludedSent]


class BalanceThresholdSent(Wire):
    """prepaid_balance_threshold_configuration (R257)."""

    is_enabled: bool
    threshold_amount: Number
    recharge_to_amount: Number
    commit: ThresholdCommitSent
    payment_gate_config: GateSent
    custom_credit_type_id: str | None = None
    discount_configuration: PurchaseDiscountSent | None = Field(
        default=None, validation_alias=AliasChoices("discount_configuration", "discount_config")
    )
    threshold_balance_specifiers: list[EligibleSent] | None = None


class SpendSpecifierSent(Wire):
    """Which purchases a tracker counts."""

    spend_type: Annotated[str, one_of("COMMIT_PURCHASE")]
    sources: list[Annotated[str, one_of("THRESHOLD_RECHARGE", "MANUAL")]]
    discounted: Annotated[str, one_of("ANY", "DISCOUNTED_ONLY", "UNDISCOUNTED_ONLY")] = "ANY"


class TrackerSent(Wire):
    """A spend tracker (R268-R270)."""

    alias: str
    credit_type_id: str
    reset_frequency: Annotated[str, one_of("BILLING_PERIOD")]
    applicable_spend_specifiers: Annotated[list[SpendSpecifierSent], Field(min_length=1)]


class ParentSent(Wire):
    """The contract a child belongs to."""

    contract_id: str
    customer_id: str


class ParentBehaviorSent(Wire):
    """How a parent joins invoices (R304)."""

    invoice_consolidation_type: Annotated[str, one_of("CONCATENATE", "NONE")] = "NONE"


class HierarchySent(Wire):
    """hierarchy_configuration of a contract (R301-R305)."""

    parent: ParentSent | None = None
    payer: Annotated[Payer, word(Payer)] = Payer.SELF
    usage_statement_behavior: Annotated[StatementBehavior, word(StatementBehavior)] = (
        StatementBehavior.SEPARATE
    )
    parent_behavior: ParentBehaviorSent | None = None


def hierarchy(sent: HierarchySent | None) -> Hierarchy | None:
    """A contract's place."""
    if sent is None:
        return None
    behavior = sent.parent_behavior
    return Hierarchy(
        parent_contract_id=None if sent.parent is None else sent.parent.contract_id,
        parent_customer_id=None if sent.parent is None else sent.parent.customer_id,
        payer=sent.payer,
        statement=sent.usage_statement_behavior,
        concatenates=behavior is not None and behavior.invoice_consolidation_type == "CONCATENATE",
    )


def spend_threshold(sent: SpendThresholdSent | None) -> SpendThreshold | None:
    """The threshold that charges accrued spend."""
    if sent is None:
        return None
    for name in OF_RECHARGES:
        if getattr(sent.commit, name) is not None:
            raise Refused(f"spend_threshold_configuration.commit.{name}: unknown field")
    return SpendThreshold(
        is_enabled=sent.is_enabled,
        threshold_amount=sent.threshold_amount,
        commit=_commit(sent.commit),
        gate=gate(sent.payment_gate_config),
        discount=discount(sent.discount_configuration),
    )


def balance_threshold(make: Making, sent: BalanceThresholdSent | None) -> BalanceThreshold | None:
    """The threshold that recharges balances."""
    if sent is None:
        return None
    return BalanceThreshold(
        is_enabled=sent.is_enabled,
        threshold_amount=sent.threshold_amount,
        recharge_to_amount=sent.recharge_to_amount,
        commit=_commit(sent.commit),
        credit_type_id=make.unit(sent.custom_credit_type_id),
        gate=gate(sent.payment_gate_config),
        discount=discount(sent.discount_configuration),
        excluded=excluded(sent.threshold_balance_specifiers),
    )


def gate(sent: GateSent) -> GateConfig:
    """How purchases are paid; what only a provider reads is kept as told."""
    stripe, tax = sent.stripe_config, sent.precalculated_tax_config
    settings = {} if stripe is None else {"payment_type": stripe.payment_type}
    if stripe is not None:
        settings |= {METADATA + key: value for key, value in stripe.invoice_metadata.items()}
    if tax is not None:
        settings |= sparse(tax_amount=canonical(tax.tax_amount), tax_name=tax.tax_name)
    return GateConfig(
        type=sent.payment_gate_type, tax_type=sent.tax_type, provider_settings=settings
    )


def discount(sent: PurchaseDiscountSent | None) -> PurchaseDiscount | None:
    """What a purchase is paid at."""
    if sent is None:
        return None
    cap = sent.cap
    return PurchaseDiscount(
        payment_fraction=sent.payment_fraction,
        cap=None
        if cap is None
        else DiscountCap(amount=cap.amount, spend_tracker_alias=cap.spend_tracker_alias),
    )


def excluded(sent: list[EligibleSent] | None) -> tuple[tuple[FieldFilter, ...], ...]:
    """Balances a threshold leaves out: OR between groups, AND inside."""
    return tuple(
        tuple(
            FieldFilter(entity=one.entity, key=one.key, value=one.value)
            for one in group.custom_field_filters
        )
        for eligible in sent or ()
        for group in eligible.exclude
    )


def tracker(make: Making, sent: TrackerSent) -> SpendTracker:
    """One spend tracker."""
    if len(sent.applicable_spend_specifiers) > 1:
        raise Refused("applicable_spend_specifiers: give one; it names all its sources")
    (spend,) = sent.applicable_spend_specifiers
    return SpendTracker(
        alias=sent.alias,
        credit_type_id=make.unit(sent.credit_type_id),
        sources=tuple(spend.sources),
        discounted=spend.discounted,
    )


def _commit(sent: ThresholdCommitSent) -> ThresholdCommit:
    duration = None if sent.duration is None else sent.duration.span
    known = sparse(priority=sent.priority, rate_type=sent.rate_type, duration=duration)
    return ThresholdCommit(
        product_id=sent.product_id,
        name=sent.name,
        description=sent.description,
        applicability=applicability(
            sent.applicable_product_ids, sent.applicable_product_tags, sent.specifiers
        ),
        rollover_fraction=sent.rollover_fraction,
        **known,
    )
