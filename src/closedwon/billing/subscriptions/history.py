"""How many seats a subscription has, and which, from its start on (R222, R224, R226, R231-R239)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.contracts.subscriptions import QuantityUpdate, SeatUpdate, Subscription
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval, wire_instant

Update = QuantityUpdate | SeatUpdate


class Held(msgspec.Struct, frozen=True):
    """Seats from ``at`` on: all of them, and those with a name in the order they got it."""

    at: datetime
    quantity: Decimal
    seat_ids: tuple[str, ...] = ()

    @property
    def unassigned(self) -> Decimal:
        """Seats without a name: billed, but granted nothing (R231)."""
        return self.quantity - len(self.seat_ids)


def history(subscription: Subscription, known_by: datetime | None = None) -> tuple[Held, ...]:
    """Every quantity in turn, from the start on; updates of one instant count together (R224).

    ``known_by`` leaves out what was recorded later. The subscription's end ends its charges, not
    its seats: credits that follow them are ended on their own (R227). Raises Refused when a
    quantity would fall below zero.
    """
    held = _initial(subscription)
    steps = {held.at: held}
    for update in _in_order(subscription, known_by):
        at = max(update.starting_at, held.at)
        held = _after(held, update, at)
        steps[at] = held
        if held.quantity < 0:
            raise Refused(
                "a subscription's quantity must not fall below zero (R224)",
                subscription=subscription.id,
                at=wire_instant(at),
            )
    return tuple(steps.values())


def within(steps: Iterable[Held], span: Interval) -> Iterator[Held]:
    """What is held at the start of ``span``, then every change inside it; before any, nothing."""
    current = Held(span.start, ZERO)
    later = []
    for step in steps:
        if step.at <= span.start:
            current = Held(span.start, step.quantity, step.seat_ids)
        elif step.at < span.until:
            later.append(step)
    yield current
    yield from later


def rises(steps: Iterable[Held]) -> Iterator[tuple[datetime, Decimal]]:
    """The most that was held so far, whenever it rises; a decrease waits for the next (R222)."""
    most: Decimal | None = None
    for step in steps:
        if most is None or step.quantity > most:
            most = step.quantity
            yield step.at, most


def _initial(subscription: Subscription) -> Held:
    seats, start = subscription.seats, subscription.window.start
    if seats is None or seats.since is not None:
        return Held(start, subscription.initial_quantity)
    count = Decimal(len(seats.initial_seat_ids) + seats.initial_unassigned)
    return Held(start, count, seats.initial_seat_ids)


def _in_order(subscription: Subscription, known_by: datetime | None) -> list[Update]:
    updates: list[Update] = [*subscription.quantity_updates, *subscription.seat_updates]
    known = (
        update
        for update in updates
        if known_by is None or update.recorded_at is None or update.recorded_at <= known_by
    )
    return sorted(known, key=lambda update: update.starting_at)


def _after(held: Held, update: Update, at: datetime) -> Held:
    if isinstance(update, QuantityUpdate):
        if update.delta is not None:
            return Held(at, held.quantity + update.delta, held.seat_ids)
        return Held(at, held.quantity if update.quantity is None else update.quantity)
    new = tuple(s for s in dict.fromkeys(update.add_seat_ids) if s not in held.seat_ids)
    quantity = held.quantity + max(len(new) - held.unassigned, ZERO)
    seats = held.seat_ids + new
    kept = tuple(seat for seat in seats if seat not in update.remove_seat_ids)
    quantity += len(kept) - len(seats) + update.add_unassigned
    quantity -= min(Decimal(update.remove_unassigned), quantity - len(kept))
    return Held(at, quantity, kept)
