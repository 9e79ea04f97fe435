"""SHELF: one file per price model; a forgotten model is a type error (D2, style 3.2).

A model prices the stretch between two positions, ``parts(price, begin, end)``, where a position is
how many units of the billing period came before (R61, R63); ``end`` below ``begin`` gives units
back. Amounts are in the wire unit of the rate's credit type and exact. Of percentages the units are
base spend. ``part.py`` and ``tiers.py`` are what models share.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import assert_never

from closedwon.billing.pricing import custom, flat, percentage, tiered, tiered_percentage
from closedwon.billing.pricing.custom import Custom
from closedwon.billing.pricing.flat import Flat
from closedwon.billing.pricing.part import Part
from closedwon.billing.pricing.percentage import Percentage
from closedwon.billing.pricing.tiered import Tiered
from closedwon.billing.pricing.tiered_percentage import TieredPercentage
from closedwon.billing.pricing.tiers import Ranges, Tier
from closedwon.kernel.exact import ZERO

Price = Flat | Tiered | Percentage | TieredPercentage | Custom

__all__ = [
    "Custom",
    "Flat",
    "Part",
    "Percentage",
    "Price",
    "Ranges",
    "Tier",
    "Tiered",
    "TieredPercentage",
    "first_unit_price",
    "minimum_of",
    "parts",
    "ranged",
    "scaled",
]


def parts(price: Price, begin: Decimal, end: Decimal) -> Iterator[Part]:
    """Split the way from ``begin`` to ``end`` into stretches of one unit price each, in order."""
    match price:
        case Flat():
            return flat.parts(price, begin, end)
        case Tiered():
            return tiered.parts(price, begin, end)
        case Percentage():
            return percentage.parts(price, begin, end)
        case TieredPercentage():
            return tiered_percentage.parts(price, begin, end)
        case Custom():
            return custom.parts(price, begin, end)
        case _:
            assert_never(price)


def scaled(price: Price, multiplier: Decimal) -> Price:
    """The price under a MULTIPLIER override: every tier price is multiplied (R73, R247)."""
    match price:
        case Flat():
            return flat.scaled(price, multiplier)
        case Tiered():
            return tiered.scaled(price, multiplier)
        case Percentage():
            return percentage.scaled(price, multiplier)
        case TieredPercentage():
            return tiered_percentage.ranged(price, ((None, multiplier),))
        case Custom():
            return tiered.scaled(Tiered(tiers=custom.tiers_of(price)), multiplier)
        case _:
            assert_never(price)


def ranged(price: Price, ranges: Ranges) -> Price:
    """The price under a TIERED override: each unit's price times its range's multiplier (R84)."""
    match price:
        case Flat(price=unit):
            return tiered.ranged(Tiered(tiers=(Tier(price=unit),)), ranges)
        case Tiered():
            return tiered.ranged(price, ranges)
        case Percentage(fraction=fraction, minimum=minimum):
            one = TieredPercentage(tiers=(Tier(price=fraction),), minimum=minimum)
            return tiered_percentage.ranged(one, ranges)
        case TieredPercentage():
            return tiered_percentage.ranged(price, ranges)
        case Custom():
            return tiered.ranged(Tiered(tiers=custom.tiers_of(price)), ranges)
        case _:
            assert_never(price)


def first_unit_price(price: Price) -> Decimal:
    """Price of the period's first unit; orders lines for drawdown (R176)."""
    match price:
        case Flat(price=unit):
            return unit
        case Tiered(tiers=tiers):
            return tiers[0].price
        case _:
            return next(parts(price, ZERO, Decimal(1))).unit_price


def minimum_of(price: Price) -> Decimal | None:
    """Least charge per billing period, of percentages only (R66)."""
    return price.minimum if isinstance(price, Percentage | TieredPercentage) else None
