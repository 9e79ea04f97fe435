"""Balances, charges and what repeats them as the wire has them (metronome.md 2.7)."""

from collections.abc import Iterable, Sequence
from typing import Any

from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.gated import Discount
from closedwon.billing.contracts.hierarchy import AccessType, ChildAccess
from closedwon.billing.contracts.recurring import (
    ProrationRounding,
    RecurringAmount,
    RecurringCommit,
)
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    ScheduledCharge,
    ScheduleItem,
)
from closedwon.kernel.instant import wire_instant
from closedwon.targets.metronome.meaning import Meaning, lean, unsayable


def commit_body(meant: Meaning, commit: Commit, referred: frozenset[str]) -> dict[str, Any]:
    """A commit or a credit; ``referred`` are terms that others of the request name."""
    _check_commit(commit)
    body = {
        "product_id": meant.product(commit.product_id),
        **({} if commit.kind is CommitKind.CREDIT else {"type": commit.kind.value}),
        "access_schedule": {
            "credit_type_id": meant.unit(commit.access_credit_type_id),
            "schedule_items": [segment_body(one) for one in commit.schedule],
        },
        **lean(
            name=commit.name,
            description=commit.description,
            priority=commit.priority,
            rollover_fraction=commit.rollover_fraction,
            custom_fields=dict(commit.custom_fields),
            hierarchy_configuration=child_access_body(meant, commit.child_access),
            temporary_id=commit.id if commit.id in referred else None,
        ),
        "rate_type": commit.rate_type,
        **applicability_body(meant, commit.applicability),
    }
    if commit.payments:
        schedule = points_body(meant, commit.payments, commit.payment_credit_type_id)
        body["invoice_schedule"] = schedule | lean(do_not_invoice=commit.do_not_invoice or None)
    if commit.counts_as_discounted:
        body["spend_tracker_attributes"] = {"counts_as_discounted": True}
    return body


def recurring_body(
    meant: Meaning, term: RecurringCommit, referred: frozenset[str]
) -> dict[str, Any]:
    """A generator of commits or credits."""
    if term.priority is None:
        raise unsayable(
            f"that the recurring balance {term.name!r} has no priority",
            "give its mapping rule one (applies_to: priority)",
        )
    if term.custom_fields:
        raise unsayable(
            f"custom fields of the recurring balance {term.name!r}",
            "take custom_fields out of its mapping rule",
        )
    return {
        "product_id": meant.product(term.product_id),
        "access_amount": amount_body(meant, term.access),
        "priority": term.priority,
        "starting_at": wire_instant(term.window.start),
        "commit_duration": {"value": term.duration_periods, "unit": "PERIODS"},
        "proration": term.proration.value,
        "rate_type": term.rate_type,
        **lean(
            ending_before=None if term.window.end is None else wire_instant(term.window.end),
            invoice_amount=None if term.invoice is None else amount_body(meant, term.invoice),
            recurrence_frequency=None if term.frequency is None else term.frequency.value,
            proration_rounding=roundings_body(term),
            rollover_fraction=term.rollover_fraction,
            name=term.name,
            description=term.description,
            hierarchy_configuration=child_access_body(meant, term.child_access),
            subscription_config=_seats_body(meant, term),
            temporary_id=term.id if term.id in referred else None,
        ),
        **applicability_body(meant, term.applicability),
    }


def charge_body(meant: Meaning, charge: ScheduledCharge | Discount) -> dict[str, Any]:
    """A scheduled charge or a discount."""
    if isinstance(charge, ScheduledCharge) and (charge.service_id or charge.archived_at):
        raise unsayable(f"the charge {charge.name!r} of a service", "schedule it on the target")
    return {
        "product_id": meant.product(charge.product_id),
        "schedule": points_body(meant, charge.items, charge.credit_type_id),
        **lean(name=charge.name, custom_fields=dict(charge.custom_fields)),
    }


def segment_body(segment: AccessSegment) -> dict[str, Any]:
    """One access window."""
    if segment.window.end is None:
        raise unsayable("that access never ends", "give the commit an end date")
    if segment.adjustments or segment.seats:
        raise unsayable("the seats of a segment", "seat balances belong to the target")
    return {
        "amount": segment.amount,
        "starting_at": wire_instant(segment.window.start),
        "ending_before": wire_instant(segment.window.end),
    }


