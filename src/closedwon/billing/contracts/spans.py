"""Lengths in calendar units, from an anchor (R9, R309)."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from closedwon.kernel.calendar import add_months
from closedwon.kernel.errors import Refused


class Unit(StrEnum):
    """What a span counts."""

    DAYS = "DAYS"
    WEEKS = "WEEKS"
    MONTHS = "MONTHS"
    YEARS = "YEARS"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A length in calendar units, from any anchor (R9, R309)."""

    value: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.value < 0:
            raise Refused("an offset or duration must not be negative (R309)", found=self.value)

    def after(self, anchor: datetime) -> datetime:
        """The instant this much later; month ends are clamped (R9)."""
        if self.unit in (Unit.DAYS, Unit.WEEKS):
            return anchor + timedelta(days=self.value * (7 if self.unit is Unit.WEEKS else 1))
        return add_months(anchor, self.value * (12 if self.unit is Unit.YEARS else 1))
