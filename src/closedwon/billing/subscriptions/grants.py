"""What seats bring a period's recurring commit or credit (R229-R231, R235, R236).

What was granted stays granted: an update recorded after a period began can only add to it, as a
SEAT_BASED_ADJUSTMENT; one recorded after the period ended changes the next one.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.contracts.recurring import Allocation, ProrationRounding, SeatLink
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import SeatAdjustment
from closedwon.billing.subscriptions.history import Held, history, rises, within
from closedwon.billing.subscriptions.proration import prorated
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval


class SeatGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What an access segment takes over: ``amount`` at its start, ``adjustments`` on top."""

    amount: Decimal
    seats: Mapping[str, Decimal] = {}
    """INDIVIDUAL: what each named seat gets at the start; sums to ``amount``."""
    adjustments: tuple[SeatAdjustment, ...] = ()
    """In the order they became known."""


def grant(
    link: SeatLink,
    subscription: Subscription,
    child: Interval,
    nominal: Interval,
    unit_price: Decimal,
    rounding: ProrationRounding | None = None,
) -> SeatGrant:
    """What the seats of ``subscription`` are granted for the period ``child``, in the wire unit.

    ``nominal`` is the full grid period that ``child`` is a share of (R10); a generator that does
    not prorate passes ``child`` itself. ``rounding`` is of prorated amounts (R207): of the total
    of a pool, of each seat's own credit.
    """
    seen = _Seen(link=link, child=child, nominal=nominal, unit_price=unit_price, rounding=rounding)
    known = [tuple(within(history(subscription, at), child)) for at in _known(subscription, child)]
    if link.allocation is Allocation.POOLED:
        return _pooled(seen, known)
    return _individual(seen, known)


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One period of a generator that follows seats."""

    link: SeatLink
    child: Interval
    nominal: Interval
    unit_price: Decimal
    rounding: ProrationRounding | None

    def whole(self, quantity: Decimal) -> Decimal:
        """What ``quantity`` seats get when the period begins."""
        return prorated(self.unit_price * quantity, self.child, self.nominal, self.rounding)

    def later(self, quantity: Decimal, at: datetime) -> Decimal:
        """What ``quantity`` seats get that come at ``at``."""
        if not self.link.is_prorated:
            return self.unit_price * quantity
        rest = Interval(at, self.child.end)
        return prorated(self.unit_price * quantity, rest, self.nominal, self.rounding)


Histories = list[tuple[Held, ...]]
"""The period's seats as known when it began, then as known after each later record in it."""


def _known(subscription: Subscription, child: Interval) -> Iterator[datetime]:
    """When the period begins, and when something about its seats is recorded later in it."""
    yield child.start
    recorded = {update.recorded_at for update in subscription.quantity_updates}
    recorded |= {update.recorded_at for update in subscription.seat_updates}
    yield from sorted(at for at in recorded if at is not None and child.splits(at))


def _pooled(seen: _Seen, known: Histories) -> SeatGrant:
    """One balance for all seats; each rise adds to it (R229)."""
    granted = known[0][0].quantity
    adjustments = []
    for steps in known:
        for at, most in rises(steps):
            if most > granted:
                amount = seen.later(most - granted, at)
                adjustments.append(SeatAdjustment(at=at, amount=amount))
                granted = most
    amount = seen.whole(known[0][0].quantity)
    return SeatGrant(amount=amount, adjustments=tuple(adjustments))


def _individual(seen: _Seen, known: Histories) -> SeatGrant:
    """One balance per named seat, once a period, from when it is named (R230, R235)."""
    each = seen.whole(Decimal(1))
    seats = dict.fromkeys(known[0][0].seat_ids, each)
    granted = set(seats)
    adjustments = []
    for steps in known:
        for step in steps:
            for seat in step.seat_ids:
                if seat not in granted:
                    amount = seen.later(Decimal(1), step.at)
                    adjustments.append(SeatAdjustment(at=step.at, amount=amount, seat_id=seat))
                    granted.add(seat)
    return SeatGrant(amount=sum(seats.values(), ZERO), seats=seats, adjustments=tuple(adjustments))
