"""Commits and credits with their schedules and ledgers, as reads answer them (2.9)."""

from collections.abc import Mapping, Sequence
from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.shapes import credit_type_shape
from closedwon.api.shown.showing import Showing
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.hierarchy import AccessType, ChildAccess
from closedwon.billing.contracts.recurring import SeatLink
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, CommitKind, ScheduleItem
from closedwon.kernel.instant import FAR_FUTURE

PREFIX = {
    CommitKind.PREPAID: "PREPAID_COMMIT_",
    CommitKind.POSTPAID: "POSTPAID_COMMIT_",
    CommitKind.CREDIT: "CREDIT_",
}
EDITED = (EntryType.CREDITED, EntryType.CANCELED)
"""Of a segment whose amount was edited; the wire knows them only with an invoice."""
WITHOUT_SEGMENT = {
    (CommitKind.POSTPAID, EntryType.INITIAL_BALANCE),
    (CommitKind.POSTPAID, EntryType.TRUEUP),
    (CommitKind.POSTPAID, EntryType.EXPIRATION),
}


def balance_shape(show: Showing, commit: Commit, contract: Contract | None) -> dict[str, Any]:
    """A commit or credit; ``contract`` is the one it belongs to, None for the customer's own."""
    is_credit = commit.kind is CommitKind.CREDIT
    shape = {
        "id": commit.id,
        "type": commit.kind.value,
        "product": show.product(commit.product_id),
        "rate_type": commit.rate_type,
        "access_schedule": _access(show, commit),
        "custom_fields": dict(show.fields.get(commit.id, {})),
        "created_at": commit.created_at,
        **sparse(
            name=commit.name or None,
            description=commit.description or None,
            priority=commit.priority,
            rollover_fraction=commit.rollover_fraction,
            archived_at=commit.archived_at,
            contract=None if contract is None else {"id": contract.id},
            created_by=_created_by(show, commit, contract),
            uniqueness_key=show.own[commit.id].uniqueness_key if commit.id in show.own else None,
            hierarchy_configuration=child_access_shape(commit.child_access),
            subscription_config=_subscription_config(commit, contract),
            applicable_contract_ids=list(commit.contract_ids) or None,
        ),
        **applicability_shape(commit.applicability),
        **commit.echoed,
        **_origin(commit),
    }
    if not is_credit:
        shape |= _paid(show, commit)
    if show.balances is not None:
        shape["balance"] = show.balances.get(commit.id, 0)
    if show.ledgers is not None:
        entries = show.ledgers.get(commit.id, ())
        shape["ledger"] = [_entry(entry, commit, contract) for entry in entries]
    return shape


def points_shape(
    show: Showing, items: Sequence[ScheduleItem], credit_type_id: str
) -> dict[str, Any]:
    """An invoice schedule."""
    return {
        "credit_type": credit_type_shape(show.catalog, credit_type_id),
        "schedule_items": [
            {
                "id": one.id,
                "invoice_id": show.invoices.get(one.id),
                "amount": one.amount,
                "unit_price": one.unit_price,
                "quantity": one.quantity,
                "timestamp": one.timestamp,
            }
            for one in items
        ],
    }


def applicability_shape(found: Applicability) -> dict[str, Any]:
    """The fields that narrow what a balance applies to."""
    return sparse(
        applicable_product_ids=list(found.product_ids) or None,
        applicable_product_tags=list(found.product_tags) or None,
        specifiers=[specifier_shape(one) for one in found.specifiers] or None,
    )


def specifier_shape(found: Specifier) -> dict[str, Any]:
    """One specifier; only what it names."""
    named: Mapping[str, Any] = {
        "product_id": found.product_id,
        "product_tags": list(found.product_tags),
        "pricing_group_values": dict(found.pricing_group_values),
        "presentation_group_values": dict(found.presentation_group_values),
        "exclude": [{"product_tags": list(one.product_tags)} for one in found.exclude],
        "billing_frequency": found.billing_frequency,
        "commit_ids": list(found.commit_ids),
        "recurring_commit_ids": list(found.recurring_commit_ids),
        "any_commit_or_credit_ids": list(found.any_commit_or_credit_ids),
    }
    return {name: value for name, value in named.items() if value}


