"""A contract as v1 and v2 answer it (metronome.md 2.9)."""

from collections.abc import Iterable, Sequence
from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.shown.balances import balance_shape
from closedwon.api.shown.settings import (
    current_provider_shape,
    provider_shapes,
    revenue_shapes,
    settings_shape,
)
from closedwon.api.shown.showing import Showing
from closedwon.api.shown.subscriptions import subscription_shape
from closedwon.api.shown.terms import (
    charge_shape,
    override_shape,
    recurring_shapes,
    royalty_shape,
    service_shape,
)
from closedwon.api.terms.making import ECHOED
from closedwon.billing.contracts.edits import Added, Amend, Edit
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, CommitKind, UsageFilter
from closedwon.billing.invoices.periods import anchor


def contract_v2(show: Showing, contract: Contract) -> dict[str, Any]:
    """Flat, everything as it is now."""
    royalties: dict[str, list[dict[str, Any]]] = {}
    for royalty in contract.royalties:
        royalties.setdefault(royalty.reseller_type, []).append(royalty_shape(royalty))
    shape = {
        "id": contract.id,
        "customer_id": contract.customer_id,
        **_current(show, contract),
        "usage_filter": filter_shapes(contract.usage_filters),
        "multiplier_override_prioritization": contract.prioritization.value,
        "has_more": {"commits": False, "credits": False},
        "custom_fields": dict(contract.custom_fields),
        "subscriptions": [
            subscription_shape(show, one, contract) for one in contract.subscriptions
        ],
        **_identity(contract),
    }
    if royalties:
        shape["reseller_royalties"] = [
            {"reseller_type": kind, "segments": segments} for kind, segments in royalties.items()
        ]
    if contract.settings.providers:
        providers = provider_shapes(show, contract)
        shape["billing_provider_configuration_schedule"] = providers
    if contract.settings.revenue_systems:
        shape["revenue_system_configuration_schedule"] = revenue_shapes(show, contract)
    return shape | current_provider_shape(show, contract)


def contract_v1(show: Showing, contract: Contract, edits: Sequence[Edit]) -> dict[str, Any]:
    """As created, as it is now, and what amendments brought."""
    first = contract_of(edits[:1])
    settings = settings_shape(show, contract)
    return {
        "id": contract.id,
        "customer_id": contract.customer_id,
        "initial": _flat(show, first),
        "current": _flat(show, contract),
        **sparse(
            scheduled_charges_on_usage_invoices="ALL"
            if contract.charges_on_usage_invoices
            else None
        ),
        "amendments": [
            _amendment(show, contract, edit, edit.change)
            for edit in edits
            if isinstance(edit.change, Amend)
        ],
        "custom_fields": dict(contract.custom_fields),
        "subscriptions": [
            subscription_shape(show, one, contract) for one in contract.subscriptions
        ],
        **_identity(contract),
        **current_provider_shape(show, contract),
        **{name: settings[name] for name in ONCE if name in settings},
    }


ONCE = (
    "prepaid_balance_threshold_configuration",
    "spend_threshold_configuration",
    "spend_trackers",
)
"""Settings that v1 also shows beside initial and current."""


def filter_shapes(filters: Sequence[UsageFilter]) -> list[dict[str, Any]]:
    """Usage filters, each until the next one begins (R106)."""
    ends = [*(one.starting_at for one in filters[1:]), None]
    return [
        {
            "group_key": one.group_key,
            "group_values": list(one.group_values),
            "starting_at": one.starting_at,
            **sparse(ending_before=end),
        }
        for one, end in zip(filters, ends, strict=False)
    ]


def added_shapes(show: Showing, contract: Contract, added: Added) -> dict[str, Any]:
    """Terms one edit brought, as they are now."""
    ids = set(added.ids)
    commits = [one for one in contract.commits if one.id in ids]
    return {
        "commits": _balances(show, contract, commits, free=False),
        "credits": _balances(show, contract, commits, free=True),
        "overrides": [
            override_shape(show, one, contract) for one in contract.overrides if one.id in ids
        ],
        "scheduled_charges": [charge_shape(show, one) for one in contract.charges if one.id in ids],
        "discounts": [charge_shape(show, one) for one in contract.discounts if one.id in ids],
        "professional_services": [service_shape(one) for one in contract.services if one.id in ids],
        "reseller_royalties": [royalty_shape(one) for one in contract.royalties if one.id in ids],
    }


