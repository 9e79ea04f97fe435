"""Customers at billing providers, and what became of invoices there (metronome.md 2.10; R299)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import Row, change, decoded, encoded, insert, select, upsert


class ProviderConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """A customer at one provider, such as its Stripe customer; never changed, only archived."""

    id: str
    customer_id: str
    billing_provider: str
    """billing_provider_type of the wire: ``stripe``, ``aws_marketplace``, ..."""
    delivery_method: str = "direct_to_billing_provider"
    configuration: Mapping[str, str] = {}
    """``stripe_customer_id``, ``aws_customer_id``, ...; no secrets."""
    created_at: datetime
    archived_at: datetime | None = None


class ExternalInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """Where an invoice was sent and what became of it; one per invoice for ever (R299)."""

    invoice_id: str
    billing_provider: str
    external_id: str | None = None
    external_status: str | None = None
    error: str = ""
    updated_at: datetime


@migrations()
def m032_billing_providers(db: Database) -> None:
    """An invoice has one provider; that never changes, its status does (R299)."""
    create(
        db,
        "create table billing_provider_configuration ("
        " id text primary key, customer_id text not null references customer (id),"
        " billing_provider text not null check (billing_provider <> ''),"
        " content text not null, created_at text not null, archived_at text) strict",
        "create index billing_provider_configuration_customer"
        " on billing_provider_configuration (customer_id, created_at)",
        "create table external_invoice ("
        " invoice_id text primary key references invoice (id),"
        " billing_provider text not null, external_id text, external_status text,"
        " error text not null, updated_at text not null) strict",
        "create unique index external_invoice_external"
        " on external_invoice (billing_provider, external_id) where external_id is not null",
        "create trigger external_invoice_stays before update on external_invoice when"
        " new.invoice_id is not old.invoice_id or new.billing_provider is not old.billing_provider"
        " or (old.external_id is not null and new.external_id is not old.external_id)"
        " begin select raise(abort, 'an invoice is sent to one provider once'); end",
        "create trigger external_invoice_never_goes before delete on external_invoice"
        " begin select raise(abort, 'external_invoice rows are never deleted'); end",
    )


class BillingProviders:
    """Configurations of customers and the external side of invoices."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, configuration: ProviderConfiguration) -> None:
        """Store a new configuration."""
        row: Row = {
            "id": configuration.id,
            "customer_id": configuration.customer_id,
            "billing_provider": configuration.billing_provider,
            "content": encoded(configuration),
            "created_at": format_instant(configuration.created_at),
            "archived_at": None,
        }
        insert(self._db, "billing_provider_configuration", [row])

    def archive(self, configuration_id: str, now: datetime) -> bool:
        """It is used for no later invoice; False when it was archived already."""
        return bool(
            change(
                self._db,
                "update billing_provider_configuration set archived_at = :now"
                " where id = :id and archived_at is null",
                now=format_instant(now),
                id=configuration_id,
            )
        )

    def get(self, configuration_id: str) -> ProviderConfiguration | None:
        """One configuration, None when there is none."""
        sql = "select * from billing_provider_configuration where id = :id"
        rows = select(self._db, sql, id=configuration_id)
        return _configuration(rows[0]) if rows else None

    def of_customer(self, customer_id: str) -> tuple[ProviderConfiguration, ...]:
        """A customer's configurations, oldest first, archived ones included."""
        rows = select(
            self._db,
            "select * from billing_provider_configuration where customer_id = :id"
            " order by created_at, id",
            id=customer_id,
        )
        return tuple(_configuration(row) for row in rows)

    def customers_at(self, billing_provider: str) -> tuple[str, ...]:
        """Ids of customers that have or had a configuration at a provider."""
        rows = select(
            self._db,
            "select distinct customer_id from billing_provider_configuration"
            " where billing_provider = :provider order by customer_id",
            provider=billing_provider,
        )
        return tuple(row["customer_id"] for row in rows)

    def put_external(self, external: ExternalInvoice) -> None:
        """Set what became of an invoice; sqlite3.IntegrityError at another provider."""
        row: Row = {
            "invoice_id": external.invoice_id,
            "billing_provider": external.billing_provider,
            "external_id": external.external_id,
            "external_status": external.external_status,
            "error": external.error,
            "updated_at": format_instant(external.updated_at),
        }
        upsert(self._db, "external_invoice", ["invoice_id"], [row])

    def external(self, invoice_id: str) -> ExternalInvoice | None:
        """The external side of an invoice, None when it was never sent."""
        sql = "select * from external_invoice where invoice_id = :id"
        return _external(select(self._db, sql, id=invoice_id))

    def external_by_id(self, billing_provider: str, external_id: str) -> ExternalInvoice | None:
        """The invoice a provider knows under its own id."""
        return _external(
            select(
                self._db,
                "select * from external_invoice where billing_provider = :provider"
                " and external_id = :id",
                provider=billing_provider,
                id=external_id,
            )
        )


def _external(rows: list[dict[str, Any]]) -> ExternalInvoice | None:
    if not rows:
        return None
    row = {**rows[0], "updated_at": parse_instant(rows[0]["updated_at"])}
    return msgspec.convert(row, ExternalInvoice)


def _configuration(row: dict[str, Any]) -> ProviderConfiguration:
    found = decoded(row["content"], ProviderConfiguration)
    if row["archived_at"] is None:
        return found
    return msgspec.structs.replace(found, archived_at=parse_instant(row["archived_at"]))
