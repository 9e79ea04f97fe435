"""Voiding finalized invoices and making them anew (R196, R282-R284).

Nothing that was written is changed: a void invoice keeps its bytes, its ledger entries stop
counting, its journal entries are answered by reversals booked on the day of the void. What its
balances had left when they ended expires again with the next finalization, as another entry.
"""

from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.account import Account, Bill, Regeneration
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.engine import accounts, books, events
from closedwon.engine.command import command
from closedwon.engine.conservation import check_balances, check_invoice
from closedwon.engine.finalize import Finalizer
from closedwon.engine.posting import post
from closedwon.finance.postings import JournalEntry
from closedwon.kernel.errors import NotFound, Refused
from closedwon.store.stores import Stores


def void(stores: Stores, invoice_id: str, *, by: str, now: datetime) -> Invoice:
    """FINALIZED -> VOID; balances it drew on return where they still run (R196, R283).

    Its period or payments are billed again by ``regenerate`` only. Raises Refused for an invoice
    that is not FINALIZED, NotFound for one that is not stored (a draft).
    """
    with command(stores, "void", ("invoice", invoice_id), by=by, now=now) as running:
        invoice = _stored(stores, invoice_id)
        if invoice.status is not InvoiceStatus.FINALIZED:
            raise Refused(
                "only a FINALIZED invoice can be voided (R283)",
                invoice=invoice_id,
                found=invoice.status.value,
            )
        stores.invoices.void(invoice_id, now)
        expired = stores.ledger.take_back(invoice.applied_segments, invoice_id, now)
        stores.journal.append(
            [
                entry.reversed_on(now.date())
                for entry in stores.journal.of_invoice(invoice_id, expired)
            ]
        )
        look_again(stores, invoice.customer_id, now)
        running.changed = True
    return _stored(stores, invoice_id)


def regenerate(
    stores: Stores,
    finalizer: Finalizer,
    catalog: Catalog,
    invoice_id: str,
    *,
    by: str,
    now: datetime,
) -> Invoice:
    """Bill a void invoice's period or payments anew, finalized at ``now`` (R284).

    Terms, usage and balances are those of now; a segment that ended meanwhile still pays usage
    inside its window with what is left of it. Raises Refused for an invoice that is not VOID, was
    regenerated before, or has nothing left to bill.
    """
    with command(stores, "regenerate", ("invoice", invoice_id), by=by, now=now) as running:
        old = _stored(stores, invoice_id)
        if old.status is not InvoiceStatus.VOID:
            raise Refused(
                "only a VOID invoice can be regenerated (R284)",
                invoice=invoice_id,
                found=old.status.value,
            )
        again = Regeneration(invoice=old, at=now)
        if stores.invoices.get(again.new_id) is not None:
            raise Refused(
                "an invoice is regenerated once (R284)", invoice=invoice_id, by=again.new_id
            )
        account = replace(accounts.account(stores, old.customer_id), regenerating=again, lapsed={})
        made = finalizer.bill(account, catalog, now)
        check_balances(made)
        found = [invoice for invoice in made.invoices if invoice.id == again.new_id]
        if not found:
            raise Refused(
                "the terms of today leave nothing to bill in place of this invoice (R284)",
                invoice=invoice_id,
            )
        entries = keep(stores, account, made, found[0], catalog, now)
        stores.journal.append([entry.booked_again(now.date()) for entry in entries])
        events.invoice_finalized(stores, found[0], now)
        running.changed = True
    return _stored(stores, again.new_id)


def keep(
    stores: Stores, account: Account, made: Bill, invoice: Invoice, catalog: Catalog, now: datetime
) -> list[JournalEntry]:
    """Freeze one invoice of ``made``, and only it, with its deductions; its postings to append.

    What its segments had left and lost when they ended is taken back: ``finalize`` says anew.
    """
    check_invoice(invoice)
    stores.invoices.freeze(invoice, now)
    expired = stores.ledger.take_back(invoice.applied_segments, invoice.id, now)
    reversals = [
        entry.reversed_on(now.date()) for entry in stores.journal.of_invoice(None, expired)
    ]
    stores.journal.append(reversals)
    own = tuple(entry for entry in made.entries if entry.invoice_id == invoice.id)
    drawn = replace(made, entries=own)
    _, movements = post(stores, account, drawn, {invoice.id: invoice}, catalog, now)
    look_again(stores, account.customer.id, now)
    return [*books.invoice_entries([invoice], catalog), *movements]


def _stored(stores: Stores, invoice_id: str) -> Invoice:
    found = stores.invoices.get(invoice_id)
    if found is None:
        raise NotFound("no such stored invoice", invoice=invoice_id)
    return found


def look_again(stores: Stores, customer_id: str, now: datetime) -> None:
    """What follows (expirations above all) is for the next ``finalize``."""
    family = stores.families.of([customer_id]).get(customer_id, (customer_id,))
    contracts = stores.contracts.of_customers(family)
    stores.contracts.set_due((one.id, now) for found in contracts.values() for one in found)
