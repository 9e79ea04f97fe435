"""Schedules of payments: points as given, or at the steps of a recurring schedule (R148-R153)."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import assert_never

import msgspec

from closedwon.billing.contracts.terms import ScheduleItem
from closedwon.kernel.calendar import Frequency, grid
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import QUOTIENTS, ZERO, canonical
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, format_instant, wire_instant

ONE = Decimal(1)
FREQUENCIES = (
    Frequency.WEEKLY,
    Frequency.MONTHLY,
    Frequency.QUARTERLY,
    Frequency.SEMI_ANNUAL,
    Frequency.ANNUAL,
)


class Distribution(StrEnum):
    """How an amount spreads over the dates of a recurring schedule (R153)."""

    EACH = "EACH"
    DIVIDED = "DIVIDED"
    DIVIDED_ROUNDED = "DIVIDED_ROUNDED"


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """What is paid: ``amount``, or ``unit_price`` x ``quantity``, in the wire unit (R148).

    Raises Refused for neither, for half of the product, and for both when they disagree.
    """

    amount: Decimal | None = None
    unit_price: Decimal | None = None
    quantity: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.unit_price is None) != (self.quantity is None):
            raise Refused("unit_price and quantity go together (R148)")
        if self.amount is None and self.unit_price is None:
            raise Refused("a schedule needs an amount, or unit_price and quantity (R148)")
        if self.amount not in (None, self.total):
            raise Refused(
                "amount and unit_price x quantity must agree (R148)",
                amount=canonical(self.amount or ZERO),
                product=canonical(self.total),
            )

    @property
    def total(self) -> Decimal:
        """The whole amount."""
        price, quantity = self.factors
        return price * quantity

    @property
    def factors(self) -> tuple[Decimal, Decimal]:
        """Unit price and quantity; an amount alone is one unit of it (metronome.md 2.7)."""
        if self.unit_price is not None and self.quantity is not None:
            return self.unit_price, self.quantity
        return self.amount or ZERO, ONE


class RecurringSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Dates from ``window.start`` in steps, none on or after its end (R152)."""

    window: Interval
    frequency: Frequency
    distribution: Distribution
    price: Amount

    def __post_init__(self) -> None:
        if self.window.end is None or self.window.end == self.window.start:
            raise Refused(
                "a recurring schedule ends after it starts (R152)",
                starting_at=wire_instant(self.window.start),
            )
        if self.frequency not in FREQUENCIES:
            raise Refused(
                "a recurring schedule is WEEKLY, MONTHLY, QUARTERLY, SEMI_ANNUAL or ANNUAL (R152)",
                found=self.frequency.value,
            )


def point(owner_id: str, timestamp: datetime, price: Amount) -> ScheduleItem:
    """One point of the schedule of the term ``owner_id``; the same facts give the same id."""
    unit_price, quantity = price.factors
    return ScheduleItem(
        id=derive("schedule_item", owner_id, format_instant(timestamp)),
        timestamp=timestamp,
        amount=unit_price * quantity,
        unit_price=unit_price,
        quantity=quantity,
    )


def schedule_items(owner_id: str, schedule: RecurringSchedule) -> tuple[ScheduleItem, ...]:
    """The points of a recurring schedule, oldest first; divided ones sum to the whole (R153)."""
    window = schedule.window
    dates = [period.start for period in grid(window.start, schedule.frequency, window)]
    unit_price, quantity = schedule.price.factors
    match schedule.distribution:
        case Distribution.EACH:
            prices = [schedule.price] * len(dates)
        case Distribution.DIVIDED if schedule.price.unit_price is not None:
            parts = _divided(quantity, len(dates))
            prices = [Amount(unit_price=unit_price, quantity=part) for part in parts]
        case Distribution.DIVIDED:
            prices = [Amount(amount=part) for part in _divided(unit_price, len(dates))]
        case Distribution.DIVIDED_ROUNDED:
            total = schedule.price.total
            prices = [Amount(amount=part) for part in _divided(total, len(dates), rounded=True)]
        case _:
            assert_never(schedule.distribution)
    return tuple(point(owner_id, at, price) for at, price in zip(dates, prices, strict=True))


def _divided(whole: Decimal, count: int, *, rounded: bool = False) -> list[Decimal]:
    """Equal parts, the last of which takes what division or rounding left over."""
    part = QUOTIENTS.divide(whole, Decimal(count))
    if rounded:
        part = part.to_integral_value(ROUND_HALF_UP)
    return [*[part] * (count - 1), whole - part * (count - 1)]