def points_body(
    meant: Meaning, points: Sequence[ScheduleItem], credit_type_id: str
) -> dict[str, Any]:
    """An invoice schedule, point by point."""
    return {
        "credit_type_id": meant.unit(credit_type_id),
        "schedule_items": [point_body(one) for one in points],
    }


def point_body(point: ScheduleItem) -> dict[str, Any]:
    """One payment; unit price and quantity always make its amount."""
    return {
        "timestamp": wire_instant(point.timestamp),
        "unit_price": point.unit_price,
        "quantity": point.quantity,
    }


def applicability_body(meant: Meaning, found: Applicability) -> dict[str, Any]:
    """What a balance is narrowed to."""
    return lean(
        applicable_product_ids=[meant.product(one) for one in found.product_ids],
        applicable_product_tags=list(found.product_tags),
        specifiers=[specifier_body(meant, one) for one in found.specifiers],
    )


def specifier_body(meant: Meaning, found: Specifier) -> dict[str, Any]:
    """One specifier; only what it names."""

    def terms(ids: Iterable[str]) -> list[str]:
        return [meant.term(one) for one in ids]

    return lean(
        product_id=None if found.product_id is None else meant.product(found.product_id),
        product_tags=list(found.product_tags),
        pricing_group_values=dict(found.pricing_group_values),
        presentation_group_values=dict(found.presentation_group_values),
        exclude=[{"product_tags": list(one.product_tags)} for one in found.exclude],
        billing_frequency=found.billing_frequency,
        commit_ids=terms(found.commit_ids),
        recurring_commit_ids=terms(found.recurring_commit_ids),
        any_commit_or_credit_ids=terms(found.any_commit_or_credit_ids),
    )


def child_access_body(meant: Meaning, found: ChildAccess) -> dict[str, Any] | None:
    """Which children may draw; None where only its own contract may."""
    if found.type is AccessType.NONE:
        return None
    ids = [meant.there("contract", one) for one in found.contract_ids]
    return {"child_access": {"type": found.type.value, **lean(contract_ids=ids)}}


def amount_body(meant: Meaning, amount: RecurringAmount) -> dict[str, Any]:
    """What each child grants or costs; without a quantity it is a subscription's."""
    unit = meant.unit(amount.credit_type_id)
    return {
        "unit_price": amount.unit_price,
        "credit_type_id": unit,
        **lean(quantity=amount.quantity),
    }


def roundings_body(term: RecurringCommit) -> dict[str, Any] | None:
    """How prorated amounts are rounded; None when they are not."""
    access, invoice = term.access_rounding, term.invoice_rounding
    body = lean(
        access=None if access is None else rounding_body(access),
        invoice=None if invoice is None else rounding_body(invoice),
    )
    return body or None


def rounding_body(rounding: ProrationRounding) -> dict[str, Any]:
    """Method and places."""
    return {"rounding_method": rounding.method.value, "decimal_places": rounding.decimal_places}


def _seats_body(meant: Meaning, term: RecurringCommit) -> dict[str, Any] | None:
    if term.seats is None:
        return None
    return {
        "subscription_id": meant.term(term.seats.subscription_id),
        "allocation": term.seats.allocation.value,
        "apply_seat_increase_config": {"is_prorated": term.seats.is_prorated},
    }


def _check_commit(commit: Commit) -> None:
    """Only what a deal brings: no child, no rollover, nothing of a customer, no payment gate."""
    odd = {
        "payment gate": commit.gate is not None,
        "generator": commit.recurring_id is not None,
        "rollover": commit.rolled_over_from is not None,
        "own contracts": bool(commit.contract_ids or commit.invoice_contract_id),
        "archiving": commit.archived_at is not None,
        "seats": commit.seat_group_key is not None,
        "recharge": commit.is_recharge,
    }
    for what, is_so in odd.items():
        if is_so:
            raise unsayable(f"the {what} of commit {commit.name!r}", "set it up on the target")
