"""Edits of a contract as they are answered: what came, what changed, what went (B8; R112, R115)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from closedwon.api.answers import sparse
from closedwon.api.shown.balances import applicability_shape, balance_shape, child_access_shape
from closedwon.api.shown.contract import filter_shapes
from closedwon.api.shown.edit_settings import edited_settings
from closedwon.api.shown.showing import Showing
from closedwon.api.shown.subscriptions import subscription_shape
from closedwon.api.shown.terms import (
    charge_shape,
    override_shape,
    recurring_shape,
    rounding_shape,
    roundings_shape,
    royalty_shape,
    service_shape,
)
from closedwon.billing.contracts.edits import (
    Added,
    Amend,
    ChangeEnd,
    Create,
    Edit,
    FilterUsage,
    Follow,
    Revise,
)
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind, ScheduleItem

Part = TypeVar("Part", AccessSegment, ScheduleItem)
SCOPE = ("applicable_product_ids", "applicable_product_tags", "specifiers")
"""What narrows a balance; told together, as one takes the place of another."""


def history_shapes(show: Showing, edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """Every edit after the creation, oldest first."""
    return [edit_shape(show, edits[: at + 1]) for at in range(1, len(edits))]


def edit_shape(show: Showing, edits: Sequence[Edit]) -> dict[str, Any]:
    """The last of ``edits``, which are a contract's from its creation on."""
    edit = edits[-1]
    before, after = contract_of(edits[:-1]), contract_of(edits)
    shape = {
        "id": edit.id,
        "timestamp": edit.at,
        **sparse(uniqueness_key=edit.uniqueness_key),
    }
    match edit.change:
        case Amend(terms=terms):
            return shape | _added(show, after, terms)
        case Revise() as change:
            return shape | _revised(show, before, after, change)
        case ChangeEnd(ending_before=end):
            return {**shape, "update_contract_end_date": end}
        case Follow(at=end):
            return {**shape, "update_contract_end_date": end}
        case FilterUsage(usage_filter=usage_filter):
            return {**shape, "add_usage_filters": filter_shapes([usage_filter])}
        case Create() | _:
            return shape


def _added(show: Showing, contract: Contract, terms: Added) -> dict[str, Any]:
    commits, recurring = terms.commits, terms.recurring
    lists = {
        "add_commits": [
            balance_shape(show, one, contract)
            for one in commits
            if one.kind is not CommitKind.CREDIT
        ],
        "add_credits": [
            balance_shape(show, one, contract) for one in commits if one.kind is CommitKind.CREDIT
        ],
        "add_recurring_commits": [
            recurring_shape(show, one, contract)
            for one in recurring
            if one.kind is CommitKind.PREPAID
        ],
        "add_recurring_credits": [
            recurring_shape(show, one, contract)
            for one in recurring
            if one.kind is CommitKind.CREDIT
        ],
        "add_overrides": [override_shape(show, one, contract) for one in terms.overrides],
        "add_scheduled_charges": [charge_shape(show, one) for one in terms.charges],
        "add_discounts": [charge_shape(show, one) for one in terms.discounts],
        "add_pro_services": [service_shape(one) for one in terms.services],
        "add_reseller_royalties": [royalty_shape(one) for one in terms.royalties],
        "add_subscriptions": [
            subscription_shape(show, one, contract) for one in terms.subscriptions
        ],
    }
    return {name: rows for name, rows in lists.items() if rows}


def _revised(show: Showing, before: Contract, after: Contract, change: Revise) -> dict[str, Any]:
    shape = _added(show, after, change.add)
    shape |= _updated(before, change.replace)
    shape |= _gone(before, change)
    if change.name is not None:
        shape["update_contract_name"] = change.name or None
    if change.end is not None:
        shape["update_contract_end_date"] = change.end.ending_before
    return shape | edited_settings(show, before, after)


def _gone(before: Contract, change: Revise) -> dict[str, Any]:
    kinds = {
        "remove_overrides": {one.id for one in before.overrides} & set(change.remove_ids),
        "archive_scheduled_charges": {one.id for one in before.charges} & set(change.archive_ids),
    }
    charges = kinds["archive_scheduled_charges"]
    credits_ = {one.id for one in before.commits if one.kind is CommitKind.CREDIT}
    credits_ &= set(change.archive_ids)
    kinds["archive_credits"] = credits_
    kinds["archive_commits"] = set(change.archive_ids) - charges - credits_
    return {name: [{"id": one} for one in sorted(ids)] for name, ids in kinds.items() if ids}


