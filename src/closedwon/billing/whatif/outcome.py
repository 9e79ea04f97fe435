"""What a bill of the time to come says, month by month."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from closedwon.billing.account import Bill
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import InvoiceType, Line, LineType
from closedwon.kernel.calendar import add_months
from closedwon.kernel.exact import CONTEXT, ZERO
from closedwon.kernel.instant import HOUR, Interval

USED = (LineType.USAGE, LineType.SUBSCRIPTION, LineType.COMPOSITE)


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """One calendar month; amounts in the wire unit of the bill's currency."""

    starting_at: datetime
    list_value: Decimal
    """Usage and fees at list prices."""
    price: Decimal
    """The same at the contract's prices, before balances pay."""
    drawn: Decimal
    """What balances paid."""
    overage: Decimal
    """What is left of ``price``, to be invoiced."""
    scheduled: Decimal
    """Commit purchases and charges invoiced in the month."""
    left: Decimal
    """Prepaid balances and credits at the month's end."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A set of terms over the months to come."""

    months: tuple[Month, ...]
    runs_out_at: datetime | None
    """When no balance is left while usage goes on, to the hour, usage spread evenly over its
    month; None when balances last, or there are none."""

    def total(self, name: str) -> Decimal:
        """Sum of a column over all months."""
        return sum((getattr(month, name) for month in self.months), ZERO)

    @property
    def invoiced(self) -> Decimal:
        """Everything to pay: overage and scheduled items."""
        return self.total("overage") + self.total("scheduled")

    @property
    def effective_discount(self) -> Decimal | None:
        """1 - price / list: what the rates give; None without usage."""
        return _discount(self.total("price"), self.total("list_value"))

    @property
    def paid_discount(self) -> Decimal | None:
        """1 - invoiced / list: what is paid in the end, unused commitments included."""
        return _discount(self.invoiced, self.total("list_value"))


def outcome(bill: Bill, credit_type_id: str, span: Interval) -> Outcome:
    """What ``bill``, made at the end of ``span``, says of its calendar months.

    Amounts in other units than ``credit_type_id`` are left out. A usage invoice counts in the month
    its period begins.
    """
    ahead = _Ahead(bill, credit_type_id, span.until)
    months: list[Month] = []
    start = span.start.replace(day=1, hour=0)
    while start < span.until:
        end = add_months(start, 1)
        months.append(ahead.month(Interval(start, end)))
        start = end
    return Outcome(months=tuple(months), runs_out_at=ahead.runs_out(months))


class _Ahead:
    """The time to come, in one unit."""

    def __init__(self, bill: Bill, credit_type_id: str, now: datetime) -> None:
        self._entries = bill.entries
        self._unit = credit_type_id
        self._now = now
        self._invoices = [one for one in bill.invoices if one.credit_type_id == credit_type_id]
        self._commits = {
            commit.id: commit
            for commit in bill.commits
            if commit.kind is not CommitKind.POSTPAID
            and commit.access_credit_type_id == credit_type_id
        }

    def month(self, month: Interval) -> Month:
        """One calendar month."""
        usage = [
            line
            for invoice in self._invoices
            if invoice.start is not None and month.covers(invoice.start)
            for line in invoice.lines
            if line.credit_type_id == self._unit
        ]
        used = [line for line in usage if line.type in USED]
        scheduled = (
            invoice.total
            for invoice in self._invoices
            if invoice.type is InvoiceType.SCHEDULED and month.covers(invoice.issued_at)
        )
        drawn = -sum((line.total for line in usage if line.type is LineType.APPLIED), ZERO)
        return Month(
            starting_at=month.start,
            list_value=sum((_listed(line) for line in used), ZERO),
            price=sum((line.total for line in used), ZERO),
            drawn=drawn,
            overage=sum((line.payable for line in usage), ZERO),
            scheduled=sum(scheduled, ZERO),
            left=self._left(month.until),
        )

    def runs_out(self, months: Sequence[Month]) -> datetime | None:
        """When the first month with overage had used up its balances."""
        for month in months if self._commits else ():
            if month.overage > 0 and month.price > 0 and month.left <= 0:
                span = add_months(month.starting_at, 1) - month.starting_at
                share = CONTEXT.divide(month.drawn, month.price)
                return month.starting_at + timedelta(hours=int(Decimal(span // HOUR) * share))
        return None

    def _left(self, at: datetime) -> Decimal:
        """Entries up to ``at``, and what invoices that are still open have drawn by then.

        What begins at ``at`` counts only when it rolled over; what ends at ``at`` has ended.
        """
        total = ZERO
        for entry in self._entries:
            commit = self._commits.get(entry.commit_id)
            if commit is None:
                continue
            moves = entry.amount < 0 or commit.rolled_over_from is not None
            if entry.timestamp < at or (entry.timestamp == at and moves):
                total += entry.amount
        for invoice in self._invoices:
            drawing = invoice.issued_at > self._now and invoice.start and invoice.start < at
            for line in invoice.lines if drawing else ():
                if line.type is LineType.APPLIED and line.commit_id in self._commits:
                    total += line.total
        return total


def _listed(line: Line) -> Decimal:
    if line.list_price is None or line.quantity is None:
        return line.total
    return line.list_price * line.quantity


def _discount(paid: Decimal, listed: Decimal) -> Decimal | None:
    return 1 - CONTEXT.divide(paid, listed) if listed else None
