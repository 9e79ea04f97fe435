"""Events become increments of quantity, one event at a time in time order (R29-R36, R46, R47).

After every event the metric's value over the period so far is converted and rounded; what it rose
by (or fell) is what that event adds, at the price of its own instant. Only events that carry every
key of the meter count (R36); one without a readable number adds nothing (R25).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from oracle.biller.book import Agreement, Book, Goods
from oracle.history import Definition, Event, Meter

Group = tuple[str, ...]


@dataclass(frozen=True)
class Increment:
    """What one event adds to one group of a product."""

    at: datetime
    group: Group
    quantity: Fraction


@dataclass
class Gauge:
    """A metric of one group since the period began."""

    kind: str
    value: Fraction = Fraction(0)
    seen: set[str] = field(default_factory=set)

    def take(self, text: str | None) -> None:
        if self.kind == "COUNT":
            self.value += 1
            return
        if text is None:
            return
        if self.kind == "UNIQUE":
            self.seen.add(text)
            self.value = Fraction(len(self.seen))
            return
        number = _number(text)
        if number is None:
            return
        if self.kind == "SUM":
            self.value += number
        elif self.kind == "MAX":
            self.value = max(self.value, number)
        else:
            self.value = number


def increments(
    book: Book, agreement: Agreement, goods: Goods, period: tuple[datetime, datetime]
) -> Iterator[Increment]:
    """What every event of the period adds, oldest first; of one instant, as they came (R33).

    Every meter the product ever had runs from the start of the period; only the one in force at an
    event says what that event adds (R40).
    """
    names = {d.meter or goods.product.meter for d in goods.definitions}
    meters = [meter for meter in book.catalogue.meters if meter.name in names]
    keys = goods.product.pricing_keys + goods.product.shown_keys
    gauges: dict[tuple[str, Group], Gauge] = {}
    totals: dict[Group, Fraction] = {}
    for event in sorted(book.events, key=lambda e: e.at):
        if not period[0] <= event.at < period[1]:
            continue
        definition = goods.at(event.at)
        properties = dict(event.properties)
        for meter in meters:
            if not _counts(agreement, meter, event):
                continue
            group = tuple(properties[key] for key in keys)
            gauge = gauges.setdefault((meter.name, group), Gauge(meter.kind))
            before = gauge.value
            gauge.take(properties.get("value"))
            if meter.name == (definition.meter or goods.product.meter):
                total = totals.get(group, Fraction(0))
                totals[group] = total + gauge.value - before
                rise = billed(definition, totals[group]) - billed(definition, total)
                yield Increment(event.at, group, rise)


def billed(definition: Definition, value: Fraction) -> Fraction:
    """Converted, then rounded (R46)."""
    if definition.factor is not None:
        value = value / definition.factor if definition.divides else value * definition.factor
    if definition.rounding is None:
        return value
    scale = Fraction(10) ** definition.places
    return Fraction(_whole(value * scale, definition.rounding)) / scale


def _whole(value: Fraction, rounding: str) -> int:
    """Away from zero, towards it, or to the nearest with halves away from it."""
    sign = -1 if value < 0 else 1
    size = abs(value)
    if rounding == "ROUND_UP":
        return sign * math.ceil(size)
    if rounding == "ROUND_DOWN":
        return sign * math.floor(size)
    return sign * math.floor(size + Fraction(1, 2))


def _counts(agreement: Agreement, meter: Meter, event: Event) -> bool:
    """Whether the meter takes the event and the contract's filter lets it through (R29, R105)."""
    properties = dict(event.properties)
    if event.kind != meter.event_type or any(key not in properties for key in meter.keys):
        return False
    begun = [f for f in agreement.filters if f.since <= event.at]
    return not begun or properties.get(begun[-1].key) in begun[-1].values


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except ValueError:
        return None
