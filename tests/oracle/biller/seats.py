"""Subscriptions in arrears: what a period's seats cost when it ends (R217-R219, R222-R224).

Each period bills the seats it began with, and every rise above the most it had so far from when it
came; a decrease waits. The price is the one at the period's start.
"""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from oracle.biller.book import Agreement, Book
from oracle.biller.dates import anchor_of, nominal
from oracle.biller.drawdown import Balance, Line
from oracle.biller.pricing import Subject, Table
from oracle.biller.recurring import HOUR, rounded
from oracle.history import Price, Subscription

Window = tuple[datetime, datetime]
PRODUCT = "s0"


def seat_lines(
    book: Book, agreement: Agreement, period: Window, balances: list[Balance]
) -> Iterator[Line]:
    """Lines of the statement's own period, for every subscription that runs in it."""
    contract = agreement.contract
    if not contract.has_card:
        return
    full = next(nominal(anchor_of(contract), contract.statement.frequency, period[0]))
    for subscription in contract.terms.subscriptions:
        start = max(period[0], subscription.since)
        fees = [
            fee.price
            for fee in book.catalogue.fees
            if fee.frequency == contract.statement.frequency and fee.since <= start
        ]
        if start < period[1] and fees:
            for at, seats in _rises(subscription, (start, period[1])):
                share = Fraction((period[1] - at) // HOUR, (full[1] - full[0]) // HOUR)
                if not subscription.is_prorated:
                    share = Fraction(1)
                each = rounded(subscription.rounding, fees[-1], share)
                yield _line((at, period[1]), seats, each, balances)


def _rises(subscription: Subscription, window: Window) -> Iterator[tuple[datetime, Fraction]]:
    most = subscription.quantity
    for at, quantity in subscription.updates:
        if at <= window[0]:
            most = quantity
    if most:
        yield window[0], most
    for at, quantity in subscription.updates:
        if window[0] < at < window[1] and quantity > most:
            yield at, quantity - most
            most = quantity


def _line(window: Window, seats: Fraction, each: Fraction, balances: list[Balance]) -> Line:
    nothing: frozenset[tuple[str, str]] = frozenset()
    flat = Table(price=Price(tiers=((None, each),)), override=None)
    return Line(
        subject=Subject(product=PRODUCT, tags=frozenset(), pricing=nothing, shown=nothing),
        name=PRODUCT,
        kind=1,
        window=window,
        group=(),
        begin=Fraction(0),
        end=seats,
        unit="USD",
        tables={None: flat, **{b.commit.name: flat for b in balances}},
    )
