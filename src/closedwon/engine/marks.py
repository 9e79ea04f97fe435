"""Commands on invoices to come: their issue date, and who is billable (R290, R291)."""

from collections.abc import Iterable
from datetime import datetime

from closedwon.billing.account import Billable
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceType
from closedwon.engine import accounts, customers
from closedwon.engine.command import command
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import wire_instant
from closedwon.store.stores import Stores


def move(
    stores: Stores,
    drafts: Iterable[Invoice],
    invoice_id: str,
    issued_at: datetime,
    *,
    by: str,
    now: datetime,
) -> None:
    """Give one of ``drafts`` another issue date; the one it has again changes nothing.

    Raises Refused for a stored invoice, and for a date after the contract's end, before the end of
    the period, or of a true-up before the date it waits for (R140); NotFound for an unknown id.
    """
    with command(stores, "update_issue_date", ("invoice", invoice_id), by=by, now=now) as running:
        draft = next((draft for draft in drafts if draft.id == invoice_id), None)
        if draft is None and stores.invoices.get(invoice_id) is not None:
            raise Refused("only a DRAFT can be issued on another date (R291)", invoice=invoice_id)
        if draft is None:
            raise NotFound("no such draft", invoice=invoice_id)
        if draft.issued_at == issued_at:
            return
        contract = accounts.contract(stores, draft.contract_id)
        earliest = _earliest(draft)
        if issued_at > contract.term.until or (earliest is not None and issued_at < earliest):
            raise Refused(
                "the issue date lies outside of what the contract and the period allow (R291)",
                invoice=invoice_id,
                found=wire_instant(issued_at),
                not_before="" if earliest is None else wire_instant(earliest),
                not_after=wire_instant(contract.term.until),
            )
        stores.marks.move(draft.customer_id, invoice_id, issued_at, now)
        stores.contracts.set_due([(contract.id, now)])
        running.changed = True


def set_billable(
    stores: Stores, customer_id: str, change: Billable, *, by: str, now: datetime
) -> None:
    """From an instant on the customer is billable, or not; the same again changes nothing."""
    with command(stores, "set_billable", ("customer", customer_id), by=by, now=now) as running:
        customers.get(stores, customer_id)
        if change in stores.marks.billable([customer_id]).get(customer_id, ()):
            return
        stores.marks.set_billable(customer_id, change, now)
        running.changed = True


def _earliest(draft: Invoice) -> datetime | None:
    if draft.type is not InvoiceType.SCHEDULED:
        return draft.end
    is_trueup = any(line.commit_kind is CommitKind.POSTPAID for line in draft.lines)
    return draft.issued_at if is_trueup else None
