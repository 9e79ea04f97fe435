"""What a contract has one of, as the wire has it: thresholds, trackers, hierarchy (2.7)."""

from typing import Any

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.edits import ContractSettings
from closedwon.billing.contracts.hierarchy import Hierarchy
from closedwon.billing.contracts.thresholds import (
    BalanceThreshold,
    GateConfig,
    PurchaseDiscount,
    SpendThreshold,
    SpendTracker,
    ThresholdCommit,
)
from closedwon.kernel.exact import exact
from closedwon.targets.metronome.meaning import Meaning, lean, unsayable
from closedwon.targets.metronome.terms import applicability_body

METADATA = "metadata."
"""In front of keys of Stripe's invoice_metadata among a gate's provider settings."""


def settings_body(meant: Meaning, settings: ContractSettings) -> dict[str, Any]:
    """Every setting a new contract comes with."""
    if settings.providers:
        raise unsayable("a billing provider configuration of ours", "set it up on the target")
    echoed: dict[str, Any] = dict(settings.echoed)
    if "total_contract_value" in echoed:
        echoed["total_contract_value"] = exact(echoed["total_contract_value"])
    return echoed | lean(
        spend_threshold_configuration=_spend(meant, settings.spend_threshold),
        prepaid_balance_threshold_configuration=_balance(meant, settings.balance_threshold),
        spend_trackers=[_tracker(meant, one) for one in settings.trackers],
        hierarchy_configuration=_hierarchy(meant, settings.hierarchy),
    )


def _spend(meant: Meaning, found: SpendThreshold | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return _threshold(meant, found)


def _balance(meant: Meaning, found: BalanceThreshold | None) -> dict[str, Any] | None:
    if found is None:
        return None
    body = _threshold(meant, found)
    body["commit"] |= applicability_body(meant, found.commit.applicability)
    groups = [
        {
            "custom_field_filters": [
                {"entity": one.entity, "key": one.key, "value": one.value} for one in group
            ]
        }
        for group in found.excluded
    ]
    own_unit = found.credit_type_id != USD
    return body | lean(
        recharge_to_amount=found.recharge_to_amount,
        custom_credit_type_id=meant.unit(found.credit_type_id) if own_unit else None,
        threshold_balance_specifiers=[{"exclude": groups}] if groups else None,
    )


def _threshold(meant: Meaning, found: SpendThreshold | BalanceThreshold) -> dict[str, Any]:
    """What both kinds of thresholds have."""
    return {
        "is_enabled": found.is_enabled,
        "threshold_amount": found.threshold_amount,
        "commit": _commit(meant, found.commit),
        "payment_gate_config": _gate(found.gate),
        **lean(discount_configuration=_discount(found.discount)),
    }


def _commit(meant: Meaning, found: ThresholdCommit) -> dict[str, Any]:
    return {
        "product_id": meant.product(found.product_id),
        "priority": found.priority,
        **lean(name=found.name, description=found.description),
    }


def _gate(gate: GateConfig) -> dict[str, Any]:
    told = gate.provider_settings
    body: dict[str, Any] = {"payment_gate_type": gate.type.value, "tax_type": gate.tax_type}
    if "payment_type" in told:
        found = {k.removeprefix(METADATA): v for k, v in told.items() if k.startswith(METADATA)}
        stripe = {"payment_type": told["payment_type"], **lean(invoice_metadata=found)}
        body["stripe_config"] = stripe
    if "tax_amount" in told:
        tax = {"tax_amount": exact(told["tax_amount"]), **lean(tax_name=told.get("tax_name"))}
        body["precalculated_tax_config"] = tax
    return body


def _discount(found: PurchaseDiscount | None) -> dict[str, Any] | None:
    if found is None:
        return None
    cap = found.cap
    told = cap and {"amount": cap.amount, "spend_tracker_alias": cap.spend_tracker_alias}
    return {"payment_fraction": found.payment_fraction, **lean(cap=told)}


def _tracker(meant: Meaning, found: SpendTracker) -> dict[str, Any]:
    counts = {
        "spend_type": "COMMIT_PURCHASE",
        "sources": list(found.sources),
        "discounted": found.discounted,
    }
    return {
        "alias": found.alias,
        "credit_type_id": meant.unit(found.credit_type_id),
        "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [counts],
    }


def _hierarchy(meant: Meaning, found: Hierarchy | None) -> dict[str, Any] | None:
    if found is None:
        return None
    if found.parent is None:
        joins = "CONCATENATE" if found.concatenates else "NONE"
        return {"parent_behavior": {"invoice_consolidation_type": joins}}
    return {
        "parent": {
            "contract_id": meant.there("contract", found.parent.contract_id),
            "customer_id": meant.there("customer", found.parent.customer_id),
        },
        "payer": found.payer.value,
        "usage_statement_behavior": found.statement.value,
    }
