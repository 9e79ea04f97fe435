"""Usage billing periods and the ids of their invoices (R126-R130, R137)."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import StatementDay
from closedwon.billing.invoices.types import Invoice, InvoiceType
from closedwon.kernel.calendar import periods
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, format_instant


def anchor(contract: Contract) -> datetime:
    """Where the contract's billing grid hangs (R126, R127)."""
    schedule = contract.statement
    if schedule.day is StatementDay.CONTRACT_START:
        return contract.term.start
    if schedule.billing_anchor_date is not None:
        return schedule.billing_anchor_date
    return contract.term.start.replace(day=1, hour=0)


def usage_periods(contract: Contract, now: datetime) -> Iterator[Interval]:
    """Usage periods that have begun by ``now``, oldest first, truncated to the term (R128, R129).

    Periods before invoice generation starts are left out; one that straddles it begins there
    (R137).
    """
    generated_from = contract.statement.invoice_generation_starting_at
    for period in periods(anchor(contract), contract.statement.frequency, contract.term):
        if period.start > now:
            return
        if generated_from is not None and period.until <= generated_from:
            continue
        start = period.start if generated_from is None else max(period.start, generated_from)
        yield Interval(start, period.end)


def unbilled(contract: Contract, invoices: Iterable[Invoice], now: datetime) -> Iterator[Interval]:
    """Parts of the contract's usage periods that none of ``invoices`` bills, oldest first.

    A period whose invoice ended with the contract goes on after it when the contract was extended
    since (R118).
    """
    own = (i for i in invoices if i.contract_id == contract.id and i.type is InvoiceType.USAGE)
    spans = sorted(Interval(i.start, i.end) for i in own if i.start is not None)
    for window in usage_periods(contract, now):
        start = window.start
        for span in spans:
            if start < span.until and span.start < window.until:
                if start < span.start:
                    yield Interval(start, span.start)
                start = span.until
        if start < window.until and start <= now:
            yield Interval(start, window.end)


def usage_invoice_id(contract_id: str, start: datetime) -> str:
    """Id of the usage invoice of the period that begins at ``start`` (R13)."""
    return derive("invoice", contract_id, "usage", format_instant(start))


def finalizes_at(period: Interval, grace_hours: int) -> datetime:
    """Period end plus grace (R130)."""
    return period.until + timedelta(hours=grace_hours)
