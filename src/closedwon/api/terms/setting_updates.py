"""Edits of what a contract has one of, as sent (2.8; R257-R270)."""

from typing import Any

from msgspec.structs import replace
from pydantic import AliasChoices, Field

from closedwon.api.model import Number, Wire
from closedwon.api.terms.balances import RateType
from closedwon.api.terms.making import Making
from closedwon.api.terms.schedules import SpanSent
from closedwon.api.terms.scopes import SpecifierSent, specifier
from closedwon.api.terms.settings import (
    OF_RECHARGES,
    CapSent,
    EligibleSent,
    GateSent,
    excluded,
    gate,
)
from closedwon.api.terms.updates import given
from closedwon.billing.contracts.thresholds import (
    BalanceThreshold,
    DiscountCap,
    PurchaseDiscount,
    SpendThreshold,
    ThresholdCommit,
)
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import exact


class DiscountUpdateSent(Wire):
    """Changes of discount_configuration; a null cap has no cap any more."""

    payment_fraction: Number | None = None
    cap: CapSent | None = None


class ThresholdCommitUpdateSent(Wire):
    """Changes of the commit a threshold buys."""

    product_id: str | None = None
    name: str | None = None
    description: str | None = None
    priority: Number | None = None
    duration: SpanSent | None = None
    rate_type: RateType | None = None
    rollover_fraction: Number | None = None
    applicable_product_ids: list[str] | None = None
    applicable_product_tags: list[str] | None = None
    specifiers: list[SpecifierSent] | None = None


class ThresholdUpdateSent(Wire):
    """update_spend_threshold_configuration, update_prepaid_balance_threshold_configuration."""

    is_enabled: bool | None = None
    threshold_amount: Number | None = None
    recharge_to_amount: Number | None = None
    commit: ThresholdCommitUpdateSent = ThresholdCommitUpdateSent()
    payment_gate_config: GateSent | None = None
    custom_credit_type_id: str | None = None
    discount_configuration: DiscountUpdateSent | None = Field(
        default=None, validation_alias=AliasChoices("discount_configuration", "discount_config")
    )
    threshold_balance_specifiers: list[EligibleSent] | None = None


BALANCE_ONLY = ("recharge_to_amount", "custom_credit_type_id", "threshold_balance_specifiers")


def spend_update(sent: ThresholdUpdateSent, known: SpendThreshold | None) -> SpendThreshold:
    """The spend threshold as updated; raises Refused when there is none."""
    if known is None:
        raise Refused("update_spend_threshold_configuration: the contract has none")
    for name in BALANCE_ONLY:
        if name in sent.model_fields_set:
            raise Refused(f"update_spend_threshold_configuration.{name}: unknown field")
    for name in OF_RECHARGES:
        if name in sent.commit.model_fields_set:
            raise Refused(f"update_spend_threshold_configuration.commit.{name}: unknown field")
    return replace(known, **_shared(sent, known))


def balance_update(
    make: Making, sent: ThresholdUpdateSent, known: BalanceThreshold | None
) -> BalanceThreshold:
    """The balance threshold as updated; raises Refused when there is none."""
    if known is None:
        raise Refused("update_prepaid_balance_threshold_configuration: the contract has none")
    fields = _shared(sent, known) | given(sent, "recharge_to_amount")
    if "custom_credit_type_id" in sent.model_fields_set:
        fields["credit_type_id"] = make.unit(sent.custom_credit_type_id)
    if "threshold_balance_specifiers" in sent.model_fields_set:
        fields["excluded"] = excluded(sent.threshold_balance_specifiers)
    return replace(known, **fields)


def _shared(sent: ThresholdUpdateSent, known: SpendThreshold | BalanceThreshold) -> dict[str, Any]:
    fields = given(sent, "is_enabled", "threshold_amount")
    fields["commit"] = _commit(sent.commit, known.commit)
    if sent.payment_gate_config is not None:
        fields["gate"] = gate(sent.payment_gate_config)
    if "discount_configuration" in sent.model_fields_set:
        fields["discount"] = _discount(sent.discount_configuration, known.discount)
    return fields


def _commit(sent: ThresholdCommitUpdateSent, known: ThresholdCommit) -> ThresholdCommit:
    """What was not sent stays; null is what there would be without it."""
    fields = given(sent, "product_id", "name", "description", "priority")
    fields |= given(sent, "rollover_fraction", null=True)
    if "rate_type" in sent.model_fields_set:
        fields["rate_type"] = sent.rate_type or "LIST_RATE"
    if "duration" in sent.model_fields_set:
        fields["duration"] = None if sent.duration is None else sent.duration.span
    scope = {
        name.removeprefix("applicable_"): getattr(sent, name)
        for name in ("applicable_product_ids", "applicable_product_tags")
        if name in sent.model_fields_set
    }
    if "specifiers" in sent.model_fields_set:
        scope["specifiers"] = [specifier(one) for one in sent.specifiers or ()]
    return replace(known, applicability=known.applicability.changed(scope), **fields)


def _discount(
    sent: DiscountUpdateSent | None, known: PurchaseDiscount | None
) -> PurchaseDiscount | None:
    if sent is None:
        return None
    before = known or PurchaseDiscount(payment_fraction=exact("1"))
    fields = given(sent, "payment_fraction")
    if "cap" in sent.model_fields_set:
        cap = sent.cap
        fields["cap"] = cap and DiscountCap(
            amount=cap.amount, spend_tracker_alias=cap.spend_tracker_alias
        )
    return replace(before, **fields)
