"""Finalized invoices: frozen bytes with their digest; only their status may go to VOID (G9)."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlite_utils import Database

from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import canonical
from closedwon.kernel.ids import digest
from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import (
    Row,
    change,
    decoded,
    encoded,
    insert,
    instant_or_none,
    listing,
    select,
)

FROZEN = (
    "id",
    "customer_id",
    "contract_id",
    "type",
    "credit_type_id",
    "period_start",
    "period_end",
    "generation",
    "issued_at",
    "finalized_at",
    "total",
    "content",
    "sha256",
)


@migrations()
def m007_invoices(db: Database) -> None:
    """No period and no payment is billed twice while its invoice stands (G10)."""
    same = " and ".join(f"new.{column} is old.{column}" for column in FROZEN)
    create(
        db,
        "create table invoice ("
        " id text primary key, customer_id text not null references customer (id),"
        " contract_id text not null references contract (id),"
        " type text not null check (type in ('USAGE', 'SCHEDULED')),"
        " status text not null check (status in ('FINALIZED', 'VOID')),"
        " credit_type_id text not null, period_start text not null, period_end text,"
        " generation integer not null check (generation >= 1), issued_at text not null,"
        " finalized_at text not null, voided_at text, total text not null,"
        " content text not null, sha256 text not null,"
        " check ((type = 'USAGE') = (period_end is not null)),"
        " check ((status = 'VOID') = (voided_at is not null)),"
        " unique (contract_id, type, period_start, credit_type_id, generation)) strict",
        "create index invoice_customer on invoice (customer_id, issued_at, id)",
        "create trigger invoice_is_frozen before update on invoice when not ("
        f" {same} and old.status = 'FINALIZED' and new.status = 'VOID')"
        " begin select raise(abort, 'a finalized invoice is frozen'); end",
        "create trigger invoice_never_goes before delete on invoice"
        " begin select raise(abort, 'invoice rows are never deleted'); end",
        "create trigger invoice_period_once before insert on invoice when new.type = 'USAGE'"
        " and exists (select 1 from invoice i where i.contract_id = new.contract_id"
        " and i.type = 'USAGE' and i.status = 'FINALIZED'"
        " and i.credit_type_id = new.credit_type_id"
        " and i.period_start < new.period_end and new.period_start < i.period_end)"
        " begin select raise(abort, 'a period is billed twice'); end",
        "create table invoice_line ("
        " invoice_id text not null references invoice (id),"
        " number integer not null check (number >= 1), type text not null, name text not null,"
        " product_id text, credit_type_id text not null, total text not null, quantity text,"
        " unit_price text, starting_at text, ending_before text, commit_id text,"
        " segment_id text, payment_id text, charge_id text,"
        " primary key (invoice_id, number)) strict",
        "create index invoice_line_commit on invoice_line (commit_id) where commit_id is not null",
        "create index invoice_line_payment on invoice_line (payment_id)"
        " where payment_id is not null",
        *append_only("invoice_line"),
        "create trigger invoice_payment_once before insert on invoice_line"
        " when new.payment_id is not null and exists ("
        " select 1 from invoice_line l join invoice i on i.id = l.invoice_id"
        " where l.payment_id = new.payment_id and i.status = 'FINALIZED' and i.contract_id ="
        " (select contract_id from invoice where id = new.invoice_id))"
        " begin select raise(abort, 'a payment is billed twice'); end",
    )


class Invoices:
    """Stored invoices; drafts are computed, never stored."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def freeze(self, invoice: Invoice, now: datetime) -> str:
        """Store ``invoice`` as FINALIZED at ``now``; returns the digest of its frozen bytes.

        The bytes leave out when it was finalized, so that a replay gives the same ones (G5). Raises
        InvariantBroken when its period or a payment of it is billed already (G10).
        """
        bare = replace(invoice, status=InvoiceStatus.FINALIZED, finalized_at=None, voided_at=None)
        content = encoded(bare)
        sha256 = digest(content.encode())
        start = invoice.issued_at if invoice.start is None else invoice.start
        row: dict[str, str | int | None] = {
            "id": invoice.id,
            "customer_id": invoice.customer_id,
            "contract_id": invoice.contract_id,
            "type": invoice.type.value,
            "status": InvoiceStatus.FINALIZED.value,
            "credit_type_id": invoice.credit_type_id,
            "period_start": format_instant(start),
            "period_end": instant_or_none(invoice.end),
            "generation": self._next_generation(invoice, format_instant(start)),
            "issued_at": format_instant(invoice.issued_at),
            "finalized_at": format_instant(now),
            "voided_at": None,
            "total": canonical(invoice.total),
            "content": content,
            "sha256": sha256,
        }
        try:
            insert(self._db, "invoice", [row])
            lines = [line_row(invoice.id, n, line) for n, line in enumerate(invoice.lines, 1)]
            insert(self._db, "invoice_line", lines)
        except sqlite3.IntegrityError as error:
            raise InvariantBroken(f"cannot bill this: {error}", invoice=invoice.id) from error
        return sha256

    def void(self, invoice_id: str, now: datetime) -> None:
        """FINALIZED -> VOID, the only change there is (R282)."""
        change(
            self._db,
            "update invoice set status = 'VOID', voided_at = :now where id = :id",
            id=invoice_id,
            now=format_instant(now),
        )

    def get(self, invoice_id: str) -> Invoice | None:
        """One invoice, None when it is not stored."""
        rows = select(self._db, "select * from invoice where id = :id", id=invoice_id)
        return _invoice(rows[0]) if rows else None

    def all(
        self,
        customer_id: str | None = None,
        contract_id: str | None = None,
        status: InvoiceStatus | None = None,
    ) -> tuple[Invoice, ...]:
        """Invoices that match every filter given, by issue date, then id (R289)."""
        asked = {"customer_id": customer_id, "contract_id": contract_id, "status": status}
        given = {column: value for column, value in asked.items() if value is not None}
        where = " and ".join(f"{column} = :{column}" for column in given) or "1"
        rows = select(
            self._db,
            f"select * from invoice where {where} order by issued_at, id",  # noqa: S608 ours
            **given,
        )
        return tuple(_invoice(row) for row in rows)

    def of_customers(
        self, customer_ids: Iterable[str], status: InvoiceStatus = InvoiceStatus.FINALIZED
    ) -> dict[str, list[Invoice]]:
        """Invoices that stand, or are VOID, by customer id, by issue date, then id."""
        found: dict[str, list[Invoice]] = {}
        for row in select(
            self._db,
            "select * from invoice where status = :status"
            " and customer_id in (select value from json_each(:ids)) order by issued_at, id",
            status=status.value,
            ids=listing(customer_ids),
        ):
            found.setdefault(row["customer_id"], []).append(_invoice(row))
        return found

    def counts(self, customer_ids: Iterable[str]) -> dict[str, str]:
        """How many there are and how many of them are void, by customer id; changes with both."""
        rows = select(
            self._db,
            "select customer_id, count(*) as all_of, sum(status = 'VOID') as void from invoice"
            " where customer_id in (select value from json_each(:ids)) group by customer_id",
            ids=listing(customer_ids),
        )
        return {row["customer_id"]: f"{row['all_of']} {row['void']}" for row in rows}

    def billed_payments(self, contract_id: str) -> frozenset[str]:
        """Schedule points of the contract that an invoice bills or billed, void ones included."""
        rows = select(
            self._db,
            "select l.payment_id from invoice i join invoice_line l on l.invoice_id = i.id"
            " where i.contract_id = :id and l.payment_id is not null",
            id=contract_id,
        )
        return frozenset(row["payment_id"] for row in rows)

    def with_payments(self, payment_ids: Iterable[str]) -> tuple[Invoice, ...]:
        """Invoices that bill or billed any of these schedule points, by issue date."""
        rows = select(
            self._db,
            "select * from invoice where id in (select invoice_id from invoice_line"
            " where payment_id in (select value from json_each(:ids))) order by issued_at, id",
            ids=listing(payment_ids),
        )
        return tuple(_invoice(row) for row in rows)

    def statuses_of_payments(
        self, payment_ids: Iterable[str]
    ) -> dict[str, frozenset[InvoiceStatus]]:
        """By schedule point, the statuses of invoices that bill or billed it."""
        found: dict[str, set[InvoiceStatus]] = {}
        for row in select(
            self._db,
            "select distinct l.payment_id, i.status from invoice_line l"
            " join invoice i on i.id = l.invoice_id"
            " where l.payment_id in (select value from json_each(:ids))",
            ids=listing(payment_ids),
        ):
            found.setdefault(row["payment_id"], set()).add(InvoiceStatus(row["status"]))
        return {point: frozenset(statuses) for point, statuses in found.items()}

    def newest(self) -> datetime | None:
        """When the last invoice was finalized; None before the first."""
        last = select(self._db, "select max(finalized_at) as at from invoice")[0]["at"]
        return None if last is None else parse_instant(last)

    def tampered(self) -> tuple[str, ...]:
        """Ids of invoices whose bytes no longer have their digest (G9, G20)."""
        return tuple(
            row["id"]
            for row in select(self._db, "select id, content, sha256 from invoice order by id")
            if digest(row["content"].encode()) != row["sha256"]
        )

    def _next_generation(self, invoice: Invoice, start: str) -> int:
        rows = select(
            self._db,
            "select coalesce(max(generation), 0) + 1 as next from invoice"
            " where contract_id = :contract and type = :type and period_start = :start"
            " and credit_type_id = :credit_type",
            contract=invoice.contract_id,
            type=invoice.type.value,
            start=start,
            credit_type=invoice.credit_type_id,
        )
        generation = int(rows[0]["next"])
        if generation > 1 and invoice.type is InvoiceType.USAGE and not invoice.regenerated_from:
            raise InvariantBroken("a usage period is billed once", invoice=invoice.id)
        return generation


def _invoice(row: dict[str, Any]) -> Invoice:
    return replace(
        decoded(row["content"], Invoice),
        status=InvoiceStatus(row["status"]),
        finalized_at=parse_instant(row["finalized_at"]),
        voided_at=None if row["voided_at"] is None else parse_instant(row["voided_at"]),
    )


def line_row(invoice_id: str, number: int, line: Line) -> Row:
    """A line as the table has it."""
    return {
        "invoice_id": invoice_id,
        "number": number,
        "type": line.type.value,
        "name": line.name,
        "product_id": line.product_id,
        "credit_type_id": line.credit_type_id,
        "total": canonical(line.total),
        "quantity": None if line.quantity is None else canonical(line.quantity),
        "unit_price": None if line.unit_price is None else canonical(line.unit_price),
        "starting_at": instant_or_none(line.starting_at),
        "ending_before": instant_or_none(line.ending_before),
        "commit_id": line.commit_id,
        "segment_id": line.segment_id,
        "payment_id": line.payment_id,
        "charge_id": line.charge_id,
    }