def child_access_shape(found: ChildAccess) -> dict[str, Any] | None:
    """hierarchy_configuration of a balance; None where only its own contract may draw."""
    if found.type is AccessType.NONE:
        return None
    named = found.type is AccessType.CONTRACT_IDS
    ids = {"contract_ids": list(found.contract_ids)} if named else {}
    return {"child_access": {"type": found.type.value, **ids}}


def seat_link_shape(seats: SeatLink | None) -> dict[str, Any] | None:
    """subscription_config."""
    if seats is None:
        return None
    return {
        "subscription_id": seats.subscription_id,
        "allocation": seats.allocation.value,
        "apply_seat_increase_config": {"is_prorated": seats.is_prorated},
    }


def _access(show: Showing, commit: Commit) -> dict[str, Any]:
    return {
        "access_type": "SPEND",
        "credit_type": credit_type_shape(show.catalog, commit.access_credit_type_id),
        "schedule_items": [
            {
                "id": one.id,
                "amount": one.amount,
                "starting_at": one.window.start,
                "ending_before": one.window.end or FAR_FUTURE,
            }
            for one in commit.schedule
        ],
    }


def _paid(show: Showing, commit: Commit) -> dict[str, Any]:
    tracked = {"counts_as_discounted": True} if commit.counts_as_discounted else None
    shape = sparse(
        spend_tracker_attributes=tracked,
        invoice_contract=None
        if commit.invoice_contract_id is None
        else {"id": commit.invoice_contract_id},
    )
    if commit.payments:
        schedule = points_shape(show, commit.payments, commit.payment_credit_type_id)
        shape["invoice_schedule"] = {**schedule, "do_not_invoice": commit.do_not_invoice}
    return shape


def _created_by(show: Showing, commit: Commit, contract: Contract | None) -> str | None:
    """Who asked for it; nobody did for what follows from other terms."""
    follows = commit.recurring_id is not None or commit.rolled_over_from is not None
    if follows:
        return None
    if contract is None:
        own = show.own.get(commit.id)
        return None if own is None else own.by
    edit = show.edits.get(contract.edit_of.get(commit.id, ""))
    return None if edit is None else edit.by


def _subscription_config(commit: Commit, contract: Contract | None) -> dict[str, Any] | None:
    terms = () if contract is None else contract.recurring
    seats = next((one.seats for one in terms if one.id == commit.recurring_id), None)
    return seat_link_shape(seats)


def _origin(commit: Commit) -> dict[str, Any]:
    name = "credit" if commit.kind is CommitKind.CREDIT else "commit"
    origin = commit.rolled_over_from
    shape: dict[str, Any] = {}
    if commit.recurring_id is not None:
        shape[f"recurring_{name}_id"] = commit.recurring_id
    if origin is not None:
        shape["rolled_over_from"] = {
            f"{name}_id": origin.commit_id,
            "contract_id": origin.contract_id,
        }
    return shape


def _entry(entry: LedgerEntry, commit: Commit, contract: Contract | None) -> dict[str, Any]:
    kind, reason = entry.type, entry.reason or None
    if kind in EDITED and entry.invoice_id is None:
        kind, reason = EntryType.MANUAL, "the access schedule was edited (R197)"
    follower = None if contract is None else contract.followed_by
    is_rollover = kind is EntryType.ROLLOVER
    no_segment = (commit.kind, kind) in WITHOUT_SEGMENT
    shape = {
        "type": PREFIX[commit.kind] + kind.value,
        "timestamp": entry.timestamp,
        "amount": entry.amount,
        **sparse(segment_id=None if no_segment else entry.segment_id, reason=reason),
    }
    if is_rollover:
        return shape | sparse(
            new_contract_id=follower or entry.contract_id, new_commit_id=entry.new_commit_id
        )
    if entry.invoice_id is None:
        return shape
    return shape | sparse(invoice_id=entry.invoice_id, contract_id=entry.contract_id)
