"""What marketplaces were told of each customer, hour by hour (R295, R296)."""

from datetime import datetime

from sqlite_utils import Database

from closedwon.kernel.instant import format_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import Row, change, insert, select


@migrations()
def m033_meter_reports(db: Database) -> None:
    """An hour of a customer is reported once per marketplace; quantities never change."""
    create(
        db,
        "create table meter_report ("
        " id text primary key references outbox (id),"
        " customer_id text not null references customer (id), billing_provider text not null,"
        " hour text not null, quantity integer not null check (quantity > 0),"
        " is_refused integer not null default 0 check (is_refused in (0, 1)),"
        " unique (customer_id, billing_provider, hour)) strict",
        "create trigger meter_report_is_fixed before update on meter_report when"
        " new.id is not old.id or new.customer_id is not old.customer_id"
        " or new.billing_provider is not old.billing_provider or new.hour is not old.hour"
        " or new.quantity is not old.quantity"
        " begin select raise(abort, 'a meter report never changes'); end",
        "create trigger meter_report_never_goes before delete on meter_report"
        " begin select raise(abort, 'meter_report rows are never deleted'); end",
    )


class MeterReports:
    """Reports by customer and marketplace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, report_id: str, key: tuple[str, str], hour: datetime, quantity: int) -> None:
        """Note a report of ``key`` (customer id, marketplace), whose effect is in the outbox."""
        customer_id, billing_provider = key
        row: Row = {
            "id": report_id,
            "customer_id": customer_id,
            "billing_provider": billing_provider,
            "hour": format_instant(hour),
            "quantity": quantity,
        }
        insert(self._db, "meter_report", [row])

    def reported(self, key: tuple[str, str]) -> int:
        """Cents reported of a customer, those on their way included; refused ones not (R298)."""
        rows = select(
            self._db,
            "select coalesce(sum(quantity), 0) as cents from meter_report"
            " where customer_id = :customer and billing_provider = :provider and is_refused = 0",
            customer=key[0],
            provider=key[1],
        )
        return int(rows[0]["cents"])

    def has(self, key: tuple[str, str], hour: datetime) -> bool:
        """Whether the hour was reported, refused or not."""
        return bool(
            select(
                self._db,
                "select 1 as one from meter_report where customer_id = :customer"
                " and billing_provider = :provider and hour = :hour",
                customer=key[0],
                provider=key[1],
                hour=format_instant(hour),
            )
        )

    def settle(self, report_id: str, *, is_refused: bool) -> None:
        """A refused report did not count there; its cents go with a later one (R298)."""
        change(
            self._db,
            "update meter_report set is_refused = :refused where id = :id",
            refused=int(is_refused),
            id=report_id,
        )
