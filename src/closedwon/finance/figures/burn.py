"""How fast a customer spends, and when its balance runs out at that pace.

The pace is the usage of the last 30 days, today counted whole, so that a figure moves once a day or
with usage and not with every look at the clock (G4). Inside an invoice usage counts as even.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.finance.figures.picture import days_between
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import DAY, Interval, midnight

BURN_DAYS = 30
STEPS_MAX = 10_000
DAY_S = 86_400


class Pool(msgspec.Struct, frozen=True):
    """What is left of one access segment, in the wire unit."""

    window: Interval
    remaining: Decimal


def spent(invoice: Invoice) -> Decimal:
    """Usage of an invoice at contract prices, before balances paid for it; wire unit."""
    return sum((line.total for line in invoice.lines if line.type is LineType.USAGE), ZERO)


def per_day(invoices: Iterable[Invoice], now: datetime) -> Decimal:
    """Average daily usage of the last BURN_DAYS days in the wire unit; zero without usage.

    A customer younger than that is averaged over its own days.
    """
    until = midnight(now.date()) + DAY
    since = until - timedelta(days=BURN_DAYS)
    total = ZERO
    first: datetime | None = None
    for invoice in invoices:
        if invoice.start is None or invoice.end is None or invoice.start >= until:
            continue
        first = invoice.start if first is None else min(first, invoice.start)
        end = min(invoice.end, until)
        start = max(invoice.start, since)
        if start < end:
            total += spent(invoice) * days_between(start, end) / days_between(invoice.start, end)
    if first is None:
        return ZERO
    return total / days_between(max(since, first), until)


def exhausted_on(pools: Iterable[Pool], pace: Decimal, now: datetime) -> date | None:
    """The day the balance is used up at ``pace`` per day; soonest ending first, as drawdown goes.

    None when nothing is left to use up, nothing is used, or the last balance expires unused first.
    Segments that begin later count from their start; a gap before one counts as run out.
    """
    left = sorted((p for p in pools if p.window.until > now), key=lambda p: p.window.until)
    at = midnight(now.date())
    if pace <= 0 or not any(pool.window.covers(now) and pool.remaining > 0 for pool in left):
        return None
    for _ in range(STEPS_MAX):
        today = max(at, now)
        available = sum((p.remaining for p in left if p.window.covers(today)), ZERO)
        edges = [e for p in left for e in (p.window.start, p.window.until) if e > today]
        if not edges:
            return None
        until = min(edges)
        needed = pace * days_between(at, until)
        if needed >= available:
            return (at + timedelta(seconds=int(available / pace * DAY_S))).date()
        left = _drawn(left, needed, today)
        at = until
    return None


def _drawn(left: list[Pool], needed: Decimal, at: datetime) -> list[Pool]:
    found = []
    for pool in left:
        taken = min(pool.remaining, needed) if pool.window.covers(at) else ZERO
        needed -= taken
        found.append(Pool(pool.window, pool.remaining - taken))
    return found
