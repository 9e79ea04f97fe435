"""Ledger entries: what moved a balance, appended and never changed (R193-R198, G8)."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlite_utils import Database

from closedwon.billing.account import Lapse
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import FAR_FUTURE, format_instant, parse_instant
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import Row, decoded, encoded, insert, listing, select

ORDER = {kind: at for at, kind in enumerate(EntryType)}


@migrations()
def m008_ledger(db: Database) -> None:
    """``position`` is the order in which entries became final."""
    create(
        db,
        "create table ledger_entry ("
        " position integer primary key, id text not null unique,"
        " customer_id text not null references customer (id), commit_id text not null,"
        " segment_id text not null, type text not null, timestamp text not null,"
        " amount text not null, invoice_id text references invoice (id), contract_id text,"
        " new_commit_id text, reason text not null, recorded_at text not null) strict",
        "create index ledger_entry_commit on ledger_entry (commit_id, timestamp)",
        "create index ledger_entry_customer on ledger_entry (customer_id, type)",
        *append_only("ledger_entry"),
    )


@migrations()
def m050_ledger_taken_back(db: Database) -> None:
    """Expirations that voiding or regenerating an invoice took back; they no longer count."""
    create(
        db,
        "create table ledger_taken_back ("
        " entry_id text primary key references ledger_entry (id),"
        " invoice_id text not null references invoice (id), recorded_at text not null) strict",
        *append_only("ledger_taken_back"),
    )


@migrations()
def m060_ledger_seats(db: Database) -> None:
    """Manual entries on credits that seats own say which seats they move (R198)."""
    create(db, "alter table ledger_entry add column per_seat text not null default '{}'")


@migrations()
def m073_ledger_segments(db: Database) -> None:
    """Voiding asks for the expirations of a few segments."""
    create(db, "create index ledger_entry_segment on ledger_entry (segment_id, type)")


COUNTS = (
    "i.status is not 'VOID'"
    " and not exists (select 1 from ledger_taken_back t where t.entry_id = e.id)"
)
"""Entries of void invoices and those taken back are gone from every balance (R196)."""


class Ledger:
    """Entries by commit; rows stay, but those of void invoices no longer count (R196)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def append(
        self, customer_id: str, entries: Iterable[LedgerEntry], now: datetime
    ) -> tuple[LedgerEntry, ...]:
        """Store the entries that are new and return them, in the order given.

        Raises InvariantBroken when an id is taken by an entry with other content.
        """
        listed = tuple(entries)
        known = self._by_id(entry.id for entry in listed)
        for entry in listed:
            if entry.id in known and known[entry.id] != entry:
                raise InvariantBroken(
                    "a final ledger entry would change", entry=entry.id, commit=entry.commit_id
                )
        new = tuple(entry for entry in listed if entry.id not in known)
        insert(self._db, "ledger_entry", [_row(customer_id, entry, now) for entry in new])
        return new

    def of_commit(self, commit_id: str) -> tuple[LedgerEntry, ...]:
        """Entries of one commit or credit by timestamp, grants before what takes away.

        The order does not depend on when entries became final, so that a replay reads the same.
        """
        entries = self._entries(
            "e.commit_id = :commit order by e.id",
            commit=commit_id,
        )
        return tuple(sorted(entries, key=lambda e: (e.timestamp, ORDER[e.type])))

    def of_customer(self, customer_id: str) -> tuple[LedgerEntry, ...]:
        """Entries of all of a customer's commits, in the order they became final."""
        return self._entries(
            "e.customer_id = :customer order by e.position",
            customer=customer_id,
        )

    def manual(
        self, customer_ids: Iterable[str], known_at: datetime = FAR_FUTURE
    ) -> dict[str, list[LedgerEntry]]:
        """Manual entries by customer id, as recorded up to ``known_at`` (R198)."""
        found: dict[str, list[LedgerEntry]] = {}
        for row in select(
            self._db,
            "select * from ledger_entry where type = 'MANUAL' and recorded_at <= :known_at"
            " and customer_id in (select value from json_each(:ids)) order by position",
            ids=listing(customer_ids),
            known_at=format_instant(known_at),
        ):
            found.setdefault(row["customer_id"], []).append(_entry(row))
        return found

    def take_back(
        self, segment_ids: Iterable[str], invoice_id: str, now: datetime
    ) -> tuple[str, ...]:
        """Expirations of the segments no longer count, because of ``invoice_id``; their ids."""
        found = self._entries(
            "e.type = 'EXPIRATION'"
            " and e.segment_id in (select value from json_each(:ids)) order by e.position",
            ids=listing(segment_ids),
        )
        at = format_instant(now)
        insert(
            self._db,
            "ledger_taken_back",
            [{"entry_id": e.id, "invoice_id": invoice_id, "recorded_at": at} for e in found],
        )
        return tuple(entry.id for entry in found)

    def rolled(self, customer_ids: Iterable[str]) -> dict[str, dict[str, Decimal]]:
        """What was rolled over, positive, by customer and segment id."""
        found: dict[str, dict[str, Decimal]] = {}
        for row in select(
            self._db,
            "select customer_id, segment_id, amount from ledger_entry where type = 'ROLLOVER'"
            " and customer_id in (select value from json_each(:ids))",
            ids=listing(customer_ids),
        ):
            own = found.setdefault(row["customer_id"], {})
            own[row["segment_id"]] = -Decimal(row["amount"])
        return found

    def lapsed(self, customer_ids: Iterable[str]) -> dict[str, dict[str, Lapse]]:
        """Expirations that were posted and not taken back, by customer and segment id."""
        found: dict[str, dict[str, Lapse]] = {}
        for row in select(
            self._db,
            "select e.customer_id, e.segment_id, e.timestamp, e.amount from ledger_entry e"
            " where e.type = 'EXPIRATION'"
            " and e.customer_id in (select value from json_each(:ids))"
            " and not exists (select 1 from ledger_taken_back t where t.entry_id = e.id)",
            ids=listing(customer_ids),
        ):
            lapse = Lapse(at=parse_instant(row["timestamp"]), amount=-Decimal(row["amount"]))
            found.setdefault(row["customer_id"], {})[row["segment_id"]] = lapse
        return found

    def reopened(self, customer_ids: Iterable[str]) -> dict[str, dict[str, int]]:
        """How often expirations were taken back, by customer and segment id."""
        found: dict[str, dict[str, int]] = {}
        for row in select(
            self._db,
            "select e.customer_id, e.segment_id, count(*) as times from ledger_taken_back t"
            " join ledger_entry e on e.id = t.entry_id"
            " where e.customer_id in (select value from json_each(:ids))"
            " group by e.customer_id, e.segment_id",
            ids=listing(customer_ids),
        ):
            found.setdefault(row["customer_id"], {})[row["segment_id"]] = int(row["times"])
        return found

    def consumed(self, commit_ids: Iterable[str]) -> dict[str, Decimal]:
        """What left each commit so far in its wire unit: every entry but the grants, negated."""
        total: dict[str, Decimal] = {}
        for row in select(
            self._db,
            "select e.commit_id, e.amount from ledger_entry e"  # noqa: S608 ours
            " left join invoice i on i.id = e.invoice_id"
            " where e.type not in ('SEGMENT_START', 'INITIAL_BALANCE', 'SEAT_BASED_ADJUSTMENT',"
            " 'CREDITED', 'CANCELED')"
            f" and {COUNTS}"
            " and e.commit_id in (select value from json_each(:ids))",
            ids=listing(commit_ids),
        ):
            commit = row["commit_id"]
            total[commit] = total.get(commit, Decimal(0)) - Decimal(row["amount"])
        return total

    def _by_id(self, ids: Iterable[str]) -> dict[str, LedgerEntry]:
        rows = select(
            self._db,
            "select * from ledger_entry where id in (select value from json_each(:ids))",
            ids=listing(ids),
        )
        return {row["id"]: _entry(row) for row in rows}

    def _entries(self, tail: str, **parameters: str) -> tuple[LedgerEntry, ...]:
        sql = (
            "select e.* from ledger_entry e left join invoice i on i.id = e.invoice_id"  # noqa: S608 ours
            f" where {COUNTS} and "
        )
        return tuple(_entry(row) for row in select(self._db, sql + tail, **parameters))


def _row(customer_id: str, entry: LedgerEntry, now: datetime) -> Row:
    return {
        "id": entry.id,
        "customer_id": customer_id,
        "commit_id": entry.commit_id,
        "segment_id": entry.segment_id,
        "type": entry.type.value,
        "timestamp": format_instant(entry.timestamp),
        "amount": canonical(entry.amount),
        "invoice_id": entry.invoice_id,
        "contract_id": entry.contract_id,
        "new_commit_id": entry.new_commit_id,
        "reason": entry.reason,
        "per_seat": encoded(entry.per_seat),
        "recorded_at": format_instant(now),
    }


def _entry(row: dict[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        id=row["id"],
        commit_id=row["commit_id"],
        segment_id=row["segment_id"],
        type=EntryType(row["type"]),
        timestamp=parse_instant(row["timestamp"]),
        amount=Decimal(row["amount"]),
        invoice_id=row["invoice_id"],
        contract_id=row["contract_id"],
        new_commit_id=row["new_commit_id"],
        reason=row["reason"],
        per_seat=decoded(row["per_seat"], dict[str, Decimal]),
    )
