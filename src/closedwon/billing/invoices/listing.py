"""Which invoices a list shows, and in which order (R144, R289)."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType


class InvoiceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to list; None lets everything pass."""

    status: InvoiceStatus | None = None
    type: InvoiceType | None = None
    contract_id: str | None = None
    credit_type_id: str | None = None
    starting_on: datetime | None = None
    """The billing period starts at or after it (R144)."""
    ending_before: datetime | None = None
    """The billing period, half-open as it is, ends by it."""
    newest_first: bool = False
    """date_desc; the default is date_asc on the issue date (R289, G9)."""


def listed(invoices: Iterable[Invoice], wanted: InvoiceFilter) -> tuple[Invoice, ...]:
    """Invoices that pass, by issue date and then by id."""
    found = [invoice for invoice in invoices if _passes(invoice, wanted)]
    found.sort(key=lambda invoice: (invoice.issued_at, invoice.id), reverse=wanted.newest_first)
    return tuple(found)


def _passes(invoice: Invoice, wanted: InvoiceFilter) -> bool:
    pairs = (
        (wanted.status, invoice.status),
        (wanted.type, invoice.type),
        (wanted.contract_id, invoice.contract_id),
        (wanted.credit_type_id, invoice.credit_type_id),
    )
    return all(asked in (None, found) for asked, found in pairs) and _is_inside(invoice, wanted)


def _is_inside(invoice: Invoice, wanted: InvoiceFilter) -> bool:
    """Whether the billing period lies in the window; other invoices have their issue date."""
    if wanted.starting_on is not None and (invoice.start or invoice.issued_at) < wanted.starting_on:
        return False
    if wanted.ending_before is None:
        return True
    if invoice.end is None:
        return invoice.issued_at < wanted.ending_before
    return invoice.end <= wanted.ending_before
