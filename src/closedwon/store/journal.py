"""Journal entries and postings, appended and never changed (G8)."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlite_utils import Database

from closedwon.finance.postings import JournalEntry, JournalKind, LedgerAccount, Posting
from closedwon.kernel.errors import InvariantBroken
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import Row, insert, listing, select

MOVEMENTS = (
    JournalKind.DRAWDOWN,
    JournalKind.EXPIRATION,
    JournalKind.ROLLOVER,
    JournalKind.ADJUSTMENT,
)


@migrations()
def m010_journal(db: Database) -> None:
    """Debits are positive, credits negative; minor units of the posting's currency."""
    create(
        db,
        "create table journal_entry ("
        " position integer primary key, id text not null unique, kind text not null,"
        " booked_on text not null, customer_id text not null references customer (id),"
        " contract_id text, invoice_id text references invoice (id),"
        " ledger_entry_id text references ledger_entry (id), commit_id text) strict",
        *append_only("journal_entry"),
        "create table posting ("
        " entry_id text not null references journal_entry (id),"
        " number integer not null check (number >= 1), account text not null,"
        " minor integer not null check (minor <> 0), currency text not null,"
        " commit_id text, product_id text, primary key (entry_id, number)) strict",
        "create index posting_commit on posting (commit_id) where commit_id is not null",
        *append_only("posting"),
    )


@migrations()
def m073_journal_sources(db: Database) -> None:
    """Voiding asks for the entries of one invoice and of a few ledger entries."""
    create(
        db,
        "create index journal_entry_invoice on journal_entry (invoice_id)"
        " where invoice_id is not null",
        "create index journal_entry_ledger on journal_entry (ledger_entry_id)"
        " where ledger_entry_id is not null",
    )


POSTINGS = (
    "select p.entry_id, p.number, e.kind, p.account, p.minor, p.currency, e.booked_on,"
    " e.customer_id, e.contract_id, e.invoice_id, p.commit_id, p.product_id"
    " from journal_entry e join posting p on p.entry_id = e.id"
)


class Journal:
    """Entries whole or not at all."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Store new entries; an id that is there already is refused by the schema."""
        insert(self._db, "journal_entry", [_entry_row(entry) for entry in entries])
        insert(
            self._db,
            "posting",
            [_posting_row(posting) for entry in entries for posting in entry.postings],
        )

    def of_invoice(
        self, invoice_id: str | None, ledger_entry_ids: Iterable[str] = ()
    ) -> tuple[JournalEntry, ...]:
        """Entries of an invoice and of some ledger entries, in the order they were posted."""
        rows = select(
            self._db,
            "select * from journal_entry where invoice_id = :invoice"
            " or ledger_entry_id in (select value from json_each(:ids)) order by position",
            invoice=invoice_id,
            ids=listing(ledger_entry_ids),
        )
        return tuple(
            msgspec.convert({**row, "postings": self._of(row["id"])}, JournalEntry) for row in rows
        )

    def postings(self, start: date | None = None, end: date | None = None) -> tuple[Posting, ...]:
        """Postings booked in ``[start, end)``, by day, then in the order they were posted."""
        rows = select(
            self._db,
            f"{POSTINGS} where (:start is null or e.booked_on >= :start)"
            " and (:end is null or e.booked_on < :end)"
            " order by e.booked_on, e.position, p.number",
            start=None if start is None else start.isoformat(),
            end=None if end is None else end.isoformat(),
        )
        return tuple(msgspec.convert(row, Posting) for row in rows)

    def _of(self, entry_id: str) -> tuple[Posting, ...]:
        rows = select(self._db, f"{POSTINGS} where e.id = :id order by p.number", id=entry_id)
        return tuple(msgspec.convert(row, Posting) for row in rows)

    def recognised(self, commit_ids: Iterable[str]) -> dict[str, int]:
        """What movements debited to the deferral of each commit, minor units."""
        return self._deferred(commit_ids, "e.commit_id = p.commit_id", "sum(p.minor)")

    def received(self, commit_ids: Iterable[str]) -> dict[str, int]:
        """What rollovers credited to the deferral of each commit, minor units."""
        return self._deferred(commit_ids, "e.commit_id <> p.commit_id", "-sum(p.minor)")

    def check_balance(self) -> None:
        """Raise InvariantBroken unless every entry and the trial balance sum to zero (I-books)."""
        rows: list[dict[str, Any]] = select(
            self._db,
            "select entry_id, currency, sum(minor) as off from posting"
            " group by entry_id, currency having off <> 0 limit 1",
        )
        if rows:
            raise InvariantBroken(
                "a journal entry does not balance", entry=rows[0]["entry_id"], off=rows[0]["off"]
            )

    def _deferred(self, commit_ids: Iterable[str], which: str, amount: str) -> dict[str, int]:
        kinds = ", ".join(f"'{kind.value}'" for kind in MOVEMENTS)
        rows = select(
            self._db,
            f"select p.commit_id, {amount} as minor from posting p"  # noqa: S608 ours
            f" join journal_entry e on e.id = p.entry_id where {which}"
            f" and p.account = '{LedgerAccount.DEFERRED.value}' and e.kind in ({kinds})"
            " and p.commit_id in (select value from json_each(:ids)) group by p.commit_id",
            ids=listing(commit_ids),
        )
        return {row["commit_id"]: int(row["minor"]) for row in rows}


def _entry_row(entry: JournalEntry) -> Row:
    return {
        "id": entry.id,
        "kind": entry.kind.value,
        "booked_on": entry.booked_on.isoformat(),
        "customer_id": entry.customer_id,
        "contract_id": entry.contract_id,
        "invoice_id": entry.invoice_id,
        "ledger_entry_id": entry.ledger_entry_id,
        "commit_id": entry.commit_id,
    }


def _posting_row(posting: Posting) -> Row:
    return {
        "entry_id": posting.entry_id,
        "number": posting.number,
        "account": posting.account.value,
        "minor": posting.minor,
        "currency": posting.currency,
        "commit_id": posting.commit_id,
        "product_id": posting.product_id,
    }
