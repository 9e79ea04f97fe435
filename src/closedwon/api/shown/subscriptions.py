"""Subscriptions as reads answer them (2.9; R217, R224)."""

from collections.abc import Iterator
from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.shown.showing import Showing
from closedwon.api.shown.terms import made_at, rounding_shape
from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.subscriptions.grid import billing_periods
from closedwon.billing.subscriptions.history import Held, history
from closedwon.kernel.instant import Interval


def subscription_shape(show: Showing, sold: Subscription, contract: Contract) -> dict[str, Any]:
    """One subscription; quantities of now and of what comes."""
    card = show.catalog.rate_cards.get(contract.rate_card_id or "")
    rounding = None if sold.rounding is None else rounding_shape(sold.rounding)
    seats = None if sold.seats is None else {"seat_group_key": sold.seats.seat_group_key}
    return {
        "id": sold.id,
        "subscription_rate": {
            "billing_frequency": sold.frequency.value,
            "product": show.product(sold.product_id),
        },
        "collection_schedule": sold.collection.value,
        "proration": {
            "is_prorated": sold.is_prorated,
            "invoice_behavior": sold.invoice_behavior.value,
            **sparse(rounding=rounding),
        },
        "quantity_management_mode": sold.mode.value,
        "quantity_schedule": [
            {
                "quantity": held.quantity,
                "starting_at": window.start,
                **sparse(ending_before=window.end),
            }
            for window, held in held_windows(sold)
            if window.until > show.now
        ],
        "billing_periods": _periods(show, sold, contract),
        "billing_cycle_config": _cycle(sold),
        "starting_at": sold.window.start,
        "created_at": made_at(show, sold.id, contract),
        "custom_fields": dict(show.fields.get(sold.id, {})),
        "fiat_credit_type_id": USD if card is None else card.fiat_credit_type_id,
        **sparse(
            ending_before=sold.window.end,
            name=sold.name or None,
            description=sold.description or None,
            seat_config=seats,
        ),
    }


def held_windows(sold: Subscription) -> Iterator[tuple[Interval, Held]]:
    """What is held when, from the start to the subscription's end."""
    steps = history(sold)
    for at, held in enumerate(steps):
        following = steps[at + 1].at if at + 1 < len(steps) else None
        ends = [end for end in (following, sold.window.end) if end is not None]
        end = min(ends, default=None)
        if end is None or held.at < end:
            yield Interval(held.at, end), held


def _periods(show: Showing, sold: Subscription, contract: Contract) -> dict[str, Any]:
    """The period that runs now and its neighbours (R217)."""
    shape: dict[str, Any] = {}
    for period in billing_periods(contract, sold):
        window = period.covered
        told = {"starting_at": window.start, "ending_before": window.end}
        if window.until <= show.now:
            shape["previous"] = told
        elif window.start <= show.now:
            shape["current"] = told
        else:
            shape["next"] = told
            break
    return shape


def _cycle(sold: Subscription) -> dict[str, Any] | None:
    if sold.anchor_date is None:
        return None
    return {"anchor_date": sold.anchor_date, "invoice_placement": sold.placement.value}
