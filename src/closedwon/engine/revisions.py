"""Which edits finalized invoices and posted ledger entries still allow (R113, R117, R119, R205).

What is final stays: a billed payment keeps its amount, a segment what was drawn from it, and no
contract ends before something of it that was finalized, unless the caller says so.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.contracts.edits import ChangeEnd, Revise
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    ScheduledCharge,
    ScheduleItem,
)
from closedwon.billing.expand import with_children
from closedwon.billing.invoices.types import InvoiceStatus, InvoiceType
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO, canonical
from closedwon.kernel.instant import FAR_FUTURE, on_hour, wire_instant
from closedwon.store.stores import Stores

CLOSING = (EntryType.EXPIRATION, EntryType.ROLLOVER)
DRAWING = (EntryType.AUTOMATED_INVOICE_DEDUCTION, EntryType.TRUEUP)


def check_revise(stores: Stores, contract: Contract, change: Revise, now: datetime) -> None:
    """Raise Refused when the edit would touch what is final (R113, R160, R205)."""
    _check_commits(stores, contract, change, now)
    _check_charges(stores, contract, change)
    _check_generators(contract, change)
    if change.end is not None:
        check_end(stores, contract, change.end, now)


def _check_commits(stores: Stores, contract: Contract, change: Revise, now: datetime) -> None:
    new = {commit.id: commit for commit in change.replace.commits}
    for commit in with_children(contract, now).commits:
        if commit.id in new:
            check_replaced(stores, commit, new[commit.id])
        elif commit.id in change.archive_ids:
            check_archived(stores, commit)
        elif commit.id in change.remove_ids:
            check_archived(stores, commit)
            if stores.ledger.of_commit(commit.id):
                raise Refused("a commit that has begun is archived, not removed", commit=commit.id)


def _check_charges(stores: Stores, contract: Contract, change: Revise) -> None:
    new = {charge.id: charge for charge in change.replace.charges}
    for charge in contract.charges:
        if charge.id in new or charge.id in change.remove_ids:
            _check_not_archived(charge)
            kept = new[charge.id].items if charge.id in new else ()
            _check_payments(stores, charge.items, kept)


def _check_generators(contract: Contract, change: Revise) -> None:
    new = {term.id: term for term in change.replace.recurring}
    for term in contract.recurring:
        if term.id in new:
            _check_recurring(term, new[term.id])
        elif term.id in {*change.remove_ids, *change.archive_ids}:
            raise Refused("a recurring term is ended, not removed (R114)", recurring=term.id)


def check_replaced(stores: Stores, old: Commit, new: Commit) -> None:
    """Raise Refused when ``new`` would change what is final of ``old`` (R113, R197)."""
    _check_not_archived(old)
    if old.recurring_id is not None:
        raise Refused("edit the generator, not its child (R114)", commit=old.id)
    if new.kind is not old.kind:
        raise Refused("a commit keeps its type", commit=old.id, found=new.kind.value)
    _check_payments(stores, old.payments, new.payments)
    posted: dict[str, list[LedgerEntry]] = {}
    for entry in stores.ledger.of_commit(old.id):
        posted.setdefault(entry.segment_id, []).append(entry)
    kept = {segment.id: segment for segment in new.schedule}
    if old.kind is CommitKind.POSTPAID and {s.id for s in old.schedule} != set(kept):
        raise Refused("a postpaid commit keeps its one access segment (R206)", commit=old.id)
    for segment in old.segments:
        if segment.removed_at is not None and segment.id not in kept:
            continue
        _check_segment(segment, kept.get(segment.id), posted.get(segment.id, []))


def check_archived(stores: Stores, commit: Commit) -> None:
    """Raise Refused when a finalized invoice uses or bills the commit (R205)."""
    _check_not_archived(commit)
    statuses = stores.invoices.statuses_of_payments(payment.id for payment in commit.payments)
    billed = any(InvoiceStatus.FINALIZED in found for found in statuses.values())
    used = any(entry.type in DRAWING for entry in stores.ledger.of_commit(commit.id))
    if used or billed:
        raise Refused(
            "a commit used or billed on a finalized invoice stays; void the invoice first (R205)",
            commit=commit.id,
        )


def check_end(stores: Stores, contract: Contract, change: ChangeEnd, now: datetime) -> None:
    """Raise Refused when the contract cannot end there (None: never) any more (R117, R119)."""
    end = change.ending_before
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
        _check_reopening(stores, contract, now)
        return
    if not change.allow_before_finalized:
        _check_invoices(stores, contract, until)
    for entry in _posted(stores, contract, now):
        if entry.timestamp > until and entry.type is not EntryType.AUTOMATED_INVOICE_DEDUCTION:
            raise Refused(
                "the contract would end before a balance movement that is final",
                contract=contract.id,
                at=wire_instant(entry.timestamp),
            )


def _check_invoices(stores: Stores, contract: Contract, until: datetime) -> None:
    for invoice in stores.invoices.all(contract_id=contract.id, status=InvoiceStatus.FINALIZED):
        last = invoice.end if invoice.type is InvoiceType.USAGE else invoice.issued_at
        after = last is not None and (last > until or (invoice.end is None and last >= until))
        if after:
            raise Refused(
                "the contract would end before a finalized invoice; void it first, or allow it"
                " with allow_contract_ending_before_finalized_invoice (R119)",
                contract=contract.id,
                invoice=invoice.id,
            )


def _check_reopening(stores: Stores, contract: Contract, now: datetime) -> None:
    """What expired because the contract ended cannot come back by moving its end."""
    grown = with_children(contract, now)
    ends = {
        segment.id: segment.window.until for commit in grown.commits for segment in commit.segments
    }
    for entry in _posted(stores, contract, now):
        if entry.type in CLOSING and entry.timestamp < ends.get(entry.segment_id, FAR_FUTURE):
            raise Refused(
                "balances expired when the contract ended; create a new one instead",
                contract=contract.id,
                commit=entry.commit_id,
            )


def _check_not_archived(term: Commit | ScheduledCharge) -> None:
    if term.archived_at is not None:
        raise Refused("an archived term cannot be edited (R113)", term=term.id)


def _check_recurring(old: RecurringCommit, new: RecurringCommit) -> None:
    """A generator keeps its grid and what it is; amounts and the end may change (R114)."""
    fixed = ("kind", "product_id", "frequency", "duration_periods", "proration", "seats")
    changed = [name for name in fixed if getattr(old, name) != getattr(new, name)]
    if old.window.start != new.window.start:
        changed.append("starting_at")
    if changed:
        raise Refused(
            "a recurring term keeps what its children hang on (R114)",
            recurring=old.id,
            changed=", ".join(changed),
        )


def _check_segment(
    old: AccessSegment, new: AccessSegment | None, entries: Iterable[LedgerEntry]
) -> None:
    """A segment that has begun keeps its start, one that has ended everything (R113, R197)."""
    posted = list(entries)
    if not posted or new == old:
        return
    drawn = [entry for entry in posted if entry.type in DRAWING]
    if any(entry.type in CLOSING for entry in posted):
        raise Refused("a segment that has ended stays as it is (R113)", segment=old.id)
    if new is None:
        if drawn:
            raise Refused("a segment used on a finalized invoice stays (R113)", segment=old.id)
        return
    if new.window.start != old.window.start:
        raise Refused("a segment that has begun keeps its start (R113)", segment=old.id)
    used = -sum((entry.amount for entry in drawn), ZERO)
    by_hand = sum((e.amount for e in posted if e.type is EntryType.MANUAL), ZERO)
    if new.amount < max(used, used - by_hand):
        raise Refused(
            "finalized invoices used more than that (R197)",
            segment=old.id,
            used=canonical(used),
            found=canonical(new.amount),
        )
    last = max((entry.timestamp for entry in drawn), default=new.window.start)
    if new.window.until < last:
        raise Refused(
            "a finalized invoice drew from the segment later than that (R215)",
            segment=old.id,
            until=wire_instant(last),
        )


def _check_payments(
    stores: Stores, old: Iterable[ScheduleItem], new: Iterable[ScheduleItem]
) -> None:
    """FINALIZED: the point stays as it is; VOID: it stays, as it may be billed again (R113)."""
    points = {point.id: point for point in new}
    changed = [point for point in old if points.get(point.id) != point]
    statuses: Mapping[str, frozenset[InvoiceStatus]] = stores.invoices.statuses_of_payments(
        point.id for point in changed
    )
    for point in changed:
        found = statuses.get(point.id, frozenset())
        if InvoiceStatus.FINALIZED in found:
            raise Refused("a schedule item that was invoiced stays (R113)", item=point.id)
        if InvoiceStatus.VOID in found and point.id not in points:
            raise Refused("a schedule item of a void invoice stays (R113)", item=point.id)


def _posted(stores: Stores, contract: Contract, now: datetime) -> list[LedgerEntry]:
    commits = with_children(contract, now).commits
    return [entry for commit in commits for entry in stores.ledger.of_commit(commit.id)]
