"""What is final now, and when a contract has to be looked at next."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from closedwon.billing.account import Bill
from closedwon.billing.contracts.state import Contract
from closedwon.billing.expand import with_children
from closedwon.billing.invoices.periods import anchor, finalizes_at
from closedwon.billing.invoices.types import Invoice
from closedwon.kernel.calendar import periods
from closedwon.kernel.instant import FAR_FUTURE


def due_invoices(bill: Bill, now: datetime) -> tuple[Invoice, ...]:
    """Open invoices whose date has come, in processing order."""
    return tuple(invoice for invoice in bill.invoices if invoice.issued_at <= now)


def next_due(contract: Contract, after: datetime, grace_hours: int) -> datetime | None:
    """The first instant later than ``after`` at which something of it can become final.

    A usage invoice after its grace, a scheduled one, a true-up, the start or end of a segment, the
    next child of a generator, a transition. None when nothing is left; an edit makes the contract
    due at once in any case.
    """
    if contract.archived_at is not None and contract.archived_at <= after:
        return None
    grown = with_children(contract, after)
    times = [at for at in _points(grown, timedelta(hours=grace_hours)) if after < at]
    usage = _next_usage(contract, after, grace_hours)
    if usage is not None:
        times.append(usage)
    return min(times, default=None)


def _points(contract: Contract, grace: timedelta) -> Iterator[datetime]:
    yield contract.term.start
    ends = [contract.term.until]
    for commit in contract.commits:
        yield from (segment.window.start for segment in commit.segments)
        yield from (payment.timestamp for payment in commit.payments)
        ends += [segment.window.until for segment in commit.segments]
    for charge in contract.charges:
        yield from (point.timestamp for point in charge.items)
    for end in ends:
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
