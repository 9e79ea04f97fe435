"""Quantities and seats of subscriptions over time, and what seats own (2.3; R218-R237)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Wire, whole
from closedwon.api.paging import asked, paged_body
from closedwon.api.shown.showing import own_contract
from closedwon.api.shown.subscriptions import held_windows
from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import QuantityMode, Subscription
from closedwon.billing.pricing import first_unit_price
from closedwon.billing.rating.schedule import RateSegment, RateSelector
from closedwon.billing.subscriptions.grid import billing_periods
from closedwon.billing.subscriptions.history import Held
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval, format_instant
from closedwon.store.tokens import Scope

SEATS_HISTORY_MAX = 10


class QuantityBody(Wire):
    """POST /v1/contracts/getSubscriptionQuantityHistory."""

    customer_id: str
    contract_id: str
    subscription_id: str


class SeatsBody(Wire):
    """POST /v1/contracts/getSubscriptionSeatsHistory."""

    customer_id: str
    contract_id: str
    subscription_id: str
    covering_date: Instant | None = None
    starting_at: Instant | None = None
    ending_before: Instant | None = None
    limit: Annotated[int, whole(1, SEATS_HISTORY_MAX)] | None = None
    cursor: str | None = None


def quantity_history(call: Call, body: QuantityBody) -> Any:
    """What was paid for from the start until now; nothing of the future."""
    contract = own_contract(call, body.customer_id, body.contract_id)
    sold = _subscription(contract, body.subscription_id)
    card = call.engine.catalog().rate_cards.get(contract.rate_card_id or "")
    selector = RateSelector(product_id=sold.product_id, billing_frequency=sold.frequency.value)
    rates = call.engine.contract_rate_schedule(contract.id, contract.term, [selector])
    return {
        "data": {
            "subscription_id": sold.id,
            "fiat_credit_type_id": USD if card is None else card.fiat_credit_type_id,
            "history": list(_rows(contract, sold, rates, call.now)),
        }
    }


def seats_history(call: Call, body: SeatsBody) -> Any:
    """Which seats there are when, oldest first."""
    contract = own_contract(call, body.customer_id, body.contract_id)
    sold = _subscription(contract, body.subscription_id)
    if sold.mode is not QuantityMode.SEAT_BASED:
        raise Refused("the subscription counts its seats (R230)", subscription=sold.id)
    if body.covering_date is not None and (body.starting_at or body.ending_before):
        raise Refused("covering_date: cannot be combined with starting_at or ending_before")
    page = asked(body.limit, body.cursor, most=SEATS_HISTORY_MAX)
    steps = [
        (window, held)
        for window, held in held_windows(sold)
        if (body.covering_date is None or window.covers(body.covering_date))
        and (body.starting_at is None or window.until > body.starting_at)
        and (body.ending_before is None or window.start <= body.ending_before)
    ]
    return paged_body(steps, page, lambda step: (format_instant(step[0].start),), _seats)


def _seats(step: tuple[Interval, Held]) -> dict[str, Any]:
    window, held = step
    return {
        "starting_at": window.start,
        "ending_before": window.end,
        "total_quantity": int(held.quantity),
        "assigned_seat_ids": list(held.seat_ids),
    }


def _subscription(contract: Contract, subscription_id: str) -> Subscription:
    for found in contract.subscriptions:
        if found.id == subscription_id:
            return found
    raise NotFound("no such subscription on the contract", subscription=subscription_id)


def _rows(
    contract: Contract, sold: Subscription, rates: Sequence[RateSegment], now: datetime
) -> Iterator[dict[str, Any]]:
    """A row for every quantity and every price in turn; a period keeps its price (R218)."""
    starts = _starts(contract, sold, now)
    steps = [(window.start, held.quantity) for window, held in held_windows(sold)]
    last: tuple[Decimal, Decimal] | None = None
    for at in sorted({*starts, *(start for start, _ in steps if start <= now)}):
        quantity = [held for start, held in steps if start <= at][-1:] or [ZERO]
        period = max((start for start in starts if start <= at), default=at)
        price = _price(rates, period)
        if (quantity[0], price) != last:
            last = (quantity[0], price)
            total = quantity[0] * price
            row = {"quantity": quantity[0], "unit_price": price, "total": total}
            yield {"starting_at": at, "data": [row]}


def _starts(contract: Contract, sold: Subscription, now: datetime) -> list[datetime]:
    found = []
    for period in billing_periods(contract, sold):
        if period.covered.start > now:
            break
        found.append(period.covered.start)
    return found


def _price(rates: Sequence[RateSegment], at: datetime) -> Decimal:
    for rate in rates:
        if rate.window.covers(at):
            return first_unit_price(rate.override_rate or rate.list_rate)
    return ZERO


V1 = "/v1/contracts"
ROUTES = (
    Route(
        method="POST",
        path=f"{V1}/getSubscriptionQuantityHistory",
        scope=Scope.READ,
        do=quantity_history,
        body=QuantityBody,
    ),
    Route(
        method="POST",
        path=f"{V1}/getSubscriptionSeatsHistory",
        scope=Scope.READ,
        do=seats_history,
        body=SeatsBody,
    ),
)
