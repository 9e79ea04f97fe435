"""A contract's own rates and entitlements (metronome.md 2.7 OverrideInput; R73-R92)."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.applicability import EVERYTHING, Applicability
from closedwon.billing.contracts.source import Source
from closedwon.billing.pricing import Price
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, on_hour


class Prioritization(StrEnum):
    """Which multiplier wins when several match (R82, R83)."""

    LOWEST_MULTIPLIER = "LOWEST_MULTIPLIER"
    EXPLICIT = "EXPLICIT"


class OverrideTarget(StrEnum):
    """Which of the two rates an override changes (R88)."""

    LIST_RATE = "LIST_RATE"
    COMMIT_RATE = "COMMIT_RATE"


class Overwrite(msgspec.Struct, frozen=True, kw_only=True, tag="OVERWRITE"):
    """Replaces the list rate and detaches from later card changes (R73)."""

    price: Price
    credit_type_id: str = USD


class Multiplier(msgspec.Struct, frozen=True, kw_only=True, tag="MULTIPLIER"):
    """Times the list price; follows card changes (R73)."""

    multiplier: Decimal

    def __post_init__(self) -> None:
        if self.multiplier < 0:
            raise Refused("a multiplier must not be negative", found=str(self.multiplier))


class MultiplierTier(msgspec.Struct, frozen=True, kw_only=True):
    """``size`` units of the billing period at ``multiplier``; None is the rest (R84)."""

    multiplier: Decimal
    size: Decimal | None = None


class TieredMultiplier(msgspec.Struct, frozen=True, kw_only=True, tag="TIERED"):
    """Multiplies the list price by quantity range; beyond the last sized tier by 1 (R84)."""

    tiers: tuple[MultiplierTier, ...]

    def __post_init__(self) -> None:
        sizes = [tier.size for tier in self.tiers]
        if not sizes or None in sizes[:-1]:
            raise Refused("only the last tier of an override may have no size (R84)")
        if any(size is not None and size <= 0 for size in sizes):
            raise Refused("a tier size must be above 0")
        if any(tier.multiplier < 0 for tier in self.tiers):
            raise Refused("a multiplier must not be negative")


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A contract's own rate or entitlement over a window (R73-R92)."""

    id: str
    window: Interval
    applicability: Applicability = EVERYTHING
    rate: Overwrite | Multiplier | TieredMultiplier | None = None
    """None changes entitlement only (R85)."""
    entitled: bool | None = None
    priority: Decimal | None = None
    """Lowest wins under EXPLICIT (R83)."""
    is_commit_specific: bool = False
    """Applies only while a balance pays; which ones its specifiers say (R87)."""
    target: OverrideTarget = OverrideTarget.LIST_RATE
    source: Source | None = None

    def __post_init__(self) -> None:
        on_hour(self.window.start, "override start")
        if self.window.end is not None:
            on_hour(self.window.end, "override end")
        if self.rate is None and self.entitled is None:
            raise Refused("an override must change a rate or an entitlement", override=self.id)
        if isinstance(self.rate, Overwrite) and (
            self.applicability.product_tags
            or any(s.product_tags for s in self.applicability.specifiers)
        ):
            raise Refused("an OVERWRITE cannot target tags", override=self.id)
        if self.priority is not None and self.priority <= 0:
            raise Refused("an override priority must be above 0", override=self.id)
