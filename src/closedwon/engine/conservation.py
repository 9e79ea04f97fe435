"""What must add up before anything is committed (G7); a difference is our fault, not the user's."""

from collections.abc import Iterable
from decimal import Decimal

from closedwon.billing.account import Bill
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import ZERO

FINAL_MOVES = (
    EntryType.AUTOMATED_INVOICE_DEDUCTION,
    EntryType.EXPIRATION,
    EntryType.ROLLOVER,
    EntryType.TRUEUP,
)

UNDRAWN = (LineType.COMMIT_PURCHASE, LineType.SCHEDULED)
"""Lines that balances never pay (R157)."""


def check_invoice(invoice: Invoice) -> None:
    """Lines sum to the total, and what balances pay is what they covered (R132, R133)."""
    total = ZERO
    covered: dict[str, Decimal] = {}
    for line in invoice.lines:
        postpaid = line.commit_kind is CommitKind.POSTPAID
        if line.type not in UNDRAWN and line.segment_id is not None:
            covered[line.segment_id] = covered.get(line.segment_id, ZERO) + line.total
        in_total = line.credit_type_id == invoice.credit_type_id
        if in_total and not (postpaid and line.type is LineType.APPLIED):
            total += line.total
    if total != invoice.total:
        raise InvariantBroken("invoice lines do not sum to the total", invoice=invoice.id)
    if any(covered.values()):
        raise InvariantBroken("applied is not what was covered", invoice=invoice.id)


def check_balances(bill: Bill) -> None:
    """Granted = used + expired + rolled + remaining, and the ledger says the same (R195)."""
    moved = _moved(bill.entries)
    for balance in bill.balances:
        left = balance.granted + balance.adjusted
        left -= balance.used + balance.expired + balance.rolled + balance.trued_up
        if balance.remaining != max(left, ZERO):
            raise InvariantBroken("a balance does not add up", segment=balance.segment_id)
        final = balance.used_final + balance.expired + balance.trued_up
        final += balance.rolled if balance.is_settled else ZERO
        if moved.get(balance.segment_id, ZERO) != -final:
            raise InvariantBroken("ledger and balance disagree", segment=balance.segment_id)


def check_ledger(stored: Iterable[LedgerEntry], derived: Iterable[LedgerEntry]) -> None:
    """Nothing that became final may vanish from what the bill derives."""
    known = {entry.id for entry in derived}
    for entry in stored:
        if entry.type is not EntryType.MANUAL and entry.id not in known:
            raise InvariantBroken(
                "a final ledger entry is no longer derived", entry=entry.id, commit=entry.commit_id
            )


def _moved(entries: Iterable[LedgerEntry]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for entry in entries:
        if entry.type in FINAL_MOVES:
            sums[entry.segment_id] = sums.get(entry.segment_id, ZERO) + entry.amount
    return sums
