"""What people do by hand: manual ledger entries (R198) and releasing parked customers (G13)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.terms import AccessSegment, Commit
from closedwon.billing.expand import lived
from closedwon.engine import accounts, books
from closedwon.engine.command import Author, command
from closedwon.engine.subscription_checks import check_seat_entry
from closedwon.engine.uniqueness import take_key
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.ids import derive
from closedwon.store.keys import Namespace
from closedwon.store.stores import Stores

CLOSING = (EntryType.EXPIRATION, EntryType.ROLLOVER)


def add_entry(
    stores: Stores,
    catalog: Catalog,
    customer_id: str,
    entry: LedgerEntry,
    author: Author,
) -> None:
    """Move one segment's balance by a signed amount; the same entry again changes nothing.

    With a uniqueness key that was used it raises Conflict, the same entry or not (R7).

    It counts at once, whatever its timestamp says (R198). More may be taken than is left: the
    balance then stands at zero (R195). Raises Refused when the segment is closed, and when it is
    held by seats and the entry does not say by which, or takes more than one of them has.
    """
    what, now = ("ledger_entry", entry.id), author.now
    with command(stores, "add_manual_entry", what, by=author.by, now=now) as run:
        commit, segment = _segment(stores, customer_id, entry, now)
        posted = stores.ledger.of_commit(commit.id)
        if author.uniqueness_key is None and any(known == entry for known in posted):
            return
        if entry.type is not EntryType.MANUAL or not entry.reason:
            raise Refused("a manual entry has the type MANUAL and a reason", entry=entry.id)
        check_seat_entry(accounts.account(stores, customer_id), commit, segment, entry)
        own = [known for known in posted if known.segment_id == segment.id]
        if segment.removed_at is not None or any(known.type in CLOSING for known in own):
            raise Refused("the segment is closed", segment=segment.id)
        take_key(stores, Namespace.MANUAL_ENTRY, author.uniqueness_key, entry.id, now)
        _post(stores, catalog, customer_id, commit, entry, now)
        run.changed = True


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """A manual change of one segment's balance, as asked for (R198)."""

    commit_id: str
    segment_id: str
    amount: Decimal
    """Signed, in the wire unit."""
    reason: str
    timestamp: datetime | None = None
    """None is the segment's start."""
    per_seat: Mapping[str, Decimal] = {}
    """per_group_amounts: each seat's part of ``amount`` where seats own the balance (R198)."""


def adjustment(stores: Stores, customer_id: str, asked: Adjustment, author: Author) -> LedgerEntry:
    """The ledger entry of an adjustment; one of the same key again has the same id."""
    posted = stores.ledger.of_commit(asked.commit_id)
    number = sum(entry.type is EntryType.MANUAL for entry in posted) + 1
    fact = author.uniqueness_key or str(number)
    entry = LedgerEntry(
        id=derive("ledger", asked.segment_id, EntryType.MANUAL, fact),
        commit_id=asked.commit_id,
        segment_id=asked.segment_id,
        type=EntryType.MANUAL,
        timestamp=author.now,
        amount=asked.amount,
        reason=asked.reason,
        per_seat=asked.per_seat,
    )
    _, segment = _segment(stores, customer_id, entry, author.now)
    return replace(entry, timestamp=asked.timestamp or segment.window.start)


def take_back_removed(
    stores: Stores, catalog: Catalog, customer_id: str, commits: Iterable[Commit], now: datetime
) -> None:
    """Manual entries of a segment that an edit at ``now`` removed go with it (R113)."""
    for commit in commits:
        gone = {segment.id for segment in commit.segments if segment.removed_at == now}
        sums: dict[str, Decimal] = {}
        for entry in stores.ledger.of_commit(commit.id) if gone else ():
            if entry.type is EntryType.MANUAL and entry.segment_id in gone:
                sums[entry.segment_id] = sums.get(entry.segment_id, ZERO) + entry.amount
        for segment_id, amount in sums.items():
            back = LedgerEntry(
                id=derive("ledger", segment_id, EntryType.MANUAL, "removed"),
                commit_id=commit.id,
                segment_id=segment_id,
                type=EntryType.MANUAL,
                timestamp=now,
                amount=-amount,
                reason="its segment was removed (R113)",
            )
            _post(stores, catalog, customer_id, commit, back, now)


def _post(
    stores: Stores,
    catalog: Catalog,
    customer_id: str,
    commit: Commit,
    entry: LedgerEntry,
    now: datetime,
) -> None:
    """Ledger and journal say the same."""
    before = books.books_of(stores, [commit.id])
    new = stores.ledger.append(customer_id, [entry], now)
    stores.journal.append(
        books.movement_entries(customer_id, new, before, {commit.id: commit}, {}, catalog)
    )


def release(stores: Stores, customer_id: str, *, by: str, now: datetime) -> bool:
    """Let the next finalize try a parked customer again."""
    with command(stores, "release", ("customer", customer_id), by=by, now=now) as running:
        running.changed = stores.problems.release(customer_id)
    return running.changed


def _segment(
    stores: Stores, customer_id: str, entry: LedgerEntry, now: datetime
) -> tuple[Commit, AccessSegment]:
    account = lived(accounts.account(stores, customer_id), now)
    own = (commit for contract in account.contracts for commit in contract.commits)
    for commit in (*own, *account.commits):
        for segment in commit.segments:
            if (commit.id, segment.id) == (entry.commit_id, entry.segment_id):
                return commit, segment
    raise NotFound(
        "the customer has no such segment", commit=entry.commit_id, segment=entry.segment_id
    )