def _flat(show: Showing, contract: Contract) -> dict[str, Any]:
    """``initial`` or ``current`` of v1."""
    shape = {
        **_current(show, contract),
        "reseller_royalties": [royalty_shape(one) for one in contract.royalties],
    }
    filters = filter_shapes(contract.usage_filters)
    if filters:
        held = [one for one in filters if one["starting_at"] <= show.now]
        shape["usage_filter"] = {
            "initial": _filter(filters[0]),
            "updates": [_filter(one) for one in filters[1:]],
            "current": _filter(held[-1]) if held else None,
        }
    return shape


def _current(show: Showing, contract: Contract) -> dict[str, Any]:
    """What v1 and v2 have in common."""
    return {
        "commits": _balances(show, contract, contract.commits, free=False),
        "credits": _balances(show, contract, contract.commits, free=True),
        "overrides": [override_shape(show, one, contract) for one in contract.overrides],
        "scheduled_charges": [charge_shape(show, one) for one in contract.charges],
        "discounts": [charge_shape(show, one) for one in contract.discounts],
        "professional_services": [service_shape(one) for one in contract.services],
        "recurring_commits": recurring_shapes(show, contract, CommitKind.PREPAID),
        "recurring_credits": recurring_shapes(show, contract, CommitKind.CREDIT),
        "transitions": _transitions(contract),
        "usage_statement_schedule": {
            "frequency": contract.statement.frequency.value,
            "billing_anchor_date": anchor(contract),
        },
        "starting_at": contract.term.start,
        "created_at": contract.created_at,
        "created_by": _created_by(show, contract),
        **sparse(
            ending_before=contract.term.end,
            name=contract.name or None,
            rate_card_id=contract.rate_card_id,
            net_payment_terms_days=contract.net_payment_terms_days,
            scheduled_charges_on_usage_invoices="ALL"
            if contract.charges_on_usage_invoices
            else None,
        ),
        **settings_shape(show, contract),
    }


def _balances(
    show: Showing, contract: Contract, commits: Iterable[Commit], *, free: bool
) -> list[dict[str, Any]]:
    return [
        balance_shape(show, one, contract)
        for one in commits
        if (one.kind is CommitKind.CREDIT) is free
    ]


def _amendment(show: Showing, contract: Contract, edit: Edit, change: Amend) -> dict[str, Any]:
    return {
        "id": edit.id,
        "starting_at": change.starting_at,
        "created_at": edit.at,
        "created_by": edit.by,
        **added_shapes(show, contract, change.terms),
        **{name: value for name, value in change.echoed.items() if name in ECHOED},
    }


def _identity(contract: Contract) -> dict[str, Any]:
    return sparse(
        archived_at=contract.archived_at,
        package_id=contract.package_id,
        uniqueness_key=contract.uniqueness_key,
    )


def _transitions(contract: Contract) -> list[dict[str, Any]]:
    """From the contract it follows, and to the one that follows it (R120)."""
    found = []
    if contract.transition is not None:
        found.append(
            {
                "type": contract.transition.type.value,
                "from_contract_id": contract.transition.from_contract_id,
                "to_contract_id": contract.id,
            }
        )
    if contract.followed_by is not None:
        found.append(
            {
                "type": "RENEWAL",
                "from_contract_id": contract.id,
                "to_contract_id": contract.followed_by,
            }
        )
    return found


def _created_by(show: Showing, contract: Contract) -> str:
    own = [edit for edit in show.edits.values() if edit.contract_id == contract.id]
    return min(own, key=lambda edit: edit.at).by if own else ""


def _filter(shape: dict[str, Any]) -> dict[str, Any]:
    return {name: shape[name] for name in ("group_key", "group_values", "starting_at")}
