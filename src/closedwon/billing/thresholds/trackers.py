"""Spend trackers: what was bought with commit purchases in a billing period (R268-R270)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.contracts.thresholds import SpendTracker
from closedwon.billing.invoices.periods import usage_periods
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval


def accumulated(
    tracker: SpendTracker,
    contract: Contract,
    commits: Mapping[str, Commit],
    invoices: Iterable[Invoice],
    now: datetime,
) -> Decimal:
    """What the tracker has counted since the billing period began, in its wire unit.

    Counts amounts as invoiced, after discount (R268). ``invoices`` are the standing ones: a voided
    purchase has left the tracker (R269). ``commits`` are the customer's, by id.
    """
    period = current_period(contract, now)
    total = ZERO
    for invoice in invoices:
        if period is None or not (period.start <= invoice.issued_at <= now):
            continue
        for line in invoice.lines:
            commit = commits.get(line.commit_id or "")
            bought = line.type is LineType.COMMIT_PURCHASE and commit is not None
            if bought and commit is not None and _counts(tracker, contract, invoice, commit):
                total += line.total
    return total


def current_period(contract: Contract, now: datetime) -> Interval | None:
    """The usage billing period that holds ``now``; None outside the contract's term."""
    found = None
    for period in usage_periods(contract, now):
        if period.covers(now):
            found = period
    return found


def _counts(tracker: SpendTracker, contract: Contract, invoice: Invoice, commit: Commit) -> bool:
    source = "THRESHOLD_RECHARGE" if commit.is_recharge else "MANUAL"
    discounted = {
        "ANY": True,
        "DISCOUNTED_ONLY": commit.counts_as_discounted,
        "UNDISCOUNTED_ONLY": not commit.counts_as_discounted,
    }[tracker.discounted]
    return (
        discounted
        and source in tracker.sources
        and invoice.contract_id == contract.id
        and commit.payment_credit_type_id == tracker.credit_type_id
    )
