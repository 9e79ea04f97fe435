"""Tables of tiers and how they are walked (R59, R60); what tiered models of the shelf share."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise

import msgspec

from closedwon.billing.pricing.part import Part
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """``size`` units at ``price``; only the last tier has no size."""

    price: Decimal
    size: Decimal | None = None


Ranges = tuple[tuple[Decimal | None, Decimal], ...]
"""(size, multiplier) in order; what comes after the last sized one is multiplied by 1 (R84)."""


def check(tiers: tuple[Tier, ...]) -> None:
    """Raise Refused unless the last tier, and only it, is open and no price is negative (R60)."""
    sizes = [tier.size for tier in tiers]
    if not sizes or sizes[-1] is not None or None in sizes[:-1]:
        raise Refused("the last tier, and only it, must have no size")
    if any(size is not None and size <= 0 for size in sizes):
        raise Refused("a tier size must be above 0")
    if any(tier.price < 0 for tier in tiers):
        raise Refused("a price must not be negative")


def walked(tiers: tuple[Tier, ...], begin: Decimal, end: Decimal) -> Iterator[Part]:
    """The stretches between two positions, in the order they are walked.

    Walking down (a falling SUM or LATEST, R33) gives back the tiers that were walked up, so that
    up and down again costs nothing; below position 0 the first tier's price holds.
    """
    if end >= begin:
        yield from _between(tiers, begin, end)
        return
    for part in reversed(list(_between(tiers, end, begin))):
        yield msgspec.structs.replace(part, units=-part.units)


def times(tiers: tuple[Tier, ...], ranges: Ranges) -> tuple[Tier, ...]:
    """The table whose price at every unit is the tier's price times that unit's multiplier (R84).

    A bound of either table is a bound of the new one, so ``100 @ 1, rest @ 0.8`` under
    ``10 @ x0.5`` is ``10 @ 0.5, 90 @ 1, rest @ 0.8``.
    """
    ends = sorted({*_ends(tier.size for tier in tiers), *_ends(size for size, _ in ranges)})
    starts = [ZERO, *ends]
    sizes: list[Decimal | None] = [high - low for low, high in pairwise(starts)]
    found: list[Tier] = []
    for start, size in zip(starts, [*sizes, None], strict=True):
        price = _at(start, [(t.size, t.price) for t in tiers], ZERO) * _at(
            start, ranges, Decimal(1)
        )
        found.append(Tier(price=price, size=size))
    return tuple(found)


def _between(tiers: tuple[Tier, ...], low: Decimal, high: Decimal) -> Iterator[Part]:
    floor = ZERO
    for level, tier in enumerate(tiers, start=1):
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


def _ends(sizes: Iterable[Decimal | None]) -> Iterator[Decimal]:
    """Where the sized ranges end, from 0."""
    end = ZERO
    for size in sizes:
        if size is None:
            return
        end += size
        yield end


def _at(
    start: Decimal, ranges: Iterable[tuple[Decimal | None, Decimal]], beyond: Decimal
) -> Decimal:
    """The value of the range that holds the units right after ``start``."""
    end = ZERO
    for size, value in ranges:
        if size is None or start < end + size:
            return value
        end += size
    return beyond
