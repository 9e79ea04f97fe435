"""Which edits finalized invoices and posted ledger entries still allow (R113, R117, R119, R205).

What is final stays: a billed payment keeps its amount, a posted segment its grant, and no contract
ends before something of it that was finalized.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.contracts.edits import Revise
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import AccessSegment, Commit, ScheduledCharge, ScheduleItem
from closedwon.billing.invoices.types import InvoiceStatus, InvoiceType
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import FAR_FUTURE, on_hour, wire_instant
from closedwon.store.stores import Stores

CLOSING = (EntryType.EXPIRATION, EntryType.ROLLOVER)


def check_revise(stores: Stores, contract: Contract, change: Revise) -> None:
    """Raise Refused when the edit would touch what is final (R113, R160, R205)."""
    billed = stores.invoices.billed_payments(contract.id)
    replacing: dict[str, Commit | ScheduledCharge] = {
        **{commit.id: commit for commit in change.replace.commits},
        **{charge.id: charge for charge in change.replace.charges},
    }
    gone = set(change.remove_ids)
    archived = set(change.archive_ids)
    for commit in contract.commits:
        if commit.id in gone | archived | set(replacing):
            _check_not_archived(commit)
            _check_commit(stores, commit, replacing.get(commit.id), billed)
    for charge in contract.charges:
        if charge.id in gone | set(replacing):
            _check_not_archived(charge)
            _check_payments(charge.items, replacing.get(charge.id), billed)


def check_end(stores: Stores, contract: Contract, end: datetime | None) -> None:
    """Raise Refused when the contract cannot end at ``end`` (None: never) any more."""
    until = FAR_FUTURE if end is None else on_hour(end, "contract end")
    if until <= contract.term.start:
        raise Refused("a contract ends after it starts", start=wire_instant(contract.term.start))
    if contract.followed_at is not None and until > contract.followed_at:
        raise Refused(
            "a renewed contract cannot outlive its renewal",
            contract=contract.id,
            renewed_at=wire_instant(contract.followed_at),
        )
    if until > contract.term.until:
        _check_reopening(stores, contract)
        return
    for invoice in stores.invoices.all(contract_id=contract.id, status=InvoiceStatus.FINALIZED):
        last = invoice.end if invoice.type is InvoiceType.USAGE else invoice.issued_at
        after = last is not None and (last > until or (invoice.end is None and last >= until))
        if after:
            raise Refused(
                "the contract would end before a finalized invoice; void it first (R119)",
                contract=contract.id,
                invoice=invoice.id,
            )
    for entry in _posted(stores, contract.commits):
        if entry.timestamp > until:
            raise Refused(
                "the contract would end before a balance movement that is final",
                contract=contract.id,
                at=wire_instant(entry.timestamp),
            )


def _check_reopening(stores: Stores, contract: Contract) -> None:
    """What expired because the contract ended cannot come back by moving its end."""
    ends = {
        segment.id: segment.window.until
        for commit in contract.commits
        for segment in commit.segments
    }
    for entry in _posted(stores, contract.commits):
        if entry.type in CLOSING and entry.timestamp < ends.get(entry.segment_id, FAR_FUTURE):
            raise Refused(
                "balances expired when the contract ended; create a new one instead",
                contract=contract.id,
                commit=entry.commit_id,
            )


def _check_not_archived(term: Commit | ScheduledCharge) -> None:
    if term.archived_at is not None:
        raise Refused("an archived term cannot be edited (R113)", term=term.id)


def _check_commit(
    stores: Stores,
    commit: Commit,
    new: Commit | ScheduledCharge | None,
    billed: frozenset[str],
) -> None:
    _check_payments(commit.payments, new, billed)
    posted: dict[str, list[LedgerEntry]] = {}
    for entry in _posted(stores, [commit]):
        posted.setdefault(entry.segment_id, []).append(entry)
    if not isinstance(new, Commit):
        used = [e for entries in posted.values() for e in entries if e.invoice_id is not None]
        if used:
            raise Refused("a commit used on a finalized invoice stays (R205)", commit=commit.id)
        return
    kept = {segment.id: segment for segment in new.segments}
    _check_segments(commit.segments, kept, posted)


def _check_segments(
    old: Iterable[AccessSegment],
    kept: Mapping[str, AccessSegment],
    posted: Mapping[str, list[LedgerEntry]],
) -> None:
    for segment in old:
        entries = posted.get(segment.id, [])
        new = kept.get(segment.id)
        if not entries or new == segment:
            continue
        last = max(entry.timestamp for entry in entries)
        closed = any(entry.type in CLOSING for entry in entries)
        same_grant = new is not None and (new.amount, new.window.start) == (
            segment.amount,
            segment.window.start,
        )
        if new is None or not same_grant or closed or new.window.until < last:
            raise Refused(
                "a segment that has started keeps its amount and start; add a commit or a"
                " manual entry instead (R113)",
                segment=segment.id,
            )


def _check_payments(
    old: Iterable[ScheduleItem], new: Commit | ScheduledCharge | None, billed: frozenset[str]
) -> None:
    points: tuple[ScheduleItem, ...] = ()
    if new is not None:
        points = new.payments if isinstance(new, Commit) else new.items
    kept = set(points)
    for item in old:
        if item.id in billed and item not in kept:
            raise Refused("a schedule item that was invoiced stays (R113)", item=item.id)


def _posted(stores: Stores, commits: Iterable[Commit]) -> list[LedgerEntry]:
    return [entry for commit in commits for entry in stores.ledger.of_commit(commit.id)]
