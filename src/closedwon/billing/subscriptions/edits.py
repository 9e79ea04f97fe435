"""What update_subscriptions asks for, as the subscription it makes (2.8; R224-R239)."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.contracts.recurring import ProrationRounding
from closedwon.billing.contracts.subscriptions import (
    QuantityMode,
    QuantityUpdate,
    SeatConfig,
    SeatUpdate,
    Subscription,
)
from closedwon.billing.subscriptions.history import history, within
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, wire_instant


class SubscriptionChange(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of one subscription; what is left out stays (metronome.md 2.8)."""

    quantity_updates: tuple[QuantityUpdate, ...] = ()
    """QUANTITY_ONLY; in the order submitted (R224)."""
    seat_updates: tuple[SeatUpdate, ...] = ()
    """SEAT_BASED; in the order submitted."""
    seat_group_key: str | None = None
    """Names seats from now on: quantity_management_mode_update (R239)."""
    ending_before: datetime | msgspec.UnsetType | None = msgspec.UNSET
    """None opens it (R227)."""
    rounding: ProrationRounding | msgspec.UnsetType | None = msgspec.UNSET
    """proration_rounding; None rounds nothing (R223)."""
    name: str | None = None
    description: str | None = None


def updated(subscription: Subscription, change: SubscriptionChange, now: datetime) -> Subscription:
    """The subscription after ``change``, for the ``replace`` of an edit at ``now``.

    Raises Refused for a quantity below zero (R224), seats of a subscription that counts them, and
    a switch that does not fit (R239).
    """
    found = subscription
    if not isinstance(change.ending_before, msgspec.UnsetType):
        found = replace(found, window=_window(found, change.ending_before))
    if not isinstance(change.rounding, msgspec.UnsetType):
        found = replace(found, rounding=change.rounding)
    if change.seat_group_key is not None:
        found = _named(found, change.seat_group_key, now)
    found = replace(
        found,
        name=found.name if change.name is None else change.name,
        description=found.description if change.description is None else change.description,
        quantity_updates=found.quantity_updates + change.quantity_updates,
        seat_updates=found.seat_updates + change.seat_updates,
    )
    history(found)
    return found


def _window(subscription: Subscription, end: datetime | None) -> Interval:
    start = subscription.window.start
    if end is not None and end <= start:
        raise Refused(
            "a subscription ends after it starts (R227)",
            subscription=subscription.id,
            start=wire_instant(start),
            found=wire_instant(end),
        )
    return Interval(start, end)


def _named(subscription: Subscription, seat_group_key: str, now: datetime) -> Subscription:
    """The quantity stays as it is; every seat is unassigned until it gets a name (R239)."""
    if subscription.mode is QuantityMode.SEAT_BASED:
        raise Refused("the subscription is SEAT_BASED already (R239)", id=subscription.id)
    hour = now.replace(minute=0, second=0, microsecond=0)
    since = max(hour, subscription.window.start)
    held = next(within(history(subscription), Interval(since)))
    if held.quantity != held.quantity.to_integral_value():
        raise Refused(
            "seats with names are whole; set a whole quantity first (R239)",
            subscription=subscription.id,
            found=str(held.quantity),
        )
    return replace(
        subscription,
        mode=QuantityMode.SEAT_BASED,
        seats=SeatConfig(seat_group_key=seat_group_key, since=since),
    )
