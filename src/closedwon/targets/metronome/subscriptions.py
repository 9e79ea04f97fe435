"""Subscriptions as the wire has them, new and changed (metronome.md 2.7, 2.8)."""

from typing import Any

from closedwon.billing.contracts.subscriptions import (
    Placement,
    QuantityMode,
    QuantityUpdate,
    Subscription,
)
from closedwon.kernel.instant import wire_instant
from closedwon.targets.metronome.meaning import Meaning, lean, unsayable
from closedwon.targets.metronome.terms import rounding_body


def subscription_body(
    meant: Meaning, sold: Subscription, referred: frozenset[str]
) -> dict[str, Any]:
    """A new subscription; its quantity changes later, by an edit."""
    if sold.quantity_updates or sold.seat_updates:
        raise unsayable(
            f"how the quantity of {sold.name!r} changes in the request that sells it",
            "let an amendment change it",
        )
    rounding = None if sold.rounding is None else rounding_body(sold.rounding)
    counted = sold.mode is QuantityMode.QUANTITY_ONLY
    return {
        "subscription_rate": {
            "product_id": meant.product(sold.product_id),
            "billing_frequency": sold.frequency.value,
        },
        "collection_schedule": sold.collection.value,
        "proration": {
            "is_prorated": sold.is_prorated,
            "invoice_behavior": sold.invoice_behavior.value,
            **lean(rounding=rounding),
        },
        "starting_at": wire_instant(sold.window.start),
        "quantity_management_mode": sold.mode.value,
        **lean(
            initial_quantity=sold.initial_quantity if counted else None,
            ending_before=None if sold.window.end is None else wire_instant(sold.window.end),
            name=sold.name,
            description=sold.description,
            custom_fields=dict(sold.custom_fields),
            seat_config=_seats_body(sold),
            billing_cycle_config=_cycle_body(sold),
            temporary_id=sold.id if sold.id in referred else None,
        ),
    }


def subscription_update(there: str, old: Subscription, new: Subscription) -> dict[str, Any] | None:
    """What changes of a subscription; None when nothing does that the wire knows.

    Raises Refused for what no edit changes.
    """
    body: dict[str, Any] = {}
    if new.window != old.window:
        _check(new, "start", is_same=new.window.start == old.window.start)
        end = new.window.end
        body["ending_before"] = None if end is None else wire_instant(end)
    body |= {
        name: getattr(new, name)
        for name in ("name", "description")
        if getattr(new, name) != getattr(old, name)
    }
    if new.rounding != old.rounding:
        body["proration_rounding"] = None if new.rounding is None else rounding_body(new.rounding)
    more = new.quantity_updates[len(old.quantity_updates) :]
    _check(new, "seats", is_same=new.seat_updates == old.seat_updates and new.seats == old.seats)
    if more:
        body["quantity_updates"] = [_quantity_body(one) for one in more]
    return {"subscription_id": there, **body} if body else None


def _check(sold: Subscription, what: str, *, is_same: bool) -> None:
    if not is_same:
        raise unsayable(f"other {what} of the subscription {sold.name!r}", "sell a new one")


def _quantity_body(update: QuantityUpdate) -> dict[str, Any]:
    at = wire_instant(update.starting_at)
    return {"starting_at": at} | lean(quantity=update.quantity, quantity_delta=update.delta)


def _seats_body(sold: Subscription) -> dict[str, Any] | None:
    seats = sold.seats
    if seats is None:
        return None
    if seats.since is not None:
        raise unsayable(f"since when {sold.name!r} has named seats", "let an edit say so")
    return {
        "seat_group_key": seats.seat_group_key,
        "initial_seat_ids": list(seats.initial_seat_ids),
        "initial_unassigned_seats": seats.initial_unassigned,
    }


def _cycle_body(sold: Subscription) -> dict[str, Any] | None:
    usual = sold.anchor_date is None and sold.placement is Placement.ON_USAGE_INVOICE
    if usual:
        return None
    anchor = None if sold.anchor_date is None else wire_instant(sold.anchor_date)
    return lean(anchor_date=anchor, invoice_placement=sold.placement.value)
