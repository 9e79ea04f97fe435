"""What people do by hand: manual ledger entries (R198) and releasing parked customers (G13)."""

from datetime import datetime

from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.terms import AccessSegment, Commit
from closedwon.billing.expand import lived
from closedwon.engine import accounts, books
from closedwon.engine.command import command
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.exact import ZERO
from closedwon.store.stores import Stores

CLOSING = (EntryType.EXPIRATION, EntryType.ROLLOVER)


def add_entry(
    stores: Stores,
    catalog: Catalog,
    customer_id: str,
    entry: LedgerEntry,
    *,
    by: str,
    now: datetime,
) -> None:
    """Move one segment's balance by a signed amount; the same entry again changes nothing.

    Raises Refused when the segment is closed or holds less than is taken away.
    """
    with command(stores, "add_manual_entry", ("ledger_entry", entry.id), by=by, now=now) as run:
        commit, segment = _segment(stores, customer_id, entry, now)
        posted = stores.ledger.of_commit(commit.id)
        if any(known == entry for known in posted):
            return
        if entry.type is not EntryType.MANUAL or not entry.reason:
            raise Refused("a manual entry has the type MANUAL and a reason", entry=entry.id)
        own = [known for known in posted if known.segment_id == segment.id]
        if any(known.type in CLOSING for known in own):
            raise Refused("the segment is closed", segment=segment.id)
        moved = (known.amount for known in own if known.type is not EntryType.SEGMENT_START)
        left = sum(moved, segment.amount)
        if left + entry.amount < ZERO:
            raise Refused("the segment holds less than that", segment=segment.id, left=str(left))
        before = books.books_of(stores, [commit.id])
        new = stores.ledger.append(customer_id, [entry], now)
        stores.journal.append(
            books.movement_entries(customer_id, new, before, {commit.id: commit}, {}, catalog)
        )
        run.changed = True


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
