"""PERCENTAGE: a fraction of the base spend of a composite product (R64, R66).

Positions are base spend in its wire unit: 10% of 1,500.00 is ``parts(price, 0, 150000)``, 150000
units at 0.10. The minimum is for who evaluates the composite: it holds once per billing period and
is no part of the way between two positions.
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from closedwon.billing.pricing.part import Part
from closedwon.kernel.errors import Refused


class Percentage(msgspec.Struct, frozen=True, kw_only=True, tag="PERCENTAGE"):
    """``fraction`` of the base, not negative; a card's own lies in 0..1 (R64, R247)."""

    fraction: Decimal
    minimum: Decimal | None = None
    """Least charge per billing period in the wire unit; None is no minimum (R66)."""

    def __post_init__(self) -> None:
        if self.fraction < 0:
            raise Refused("a percentage must not be negative (R64)", fraction=str(self.fraction))
        if self.minimum is not None and self.minimum < 0:
            raise Refused("a minimum must not be negative (R66)", minimum=str(self.minimum))


def parts(price: Percentage, begin: Decimal, end: Decimal) -> Iterator[Part]:
    """The way between two amounts of base spend, at the fraction."""
    if end != begin:
        yield Part(units=end - begin, unit_price=price.fraction)


def scaled(price: Percentage, multiplier: Decimal) -> Percentage:
    """The fraction times ``multiplier``; the minimum stays (R247)."""
    return Percentage(fraction=price.fraction * multiplier, minimum=price.minimum)
