"""FLAT: total = quantity x price (R58)."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from closedwon.billing.pricing.part import Part
from closedwon.kernel.errors import Refused


class Flat(msgspec.Struct, frozen=True, kw_only=True, tag="FLAT"):
    """One price per unit, in the wire unit, not negative."""

    price: Decimal

    def __post_init__(self) -> None:
        if self.price < 0:
            raise Refused("a price must not be negative", price=str(self.price))


def parts(price: Flat, begin: Decimal, end: Decimal) -> Iterator[Part]:
    """All units at the one price."""
    if end != begin:
        yield Part(units=end - begin, unit_price=price.price)


def scaled(price: Flat, multiplier: Decimal) -> Flat:
    """The price times ``multiplier`` (R73)."""
    return Flat(price=price.price * multiplier)
