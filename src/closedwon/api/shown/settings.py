"""Thresholds, trackers, hierarchy and providers of a contract, as reads answer them (2.9)."""

from collections.abc import Callable, Sequence
from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.shapes import provider_shape, revenue_shape
from closedwon.api.shown.balances import applicability_shape
from closedwon.api.shown.showing import Showing
from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.thresholds import (
    BalanceThreshold,
    GateConfig,
    PurchaseDiscount,
    SpendThreshold,
    SpendTracker,
    ThresholdCommit,
)
from closedwon.billing.thresholds.trackers import accumulated, current_period
from closedwon.kernel.exact import exact

METADATA = "metadata."
"""In front of keys of Stripe's invoice_metadata among a gate's provider settings."""


def settings_shape(show: Showing, contract: Contract) -> dict[str, Any]:
    """Everything a contract has one of, as far as it has it; v1 and v2 alike."""
    settings = contract.settings
    return sparse(
        spend_threshold_configuration=spend_threshold_shape(settings.spend_threshold),
        prepaid_balance_threshold_configuration=balance_threshold_shape(settings.balance_threshold),
        spend_trackers=[_tracker(show, one, contract) for one in settings.trackers] or None,
        hierarchy_configuration=_hierarchy(show, contract),
        **echoed_shape(contract),
    )


def echoed_shape(contract: Contract) -> dict[str, Any]:
    """What is kept and shown, and never rated."""
    shape: dict[str, Any] = dict(contract.settings.echoed)
    if "total_contract_value" in shape:
        shape["total_contract_value"] = exact(shape["total_contract_value"])
    return shape


def spend_threshold_shape(found: SpendThreshold | None) -> dict[str, Any] | None:
    """spend_threshold_configuration."""
    if found is None:
        return None
    return {
        "is_enabled": found.is_enabled,
        "threshold_amount": found.threshold_amount,
        "commit": _commit(found.commit),
        "payment_gate_config": _gate(found.gate),
        **sparse(discount_configuration=_discount(found.discount)),
    }


def balance_threshold_shape(found: BalanceThreshold | None) -> dict[str, Any] | None:
    """prepaid_balance_threshold_configuration."""
    if found is None:
        return None
    groups = [
        {
            "custom_field_filters": [
                {"entity": one.entity, "key": one.key, "value": one.value} for one in group
            ]
        }
        for group in found.excluded
    ]
    return {
        "is_enabled": found.is_enabled,
        "threshold_amount": found.threshold_amount,
        "recharge_to_amount": found.recharge_to_amount,
        "commit": _recharge(found.commit),
        "payment_gate_config": _gate(found.gate),
        **sparse(
            custom_credit_type_id=None if found.credit_type_id == USD else found.credit_type_id,
            discount_configuration=_discount(found.discount),
            threshold_balance_specifiers=[{"exclude": groups}] if groups else None,
        ),
    }


def tracker_shape(tracker: SpendTracker) -> dict[str, Any]:
    """A spend tracker, without what it has counted."""
    return {
        "alias": tracker.alias,
        "credit_type_id": tracker.credit_type_id,
        "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [
            {
                "spend_type": "COMMIT_PURCHASE",
                "sources": list(tracker.sources),
                "discounted": tracker.discounted,
            }
        ],
    }


def provider_shapes(show: Showing, contract: Contract) -> list[dict[str, Any]]:
    """billing_provider_configuration_schedule (R103)."""
    segments = contract.settings.providers
    return _schedule(segments, "billing_provider_configuration", lambda one: _provider(show, one))


def revenue_shapes(show: Showing, contract: Contract) -> list[dict[str, Any]]:
    """revenue_system_configuration_schedule."""
    segments = contract.settings.revenue_systems
    return _schedule(segments, "revenue_system_configuration", lambda one: _revenue(show, one))


