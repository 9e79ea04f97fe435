"""What is final now, and when a contract has to be looked at next."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from closedwon.billing.account import Account, Bill
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.expand import with_children
from closedwon.billing.invoices.periods import anchor, finalizes_at
from closedwon.billing.invoices.types import Invoice
from closedwon.billing.subscriptions.grid import boundaries
from closedwon.kernel.calendar import periods
from closedwon.kernel.instant import FAR_FUTURE


def due_invoices(bill: Bill, now: datetime) -> tuple[Invoice, ...]:
    """Open invoices whose date has come, in processing order."""
    return tuple(invoice for invoice in bill.invoices if invoice.issued_at <= now)


def next_due(contract: Contract, after: datetime, grace_hours: int) -> datetime | None:
    """The first instant later than ``after`` at which something of it can become final.

    A usage invoice after its grace, a scheduled one, a charge of a subscription, a true-up, the
    start or end of a segment, the next child of a generator, a transition. None when nothing is
    left; an edit makes the contract due at once in any case.
    """
    if contract.archived_at is not None and contract.archived_at <= after:
        return None
    grown = with_children(contract, after)
    times = [at for at in _points(grown, timedelta(hours=grace_hours)) if after < at]
    times += filter(None, [_next_usage(contract, after, grace_hours)])
    for subscription in contract.subscriptions:
        dated = (at for at in boundaries(contract, subscription) if after < at)
        times += filter(None, [next(dated, None)])
    return min(times, default=None)


def dues(
    account: Account, after: datetime, grace_hours: int
) -> Iterator[tuple[str, datetime | None]]:
    """When each contract is due next; the customer's own balances make the first one due (R109)."""
    own = _points_of(account.commits, timedelta(hours=grace_hours))
    extra = [at for at in (*own, *account.issue_dates.values()) if after < at]
    for contract in account.contracts:
        due = next_due(contract, after, grace_hours)
        found = [*extra, *([] if due is None else [due])]
        yield contract.id, min(found, default=None)
        extra = []


def _points(contract: Contract, grace: timedelta) -> Iterator[datetime]:
    yield contract.term.start
    yield from _points_of(contract.commits, grace)
    for charge in contract.charges:
        yield from (point.timestamp for point in charge.items)
    for discount in contract.discounts:
        yield from (point.timestamp for point in discount.items)
    for subscription in contract.subscriptions:
        yield from (update.starting_at for update in subscription.quantity_updates)
        yield from (update.starting_at for update in subscription.seat_updates)
    yield from _ending(contract.term.until, grace)


def _points_of(commits: Iterable[Commit], grace: timedelta) -> Iterator[datetime]:
    for commit in commits:
        yield from (payment.timestamp for payment in commit.payments)
        for segment in commit.segments:
            yield segment.window.start
            yield from _ending(segment.window.until, grace)


def _ending(end: datetime, grace: timedelta) -> Iterator[datetime]:
    if end < FAR_FUTURE:
        yield end
        yield end + grace


def _next_usage(contract: Contract, after: datetime, grace_hours: int) -> datetime | None:
    """Grace end of the first period that is still to be finalized after ``after``."""
    for period in periods(anchor(contract), contract.statement.frequency, contract.term):
        due = finalizes_at(period, grace_hours)
        if due > after:
            return due
    return None
