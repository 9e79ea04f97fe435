"""Schedules as they are sent: access windows, points of payment, recurring payments (2.7; R148)."""

from typing import Annotated

from pydantic import Field

from closedwon.api.answers import Unsupported
from closedwon.api.model import Instant, Number, Wire, one_of, whole, word
from closedwon.api.terms.making import Making
from closedwon.billing.contracts.spans import Span, Unit
from closedwon.billing.contracts.terms import AccessSegment, ScheduleItem
from closedwon.billing.invoices.schedule import (
    Amount,
    Distribution,
    RecurringSchedule,
    schedule_items,
)
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval

LENGTH_MAX = 1200
"""Longest span, in its unit."""
AccessType = Annotated[str, one_of("SPEND", "QUANTITY")]


class SpanSent(Wire):
    """A length in calendar units."""

    value: Annotated[int, whole(0, LENGTH_MAX)]
    unit: Annotated[Unit, word(Unit)]

    @property
    def span(self) -> Span:
        """As the engine knows it."""
        return Span(value=self.value, unit=self.unit)


class AccessSent(Wire):
    """One access window."""

    amount: Number
    starting_at: Instant
    ending_before: Instant


class AccessScheduleSent(Wire):
    """When how much can be drawn."""

    schedule_items: Annotated[list[AccessSent], Field(min_length=1)]
    credit_type_id: str | None = None
    access_type: AccessType | None = None


class PointSent(Wire):
    """One payment: an amount, or a unit price and a quantity."""

    timestamp: Instant
    amount: Number | None = None
    unit_price: Number | None = None
    quantity: Number | None = None


class StepsSent(Wire):
    """Payments in steps (R152, R153)."""

    starting_at: Instant
    ending_before: Instant
    frequency: Annotated[Frequency, word(Frequency)]
    amount_distribution: Annotated[Distribution, word(Distribution)]
    amount: Number | None = None
    unit_price: Number | None = None
    quantity: Number | None = None


class ScheduleSent(Wire):
    """An invoice schedule: points, or steps."""

    credit_type_id: str | None = None
    schedule_items: list[PointSent] | None = None
    recurring_schedule: StepsSent | None = None
    do_not_invoice: bool = False


def segments(
    make: Making, sent: AccessScheduleSent, where: str
) -> tuple[tuple[AccessSegment, ...], str]:
    """The access segments and their credit type."""
    if sent.access_type == "QUANTITY":
        raise Unsupported(f"{where}.access_type: only SPEND is supported (R161)")
    made = tuple(
        segment(make, one, f"{where}.schedule_items.{at}")
        for at, one in enumerate(sent.schedule_items)
    )
    return made, make.unit(sent.credit_type_id)


def segment(make: Making, sent: AccessSent, where: str) -> AccessSegment:
    """One access segment with a new id."""
    if sent.ending_before <= sent.starting_at:
        raise Refused(f"{where}.ending_before: must be after starting_at (R100)")
    return AccessSegment(
        id=make.own_id(),
        amount=sent.amount,
        window=Interval(sent.starting_at, sent.ending_before),
    )


def points(make: Making, sent: ScheduleSent, where: str) -> tuple[tuple[ScheduleItem, ...], str]:
    """The points of a schedule and their credit type."""
    unit = make.unit(sent.credit_type_id)
    if (sent.schedule_items is None) == (sent.recurring_schedule is None):
        raise Refused(f"{where}: give schedule_items or recurring_schedule, not both (2.7)")
    steps = sent.recurring_schedule
    if steps is None:
        return tuple(point(make, one) for one in sent.schedule_items or ()), unit
    if steps.ending_before <= steps.starting_at:
        raise Refused(f"{where}.recurring_schedule.ending_before: must be after starting_at")
    recurring = RecurringSchedule(
        window=Interval(steps.starting_at, steps.ending_before),
        frequency=steps.frequency,
        distribution=steps.amount_distribution,
        price=Amount(amount=steps.amount, unit_price=steps.unit_price, quantity=steps.quantity),
    )
    return schedule_items(make.own_id(), recurring), unit


def point(make: Making, sent: PointSent) -> ScheduleItem:
    """One payment with a new id."""
    price = Amount(amount=sent.amount, unit_price=sent.unit_price, quantity=sent.quantity)
    unit_price, quantity = price.factors
    return ScheduleItem(
        id=make.own_id(),
        timestamp=sent.timestamp,
        amount=price.total,
        unit_price=unit_price,
        quantity=quantity,
    )
