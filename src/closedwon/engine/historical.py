"""Bringing in usage invoices that another system issued (R286, G35)."""

from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.account import Account, Bill
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.invoices.historical import PastInvoice, past_period
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.engine import accounts
from closedwon.engine.command import command
from closedwon.engine.conservation import check_balances
from closedwon.engine.finalize import Finalizer
from closedwon.engine.lifecycle import keep
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import wire_instant
from closedwon.store.stores import Stores


def preview(
    stores: Stores, finalizer: Finalizer, catalog: Catalog, wanted: PastInvoice, now: datetime
) -> Invoice:
    """The invoice as it would be written now; nothing is stored."""
    return _made(stores, finalizer, catalog, wanted, now)[2]


def create(
    stores: Stores,
    finalizer: Finalizer,
    catalog: Catalog,
    wanted: PastInvoice,
    *,
    by: str,
    now: datetime,
) -> Invoice:
    """Write it: FINALIZED at its issue date, with its deductions; never told, so not delivered.

    A contract has one for each period start; writing it again is Refused, also with other usage.
    """
    with command(stores, "create_historical", ("invoice", wanted.id), by=by, now=now) as running:
        account, made, invoice = _made(stores, finalizer, catalog, wanted, now)
        check_balances(made)
        stores.journal.append(keep(stores, account, made, invoice, catalog, now))
        running.changed = True
    return replace(invoice, status=InvoiceStatus.FINALIZED, finalized_at=now)


def _made(
    stores: Stores, finalizer: Finalizer, catalog: Catalog, wanted: PastInvoice, now: datetime
) -> tuple[Account, Bill, Invoice]:
    if wanted.issued_at > now:
        raise Refused(
            "a historical invoice was issued already (R286)", issued=wire_instant(wanted.issued_at)
        )
    owner = accounts.contract(stores, wanted.contract_id).customer_id
    account = accounts.account(stores, owner)
    for billed in stores.invoices.all(contract_id=wanted.contract_id):
        is_same = billed.id == wanted.id
        is_standing = billed.status is InvoiceStatus.FINALIZED
        if is_same or (is_standing and _overlaps(billed, wanted)):
            raise Refused("a part of the period is billed already", by=billed.id)
    dates = {**account.issue_dates, wanted.id: wanted.issued_at}
    account = replace(account, issue_dates=dates, lapsed={})
    made = finalizer.bill(account, catalog, now, (past_period(account, catalog, wanted),))
    (invoice,) = [found for found in made.invoices if found.id == wanted.id]
    return account, made, invoice


def _overlaps(billed: Invoice, wanted: PastInvoice) -> bool:
    if billed.start is None or billed.end is None:
        return False
    return billed.start < wanted.window.until and wanted.window.start < billed.end
