"""Correction invoices: an amount put right while the invoice itself stands (R285)."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import BillingSettings
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.invoices.draft import Identity, draft_of
from closedwon.billing.invoices.types import (
    Correction,
    Invoice,
    InvoiceStatus,
    InvoiceType,
    Line,
    LineType,
)
from closedwon.engine import accounts, books, events
from closedwon.engine.command import command
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.ids import derive
from closedwon.store.stores import Stores


class CorrectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is charged more, or given back when negative, for a product."""

    product_id: str
    name: str
    amount: Decimal
    """In the wire unit of the corrected invoice."""


def correct(
    stores: Stores,
    catalog: Catalog,
    settings: BillingSettings,
    lines: Sequence[CorrectedLine],
    record: Correction,
    *,
    by: str,
) -> Invoice:
    """Write a FINALIZED scheduled invoice with ``lines``, issued at ``record.created_at``.

    Balances are left alone: who wants them to count voids and regenerates. The same record again
    is Refused, as is everything while ``corrections`` is off.
    """
    now, old_id = record.created_at, record.corrected_invoice_id
    with command(stores, "correct", ("invoice", old_id), by=by, now=now) as running:
        if not settings.corrections:
            raise Refused("correction invoices are off; set billing_corrections (R285)", id=old_id)
        old = stores.invoices.get(old_id)
        if old is None:
            raise NotFound("no such stored invoice", invoice=old_id)
        unknown = sorted({line.product_id for line in lines} - set(catalog.products))
        if old.status is not InvoiceStatus.FINALIZED or not lines or unknown or not record.reason:
            raise Refused(
                "a correction gives a reason and lines of known products for a FINALIZED invoice"
                " (R285)",
                invoice=old_id,
                status=old.status.value,
                unknown=", ".join(unknown),
            )
        invoice = _made(stores, catalog, old, lines, record)
        if stores.invoices.get(invoice.id) is not None:
            raise Refused("this correction is written already", invoice=invoice.id)
        stores.invoices.freeze(invoice, now)
        stores.journal.append(books.invoice_entries([invoice], catalog))
        events.invoice_finalized(stores, invoice, now)
        running.changed = True
    return replace(invoice, status=InvoiceStatus.FINALIZED, finalized_at=now)


def _made(
    stores: Stores,
    catalog: Catalog,
    old: Invoice,
    lines: Sequence[CorrectedLine],
    record: Correction,
) -> Invoice:
    facts = [f"{line.product_id}={line.amount}" for line in lines]
    identity = Identity(
        id=derive("invoice", "correction", old.id, str(record.created_at), record.reason, *facts),
        type=InvoiceType.SCHEDULED,
        credit_type_id=old.credit_type_id,
    )
    made = tuple(
        Line(
            type=LineType.SCHEDULED,
            name=line.name,
            total=line.amount,
            product_id=line.product_id,
            product_tags=tuple(sorted(catalog.products[line.product_id].tag_set)),
            quantity=Decimal(1),
            unit_price=line.amount,
            credit_type_id=old.credit_type_id,
        )
        for line in lines
    )
    account = accounts.account(stores, old.customer_id)
    contract = accounts.contract(stores, old.contract_id)
    draft = draft_of(account, contract, identity, made, record.created_at)
    return replace(draft, correction=record)
