"""Tables that are made from others, and whether they still are what they are made from (D1, G5)."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from sqlite_utils import Database

from closedwon.billing.invoices.types import Invoice
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import format_instant
from closedwon.store.invoices import line_row
from closedwon.store.rows import change, decoded, insert_new, select

CACHES = ("contract", "contract_term", "customer_term")
"""Made from contract and customer edits; dropped and made anew by a rebuild."""


class DerivedTables:
    """Read and emptied as a whole; refilled through the aggregates that own them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def digest(self, table: str) -> tuple[int, str]:
        """Number of rows and SHA-256 over them in order; when something is due is left out."""
        columns = [c.name for c in self._db[table].columns if c.name != "due_at"]
        names = ", ".join(columns)
        seen, count = hashlib.sha256(), 0
        for row in self._db.conn.execute(f"select {names} from {table} order by {names}"):  # noqa: S608 ours
            seen.update(json.dumps(row).encode())
            count += 1
        return count, seen.hexdigest()

    def drop_caches(self) -> dict[str, str | None]:
        """Empty CACHES inside the caller's transaction; when each contract was due.

        What refers to a contract is checked when the transaction commits.
        """
        dues = {
            row["id"]: row["due_at"] for row in select(self._db, "select id, due_at from contract")
        }
        self._db.conn.execute("pragma defer_foreign_keys = on")
        for table in reversed(CACHES):
            change(self._db, f"delete from {table}")  # noqa: S608 ours
        return dues

    def contract_ids(self) -> tuple[str, ...]:
        """Contracts that have edits, in the order of their first edit."""
        rows = select(
            self._db,
            "select contract_id from contract_edit where position = 1 order by at, contract_id",
        )
        return tuple(row["contract_id"] for row in rows)

    def customer_ids(self) -> tuple[str, ...]:
        """Customers that hold balances themselves."""
        rows = select(
            self._db, "select distinct customer_id from customer_term_edit order by customer_id"
        )
        return tuple(row["customer_id"] for row in rows)

    def add_customer_terms(self, customer_id: str, term_ids: Iterable[str]) -> None:
        """Who holds these ids."""
        rows = [{"term_id": term, "customer_id": customer_id} for term in term_ids]
        insert_new(self._db, "customer_term", rows)

    def wrong_lines(self) -> tuple[int, int]:
        """How many invoice lines there are, and how many are not what their invoice's bytes say."""
        known = {
            (row["invoice_id"], row["number"]): row
            for row in select(self._db, "select * from invoice_line")
        }
        wrong = 0
        for row in select(self._db, "select content from invoice"):
            invoice = decoded(row["content"], Invoice)
            for number, line in enumerate(invoice.lines, start=1):
                wrong += known.pop((invoice.id, number), None) != line_row(invoice.id, number, line)
        count = select(self._db, "select count(*) as n from invoice_line")[0]["n"]
        return int(count), wrong + len(known)

    def ledger(self, customer_id: str) -> dict[str, tuple[str, str, str]]:
        """Entries that count, as (segment, instant, amount) by id; manual ones are facts."""
        rows = select(
            self._db,
            "select e.id, e.segment_id, e.timestamp, e.amount from ledger_entry e"
            " left join invoice i on i.id = e.invoice_id"
            " where e.customer_id = :id and e.type <> 'MANUAL' and i.status is not 'VOID'"
            " and not exists (select 1 from ledger_taken_back t where t.entry_id = e.id)",
            id=customer_id,
        )
        return {row["id"]: (row["segment_id"], row["timestamp"], row["amount"]) for row in rows}


def ledger_cell(segment_id: str, at: datetime, amount: Decimal) -> tuple[str, str, str]:
    """An entry as ``DerivedTables.ledger`` shows it."""
    return segment_id, format_instant(at), canonical(amount)
