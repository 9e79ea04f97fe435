"""Edits of one plan as one request: POST /v2/contracts/edit (metronome.md 2.8).

Amendments too, because only this endpoint has a uniqueness key (R7), and all edits of a plan
together, because only one request is all or nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Revise
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    ScheduledCharge,
    ScheduleItem,
)
from closedwon.kernel.instant import wire_instant
from closedwon.targets.metronome.contract import added_bodies
from closedwon.targets.metronome.meaning import Meaning, lean, unsayable
from closedwon.targets.metronome.subscriptions import subscription_update
from closedwon.targets.metronome.terms import (
    applicability_body,
    child_access_body,
    point_body,
    roundings_body,
    segment_body,
)

Change = Amend | Revise | ChangeEnd
FIXED_RECURRING = (
    "product_id",
    "name",
    "frequency",
    "duration_periods",
    "proration",
    "priority",
    "rollover_fraction",
    "applicability",
    "seats",
)
"""What no edit changes of a generator (2.8)."""


def edit_body(meant: Meaning, contract: Contract, changes: Iterable[Change]) -> dict[str, Any]:
    """What the ``changes`` make of ``contract``, our copy as it stands; names no contract itself.

    Of what a contract has once the last one says it. Empty when they say nothing the endpoint
    knows, custom fields aside.
    """
    body: dict[str, Any] = {}
    for change in changes:
        for name, value in _body(meant, contract, change).items():
            both = name in body and isinstance(value, list)
            body[name] = [*body[name], *value] if both else value
    return body


def fields_of(changes: Iterable[Change]) -> dict[str, str]:
    """Custom fields of the contract the changes set; the edit endpoint has none."""
    fields: dict[str, str] = {}
    for change in changes:
        fields |= {} if isinstance(change, ChangeEnd) else change.custom_fields
    return fields


def changed_fields(
    contract: Contract, changed: Added
) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """(entity, our id, fields) of terms whose custom fields are others than on ``contract``."""
    known: dict[str, Commit | ScheduledCharge | Subscription] = {}
    known |= {one.id: one for one in contract.commits}
    known |= {one.id: one for one in contract.charges}
    known |= {one.id: one for one in contract.subscriptions}
    for commit in changed.commits:
        entity = "contract_credit" if commit.kind is CommitKind.CREDIT else "commit"
        if commit.custom_fields != known[commit.id].custom_fields:
            yield entity, commit.id, commit.custom_fields
    for charge in changed.charges:
        if charge.custom_fields != known[charge.id].custom_fields:
            yield "scheduled_charge", charge.id, charge.custom_fields
    for sold in changed.subscriptions:
        if sold.custom_fields != known[sold.id].custom_fields:
            yield "subscription", sold.id, sold.custom_fields


def brought(changes: Iterable[Change]) -> tuple[Added, Added]:
    """(terms that are new on the remote, terms that are changed there).

    An override that is replaced is taken out and added again: nothing updates one.
    """
    new: list[Added] = []
    changed: list[Added] = []
    for change in changes:
        if isinstance(change, Amend):
            new.append(change.terms)
        elif isinstance(change, Revise):
            new += [change.add, Added(overrides=change.replace.overrides)]
            changed.append(change.replace)
    return _together(new), _together(changed)


def _body(meant: Meaning, contract: Contract, change: Change) -> dict[str, Any]:
    match change:
        case Amend():
            return _adds(meant, change.terms)
        case ChangeEnd():
            return _end_body(change)
        case Revise():
            return _revise_body(meant, contract, change)


def _revise_body(meant: Meaning, contract: Contract, change: Revise) -> dict[str, Any]:
    if change.settings is not None:
        raise unsayable("other thresholds, trackers or providers", "change them on the target")
    new, _ = brought([change])
    body = {**_adds(meant, new), **_updates(meant, contract, change.replace)}
    body |= _gone(meant, contract, change)
    if change.name is not None:
        body["update_contract_name"] = change.name or None
    body |= lean(update_net_payment_terms_days=change.net_payment_terms_days)
    return body | ({} if change.end is None else _end_body(change.end))


def _adds(meant: Meaning, added: Added) -> dict[str, Any]:
    bodies = added_bodies(meant, added)
    return {f"add_{name}": rows for name, rows in bodies.items() if rows}


def _end_body(change: ChangeEnd) -> dict[str, Any]:
    end = change.ending_before
    body: dict[str, Any] = {"update_contract_end_date": None if end is None else wire_instant(end)}
    if change.allow_before_finalized:
        body["allow_contract_ending_before_finalized_invoice"] = True
    return body


def _gone(meant: Meaning, contract: Contract, change: Revise) -> dict[str, Any]:
    """Overrides are removed; balances and charges are archived, which the wire has instead."""
    gone = {*change.remove_ids, *change.archive_ids}
    overrides = [one.id for one in contract.overrides if one.id in gone]
    overrides += [one.id for one in change.replace.overrides]
    credit = CommitKind.CREDIT
    lists = {
        "remove_overrides": overrides,
        "archive_commits": [
            one.id for one in contract.commits if one.id in gone and one.kind is not credit
        ],
        "archive_credits": [
            one.id for one in contract.commits if one.id in gone and one.kind is credit
        ],
        "archive_scheduled_charges": [one.id for one in contract.charges if one.id in gone],
    }
    left = gone.difference(*lists.values())
    if left:
        raise unsayable(
            f"to take out the terms {', '.join(sorted(left))}", "end them on the target"
        )
    return {
        name: [{"id": meant.there("term", one)} for one in ids]
        for name, ids in lists.items()
        if ids
    }


def _updates(meant: Meaning, contract: Contract, replaced: Added) -> dict[str, Any]:
    if replaced.discounts or replaced.services or replaced.royalties:
        raise unsayable("another discount, service or royalty", "change it on the target")
    body: dict[str, list[dict[str, Any]]] = {}
    for kind, old, new in _pairs(contract, replaced):
        update = _update(meant, old, new)
        if update is not None:
            body.setdefault(f"update_{kind}", []).append(update)
    return body


def _pairs(contract: Contract, replaced: Added) -> Iterable[tuple[str, Any, Any]]:
    """(list of the wire, term as it is, term as it shall be)."""
    kinds: tuple[tuple[Any, ...], ...] = (
        contract.commits,
        contract.charges,
        contract.recurring,
        contract.subscriptions,
    )
    known: Mapping[str, Any] = {one.id: one for kind in kinds for one in kind}
    credit = CommitKind.CREDIT
    for commit in replaced.commits:
        yield "credits" if commit.kind is credit else "commits", known[commit.id], commit
    for charge in replaced.charges:
        yield "scheduled_charges", known[charge.id], charge
    for term in replaced.recurring:
        kind = "recurring_credits" if term.kind is credit else "recurring_commits"
        yield kind, known[term.id], term
    for sold in replaced.subscriptions:
        yield "subscriptions", known[sold.id], sold


def _update(meant: Meaning, old: Any, new: Any) -> dict[str, Any] | None:
    there = meant.there("term", new.id)
    if isinstance(new, Commit):
        body = _commit_update(meant, old, new)
        key = "credit_id" if new.kind is CommitKind.CREDIT else "commit_id"
        return {key: there, **body} if body else None
    if isinstance(new, RecurringCommit):
        body = _recurring_update(old, new)
        key = "recurring_credit_id" if new.kind is CommitKind.CREDIT else "recurring_commit_id"
        return {key: there, **body} if body else None
    if isinstance(new, Subscription):
        return subscription_update(there, old, new)
    points = _points(meant, old.items, new.items)
    if (old.product_id, old.name, old.credit_type_id) != (
        new.product_id,
        new.name,
        new.credit_type_id,
    ):
        raise unsayable(f"another product or name of the charge {old.name!r}", "sell a new one")
    return {"scheduled_charge_id": there, "invoice_schedule": points} if points else None


def _commit_update(meant: Meaning, old: Commit, new: Commit) -> dict[str, Any]:
    if new.kind is not old.kind or new.access_credit_type_id != old.access_credit_type_id:
        raise unsayable(f"another type or unit of the commit {old.name!r}", "sell a new one")
    plain = ("name", "description", "priority", "rollover_fraction", "rate_type")
    body = {name: getattr(new, name) for name in plain if getattr(new, name) != getattr(old, name)}
    if new.product_id != old.product_id:
        body["product_id"] = meant.product(new.product_id)
    if new.applicability != old.applicability:
        nothing = {"applicable_product_ids": None, "applicable_product_tags": None}
        body |= nothing | {"specifiers": None} | applicability_body(meant, new.applicability)
        if new.applicability.specifiers:
            body = {name: value for name, value in body.items() if name not in nothing}
    if new.child_access != old.child_access:
        body["hierarchy_configuration"] = child_access_body(meant, new.child_access) or {
            "child_access": {"type": "NONE"}
        }
    segments = _segments(meant, old.schedule, new.schedule)
    points = _points(meant, old.payments, new.payments)
    return body | lean(access_schedule=segments, invoice_schedule=points)


def _recurring_update(old: RecurringCommit, new: RecurringCommit) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if new.rate_type != old.rate_type:
        body["rate_type"] = new.rate_type
    for name in ("access", "invoice"):
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if before is None or after is None or before.credit_type_id != after.credit_type_id:
            raise unsayable(f"what {new.name!r} is paid with", "end it and sell a new one")
        body[f"{name}_amount"] = {"unit_price": after.unit_price} | lean(quantity=after.quantity)
    if new.window.end != old.window.end:
        end = new.window.end
        body["ending_before"] = None if end is None else wire_instant(end)
    roundings = roundings_body(new)
    if roundings != roundings_body(old):
        body["proration_rounding"] = roundings
    if any(getattr(old, name) != getattr(new, name) for name in FIXED_RECURRING):
        raise unsayable(f"other terms of {new.name!r} but its amounts", "end it and sell a new one")
    return body


def _segments(
    meant: Meaning, old: Sequence[AccessSegment], new: Sequence[AccessSegment]
) -> dict[str, Any]:
    known = {one.id: segment_body(one) for one in old}
    return _parts(meant, "segment", known, {one.id: segment_body(one) for one in new})


def _points(
    meant: Meaning, old: Sequence[ScheduleItem], new: Sequence[ScheduleItem]
) -> dict[str, Any]:
    known = {one.id: point_body(one) for one in old}
    return _parts(meant, "payment", known, {one.id: point_body(one) for one in new})


def _parts(
    meant: Meaning, kind: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> dict[str, Any]:
    """Rows of a schedule that come, change and go; nothing when none does."""
    return lean(
        add_schedule_items=[body for one, body in new.items() if one not in old],
        update_schedule_items=[
            {"id": meant.there(kind, one), **body}
            for one, body in new.items()
            if one in old and old[one] != body
        ],
        remove_schedule_items=[{"id": meant.there(kind, one)} for one in old if one not in new],
    )


def _together(bundles: Iterable[Added]) -> Added:
    listed = list(bundles)
    names = Added.__struct_fields__
    return Added(**{name: tuple(x for one in listed for x in getattr(one, name)) for name in names})
