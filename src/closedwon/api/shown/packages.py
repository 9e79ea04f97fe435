"""Packages as reads answer them (2.12; R308)."""

from collections.abc import Sequence
from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.product_shape import EVER
from closedwon.api.shapes import credit_type_shape
from closedwon.api.shown.balances import applicability_shape, seat_link_shape, specifier_shape
from closedwon.api.shown.settings import (
    balance_threshold_shape,
    spend_threshold_shape,
    tracker_shape,
)
from closedwon.api.shown.terms import (
    PRIORITY,
    amount_shape,
    override_rate_shape,
    rounding_shape,
    roundings_shape,
)
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.packages import (
    Package,
    PackageCharge,
    PackageCommit,
    PackageOverride,
    PackagePoint,
    PackageRecurring,
    PackageSubscription,
    Relative,
)
from closedwon.billing.contracts.spans import Span
from closedwon.billing.contracts.terms import CommitKind
from closedwon.kernel.ids import derive

TEMPLATES = ("commit_ids", "recurring_commit_ids", "any_commit_or_credit_ids")


def package_shape(catalog: Catalog, package: Package, created_by: str) -> dict[str, Any]:
    """One package."""
    settings = package.settings
    statement = package.statement
    return {
        "id": package.id,
        "name": package.name,
        "created_at": package.created_at,
        "created_by": created_by,
        "aliases": [
            {
                "name": one.name,
                "starting_at": None if one.window.start == EVER else one.window.start,
                "ending_before": one.window.end,
            }
            for one in package.aliases
        ],
        **_terms(catalog, package),
        "usage_statement_schedule": {
            "frequency": statement.frequency.value,
            "day": statement.day.value,
        },
        "multiplier_override_prioritization": package.prioritization.value,
        **sparse(
            archived_at=package.archived_at,
            contract_name=package.contract_name or None,
            duration=None if package.duration is None else _span(package.duration),
            net_payment_terms_days=package.net_payment_terms_days,
            rate_card_id=package.rate_card_id,
            billing_provider=package.billing_provider,
            delivery_method=package.delivery_method,
            uniqueness_key=package.uniqueness_key,
            scheduled_charges_on_usage_invoices="ALL"
            if package.charges_on_usage_invoices
            else None,
            spend_threshold_configuration=spend_threshold_shape(settings.spend_threshold),
            prepaid_balance_threshold_configuration=balance_threshold_shape(
                settings.balance_threshold
            ),
            spend_trackers=[tracker_shape(one) for one in settings.trackers] or None,
        ),
    }


def _terms(catalog: Catalog, package: Package) -> dict[str, Any]:
    commits = [one for one in package.commits if one.kind is not CommitKind.CREDIT]
    credits_ = [one for one in package.commits if one.kind is CommitKind.CREDIT]

    def generators(kind: CommitKind) -> list[dict[str, Any]]:
        found = [one for one in package.recurring if one.template.kind is kind]
        return [_recurring(catalog, one) for one in found]

    return {
        "commits": [{**_balance(catalog, one), "type": one.kind.value} for one in commits],
        "credits": [_balance(catalog, one) for one in credits_],
        "scheduled_charges": [_charge(catalog, one) for one in package.charges],
        "overrides": [_override(catalog, one) for one in package.overrides],
        "recurring_commits": generators(CommitKind.PREPAID),
        "recurring_credits": generators(CommitKind.CREDIT),
        "subscriptions": [_subscription(catalog, one) for one in package.subscriptions],
    }


def _balance(catalog: Catalog, commit: PackageCommit) -> dict[str, Any]:
    shape = {
        "id": commit.id,
        "product": _product(catalog, commit.product_id),
        "rate_type": commit.rate_type,
        "custom_fields": dict(commit.custom_fields),
        "access_schedule": {
            "access_type": "SPEND",
            "credit_type": credit_type_shape(catalog, commit.access_credit_type_id),
            "schedule_items": [
                {
                    "id": derive("package_segment", commit.id, str(at)),
                    "amount": one.amount,
                    **_window(one.window),
                }
                for at, one in enumerate(commit.segments)
            ],
        },
        **sparse(
            name=commit.name or None,
            description=commit.description or None,
            priority=commit.priority,
            rollover_fraction=commit.rollover_fraction,
        ),
        **applicability_shape(commit.applicability),
    }
    if commit.payments:
        schedule = _points(catalog, commit.payments, commit.id, commit.payment_credit_type_id)
        shape["invoice_schedule"] = {**schedule, "do_not_invoice": commit.do_not_invoice}
    return shape


