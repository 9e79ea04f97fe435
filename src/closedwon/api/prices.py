"""Prices as they are sent (metronome.md 2.6), for rates, commit rates and overwrites alike."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from closedwon.api.model import Number, Wire, word
from closedwon.billing.pricing import (
    Custom,
    Flat,
    Percentage,
    Price,
    Tier,
    Tiered,
    TieredPercentage,
)
from closedwon.kernel.errors import Refused
from closedwon.usage.validate import property_texts


class RateType(StrEnum):
    """How a price is told."""

    FLAT = "FLAT"
    TIERED = "TIERED"
    PERCENTAGE = "PERCENTAGE"
    TIERED_PERCENTAGE = "TIERED_PERCENTAGE"
    SUBSCRIPTION = "SUBSCRIPTION"
    CUSTOM = "CUSTOM"


RateTypeField = Annotated[RateType, word(RateType)]


class TierSent(Wire):
    """``size`` units at ``price``; the last tier has no size."""

    price: Number
    size: Number | None = None


class Minimum(Wire):
    """Least charge per billing period (R66)."""

    minimum: Number


class PriceSent(Wire):
    """The fields of a price."""

    rate_type: RateTypeField
    price: Number | None = None
    tiers: list[TierSent] = []
    minimum_config: Minimum | None = None
    custom_rate: dict[str, Any] | None = None
    quantity: Number | None = None
    is_prorated: bool | None = None


FIELDS = {
    RateType.FLAT: {"price"},
    RateType.TIERED: {"tiers"},
    RateType.PERCENTAGE: {"price", "minimum_config"},
    RateType.TIERED_PERCENTAGE: {"tiers", "minimum_config"},
    RateType.CUSTOM: {"custom_rate"},
}
"""What goes with a rate type; all but the minimum is required."""
ALL_FIELDS = ("price", "tiers", "minimum_config", "custom_rate", "quantity", "is_prorated")


def price_of(sent: Any, where: str) -> Price:
    """The price of anything with the fields of ``PriceSent``; raises Refused inside ``where``."""
    kind: RateType = sent.rate_type
    _check(sent, kind, where)
    minimum = None if sent.minimum_config is None else sent.minimum_config.minimum
    match kind:
        case RateType.FLAT:
            return Flat(price=sent.price)
        case RateType.TIERED:
            return Tiered(tiers=_tiers(sent.tiers))
        case RateType.PERCENTAGE:
            return Percentage(fraction=sent.price, minimum=minimum)
        case RateType.TIERED_PERCENTAGE:
            return TieredPercentage(tiers=_tiers(sent.tiers), minimum=minimum)
        case _:
            return _custom(sent.custom_rate, where)


def _check(sent: Any, kind: RateType, where: str) -> None:
    """Raise Refused unless exactly the fields of the rate type were sent."""
    if kind is RateType.SUBSCRIPTION:
        raise Refused(f"{where}.rate_type: use FLAT with a billing_frequency (R67)")
    given = {name for name in ALL_FIELDS if getattr(sent, name) not in (None, [])}
    if extra := sorted(given - FIELDS[kind]):
        raise Refused(f"{where}.{extra[0]}: does not go with rate_type {kind.value}")
    if missing := sorted(FIELDS[kind] - given - {"minimum_config"}):
        raise Refused(f"{where}.{missing[0]}: required with rate_type {kind.value}")


def _tiers(sent: Sequence[TierSent]) -> tuple[Tier, ...]:
    return tuple(Tier(price=tier.price, size=tier.size) for tier in sent)


def _custom(sent: dict[str, Any], where: str) -> Custom:
    """``processor`` names who makes the price; everything else is its terms (R68)."""
    terms = property_texts(sent)
    processor = terms.pop("processor", None)
    if processor is None:
        raise Refused(f"{where}.custom_rate.processor: required (R68)")
    return Custom(processor=processor, terms=terms)
