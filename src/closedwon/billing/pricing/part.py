"""A stretch of units at one unit price."""

from decimal import Decimal

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """``units`` at ``unit_price``; ``level`` and ``starting_at`` name the tier, None for flat."""

    units: Decimal
    unit_price: Decimal
    level: int | None = None
    starting_at: Decimal | None = None
    size: Decimal | None = None
    """Size of the tier; None on the last one and for flat prices."""
