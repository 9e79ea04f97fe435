"""What an edit changed of the things a contract has one of, as its history tells it (B8; R112)."""

from typing import Any

from closedwon.api.shown.settings import (
    balance_threshold_shape,
    provider_shapes,
    revenue_shapes,
    spend_threshold_shape,
    tracker_shape,
)
from closedwon.api.shown.showing import Showing
from closedwon.billing.contracts.state import Contract


def edited_settings(show: Showing, before: Contract, after: Contract) -> dict[str, Any]:
    """Thresholds that came are shown whole, and so are those that changed."""
    shape: dict[str, Any] = {}
    if after.net_payment_terms_days != before.net_payment_terms_days:
        shape["update_net_payment_terms_days"] = after.net_payment_terms_days
    old, new = before.settings, after.settings
    if new.spend_threshold != old.spend_threshold:
        verb = "add" if old.spend_threshold is None else "update"
        name = f"{verb}_spend_threshold_configuration"
        shape[name] = spend_threshold_shape(new.spend_threshold)
    if new.balance_threshold != old.balance_threshold:
        verb = "add" if old.balance_threshold is None else "update"
        name = f"{verb}_prepaid_balance_threshold_configuration"
        shape[name] = balance_threshold_shape(new.balance_threshold)
    if came := [tracker_shape(one) for one in new.trackers if one not in old.trackers]:
        shape["add_spend_trackers"] = came
    kept = {one.alias for one in new.trackers}
    if went := [one.alias for one in old.trackers if one.alias not in kept]:
        shape["archive_spend_trackers"] = went
    if new.revenue_systems != old.revenue_systems:
        last = revenue_shapes(show, after)[-1]
        shape["add_revenue_system_configuration_update"] = {
            "revenue_system_configuration": last["revenue_system_configuration"],
            "schedule": {"effective_at": last["effective_at"]},
        }
    if new.providers != old.providers:
        last = provider_shapes(show, after)[-1]
        shape["add_billing_provider_configuration_update"] = {
            "billing_provider_configuration": last["billing_provider_configuration"],
            "schedule": {"effective_at": last["effective_at"]},
        }
    return shape
