"""TIERED_PERCENTAGE: fractions of the base spend that change with how much there is (R65, R66).

Sizes are base spend in its wire unit. 10% to 1,000.00 then 5%: a base of 1,500.00 costs 100.00 +
25.00 = 125.00. As with PERCENTAGE, the minimum is for who evaluates the composite.
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from closedwon.billing.pricing.part import Part
from closedwon.billing.pricing.tiers import Ranges, Tier, check, times, walked
from closedwon.kernel.errors import Refused


class TieredPercentage(msgspec.Struct, frozen=True, kw_only=True, tag="TIERED_PERCENTAGE"):
    """Tiers in order, whose prices are fractions; the last one, and only it, is open (R60)."""

    tiers: tuple[Tier, ...]
    minimum: Decimal | None = None
    """Least charge per billing period in the wire unit; None is no minimum (R66)."""

    def __post_init__(self) -> None:
        check(self.tiers)
        if self.minimum is not None and self.minimum < 0:
            raise Refused("a minimum must not be negative (R66)", minimum=str(self.minimum))


def parts(price: TieredPercentage, begin: Decimal, end: Decimal) -> Iterator[Part]:
    """The stretches between two amounts of base spend, each at its fraction."""
    return walked(price.tiers, begin, end)


def ranged(price: TieredPercentage, ranges: Ranges) -> TieredPercentage:
    """Every fraction times the multiplier of its range of base spend; the minimum stays."""
    return TieredPercentage(tiers=times(price.tiers, ranges), minimum=price.minimum)
