"""TIERED: units fill the tiers in order (R59, R60).

With tiers 5 @ 0, 5 @ 1.00 and the rest @ 1.50, 12 units cost 0 + 5.00 + 3.00 = 8.00. Unit number 5
belongs to tier 1; what comes after the fifth unit starts tier 2. Position restarts every billing
period (R61) and goes on across price changes inside one (R63).
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from closedwon.billing.pricing.part import Part
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """``size`` units at ``price``; only the last tier has no size."""

    price: Decimal
    size: Decimal | None = None


class Tiered(msgspec.Struct, frozen=True, kw_only=True, tag="TIERED"):
    """Tiers in order; the last one, and only it, is open (R60)."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        sizes = [tier.size for tier in self.tiers]
        if not sizes or sizes[-1] is not None or None in sizes[:-1]:
            raise Refused("the last tier, and only it, must have no size")
        if any(size is not None and size <= 0 for size in sizes):
            raise Refused("a tier size must be above 0")
        if any(tier.price < 0 for tier in self.tiers):
            raise Refused("a price must not be negative")


def parts(price: Tiered, begin: Decimal, end: Decimal) -> Iterator[Part]:
    """The stretches between two positions, in the order they are walked.

    Walking down (a falling SUM or LATEST, R33) gives back the tiers that were walked up, so that
    up and down again costs nothing; below position 0 the first tier's price holds.
    """
    if end >= begin:
        yield from _between(price, begin, end)
        return
    for part in reversed(list(_between(price, end, begin))):
        yield msgspec.structs.replace(part, units=-part.units)


def _between(price: Tiered, low: Decimal, high: Decimal) -> Iterator[Part]:
    floor = ZERO
    for level, tier in enumerate(price.tiers, start=1):
        ceiling = high if tier.size is None else floor + tier.size
        bottom = low if level == 1 else max(low, floor)
        inside = min(high, ceiling) - bottom
        if inside > 0:
            yield Part(
                units=inside,
                unit_price=tier.price,
                level=level,
                starting_at=floor,
                size=tier.size,
            )
        floor = ceiling
        if ceiling >= high:
            return


def scaled(price: Tiered, multiplier: Decimal) -> Tiered:
    """Every tier price times ``multiplier`` (R73)."""
    return Tiered(
        tiers=tuple(Tier(price=tier.price * multiplier, size=tier.size) for tier in price.tiers)
    )