def _updated(before: Contract, replaced: Added) -> dict[str, Any]:
    commits = {one.id: one for one in before.commits}
    recurring = {one.id: one for one in before.recurring}
    charges = {one.id: one for one in before.charges}
    sold = {one.id: one for one in before.subscriptions}
    lists: dict[str, list[dict[str, Any]]] = {}
    for commit in replaced.commits:
        name = "update_credits" if commit.kind is CommitKind.CREDIT else "update_commits"
        lists.setdefault(name, []).append(_commit(commits[commit.id], commit))
    for term in replaced.recurring:
        kind = "credits" if term.kind is CommitKind.CREDIT else "commits"
        changed = _recurring(recurring[term.id], term)
        lists.setdefault(f"update_recurring_{kind}", []).append(changed)
    for charge in replaced.charges:
        points = _points(charges[charge.id].items, charge.items)
        echoed = _echoed(charges[charge.id].echoed, charge.echoed)
        row = {"id": charge.id, "invoice_schedule": points, **echoed}
        lists.setdefault("update_scheduled_charges", []).append(row)
    for one in replaced.subscriptions:
        lists.setdefault("update_subscriptions", []).append(_subscription(sold[one.id], one))
    return lists


def _commit(old: Commit, new: Commit) -> dict[str, Any]:
    names = ("name", "description", "product_id", "priority", "rollover_fraction", "rate_type")
    shape = {"id": new.id, **_changed(old, new, names), **_echoed(old.echoed, new.echoed)}
    if new.applicability != old.applicability:
        shape |= dict.fromkeys(SCOPE) | applicability_shape(new.applicability)
    if new.child_access != old.child_access:
        shape["hierarchy_configuration"] = child_access_shape(new.child_access)
    if new.schedule != old.schedule:
        shape["access_schedule"] = _segments(old.schedule, new.schedule)
    if new.payments != old.payments:
        shape["invoice_schedule"] = _points(old.payments, new.payments)
    return shape


def _recurring(old: RecurringCommit, new: RecurringCommit) -> dict[str, Any]:
    shape = {"id": new.id, **_changed(old, new, ("rate_type",))}
    if new.access != old.access:
        shape["access_amount"] = _changed(old.access, new.access, ("unit_price", "quantity"))
    if new.invoice is not None and old.invoice is not None and new.invoice != old.invoice:
        shape["invoice_amount"] = _changed(old.invoice, new.invoice, ("unit_price", "quantity"))
    if new.window != old.window:
        shape["ending_before"] = new.window.end
    if roundings_shape(new) != roundings_shape(old):
        shape["proration_rounding"] = roundings_shape(new)
    return shape


def _subscription(old: Subscription, new: Subscription) -> dict[str, Any]:
    quantities = new.quantity_updates[len(old.quantity_updates) :]
    seats = new.seat_updates[len(old.seat_updates) :]
    shape = {"id": new.id, **_changed(old, new, ("name", "description"))}
    if new.mode is not old.mode and new.seats is not None:
        shape["quantity_management_mode_update"] = {
            "quantity_management_mode": new.mode.value,
            "seat_config": {"seat_group_key": new.seats.seat_group_key},
        }
    if new.rounding != old.rounding:
        shape["proration_rounding"] = None if new.rounding is None else rounding_shape(new.rounding)
    if new.window != old.window:
        shape["ending_before"] = new.window.end
    if quantities:
        shape["quantity_updates"] = [
            {
                "starting_at": one.starting_at,
                **sparse(quantity=one.quantity, quantity_delta=one.delta),
            }
            for one in quantities
        ]
    updates: dict[str, list[dict[str, Any]]] = {}
    for one in seats:
        for name, field in SEAT_FIELDS.items():
            if value := getattr(one, name):
                wire, key = field
                row = {"starting_at": one.starting_at, key: value}
                updates.setdefault(wire, []).append(row)
    return shape | ({"seat_updates": updates} if updates else {})


SEAT_FIELDS = {
    "add_seat_ids": ("add_seat_ids", "seat_ids"),
    "remove_seat_ids": ("remove_seat_ids", "seat_ids"),
    "add_unassigned": ("add_unassigned_seats", "quantity"),
    "remove_unassigned": ("remove_unassigned_seats", "quantity"),
}


def _segments(old: Sequence[AccessSegment], new: Sequence[AccessSegment]) -> dict[str, Any]:
    def told(one: AccessSegment) -> dict[str, Any]:
        window = one.window
        return {
            "amount": one.amount,
            "starting_at": window.start,
            "ending_before": window.end,
        }

    return _parts(old, new, told)


def _points(old: Sequence[ScheduleItem], new: Sequence[ScheduleItem]) -> dict[str, Any]:
    def told(one: ScheduleItem) -> dict[str, Any]:
        return {
            "timestamp": one.timestamp,
            "amount": one.amount,
            "unit_price": one.unit_price,
            "quantity": one.quantity,
        }

    return _parts(old, new, told)


def _parts(old: Sequence[Part], new: Sequence[Part], told: Any) -> dict[str, Any]:
    known = {one.id: one for one in old}
    kept = {one.id for one in new}
    lists = {
        "add_schedule_items": [told(one) for one in new if one.id not in known],
        "update_schedule_items": [
            {"id": one.id, **told(one)} for one in new if known.get(one.id, one) != one
        ],
        "remove_schedule_items": [{"id": one.id} for one in old if one.id not in kept],
    }
    return {name: rows for name, rows in lists.items() if rows}


def _changed(old: object, new: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(new, name) for name in names if getattr(new, name) != getattr(old, name)}


def _echoed(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str | None]:
    return {name: new.get(name) for name in old.keys() | new if old.get(name) != new.get(name)}
