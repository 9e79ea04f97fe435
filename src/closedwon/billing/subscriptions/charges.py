"""What a subscription charges, period by period (R216-R228).

A period owes for as many seats as it ever held, each from when it was first held (R221, R222); what
finalized invoices bill already is taken off. So a charge is billed once, an increase recorded late
gives a charge of its own, and a decrease waits for the next period (R225).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Collection, InvoiceBehavior, Subscription
from closedwon.billing.pricing import Flat
from closedwon.billing.rating.rates import Priced
from closedwon.billing.subscriptions.grid import Period, billing_periods
from closedwon.billing.subscriptions.history import Held, history, rises, within
from closedwon.billing.subscriptions.proration import prorated
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO, canonical
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, format_instant

PriceAt = Callable[[datetime], Priced | None]
"""The subscription's price at an instant; None where it is not entitled (R216)."""


class Owed(msgspec.Struct, frozen=True, order=True):
    """``quantity`` seats over ``window``; ``above`` of the period's seats were counted before."""

    window: Interval
    above: Decimal
    quantity: Decimal


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """One line to be: ``quantity`` x ``unit_price`` for ``window``, billed at ``at``."""

    id: str
    subscription_id: str
    at: datetime
    window: Interval
    quantity: Decimal
    unit_price: Decimal
    """Of the whole window, prorated and rounded where the subscription says so (R223)."""
    list_price: Decimal
    """The same share of the price before overrides."""
    priced: Priced
    is_prorated: bool
    stands_alone: bool
    """Billed on a SCHEDULED invoice whatever its date: the very first one in advance, and an
    increase that is billed at once (R220, R221)."""


def charges(
    contract: Contract,
    subscription: Subscription,
    price_at: PriceAt,
    billed: Sequence[Owed],
    until: datetime,
) -> Iterator[Charge]:
    """Every charge that is dated by ``until`` and not billed yet, period by period.

    ``billed`` is what invoices bill of the subscription. The price of a period is the one at its
    start (R218).
    """
    steps = history(subscription)
    for period in billing_periods(contract, subscription):
        if period.covered.start > until:
            return
        owed = [o for o in _owed(subscription, period, steps, billed) if o.quantity > 0]
        priced = price_at(period.covered.start) if owed else None
        if priced is None:
            continue
        made = (_charge(subscription, period, one, priced) for one in owed)
        yield from (charge for charge in made if charge.at <= until)


def _owed(
    subscription: Subscription, period: Period, steps: Sequence[Held], billed: Sequence[Owed]
) -> Iterator[Owed]:
    """What the period owes beyond what is billed; a later increase pays for no earlier seat."""
    held = list(rises(within(steps, period.covered)))
    mine = [one for one in billed if one.window.overlaps(period.covered)]
    if subscription.is_prorated:
        yield from _over_time(period.covered, held, mine)
        return
    left = max(most for _, most in held) - sum((one.quantity for one in mine), ZERO)
    added = ZERO
    for at, most in held:
        counted = sum((one.quantity for one in mine if one.window.start <= at), added)
        quantity = min(most - counted, left - added)
        if quantity > 0:
            yield Owed(Interval(at, period.covered.end), counted, quantity)
            added += quantity


def _over_time(
    covered: Interval, held: Sequence[tuple[datetime, Decimal]], billed: Iterable[Owed]
) -> Iterator[Owed]:
    """Seats held but not billed at some time of the period, each block over its own window."""
    mine = list(billed)
    points = {at for at, _ in held} | {covered.start}
    points |= {at for one in mine for at in (one.window.start, one.window.until)}
    open_blocks: list[Owed] = []
    height = ZERO
    for at in sorted(at for at in points if covered.covers(at)):
        counted = sum((one.quantity for one in mine if one.window.covers(at)), ZERO)
        wanted = max(most for since, most in held if since <= at) - counted
        while open_blocks and wanted < height:
            block = open_blocks.pop()
            closed = min(block.quantity, height - max(wanted, ZERO))
            rest = block.quantity - closed
            yield Owed(Interval(block.window.start, at), block.above + rest, closed)
            if rest:
                open_blocks.append(Owed(block.window, block.above, rest))
            height -= closed
        if wanted > height:
            window = Interval(at, covered.end)
            open_blocks.append(Owed(window, counted + height, wanted - height))
            height = wanted
    yield from open_blocks


def _charge(subscription: Subscription, period: Period, owed: Owed, priced: Priced) -> Charge:
    is_share = subscription.is_prorated and owed.window != period.nominal

    def share(price: Decimal) -> Decimal:
        if not is_share:
            return price
        return prorated(price, owed.window, period.nominal, subscription.rounding)

    opening = owed.window.start == period.covered.start
    at_once = subscription.invoice_behavior is InvoiceBehavior.BILL_IMMEDIATELY
    in_advance = subscription.collection is Collection.ADVANCE and (opening or at_once)
    return Charge(
        id=derive(
            "subscription_charge",
            subscription.id,
            format_instant(owed.window.start),
            canonical(owed.above),
        ),
        subscription_id=subscription.id,
        at=owed.window.start if in_advance else period.covered.until,
        window=owed.window,
        quantity=owed.quantity,
        unit_price=share(_unit(priced, subscription)),
        list_price=share(_listed(priced)),
        priced=priced,
        is_prorated=is_share,
        stands_alone=in_advance and (period.is_first or not opening),
    )


def _unit(priced: Priced, subscription: Subscription) -> Decimal:
    if not isinstance(priced.price, Flat):
        raise Refused("a subscription has a FLAT price (R67)", subscription=subscription.id)
    return priced.price.price


def _listed(priced: Priced) -> Decimal:
    if isinstance(priced.list_price, Flat):
        return priced.list_price.price
    raise Refused("a subscription has a FLAT rate (R67)", rate=priced.rate_id or "")
