"""CUSTOM: a processor makes the price of a rate's own terms (R68).

A processor is a pure function: the same terms always make the same tiers, so a custom price is
walked, multiplied and drawn down like any other. COST_PLUS ships as one to copy; ``register`` adds
more before rates that name them.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Protocol

import msgspec

from closedwon.billing.pricing.part import Part
from closedwon.billing.pricing.tiers import Tier, check, walked
from closedwon.kernel.errors import Conflict, Refused
from closedwon.kernel.exact import exact


class Processor(Protocol):
    """What makes tiers of a custom rate's terms."""

    def __call__(self, terms: Mapping[str, str]) -> tuple[Tier, ...]:
        """Tiers in order, the last one open; raises Refused for terms that make no price."""
        ...


class Custom(msgspec.Struct, frozen=True, kw_only=True, tag="CUSTOM"):
    """``terms`` as the processor named ``processor`` understands them."""

    processor: str
    terms: Mapping[str, str] = {}


def cost_plus(terms: Mapping[str, str]) -> tuple[Tier, ...]:
    """What a unit costs us, plus a share of that: ``cost`` 1.20 and ``markup`` 0.25 are 1.50."""
    if set(terms) != {"cost", "markup"}:
        raise Refused("COST_PLUS needs cost and markup (R68)", found=", ".join(sorted(terms)))
    return (Tier(price=exact(terms["cost"]) * (1 + exact(terms["markup"]))),)


PROCESSORS: dict[str, Processor] = {"COST_PLUS": cost_plus}
"""By name."""


def register(name: str, processor: Processor) -> None:
    """Let rates name ``processor``; raises Conflict when the name is another one's."""
    if PROCESSORS.setdefault(name, processor) is not processor:
        raise Conflict("a price processor has this name already (R68)", name=name)


def tiers_of(price: Custom) -> tuple[Tier, ...]:
    """What the processor makes of the terms; raises Refused when there is none, or no price."""
    processor = PROCESSORS.get(price.processor)
    if processor is None:
        known = ", ".join(sorted(PROCESSORS))
        raise Refused("unsupported custom rate (R68)", found=price.processor, expected=known)
    tiers = processor(price.terms)
    check(tiers)
    return tiers


def parts(price: Custom, begin: Decimal, end: Decimal) -> Iterator[Part]:
    """The stretches between two positions; of a single open tier, one without a level."""
    tiers = tiers_of(price)
    if len(tiers) > 1:
        yield from walked(tiers, begin, end)
    elif end != begin:
        yield Part(units=end - begin, unit_price=tiers[0].price)
