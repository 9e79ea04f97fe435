"""Alerts and how each stands with each customer (R271)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace
from sqlite_utils import Database

from closedwon.billing.alerts.types import Alert
from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import change, decoded, encoded, insert, select, upsert

OK, IN_ALARM = "ok", "in_alarm"


@migrations()
def m041_alerts(db: Database) -> None:
    """An alert never changes but for being archived; no state row means not evaluated yet."""
    create(
        db,
        "create table alert ("
        " id text primary key, customer_id text references customer (id),"
        " content text not null, archived_at text) strict",
        "create table alert_state ("
        " alert_id text not null references alert (id),"
        " customer_id text not null references customer (id), key text not null,"
        " state text not null check (state in ('ok', 'in_alarm')), since text not null,"
        " primary key (alert_id, customer_id, key)) strict, without rowid",
        "create index alert_state_customer on alert_state (customer_id, alert_id)",
    )


class Alerts:
    """Definitions and states; a state is kept per thing an alert watches of a customer."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, alert: Alert) -> None:
        """Store a new alert."""
        row = {"id": alert.id, "customer_id": alert.customer_id, "content": encoded(alert)}
        insert(self._db, "alert", [{**row, "archived_at": None}])

    def archive(self, alert_id: str, now: datetime) -> None:
        """It watches nothing any more; its states go."""
        change(
            self._db,
            "update alert set archived_at = :now where id = :id and archived_at is null",
            id=alert_id,
            now=format_instant(now),
        )
        change(self._db, "delete from alert_state where alert_id = :id", id=alert_id)

    def get(self, alert_id: str) -> Alert | None:
        """One alert, archived ones too; None when there is no such alert."""
        rows = select(self._db, "select * from alert where id = :id", id=alert_id)
        return _alert(rows[0]) if rows else None

    def all(self, *, include_archived: bool = False) -> tuple[Alert, ...]:
        """Alerts by id."""
        rows = select(
            self._db,
            "select * from alert where :all or archived_at is null order by id",
            all=int(include_archived),
        )
        return tuple(_alert(row) for row in rows)

    def states(self, alert_id: str, customer_id: str) -> dict[str, str]:
        """State by key; empty while the customer is still to be evaluated."""
        rows = select(
            self._db,
            "select key, state from alert_state"
            " where alert_id = :alert and customer_id = :customer order by key",
            alert=alert_id,
            customer=customer_id,
        )
        return {row["key"]: row["state"] for row in rows}

    def put_states(
        self, alert_id: str, customer_id: str, states: Mapping[str, str], now: datetime
    ) -> None:
        """Set the states of keys that changed; the others keep theirs."""
        since = format_instant(now)
        upsert(
            self._db,
            "alert_state",
            ("alert_id", "customer_id", "key"),
            [
                {
                    "alert_id": alert_id,
                    "customer_id": customer_id,
                    "key": key,
                    "state": state,
                    "since": since,
                }
                for key, state in states.items()
            ],
        )

    def forget(self, alert_id: str, customer_id: str, keys: Iterable[str] | None = None) -> None:
        """Drop the states of ``keys``, or all of them: they are evaluated anew."""
        for key in [None] if keys is None else list(keys):
            change(
                self._db,
                "delete from alert_state where alert_id = :alert and customer_id = :customer"
                " and (:key is null or key = :key)",
                alert=alert_id,
                customer=customer_id,
                key=key,
            )


def _alert(row: Mapping[str, str | None]) -> Alert:
    alert = decoded(row["content"] or "", Alert)
    at = row["archived_at"]
    return alert if at is None else replace(alert, archived_at=parse_instant(at))