def _charge(catalog: Catalog, charge: PackageCharge) -> dict[str, Any]:
    return {
        "id": charge.id,
        "product": _product(catalog, charge.product_id),
        "schedule": _points(catalog, charge.items, charge.id, charge.credit_type_id),
        "custom_fields": dict(charge.custom_fields),
        **sparse(name=charge.name or None),
    }


def _points(
    catalog: Catalog, points: Sequence[PackagePoint], owner_id: str, credit_type_id: str
) -> dict[str, Any]:
    return {
        "credit_type": credit_type_shape(catalog, credit_type_id),
        "schedule_items": [
            {
                "id": derive("package_point", owner_id, str(at)),
                "date_offset": _span(one.date_offset),
                "unit_price": one.unit_price,
                "quantity": one.quantity,
            }
            for at, one in enumerate(points)
        ],
    }


def _override(catalog: Catalog, given: PackageOverride) -> dict[str, Any]:
    override, window = given.template, given.window
    absolute = {} if window is not None else {"starting_at": override.window.start}
    return {
        "id": override.id,
        "override_specifiers": [_specifier(one) for one in _targets(override.applicability)],
        "is_commit_specific": override.is_commit_specific,
        "target": override.target.value,
        **_window(window or Relative()),
        **absolute,
        **sparse(entitled=override.entitled, priority=override.priority),
        **override_rate_shape(catalog, override.rate),
    }


def _targets(found: Applicability) -> list[Specifier]:
    """Products and tags as specifiers, any of which may match (R75)."""
    products = [Specifier(product_id=one) for one in found.product_ids]
    tags = [Specifier(product_tags=(one,)) for one in found.product_tags]
    return [*found.specifiers, *products, *tags]


def _specifier(found: Specifier) -> dict[str, Any]:
    """Balances are named by the ids of their templates."""
    shape = specifier_shape(found)
    for name in TEMPLATES:
        if name in shape:
            shape[name.replace("_ids", "_template_ids")] = shape.pop(name)
    return shape


def _recurring(catalog: Catalog, given: PackageRecurring) -> dict[str, Any]:
    term = given.template
    link = seat_link_shape(term.seats)
    if link is not None:
        link["subscription_template_id"] = link.pop("subscription_id")
    return {
        "id": term.id,
        "product": _product(catalog, term.product_id),
        "access_amount": {"access_type": "SPEND", **amount_shape(term.access)},
        "commit_duration": {"value": term.duration_periods, "unit": "PERIODS"},
        "priority": PRIORITY if term.priority is None else term.priority,
        "rate_type": term.rate_type,
        "proration": term.proration.value,
        **_window(given.window),
        **sparse(
            name=term.name or None,
            description=term.description or None,
            rollover_fraction=term.rollover_fraction,
            recurrence_frequency=None if term.frequency is None else term.frequency.value,
            invoice_amount=None if term.invoice is None else amount_shape(term.invoice),
            proration_rounding=roundings_shape(term),
            subscription_config=link,
        ),
        **applicability_shape(term.applicability),
    }


def _subscription(catalog: Catalog, given: PackageSubscription) -> dict[str, Any]:
    sold = given.template
    rounding = None if sold.rounding is None else rounding_shape(sold.rounding)
    seats = sold.seats
    return {
        "id": sold.id,
        "subscription_rate": {
            "billing_frequency": sold.frequency.value,
            "product": _product(catalog, sold.product_id),
        },
        "collection_schedule": sold.collection.value,
        "proration": {
            "is_prorated": sold.is_prorated,
            "invoice_behavior": sold.invoice_behavior.value,
            **sparse(rounding=rounding),
        },
        "quantity_management_mode": sold.mode.value,
        "initial_quantity": sold.initial_quantity,
        "billing_cycle_config": {"invoice_placement": sold.placement.value},
        "custom_fields": dict(sold.custom_fields),
        **_window(given.window),
        **sparse(
            name=sold.name or None,
            description=sold.description or None,
            seat_config=None
            if seats is None
            else {
                "seat_group_key": seats.seat_group_key,
                "initial_unassigned_seats": seats.initial_unassigned,
            },
        ),
    }


def _window(window: Relative) -> dict[str, Any]:
    duration = None if window.duration is None else _span(window.duration)
    return {"starting_at_offset": _span(window.offset), **sparse(duration=duration)}


def _span(span: Span) -> dict[str, Any]:
    return {"value": span.value, "unit": span.unit.value}


def _product(catalog: Catalog, product_id: str) -> dict[str, Any]:
    return {"id": product_id, "name": catalog.products[product_id].name}
