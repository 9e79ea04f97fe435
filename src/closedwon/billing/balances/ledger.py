"""Ledger entries that follow from terms and invoices (R184, R193-R195)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.balances.pools import Pool
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.kernel.exact import ZERO
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import format_instant

ORDER = {kind: at for at, kind in enumerate(EntryType)}


def entries(
    pools: Iterable[Pool],
    final: Iterable[Invoice],
    now: datetime,
    reopened: Mapping[str, int] = {},
) -> tuple[LedgerEntry, ...]:
    """Every derived entry that is settled by ``now``, oldest first.

    ``final`` are the invoices that count as finalized. The pools must be settled: expiration and
    rollover only show once no open invoice can touch their segment any more, and a rollover commit
    shows nothing before the amount it received is sure; nor does a segment its contract's end cuts
    off before it begins, as that end may still move (R118). ``reopened`` is the account's: an
    expiration that was taken back when an invoice was voided comes again as another entry.
    """
    listed = list(pools)
    by_segment = {pool.segment.id: pool for pool in listed}
    unsure = {pool.rolled_to for pool in listed if pool.rolled and not pool.is_settled}
    sure = [pool for pool in listed if pool.commit.id not in unsure]
    found = [entry for pool in sure for entry in _of_pool(pool, now, reopened)]
    found += [entry for invoice in final for entry in _deductions(invoice, by_segment)]
    return tuple(sorted(found, key=in_order))


def in_order(entry: LedgerEntry) -> tuple[datetime, int, str, str]:
    """Sorts entries by time; at one instant what is granted comes before what moves it."""
    return entry.timestamp, ORDER[entry.type], entry.commit_id, entry.id


def _of_pool(pool: Pool, now: datetime, reopened: Mapping[str, int]) -> Iterator[LedgerEntry]:
    begins = pool.segment.window.start < pool.window.until
    if pool.window.start <= now and (begins or pool.is_settled):
        yield from _grants(pool)
    if pool.rolled and pool.is_settled:
        yield _entry(pool, EntryType.ROLLOVER, pool.window.until, -pool.rolled)
    if pool.trueup_invoice is not None:
        invoice = pool.trueup_invoice
        again = () if invoice.regenerated_from is None else (invoice.id,)
        trueup = _entry(pool, EntryType.TRUEUP, invoice.issued_at, -pool.trued_up, *again)
        yield replace(trueup, invoice_id=invoice.id)
    if pool.expired:
        times = reopened.get(pool.segment.id, 0)
        again = (str(times),) if times else ()
        yield _entry(pool, EntryType.EXPIRATION, pool.window.until, -pool.expired, *again)


def _grants(pool: Pool) -> Iterator[LedgerEntry]:
    """What the segment began with, what edits made of it (R197), what seats added (R229).

    What became known later may be dated earlier, so entries are told apart by their facts and not
    by their place among the others.
    """
    segment = pool.segment
    later = [(change.at, change.amount, _edited(change.amount), "") for change in segment.changes]
    later += [
        (more.at, more.amount, EntryType.SEAT_BASED_ADJUSTMENT, more.seat_id or "")
        for more in segment.adjustments
    ]
    first = segment.amount - sum((change.amount for change in segment.changes), ZERO)
    start = EntryType.INITIAL_BALANCE if _is_postpaid(pool) else EntryType.SEGMENT_START
    yield _entry(pool, start, pool.window.start, first)
    alike: Counter[tuple[EntryType, datetime, str]] = Counter()
    for at, amount, kind, seat in later:
        number = alike[kind, at, seat]
        alike[kind, at, seat] += 1
        yield _entry(pool, kind, at, amount, format_instant(at), seat, str(number))


def _edited(amount: Decimal) -> EntryType:
    return EntryType.CREDITED if amount > ZERO else EntryType.CANCELED


def _is_postpaid(pool: Pool) -> bool:
    return pool.commit.kind is CommitKind.POSTPAID


def _entry(pool: Pool, kind: EntryType, at: datetime, amount: Decimal, *again: str) -> LedgerEntry:
    return LedgerEntry(
        id=derive("ledger", pool.segment.id, kind, *again),
        commit_id=pool.commit.id,
        segment_id=pool.segment.id,
        type=kind,
        timestamp=at,
        amount=amount,
        contract_id=pool.contract_id,
        new_commit_id=pool.rolled_to if kind is EntryType.ROLLOVER else None,
    )


def _deductions(invoice: Invoice, by_segment: dict[str, Pool]) -> Iterator[LedgerEntry]:
    """One entry per segment, at the period's end or the segment's if earlier (R193).

    A SCHEDULED invoice has no period; what it drew left the balance on its date (R240).

    The contract's own end is no limit here: it may have moved since the invoice was final (R119).
    """
    applied: dict[str, Decimal] = {}
    for line in invoice.lines:
        if line.type is LineType.APPLIED and line.segment_id is not None:
            applied[line.segment_id] = applied.get(line.segment_id, ZERO) + line.total
    for segment_id, amount in applied.items():
        pool = by_segment[segment_id]
        own = pool.contract_id == invoice.contract_id
        window = pool.segment.window if own else pool.window
        ends = min(invoice.end or invoice.issued_at, window.until)
        yield LedgerEntry(
            id=derive("ledger", segment_id, EntryType.AUTOMATED_INVOICE_DEDUCTION, invoice.id),
            commit_id=pool.commit.id,
            segment_id=segment_id,
            type=EntryType.AUTOMATED_INVOICE_DEDUCTION,
            timestamp=ends,
            amount=amount,
            invoice_id=invoice.id,
            contract_id=invoice.contract_id,
        )
