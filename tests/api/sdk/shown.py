"""How reads answer terms that were sent: what ``holds`` looks for in a typed contract or edit."""

from collections.abc import Mapping, Sequence
from typing import Any

Terms = dict[str, Any]


def shown(terms: Mapping[str, Sequence[Terms]]) -> dict[str, list[Terms]]:
    """Lists of terms as they are read; ids that came to be are free."""
    return {name: [shown_term(name, one) for one in sent] for name, sent in terms.items()}


def shown_term(kind: str, sent: Terms) -> Terms:
    """One term of a list."""
    found = {name: value for name, value in sent.items() if name != "temporary_id"}
    if kind not in {"professional_services", "reseller_royalties", "subscriptions"}:
        _name_product(found)
    for schedule in {"access_schedule", "invoice_schedule", "schedule"} & found.keys():
        found[schedule] = _schedule(found[schedule])
    if "subscription_config" in found:
        found["subscription_config"] = _without(found["subscription_config"], "subscription_id")
    match kind:
        case "overrides":
            return _override(found)
        case "reseller_royalties":
            options = [found.pop(name, {}) for name in ("aws_options", "gcp_options")]
            return found | options[0] | options[1]
        case "subscriptions":
            return _subscription(found)
        case _:
            return found


def _name_product(term: Terms) -> None:
    if "product_id" in term:
        term["product"] = {"id": term.pop("product_id")}


def _without(found: Terms, *names: str) -> Terms:
    return {name: value for name, value in found.items() if name not in names}


def _schedule(sent: Terms) -> Terms:
    """Steps come back as the points they are; their number is for the case to say."""
    found = _without(sent, "recurring_schedule", "credit_type_id", "access_type")
    if "credit_type_id" in sent:
        found["credit_type"] = {"id": sent["credit_type_id"]}
    if not found.get("do_not_invoice", True):
        del found["do_not_invoice"]
    return found


def _override(found: Terms) -> Terms:
    if "tiers" in found:
        found["override_tiers"] = found.pop("tiers")
    if "overwrite_rate" in found:
        rate = _without(found["overwrite_rate"], "credit_type_id")
        found["overwrite_rate"] = {**rate, "credit_type": {"name": "USD (cents)"}}
    if "override_specifiers" in found:
        ids = ("commit_ids", "recurring_commit_ids", "any_commit_or_credit_ids")
        found["override_specifiers"] = [_without(one, *ids) for one in found["override_specifiers"]]
    return found


def _subscription(found: Terms) -> Terms:
    rate = dict(found["subscription_rate"])
    _name_product(rate)
    found["subscription_rate"] = rate
    seats = found.pop("seat_config", None)
    held = found.pop("initial_quantity", None)
    if seats is not None:
        found["seat_config"] = {"seat_group_key": seats["seat_group_key"]}
        held = len(seats["initial_seat_ids"]) + seats["initial_unassigned_seats"]
    found["quantity_schedule"] = [{"quantity": held}]
    return found


def own(rows: Any) -> list[Any]:
    """Balances without those that recurring terms grant."""
    return [
        row
        for row in rows
        if not getattr(row, "recurring_commit_id", None)
        and not getattr(row, "recurring_credit_id", None)
    ]


IDS = (
    "commit_id",
    "credit_id",
    "scheduled_charge_id",
    "recurring_commit_id",
    "recurring_credit_id",
    "subscription_id",
)


def shown_updates(changes: Mapping[str, Sequence[Terms]]) -> dict[str, list[Terms]]:
    """Updates of terms as the history of edits tells them."""
    return {
        name: [{"id" if key in IDS else key: value for key, value in one.items()} for one in rows]
        for name, rows in changes.items()
    }
