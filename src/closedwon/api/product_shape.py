"""Products as reads answer them (metronome.md 2.6)."""

from datetime import UTC, datetime
from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.call import Call
from closedwon.billing.catalog.types import (
    CompositeBase,
    Conversion,
    Product,
    ProductType,
    ProductVersion,
    Rounding,
)

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Start of a first definition, so that an update may begin at any time, also a past one (R48)."""
TYPES = {ProductType.PROFESSIONAL_SERVICE: "PRO_SERVICE"}
"""As reads show them, where that is another word."""


def product_shape(call: Call, product: Product) -> dict[str, Any]:
    """A product with its first definition, the one in force and those that came after."""
    first, *later = product.versions
    return {
        "id": product.id,
        "type": TYPES.get(product.type, product.type.value),
        "initial": _state(first),
        "current": _state(product.at(call.now)),
        "updates": [_state(version) for version in later],
        "custom_fields": dict(call.engine.custom_fields("contract_product", product.id)),
        "archived_at": product.archived_at,
    }


def created(version: ProductVersion) -> datetime:
    """When a definition was made; of those no caller made, when it begins."""
    return version.created_at or version.starting_at


def _state(version: ProductVersion) -> dict[str, Any]:
    return {
        "created_at": created(version),
        "created_by": version.created_by,
        "name": version.name,
        "tags": list(version.tags),
        "is_refundable": True,  # The vendor gates false (2.6).
        **sparse(
            starting_at=None if version.starting_at == EVER else version.starting_at,
            billable_metric_id=version.metric_id,
            quantity_conversion=_shown_conversion(version.conversion),
            quantity_rounding=_shown_rounding(version.rounding),
            pricing_group_key=list(version.pricing_group_key) or None,
            presentation_group_key=list(version.presentation_group_key) or None,
        ),
        **_shown_composite(version.composite),
    }


def _shown_conversion(found: Conversion | None) -> dict[str, Any] | None:
    if found is None:
        return None
    operation = "DIVIDE" if found.divide else "MULTIPLY"
    shape = {"conversion_factor": found.factor, "operation": operation}
    return {**shape, **sparse(name=found.name or None)}


def _shown_rounding(found: Rounding | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"rounding_method": found.method, "decimal_places": found.decimal_places}


def _shown_composite(found: CompositeBase | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "composite_product_ids": list(found.product_ids),
        "composite_tags": list(found.product_tags),
        "exclude_free_usage": found.exclude_free_usage,
        "include_composite_spend": found.include_composite_spend,
    }
