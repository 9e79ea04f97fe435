"""Overrides, charges, recurring terms and what is client-gated, as reads answer them (2.9)."""

from datetime import datetime
from typing import Any, assert_never

from closedwon.api.answers import sparse
from closedwon.api.shapes import credit_type_shape, price_shape
from closedwon.api.shown.balances import (
    applicability_shape,
    child_access_shape,
    points_shape,
    seat_link_shape,
    specifier_shape,
)
from closedwon.api.shown.showing import Showing
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.gated import Discount, ProfessionalService, Royalty
from closedwon.billing.contracts.overrides import (
    Multiplier,
    Override,
    Overwrite,
    TieredMultiplier,
)
from closedwon.billing.contracts.recurring import (
    ProrationRounding,
    RecurringAmount,
    RecurringCommit,
)
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import CommitKind, ScheduledCharge
from closedwon.kernel.exact import exact

PRIORITY = 100
"""Shown for a recurring term that came without one, where the wire requires it (G22)."""


def override_shape(show: Showing, override: Override, contract: Contract) -> dict[str, Any]:
    """One override."""
    target = override.applicability
    return {
        "id": override.id,
        "created_at": made_at(show, override.id, contract),
        "starting_at": override.window.start,
        **sparse(
            ending_before=override.window.end,
            entitled=override.entitled,
            priority=override.priority,
            product=show.product(target.product_ids[0]) if target.product_ids else None,
            applicable_product_tags=list(target.product_tags) or None,
            override_specifiers=[specifier_shape(one) for one in target.specifiers] or None,
        ),
        "is_commit_specific": override.is_commit_specific,
        "target": override.target.value,
        **override_rate_shape(show.catalog, override.rate),
    }


def override_rate_shape(
    catalog: Catalog, rate: Overwrite | Multiplier | TieredMultiplier | None
) -> dict[str, Any]:
    """What an override does to the rate; nothing when it changes entitlement only."""
    match rate:
        case None:
            return {}
        case Overwrite():
            unit = credit_type_shape(catalog, rate.credit_type_id)
            price = {**price_shape(rate.price), "credit_type": unit}
            return {"type": "OVERWRITE", "overwrite_rate": price}
        case Multiplier():
            return {"type": "MULTIPLIER", "multiplier": rate.multiplier}
        case TieredMultiplier():
            tiers = [sparse(multiplier=tier.multiplier, size=tier.size) for tier in rate.tiers]
            return {"type": "TIERED", "override_tiers": tiers}
        case _:
            assert_never(rate)


def charge_shape(show: Showing, charge: ScheduledCharge | Discount) -> dict[str, Any]:
    """A scheduled charge or a discount."""
    archived_at = charge.archived_at if isinstance(charge, ScheduledCharge) else None
    fields = show.fields.get(charge.id, charge.custom_fields)
    return {
        "id": charge.id,
        "product": show.product(charge.product_id),
        "schedule": points_shape(show, charge.items, charge.credit_type_id),
        "custom_fields": dict(fields),
        **sparse(name=charge.name or None, archived_at=archived_at),
        **charge.echoed,
    }


def service_shape(service: ProfessionalService) -> dict[str, Any]:
    """A professional service."""
    return {
        "id": service.id,
        "product_id": service.product_id,
        "unit_price": service.unit_price,
        "quantity": service.quantity,
        "max_amount": service.max_amount,
        "custom_fields": dict(service.custom_fields),
        **sparse(description=service.description or None),
        **service.echoed,
    }


def royalty_shape(royalty: Royalty) -> dict[str, Any]:
    """A royalty, flat as v1 has it; a segment of v2."""
    options: dict[str, Any] = dict(royalty.options)
    if "reseller_contract_value" in options:
        options["reseller_contract_value"] = exact(options["reseller_contract_value"])
    return {
        "reseller_type": royalty.reseller_type,
        "fraction": royalty.fraction,
        "netsuite_reseller_id": royalty.netsuite_reseller_id,
        "starting_at": royalty.window.start,
        **sparse(
            ending_before=royalty.window.end,
            applicable_product_ids=list(royalty.product_ids) or None,
            applicable_product_tags=list(royalty.product_tags) or None,
        ),
        **options,
    }


def recurring_shape(show: Showing, term: RecurringCommit, contract: Contract) -> dict[str, Any]:
    """A generator of commits or credits."""
    return {
        "id": term.id,
        "contract": {"id": contract.id},
        "product": show.product(term.product_id),
        "access_amount": {"access_type": "SPEND", **amount_shape(term.access)},
        "commit_duration": {"value": term.duration_periods, "unit": "PERIODS"},
        "priority": PRIORITY if term.priority is None else term.priority,
        "rate_type": term.rate_type,
        "starting_at": term.window.start,
        "anchor_date": term.window.start,
        "proration": term.proration.value,
        **sparse(
            ending_before=term.window.end,
            invoice_amount=None if term.invoice is None else amount_shape(term.invoice),
            recurrence_frequency=None if term.frequency is None else term.frequency.value,
            rollover_fraction=term.rollover_fraction,
            name=term.name or None,
            description=term.description or None,
            proration_rounding=roundings_shape(term),
            subscription_config=seat_link_shape(term.seats),
            hierarchy_configuration=child_access_shape(term.child_access),
        ),
        **applicability_shape(term.applicability),
        **term.echoed,
    }


def rounding_shape(rounding: ProrationRounding) -> dict[str, Any]:
    """How a prorated amount is rounded."""
    return {"rounding_method": rounding.method.value, "decimal_places": rounding.decimal_places}


def made_at(show: Showing, term_id: str, contract: Contract) -> datetime:
    """When the edit that brought a term was recorded."""
    edit = show.edits.get(contract.edit_of.get(term_id, ""))
    return contract.created_at if edit is None else edit.at


def recurring_shapes(show: Showing, contract: Contract, kind: CommitKind) -> list[dict[str, Any]]:
    """Generators of one kind."""
    return [recurring_shape(show, one, contract) for one in contract.recurring if one.kind is kind]


def amount_shape(amount: RecurringAmount) -> dict[str, Any]:
    """What each child grants or costs."""
    return {
        "unit_price": amount.unit_price,
        "credit_type_id": amount.credit_type_id,
        **sparse(quantity=amount.quantity),
    }


def roundings_shape(term: RecurringCommit) -> dict[str, Any] | None:
    """How what is granted and paid is rounded; None when it is not."""
    access, invoice = term.access_rounding, term.invoice_rounding
    shape = sparse(
        access=None if access is None else rounding_shape(access),
        invoice=None if invoice is None else rounding_shape(invoice),
    )
    return shape or None
