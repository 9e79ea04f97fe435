"""What a bill says, in the shape both sides are compared in."""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

Key = tuple[str, str, datetime | str, int]
"""Kind, contract, what tells it from its sisters, and its number among them."""


@dataclass(kw_only=True)
class Bill:
    """An invoice: what it comes to, and how."""

    key: Key
    issued: datetime
    period: tuple[datetime, datetime] | None = None
    total: Fraction = Fraction(0)
    lines: dict[tuple[str, str | None], Fraction] = field(default_factory=dict)
    """(product, balance that covers it or None) -> gross amount in the line's unit."""
    drawn: dict[str, Fraction] = field(default_factory=dict)
    """Segment -> what this invoice takes from it."""
    billed: frozenset[str] = frozenset()
    """Names of the schedule points on it."""

    def add(self, product: str, balance: str | None, amount: Fraction) -> None:
        key = (product, balance)
        self.lines[key] = self.lines.get(key, Fraction(0)) + amount


@dataclass(kw_only=True)
class Held:
    """What became of one segment."""

    granted: Fraction
    adjusted: Fraction = Fraction(0)
    drawn: Fraction = Fraction(0)
    expired: Fraction = Fraction(0)
    rolled: Fraction = Fraction(0)
    trued_up: Fraction = Fraction(0)

    @property
    def remaining(self) -> Fraction:
        """A manual overdraw floors it at zero (R195)."""
        gone = self.drawn + self.expired + self.rolled + self.trued_up
        return max(self.granted + self.adjusted - gone, Fraction(0))


@dataclass(kw_only=True)
class Outcome:
    """Every invoice, final or open, and every segment."""

    bills: dict[Key, Bill]
    held: dict[str, Held]
