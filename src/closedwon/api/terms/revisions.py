"""The terms and settings an edit puts in place of what is there (2.8; R112-R114)."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from closedwon.api.call import Call
from closedwon.api.terms.making import Making
from closedwon.api.terms.providers import provider_segment, revenue_segment
from closedwon.api.terms.seat_updates import subscription_change
from closedwon.api.terms.setting_updates import balance_update, spend_update
from closedwon.api.terms.settings import balance_threshold, spend_threshold, tracker
from closedwon.api.terms.updates import charge_patches, commit_patch, recurring_patches
from closedwon.billing.contracts.edits import Added, ContractSettings
from closedwon.billing.contracts.patches import CommitPatch, Patches, patched
from closedwon.billing.contracts.provider_schedule import boundary, updated
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.subscriptions.edits import updated as updated_subscription
from closedwon.kernel.errors import NotFound, Refused


def replaced(make: Making, contract: Contract, body: Any) -> Added:
    """Every term that update_* lists change, whole."""
    recurring = (*body.update_recurring_commits, *body.update_recurring_credits)
    patches = Patches(
        commits=tuple(_commit_patches(make, contract, body)),
        charges=charge_patches(make, body.update_scheduled_charges),
        recurring=recurring_patches(recurring),
    )
    terms = patched(contract, patches)
    return replace(terms, subscriptions=_subscriptions(make, contract, body))


def settings(call: Call, make: Making, contract: Contract, body: Any) -> ContractSettings:
    """The contract's settings after the edit; the same when it changes none."""
    known = contract.settings
    spend, balance = known.spend_threshold, known.balance_threshold
    if body.add_spend_threshold_configuration is not None:
        _check_none(spend, "add_spend_threshold_configuration")
        spend = spend_threshold(body.add_spend_threshold_configuration)
    if body.add_prepaid_balance_threshold_configuration is not None:
        _check_none(balance, "add_prepaid_balance_threshold_configuration")
        balance = balance_threshold(make, body.add_prepaid_balance_threshold_configuration)
    if body.update_spend_threshold_configuration is not None:
        spend = spend_update(body.update_spend_threshold_configuration, spend)
    if body.update_prepaid_balance_threshold_configuration is not None:
        wanted = body.update_prepaid_balance_threshold_configuration
        balance = balance_update(make, wanted, balance)
    aliases = {one.alias for one in known.trackers}
    if unknown := sorted(set(body.archive_spend_trackers) - aliases):
        raise NotFound("no such spend tracker on the contract", alias=unknown[0])
    kept = tuple(one for one in known.trackers if one.alias not in body.archive_spend_trackers)
    return replace(
        known,
        spend_threshold=spend,
        balance_threshold=balance,
        trackers=(*kept, *(tracker(make, one) for one in body.add_spend_trackers)),
        providers=_providers(call, contract, body),
        revenue_systems=_revenue_systems(call, contract, body),
    )


def _providers(call: Call, contract: Contract, body: Any) -> Any:
    wanted = body.add_billing_provider_configuration_update
    if wanted is None:
        return contract.settings.providers
    segment = provider_segment(call, contract.customer_id, wanted.billing_provider_configuration)
    return updated(contract, segment, wanted.schedule.effective_at, call.now)


def _revenue_systems(call: Call, contract: Contract, body: Any) -> Any:
    """A contract that has a revenue system keeps it (2.8)."""
    wanted = body.add_revenue_system_configuration_update
    known = contract.settings.revenue_systems
    if wanted is None:
        return known
    _check_none(known[-1] if known else None, "add_revenue_system_configuration_update")
    segment = revenue_segment(call, contract.customer_id, wanted.revenue_system_configuration)
    starting = boundary(contract, wanted.schedule.effective_at, call.now)
    return (replace(segment, effective_at=starting),)


def _check_none(known: object, name: str) -> None:
    if known is not None:
        raise Refused(f"{name}: the contract has one; update it (2.8)")


def _commit_patches(make: Making, contract: Contract, body: Any) -> Iterator[CommitPatch]:
    """Changes of commits and of credits, each under its own name."""
    kinds = {one.id: one.kind is CommitKind.CREDIT for one in contract.commits}
    for name, is_credit in (("update_commits", False), ("update_credits", True)):
        for at, sent in enumerate(getattr(body, name)):
            where = f"{name}.{at}"
            if kinds.get(sent.commit_id) is not is_credit:
                raise NotFound(f"{where}: no such term on the contract", id=sent.commit_id)
            for field in ("customer_id", "applicable_contract_ids", "invoice_contract_id"):
                if field in sent.model_fields_set:
                    raise Refused(f"{where}.{field}: unknown field")
            yield commit_patch(make, sent, where)


def _subscriptions(make: Making, contract: Contract, body: Any) -> tuple[Subscription, ...]:
    known = {one.id: one for one in contract.subscriptions}
    changed: dict[str, Subscription] = {}
    for sent in body.update_subscriptions:
        sold = changed.get(sent.subscription_id) or known.get(sent.subscription_id)
        if sold is None:
            raise NotFound(
                "no such subscription on the contract", subscription=sent.subscription_id
            )
        changed[sold.id] = updated_subscription(sold, subscription_change(sent), make.now)
    return tuple(changed.values())
