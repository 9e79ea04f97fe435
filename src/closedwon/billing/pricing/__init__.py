"""SHELF: one file per price model; a forgotten model is a type error (D2, style 3.2).

A model prices the stretch between two positions, ``parts(price, begin, end)``, where a position is
how many units of the billing period came before (R61, R63); ``end`` below ``begin`` gives units
back. Amounts are in the wire unit of the rate's credit type and exact.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import assert_never

from closedwon.billing.pricing import flat, tiered
from closedwon.billing.pricing.flat import Flat
from closedwon.billing.pricing.part import Part
from closedwon.billing.pricing.tiered import Tier, Tiered

Price = Flat | Tiered

__all__ = ["Flat", "Part", "Price", "Tier", "Tiered", "first_unit_price", "parts", "scaled"]


def parts(price: Price, begin: Decimal, end: Decimal) -> Iterator[Part]:
    """Split the way from ``begin`` to ``end`` into stretches of one unit price each, in order."""
    match price:
        case Flat():
            return flat.parts(price, begin, end)
        case Tiered():
            return tiered.parts(price, begin, end)
        case _:
            assert_never(price)


def scaled(price: Price, multiplier: Decimal) -> Price:
    """The price under a MULTIPLIER override: every tier price is multiplied (R73)."""
    match price:
        case Flat():
            return flat.scaled(price, multiplier)
        case Tiered():
            return tiered.scaled(price, multiplier)
        case _:
            assert_never(price)


def first_unit_price(price: Price) -> Decimal:
    """Price of the period's first unit; orders lines for drawdown (R176)."""
    match price:
        case Flat():
            return price.price
        case Tiered():
            return price.tiers[0].price
        case _:
            assert_never(price)
