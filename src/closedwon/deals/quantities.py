"""A subscription as a deal wants it, on top of the history it has (R224, R227)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.subscriptions import QuantityUpdate, Subscription
from closedwon.billing.subscriptions.history import history
from closedwon.deals.types import QuantityChange
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO

AGREED = (
    "product_id",
    "frequency",
    "collection",
    "is_prorated",
    "invoice_behavior",
    "anchor_date",
    "placement",
)
"""What no edit changes; another subscription takes its place (2.8)."""


def continued(
    there: Subscription,
    wanted: Subscription | None,
    opportunity_id: str,
    changes: Iterable[QuantityChange],
) -> Subscription:
    """``there`` as the deal asks for it: updates are added, none is taken back.

    ``wanted`` is the subscription the deal itself sold, None when another deal did. Whatever other
    deals and people did to its seats stays.
    """
    asked: dict[datetime, Decimal] = {}
    base, source = there, Source(opportunity_id=opportunity_id)
    if wanted is not None:
        source = wanted.source or source
        asked[there.window.start] = wanted.initial_quantity - there.initial_quantity
        base = replace(
            wanted,
            mode=there.mode,
            seats=there.seats,
            initial_quantity=there.initial_quantity,
            quantity_updates=there.quantity_updates,
            seat_updates=there.seat_updates,
        )
    for change in changes:
        if change.subscription_id == there.id:
            source = change.source
            asked[change.starting_at] = asked.get(change.starting_at, ZERO) + change.delta
    missing = _missing(asked, _brought(there, opportunity_id), source)
    return replace(base, quantity_updates=(*base.quantity_updates, *missing))


def is_stuck(there: Subscription, wanted: Subscription) -> bool:
    """Whether no edit makes ``wanted`` of ``there`` (R224, R227, R239)."""
    counts = there.seats is None or wanted.quantity_updates == there.quantity_updates
    try:
        history(wanted)
    except Refused:
        return True
    same = all(getattr(there, name) == getattr(wanted, name) for name in AGREED)
    return not counts or not same or there.window.start != wanted.window.start


def _brought(there: Subscription, opportunity_id: str) -> dict[datetime, Decimal]:
    """What the deal's updates so far add, by date."""
    found: dict[datetime, Decimal] = {}
    for update in there.quantity_updates:
        if update.source is not None and update.source.opportunity_id == opportunity_id:
            found[update.starting_at] = found.get(update.starting_at, ZERO) + (update.delta or ZERO)
    return found


def _missing(
    asked: Mapping[datetime, Decimal], brought: Mapping[datetime, Decimal], source: Source
) -> Iterable[QuantityUpdate]:
    for at in sorted({*asked, *brought}):
        delta = asked.get(at, ZERO) - brought.get(at, ZERO)
        if delta:
            yield QuantityUpdate(starting_at=at, delta=delta, source=source)
