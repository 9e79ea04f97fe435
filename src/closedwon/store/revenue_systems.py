"""Customers at revenue recognition systems such as NetSuite (metronome.md 2.3, 2.9)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import Row, change, decoded, encoded, insert, select


class RevenueSystem(msgspec.Struct, frozen=True, kw_only=True):
    """A customer at one revenue system; never changed, only archived."""

    id: str
    customer_id: str
    provider: str
    delivery_method: str = "direct_to_billing_provider"
    configuration: Mapping[str, str] = {}
    """``netsuite_customer_id``; no secrets."""
    created_at: datetime
    archived_at: datetime | None = None


@migrations()
def m074_revenue_systems(db: Database) -> None:
    """``content`` is the configuration as it was given."""
    create(
        db,
        "create table revenue_system ("
        " id text primary key, customer_id text not null references customer (id),"
        " content text not null, created_at text not null, archived_at text) strict",
        "create index revenue_system_customer on revenue_system (customer_id, created_at)",
    )


class RevenueSystems:
    """Configurations of customers."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, system: RevenueSystem) -> None:
        """Store a new configuration."""
        row: Row = {
            "id": system.id,
            "customer_id": system.customer_id,
            "content": encoded(system),
            "created_at": format_instant(system.created_at),
            "archived_at": None,
        }
        insert(self._db, "revenue_system", [row])

    def archive(self, system_id: str, now: datetime) -> bool:
        """No contract begins to use it; False when it was archived already."""
        return bool(
            change(
                self._db,
                "update revenue_system set archived_at = :now"
                " where id = :id and archived_at is null",
                now=format_instant(now),
                id=system_id,
            )
        )

    def get(self, system_id: str) -> RevenueSystem | None:
        """One configuration, None when there is none."""
        rows = select(self._db, "select * from revenue_system where id = :id", id=system_id)
        return _system(rows[0]) if rows else None

    def of_customer(self, customer_id: str) -> tuple[RevenueSystem, ...]:
        """A customer's configurations, oldest first, archived ones included."""
        rows = select(
            self._db,
            "select * from revenue_system where customer_id = :id order by created_at, id",
            id=customer_id,
        )
        return tuple(_system(row) for row in rows)


def _system(row: dict[str, Any]) -> RevenueSystem:
    found = decoded(row["content"], RevenueSystem)
    if row["archived_at"] is None:
        return found
    return msgspec.structs.replace(found, archived_at=parse_instant(row["archived_at"]))
