"""Overrides and prices as the wire has them (metronome.md 2.7 OverrideInput)."""

from collections.abc import Iterable
from typing import Any, assert_never

from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.overrides import (
    Multiplier,
    Override,
    OverrideTarget,
    Overwrite,
    TieredMultiplier,
)
from closedwon.billing.pricing import (
    Custom,
    Flat,
    Percentage,
    Price,
    Tier,
    Tiered,
    TieredPercentage,
)
from closedwon.kernel.instant import wire_instant
from closedwon.targets.metronome.meaning import Meaning, lean
from closedwon.targets.metronome.terms import specifier_body


def override_body(meant: Meaning, override: Override) -> dict[str, Any]:
    """One override."""
    end = override.window.end
    body = {
        "starting_at": wire_instant(override.window.start),
        **lean(
            ending_before=None if end is None else wire_instant(end),
            entitled=override.entitled,
            priority=override.priority,
        ),
        **_rate_body(meant, override),
        **_target_body(meant, override.applicability),
    }
    if override.is_commit_specific:
        body["is_commit_specific"] = True
    if override.target is not OverrideTarget.LIST_RATE:
        body["target"] = override.target.value
    return body


def price_body(price: Price) -> dict[str, Any]:
    """``rate_type`` with the fields that go with it."""
    match price:
        case Flat():
            return {"rate_type": "FLAT", "price": price.price}
        case Tiered():
            return {"rate_type": "TIERED", "tiers": _tiers(price.tiers)}
        case Percentage():
            minimum = _minimum(price.minimum)
            return {"rate_type": "PERCENTAGE", "price": price.fraction, **minimum}
        case TieredPercentage():
            minimum = _minimum(price.minimum)
            return {"rate_type": "TIERED_PERCENTAGE", "tiers": _tiers(price.tiers), **minimum}
        case Custom():
            rate = {"processor": price.processor, **price.terms}
            return {"rate_type": "CUSTOM", "custom_rate": rate}
        case _:
            assert_never(price)


def _rate_body(meant: Meaning, override: Override) -> dict[str, Any]:
    rate = override.rate
    match rate:
        case None:
            return {}
        case Overwrite():
            price = {**price_body(rate.price), "credit_type_id": meant.unit(rate.credit_type_id)}
            return {"type": "OVERWRITE", "overwrite_rate": price}
        case Multiplier():
            return {"type": "MULTIPLIER", "multiplier": rate.multiplier}
        case TieredMultiplier():
            tiers = [lean(multiplier=one.multiplier, size=one.size) for one in rate.tiers]
            return {"type": "TIERED", "tiers": tiers}
        case _:
            assert_never(rate)


def _target_body(meant: Meaning, found: Applicability) -> dict[str, Any]:
    """By one of three fields: several products, or products and tags, become specifiers."""
    if found.specifiers:
        return {"override_specifiers": [specifier_body(meant, one) for one in found.specifiers]}
    if found.product_tags and not found.product_ids:
        return {"applicable_product_tags": list(found.product_tags)}
    if len(found.product_ids) == 1 and not found.product_tags:
        return {"product_id": meant.product(found.product_ids[0])}
    each = [Specifier(product_id=one) for one in found.product_ids]
    each += [Specifier(product_tags=(one,)) for one in found.product_tags]
    return lean(override_specifiers=[specifier_body(meant, one) for one in each])


def _tiers(tiers: Iterable[Tier]) -> list[dict[str, Any]]:
    return [lean(size=one.size, price=one.price) for one in tiers]


def _minimum(minimum: Any) -> dict[str, Any]:
    return {} if minimum is None else {"minimum_config": {"minimum": minimum}}
