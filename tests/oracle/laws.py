"""What holds after every step, whatever happened: G7 to G10, and that the store tells one story."""

from collections import Counter
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

import msgspec

from closedwon.billing.balances.types import EntryType
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line, LineType
from oracle.stored import StoredEngine
from oracle.translate import CUSTOMER

ZERO = Decimal(0)


class Frozen:
    """Remembers the bytes of every final invoice, so that a later look can tell (G9).

    Only being voided may show on it (R282).
    """

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def check(self, stored: StoredEngine) -> None:
        for invoice in stored.engine.invoices(CUSTOMER):
            as_final = msgspec.structs.replace(
                invoice, status=InvoiceStatus.FINALIZED, voided_at=None
            )
            digest = sha256(msgspec.json.encode(as_final)).hexdigest()
            assert self._seen.setdefault(invoice.id, digest) == digest, invoice.id
        assert self._seen.keys() == {i.id for i in stored.engine.invoices(CUSTOMER)}


def check_lines(stored: StoredEngine) -> None:
    """Lines sum to their invoice; what balances pay is what they covered (G7, R132, R133)."""
    for invoice in stored.engine.invoices(CUSTOMER):
        own = [line for line in invoice.lines if line.credit_type_id == invoice.credit_type_id]
        assert sum((line.payable for line in own), ZERO) == invoice.total
        applied: dict[str | None, Decimal] = {}
        for line in invoice.lines:
            if line.segment_id is not None:
                applied[line.segment_id] = applied.get(line.segment_id, ZERO) + line.total
        assert not any(applied.values())


def check_balances(stored: StoredEngine) -> None:
    """What was granted is drawn, expired, rolled, trued up or left, to the last digit (G7).

    Only taking away by hand may leave less than nothing, which counts as nothing (R195).
    """
    for balance in stored.bill_now().balances:
        gone = balance.used + balance.expired + balance.rolled + balance.trued_up
        left = balance.granted + balance.adjusted - gone
        assert balance.remaining == max(left, ZERO), balance
        assert left >= min(balance.adjusted, ZERO), balance
        assert balance.used >= balance.used_final >= 0


def check_ledger(stored: StoredEngine) -> None:
    """After a finalization the stored ledger is the one the bill derives (G8)."""
    bill = stored.bill_now()
    derived = {entry.id: entry.amount for entry in bill.entries}
    kept = {
        entry.id: entry.amount
        for commit in bill.commits
        for entry in stored.engine.ledger(commit.id)
        if entry.type is not EntryType.MANUAL
    }
    assert kept == derived


def check_books(stored: StoredEngine) -> None:
    """Every journal entry sums to zero, and so does the whole (G8)."""
    sums: Counter[str] = Counter()
    for posting in stored.engine.postings():
        sums[posting.entry_id] += posting.minor
    assert not any(sums.values())
    stored.engine.stores.journal.check_balance()
    assert stored.engine.findings() == ()


def check_billed_once(stored: StoredEngine) -> None:
    """No two living invoices bill the same instant of a contract, or the same payment (G10)."""
    living = [i for i in stored.engine.invoices(CUSTOMER) if i.status is InvoiceStatus.FINALIZED]
    living += stored.bill_now().invoices
    spans = sorted(
        (i.contract_id, i.start, i.end)
        for i in living
        if i.type is InvoiceType.USAGE and i.start is not None and i.end is not None
    )
    for (one, _, ends), (two, begins, _) in pairwise(spans):
        assert one != two or ends <= begins
    points = Counter(_points(living))
    assert all(count == 1 for count in points.values()), points.most_common(1)


def check_nothing_is_due(stored: StoredEngine) -> None:
    """After a finalization no open invoice's date has come (R130, R151)."""
    late = [i.id for i in stored.bill_now().invoices if i.issued_at <= stored.now]
    assert late == []


def _points(invoices: list[Invoice]) -> list[tuple[str, bool]]:
    return [
        (point, _is_trueup(line))
        for i in invoices
        for line in i.lines
        if (point := line.payment_id)
    ]


def _is_trueup(line: Line) -> bool:
    return line.type is LineType.COMMIT_PURCHASE and line.commit_kind is CommitKind.POSTPAID


def check_all(stored: StoredEngine, frozen: Frozen, *, is_settled: bool) -> None:
    """Every law; ``is_settled`` when nothing happened since the last finalization."""
    frozen.check(stored)
    check_lines(stored)
    check_balances(stored)
    check_books(stored)
    check_billed_once(stored)
    if is_settled:
        check_ledger(stored)
        check_nothing_is_due(stored)
