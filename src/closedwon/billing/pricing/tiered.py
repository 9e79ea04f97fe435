"""TIERED: units fill the tiers in order (R59, R60).

With tiers 5 @ 0, 5 @ 1.00 and the rest @ 1.50, 12 units cost 0 + 5.00 + 3.00 = 8.00. Unit number 5
belongs to tier 1; what comes after the fifth unit starts tier 2. Position restarts every billing
period (R61) and goes on across price changes inside one (R63).
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from closedwon.billing.pricing.part import Part
from closedwon.billing.pricing.tiers import Ranges, Tier, check, times, walked


class Tiered(msgspec.Struct, frozen=True, kw_only=True, tag="TIERED"):
    """Tiers in order; the last one, and only it, is open (R60)."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        check(self.tiers)


def parts(price: Tiered, begin: Decimal, end: Decimal) -> Iterator[Part]:
    """The stretches between two positions, in the order they are walked."""
    return walked(price.tiers, begin, end)


def scaled(price: Tiered, multiplier: Decimal) -> Tiered:
    """Every tier price times ``multiplier`` (R73)."""
    return Tiered(
        tiers=tuple(Tier(price=tier.price * multiplier, size=tier.size) for tier in price.tiers)
    )


def ranged(price: Tiered, ranges: Ranges) -> Tiered:
    """Every unit's price times the multiplier of its range (R84)."""
    return Tiered(tiers=times(price.tiers, ranges))
