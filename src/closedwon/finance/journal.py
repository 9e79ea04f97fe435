"""Double entry for what billing finalized (R351-R353, G8).

=====================  =======================  ==========================  =====================
what happened          debit                    credit                      amount
=====================  =======================  ==========================  =====================
commit purchase        receivable               deferred revenue            payable
bought elsewhere       billed elsewhere         deferred revenue            payable (R154)
charge, overage        receivable               revenue                     payable
usage on a commit      deferred revenue         revenue                     used x cost basis
usage on a free one    promotion (contra)       revenue                     used
expiration             deferred revenue         breakage                    expired x cost basis
rollover               deferred of the old      deferred of the new one     rolled x cost basis
manual adjustment      deferred revenue         adjustment                  removed x cost basis
=====================  =======================  ==========================  =====================

Amounts are whole minor units. What leaves a commit is recognised by cumulative difference, so that
the last movement of a commit clears its deferral to the cent (R353, G7). Usage on a postpaid commit
and its true-up are billed, so they are plain revenue (R186, R351). A movement at an exclusive end
is booked on the day before it: December's usage and what lapses with the year belong to December.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from closedwon.billing.balances.types import EntryType
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, Line, LineType
from closedwon.finance.postings import (
    CommitBooks,
    JournalEntry,
    JournalKind,
    LedgerAccount,
    Movement,
    Posting,
    Shell,
    Side,
)
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import CONTEXT, ZERO, Money, allocated, minor_digits
from closedwon.kernel.ids import derive

__all__ = [
    "GRANTS",
    "CommitBooks",
    "JournalEntry",
    "JournalKind",
    "LedgerAccount",
    "Movement",
    "Posting",
    "balance_entry",
    "cost_minor",
    "deferral",
    "invoice_entry",
    "last_day",
    "moved",
]

CHANGED_GRANTS = frozenset(
    {EntryType.SEAT_BASED_ADJUSTMENT, EntryType.CREDITED, EntryType.CANCELED}
)
"""Entries that change what was granted: the cost is spread over it anew, nothing moves (R353)."""
GRANTS = frozenset({EntryType.SEGMENT_START, EntryType.INITIAL_BALANCE, *CHANGED_GRANTS})
"""Entries that bring balance; every other one takes some away, or gives it back."""


def invoice_entry(invoice: Invoice, currency: str) -> JournalEntry | None:
    """What a finalized invoice makes receivable; None when it asks for nothing.

    Raises InvariantBroken when the lines do not add up to the invoice (R133).
    """
    unit = invoice.credit_type_id
    due = [line for line in invoice.lines if line.credit_type_id == unit and _is_due(line)]
    if sum((line.total for line in due), ZERO) != invoice.total:
        raise InvariantBroken("invoice lines do not sum to the total", invoice=invoice.id)
    payable = Money.rounded(invoice.total, currency).minor
    deferred = _summed(line for line in due if _is_prepayment(line))
    revenue = _summed(line for line in due if not _is_prepayment(line))
    purchases = [
        Side(account=LedgerAccount.DEFERRED, minor=-_rounded(total, currency), commit_id=key[0])
        for key, total in deferred.items()
    ]
    rest = payable + sum(side.minor for side in purchases)
    sides = [
        Side(account=LedgerAccount.RECEIVABLE, minor=payable),
        *purchases,
        *_revenue_sides(rest, revenue, currency),
    ]
    on = invoice.issued_at.date() if invoice.end is None else last_day(invoice.end)
    shell = Shell(
        id=derive("journal", "invoice", invoice.id),
        kind=JournalKind.INVOICE,
        booked_on=on,
        currency=currency,
        customer_id=invoice.customer_id,
        contract_id=invoice.contract_id,
        invoice_id=invoice.id,
    )
    return shell.entry(sides)


def balance_entry(movement: Movement) -> JournalEntry | None:
    """What a ledger entry does to the deferral of its commit; None when money is not concerned.

    Raises InvariantBroken when a deduction comes without its invoice's application lines.
    """
    commit, entry = movement.commit, movement.entry
    cost = cost_minor(movement)
    currency = movement.currencies.get(
        commit.payment_credit_type_id if cost else commit.access_credit_type_id
    )
    still = not entry.amount or entry.type in CHANGED_GRANTS
    if currency is None or commit.kind is CommitKind.POSTPAID or still:
        return None
    kind, sides = _sides(movement, cost, currency)
    closes = kind in (JournalKind.DRAWDOWN, JournalKind.EXPIRATION)
    shell = Shell(
        id=derive("journal", "ledger", entry.id),
        kind=kind,
        booked_on=last_day(entry.timestamp) if closes else entry.timestamp.date(),
        currency=currency,
        customer_id=movement.customer_id,
        contract_id=entry.contract_id,
        invoice_id=entry.invoice_id,
        ledger_entry_id=entry.id,
        commit_id=commit.id,
    )
    return shell.entry(sides)


def cost_minor(movement: Movement) -> int:
    """What the commit cost: each payment rounded as it is billed, plus what rolled in (R174)."""
    currency = movement.currencies.get(movement.commit.payment_credit_type_id)
    if currency is None:
        return 0
    paid = sum(_rounded(payment.amount, currency) for payment in movement.commit.payments)
    return paid + movement.books.received


def moved(movement: Movement, booked: JournalEntry | None) -> CommitBooks:
    """The books of the commit after ``movement``, which ``booked`` records."""
    books = movement.books
    if movement.entry.type in GRANTS:
        return books
    return msgspec.structs.replace(
        books,
        consumed=books.consumed - movement.entry.amount,
        recognised=books.recognised + deferral(booked, movement.commit.id),
    )


def deferral(booked: JournalEntry | None, commit_id: str | None) -> int:
    """What an entry debits to the deferral of a commit; negative is a credit."""
    return sum(
        posting.minor
        for posting in (booked.postings if booked else ())
        if posting.account is LedgerAccount.DEFERRED and posting.commit_id == commit_id
    )


def last_day(end: datetime) -> date:
    """The day that closes at the exclusive ``end``."""
    return (end - timedelta(microseconds=1)).date()


def _sides(movement: Movement, cost: int, currency: str) -> tuple[JournalKind, list[Side]]:
    commit, entry = movement.commit, movement.entry
    deferred = Side(
        account=LedgerAccount.DEFERRED, minor=_recognised(movement, cost), commit_id=commit.id
    )
    match entry.type:
        case EntryType.SEGMENT_START | EntryType.INITIAL_BALANCE:
            return JournalKind.PURCHASE, _bought_elsewhere(movement, cost)
        case EntryType.AUTOMATED_INVOICE_DEDUCTION:
            if not cost:
                deferred = _promoted(movement, currency)
            return JournalKind.DRAWDOWN, [deferred, *_earned(movement, deferred.minor)]
        case EntryType.EXPIRATION:
            return JournalKind.EXPIRATION, _against(deferred, LedgerAccount.BREAKAGE, commit.id)
        case EntryType.ROLLOVER:
            return JournalKind.ROLLOVER, _against(
                deferred, LedgerAccount.DEFERRED, entry.new_commit_id
            )
        case _:
            return JournalKind.ADJUSTMENT, _against(deferred, LedgerAccount.ADJUSTMENT, commit.id)


def _recognised(movement: Movement, cost: int) -> int:
    """Cost of all that has left the commit, less what was recognised before (R353)."""
    access = movement.commit.access_total
    if not access or not cost:
        return 0
    gone = min(movement.books.consumed - movement.entry.amount, access)
    share = CONTEXT.divide(CONTEXT.multiply(Decimal(cost), gone), access)
    return int(share.to_integral_value(ROUND_HALF_UP)) - movement.books.recognised


def _promoted(movement: Movement, currency: str) -> Side:
    before = movement.books.consumed
    after = before - movement.entry.amount
    return Side(
        account=LedgerAccount.PROMOTION,
        minor=_rounded(after, currency) - _rounded(before, currency),
        commit_id=movement.commit.id,
    )


def _bought_elsewhere(movement: Movement, cost: int) -> list[Side]:
    commit = movement.commit
    first = movement.entry.segment_id == commit.segments[0].id
    if not (commit.do_not_invoice and first):
        return []
    return [
        Side(account=LedgerAccount.BILLED_ELSEWHERE, minor=cost, commit_id=commit.id),
        Side(account=LedgerAccount.DEFERRED, minor=-cost, commit_id=commit.id),
    ]


def _earned(movement: Movement, amount: int) -> list[Side]:
    """Revenue by product, in the proportion in which the balance paid for them."""
    entry, invoice = movement.entry, movement.invoice
    paid: dict[str | None, Decimal] = {}
    for line in () if invoice is None else invoice.lines:
        if line.type is LineType.APPLIED and line.segment_id == entry.segment_id:
            paid[line.product_id] = paid.get(line.product_id, ZERO) + line.total
    if sum(paid.values(), ZERO) != entry.amount:
        raise InvariantBroken("a deduction differs from its invoice lines", entry=entry.id)
    parts = [
        CONTEXT.divide(CONTEXT.multiply(Decimal(amount), part), entry.amount)
        for part in paid.values()
    ]
    return [
        Side(
            account=LedgerAccount.REVENUE,
            minor=-minor,
            commit_id=entry.commit_id,
            product_id=product_id,
        )
        for product_id, minor in zip(paid, allocated(amount, parts), strict=True)
    ]


def _against(debit: Side, account: LedgerAccount, commit_id: str | None) -> list[Side]:
    return [debit, Side(account=account, minor=-debit.minor, commit_id=commit_id)]


def _is_due(line: Line) -> bool:
    """Whether a line is to be paid; a line a prepaid balance or credit covers is not (R132)."""
    if line.type is LineType.APPLIED:
        return False
    if line.commit_id is None or line.type is LineType.COMMIT_PURCHASE:
        return True
    return line.commit_kind is CommitKind.POSTPAID


def _is_prepayment(line: Line) -> bool:
    """A true-up is a purchase of nothing more to come, so it is revenue at once (R351)."""
    return line.type is LineType.COMMIT_PURCHASE and line.commit_kind is not CommitKind.POSTPAID


def _summed(lines: Iterator[Line]) -> dict[tuple[str | None, str | None], Decimal]:
    """Totals by (commit, product), in order of first appearance."""
    sums: dict[tuple[str | None, str | None], Decimal] = {}
    for line in lines:
        key = (line.commit_id, line.product_id)
        sums[key] = sums.get(key, ZERO) + line.total
    return sums


def _revenue_sides(
    rest: int, revenue: Mapping[tuple[str | None, str | None], Decimal], currency: str
) -> list[Side]:
    """What is payable beyond purchases, split over products to the cent (R4)."""
    if not revenue:
        return [Side(account=LedgerAccount.ROUNDING, minor=-rest)]
    parts = allocated(rest, [_exact_minor(total, currency) for total in revenue.values()])
    return [
        Side(account=LedgerAccount.REVENUE, minor=-minor, commit_id=key[0], product_id=key[1])
        for key, minor in zip(revenue, parts, strict=True)
    ]


def _exact_minor(wire: Decimal, currency: str) -> Decimal:
    return wire if currency == "USD" else wire.scaleb(minor_digits(currency), CONTEXT)


def _rounded(wire: Decimal, currency: str) -> int:
    return Money.rounded(wire, currency).minor
