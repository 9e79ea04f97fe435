"""Customers and the identifiers their events carry (R6, R21-R24)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlite_utils import Database

from closedwon.billing.account import Customer
from closedwon.kernel.instant import format_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import change, decoded, encoded, insert, listing, select


@migrations()
def m002_customers(db: Database) -> None:
    """An alias has one holder, archived or not; a CRM account has one customer (R6, G1)."""
    create(
        db,
        "create table customer ("
        " id text primary key, name text not null, salesforce_account_id text unique,"
        " created_at text not null, content text not null) strict",
        "create table customer_alias ("
        " alias text primary key check (alias <> ''),"
        " customer_id text not null references customer (id), position integer not null,"
        " unique (customer_id, position)) strict",
    )


class Customers:
    """Customers by id, account and alias; never deleted."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, customer: Customer) -> None:
        """Store a new customer with its aliases."""
        bare = replace(customer, ingest_aliases=(), custom_fields={})
        insert(
            self._db,
            "customer",
            [
                {
                    "id": customer.id,
                    "name": customer.name,
                    "salesforce_account_id": customer.salesforce_account_id,
                    "created_at": format_instant(customer.created_at),
                    "content": encoded(bare),
                }
            ],
        )
        self.set_aliases(customer.id, customer.ingest_aliases)

    def put(self, customer: Customer) -> None:
        """Replace what is kept of a customer, but for its aliases and custom fields."""
        bare = replace(customer, ingest_aliases=(), custom_fields={})
        change(
            self._db,
            "update customer set name = :name, salesforce_account_id = :account,"
            " content = :content where id = :id",
            id=customer.id,
            name=customer.name,
            account=customer.salesforce_account_id,
            content=encoded(bare),
        )

    def archive(self, customer_id: str, now: datetime) -> None:
        """Mark it archived; everything it holds stays (R125)."""
        found = self.many([customer_id])[customer_id]
        self.put(replace(found, archived_at=now))

    def set_aliases(self, customer_id: str, aliases: tuple[str, ...]) -> None:
        """Replace the whole set; what is left out is free again (R24)."""
        change(self._db, "delete from customer_alias where customer_id = :id", id=customer_id)
        insert(
            self._db,
            "customer_alias",
            [
                {"alias": alias, "customer_id": customer_id, "position": position}
                for position, alias in enumerate(aliases)
            ],
        )

    def holders(self, aliases: Iterable[str]) -> dict[str, str]:
        """Customer id by alias, for those that are taken."""
        return {
            row["alias"]: row["customer_id"]
            for row in select(
                self._db,
                "select alias, customer_id from customer_alias"
                " where alias in (select value from json_each(:aliases))",
                aliases=listing(aliases),
            )
        }

    def get(self, customer_id: str) -> Customer | None:
        """The customer, None when there is none."""
        return self.many([customer_id]).get(customer_id)

    def id_of_account(self, account_id: str) -> str | None:
        """Id of the customer of a CRM account."""
        rows = select(
            self._db,
            "select id from customer where salesforce_account_id = :account",
            account=account_id,
        )
        return str(rows[0]["id"]) if rows else None

    def ids(self) -> tuple[str, ...]:
        """Every customer id, oldest first."""
        return tuple(
            row["id"] for row in select(self._db, "select id from customer order by created_at, id")
        )

    def many(self, customer_ids: Iterable[str]) -> dict[str, Customer]:
        """Customers by id, without custom fields; unknown ids are left out."""
        ids = listing(customer_ids)
        aliases: dict[str, list[str]] = {}
        for row in select(
            self._db,
            "select customer_id, alias from customer_alias"
            " where customer_id in (select value from json_each(:ids))"
            " order by customer_id, position",
            ids=ids,
        ):
            aliases.setdefault(row["customer_id"], []).append(row["alias"])
        rows = select(
            self._db,
            "select id, content from customer where id in (select value from json_each(:ids))",
            ids=ids,
        )
        return {row["id"]: _customer(row, aliases.get(row["id"], [])) for row in rows}


def _customer(row: dict[str, Any], aliases: list[str]) -> Customer:
    return replace(decoded(row["content"], Customer), ingest_aliases=tuple(aliases))
