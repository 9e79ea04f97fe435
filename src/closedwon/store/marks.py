"""What people say about invoices to come: other issue dates, who is billable (R290, R291)."""

from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from closedwon.billing.account import Billable
from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import Row, insert, listing, select


@migrations()
def m051_invoice_marks(db: Database) -> None:
    """Appended; the last word counts."""
    create(
        db,
        "create table invoice_issue_date ("
        " position integer primary key, invoice_id text not null,"
        " customer_id text not null references customer (id), issued_at text not null,"
        " recorded_at text not null) strict",
        "create index invoice_issue_date_customer on invoice_issue_date (customer_id)",
        *append_only("invoice_issue_date"),
        "create table customer_billable ("
        " position integer primary key, customer_id text not null references customer (id),"
        " effective_at text not null, is_billable integer not null check (is_billable in (0, 1)),"
        " recorded_at text not null) strict",
        "create index customer_billable_customer on customer_billable (customer_id)",
        *append_only("customer_billable"),
    )


class Marks:
    """Issue dates by draft id and billable statuses by customer."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def move(self, customer_id: str, invoice_id: str, issued_at: datetime, now: datetime) -> None:
        """Give a draft another issue date."""
        row = {
            "invoice_id": invoice_id,
            "customer_id": customer_id,
            "issued_at": format_instant(issued_at),
            "recorded_at": format_instant(now),
        }
        insert(self._db, "invoice_issue_date", [row])

    def issue_dates(self, customer_ids: Iterable[str]) -> dict[str, dict[str, datetime]]:
        """By customer and draft id, the last date it was given."""
        found: dict[str, dict[str, datetime]] = {}
        for row in select(
            self._db,
            "select customer_id, invoice_id, issued_at from invoice_issue_date"
            " where customer_id in (select value from json_each(:ids)) order by position",
            ids=listing(customer_ids),
        ):
            own = found.setdefault(row["customer_id"], {})
            own[row["invoice_id"]] = parse_instant(row["issued_at"])
        return found

    def set_billable(self, customer_id: str, change: Billable, now: datetime) -> None:
        """Say whether the customer is billable from an instant on."""
        row: Row = {
            "customer_id": customer_id,
            "effective_at": format_instant(change.effective_at),
            "is_billable": int(change.is_billable),
            "recorded_at": format_instant(now),
        }
        insert(self._db, "customer_billable", [row])

    def billable(self, customer_ids: Iterable[str]) -> dict[str, tuple[Billable, ...]]:
        """By customer, in order of effect; of one instant the last word."""
        found: dict[str, dict[datetime, Billable]] = {}
        for row in select(
            self._db,
            "select customer_id, effective_at, is_billable from customer_billable"
            " where customer_id in (select value from json_each(:ids))"
            " order by effective_at, position",
            ids=listing(customer_ids),
        ):
            at = parse_instant(row["effective_at"])
            change = Billable(effective_at=at, is_billable=bool(row["is_billable"]))
            found.setdefault(row["customer_id"], {})[at] = change
        return {customer: tuple(changes.values()) for customer, changes in found.items()}
