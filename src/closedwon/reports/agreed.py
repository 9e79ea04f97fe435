"""What a customer's terms owe, computed from the terms and not from its invoices (G2)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import (
    Collection,
    QuantityUpdate,
    SeatUpdate,
    Subscription,
)
from closedwon.billing.contracts.terms import Commit, CommitKind, ScheduledCharge, ScheduleItem
from closedwon.billing.invoices.periods import usage_periods
from closedwon.billing.invoices.types import Invoice
from closedwon.billing.rating.rates import Priced
from closedwon.billing.subscriptions.charges import Charge, Owed, charges
from closedwon.billing.subscriptions.grid import live
from closedwon.deals.subscribed import price_at
from closedwon.finance.figures.picture import Picture
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import FAR_FUTURE, Interval

Amount = tuple[str, Decimal]
"""Credit type and wire amount."""


def agreed(picture: Picture) -> dict[str, Decimal]:
    """By credit type: all that is scheduled, and fees of subscriptions to the running period's end.

    What a postpaid commit is short by is known only when it ends, so it is left out.
    """
    found: dict[str, Decimal] = {}
    for unit, amount in (*_bought(picture), *_charged(picture), *_subscribed(picture)):
        found[unit] = found.get(unit, ZERO) + amount
    return found


def _bought(picture: Picture) -> Iterator[Amount]:
    own = ((one, contract) for contract in picture.account.contracts for one in contract.commits)
    for commit, contract in (*own, *((one, None) for one in picture.account.commits)):
        if not commit.do_not_invoice and commit.kind is not CommitKind.POSTPAID:
            yield commit.payment_credit_type_id, _total(commit.payments, commit, contract)


def _charged(picture: Picture) -> Iterator[Amount]:
    for contract in picture.account.contracts:
        for charge in contract.charges:
            yield charge.credit_type_id, _total(charge.items, charge, contract)
        for discount in contract.discounts:
            yield discount.credit_type_id, -_total(discount.items, contract)


def _total(
    listed: Iterable[ScheduleItem], *holders: Commit | ScheduledCharge | Contract | None
) -> Decimal:
    """The sum of what is scheduled until the term, or its contract, is archived (R160)."""
    stops = (holder.archived_at for holder in holders if holder is not None)
    until = min((stop for stop in stops if stop is not None), default=FAR_FUTURE)
    return sum((one.amount for one in listed if one.timestamp < until), ZERO)


def _subscribed(picture: Picture) -> Iterator[Amount]:
    """Fees as quantities, rates and dates have them now (R216-R228).

    An invoice says only when a fee was billed, never how much: a price that is changed for a time
    that is invoiced is owed at once, and unexplained until its invoice is made anew.
    """
    frozen = {
        payment_id: invoice.finalized_at or invoice.issued_at
        for invoice in picture.account.billed
        for payment_id in invoice.payment_ids
    }
    for contract in picture.account.contracts:
        since = contract.statement.invoice_generation_starting_at or contract.term.start
        before = contract.archived_at or FAR_FUTURE
        periods = usage_periods(contract, picture.now)
        until = max((period.until for period in periods), default=contract.term.start)
        for subscription in contract.subscriptions:
            terms = _not_refunded(contract, subscription, picture.account.billed)
            for charge in _fees(picture, *terms, frozen, until):
                if since <= charge.at < before:
                    yield charge.priced.credit_type_id, charge.quantity * charge.unit_price


def _fees(
    picture: Picture,
    contract: Contract,
    subscription: Subscription,
    frozen: Mapping[str, datetime],
    until: datetime,
) -> Iterator[Charge]:
    """What the subscription charges; a decrease moves nothing billed before it was known (R225)."""

    def price(at: datetime) -> Priced | None:
        return price_at(contract, subscription, picture.catalog, at)

    if subscription.product_id not in picture.catalog.products:
        return
    billed: list[Owed] = []
    for instant in _recorded(subscription):
        known = _known_by(subscription, instant)
        for charge in tuple(charges(contract, known, price, tuple(billed), until)):
            if frozen.get(charge.id, FAR_FUTURE) <= instant:
                billed.append(Owed(charge.window, ZERO, charge.quantity))
                yield charge
    yield from charges(contract, subscription, price, tuple(billed), until)


def _recorded(subscription: Subscription) -> list[datetime]:
    updates: tuple[QuantityUpdate | SeatUpdate, ...] = (
        *subscription.quantity_updates,
        *subscription.seat_updates,
    )
    return sorted({one.recorded_at for one in updates if one.recorded_at is not None})


def _known_by(subscription: Subscription, instant: datetime) -> Subscription:
    """The subscription without what was recorded at ``instant`` or later."""
    return replace(
        subscription,
        quantity_updates=tuple(
            one
            for one in subscription.quantity_updates
            if one.recorded_at is None or one.recorded_at < instant
        ),
        seat_updates=tuple(
            one
            for one in subscription.seat_updates
            if one.recorded_at is None or one.recorded_at < instant
        ),
    )


def _not_refunded(
    contract: Contract, subscription: Subscription, billed: Iterable[Invoice]
) -> tuple[Contract, Subscription]:
    """Both as they were when the period they end in was billed in advance (R117, R227)."""
    span = live(contract, subscription)
    if span is None or subscription.collection is not Collection.ADVANCE:
        return contract, subscription
    ends = [
        line.ending_before
        for invoice in billed
        for line in invoice.lines
        if line.subscription_id == subscription.id
        and line.starting_at is not None
        and line.ending_before is not None
        and line.starting_at < span.until < line.ending_before
    ]
    if not ends:
        return contract, subscription
    end = max(ends)
    whole = replace(contract, term=Interval(contract.term.start, end), archived_at=None)
    return whole, replace(subscription, window=Interval(subscription.window.start, end))