def _schedule(
    segments: Sequence[ProviderSegment],
    name: str,
    shape: Callable[[ProviderSegment], dict[str, Any] | None],
) -> list[dict[str, Any]]:
    ends = [*(one.effective_at for one in segments[1:]), None]
    return [
        {
            "effective_at": segment.effective_at,
            name: shape(segment),
            **sparse(effective_until=end),
        }
        for segment, end in zip(segments, ends, strict=True)
    ]


def current_provider_shape(show: Showing, contract: Contract) -> dict[str, Any]:
    """customer_billing_provider_configuration: where invoices of now go, if anywhere (R102)."""
    segments = [one for one in contract.settings.providers if one.effective_at <= show.now]
    found = _provider(show, segments[-1]) if segments else None
    return sparse(customer_billing_provider_configuration=found)


def _provider(show: Showing, segment: ProviderSegment) -> dict[str, Any] | None:
    found = show.providers.get(segment.configuration_id)
    if found is None:
        return None
    return provider_shape(found)


def _revenue(show: Showing, segment: ProviderSegment) -> dict[str, Any] | None:
    found = show.revenue_systems.get(segment.configuration_id)
    return None if found is None else revenue_shape(found)


def _commit(found: ThresholdCommit) -> dict[str, Any]:
    return {
        "product_id": found.product_id,
        "priority": found.priority,
        **sparse(name=found.name or None, description=found.description or None),
    }


def _recharge(found: ThresholdCommit) -> dict[str, Any]:
    length = found.duration
    return {
        **_commit(found),
        **applicability_shape(found.applicability),
        "rate_type": found.rate_type,
        **sparse(
            duration=length and {"unit": length.unit.value, "value": length.value},
            rollover_fraction=found.rollover_fraction,
        ),
    }


def _gate(gate: GateConfig) -> dict[str, Any]:
    told = dict(gate.provider_settings)
    shape: dict[str, Any] = {"payment_gate_type": gate.type.value, "tax_type": gate.tax_type}
    if "payment_type" in told:
        found = {k.removeprefix(METADATA): v for k, v in told.items() if k.startswith(METADATA)}
        shape["stripe_config"] = {
            "payment_type": told["payment_type"],
            **sparse(invoice_metadata=found or None),
        }
    if "tax_amount" in told:
        tax = {"tax_amount": exact(told["tax_amount"]), **sparse(tax_name=told.get("tax_name"))}
        shape["precalculated_tax_config"] = tax
    return shape


def _discount(found: PurchaseDiscount | None) -> dict[str, Any] | None:
    if found is None:
        return None
    cap = found.cap
    told = cap and {"amount": cap.amount, "spend_tracker_alias": cap.spend_tracker_alias}
    return {"payment_fraction": found.payment_fraction, **sparse(cap=told)}


def _tracker(show: Showing, tracker: SpendTracker, contract: Contract) -> dict[str, Any]:
    commits = {commit.id: commit for commit in (*contract.commits, *show.account.commits)}
    spent = accumulated(tracker, contract, commits, show.account.finalized, show.now)
    period = current_period(contract, show.now)
    return {
        **tracker_shape(tracker),
        **sparse(
            accumulated_spend=None
            if period is None
            else {
                "amount": spent,
                "period_starting_at": period.start,
                "period_ending_before": period.until,
            }
        ),
    }


def _hierarchy(show: Showing, contract: Contract) -> dict[str, Any] | None:
    """A child names its parent; a parent its children (R301)."""
    own = contract.settings.hierarchy
    if own is not None and own.parent is not None:
        parent = own.parent
        return {
            "parent": {"contract_id": parent.contract_id, "customer_id": parent.customer_id},
            "payer": own.payer.value,
            "usage_statement_behavior": own.statement.value,
        }
    children = [
        {"contract_id": one.id, "customer_id": one.customer_id}
        for one in show.account.contracts
        if (place := one.settings.hierarchy) is not None and place.parent_contract_id == contract.id
    ]
    if own is None and not children:
        return None
    joins = own is not None and own.concatenates
    behavior = {"invoice_consolidation_type": "CONCATENATE" if joins else "NONE"}
    return {"children": children, "parent_behavior": behavior}
