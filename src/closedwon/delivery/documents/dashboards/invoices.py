"""Invoices, newest first; each opens as its document."""

from collections.abc import Iterable, Sequence

import msgspec

from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.delivery.documents.dashboards.frame import Frame
from closedwon.delivery.documents.figures import amount_text, day_text, period_text
from closedwon.delivery.documents.page import TITLES
from closedwon.kernel.exact import Money

ROWS_MAX = 500
"""Invoices of a page; it says how many older ones there are."""
STATUSES = {
    InvoiceStatus.FINALIZED: "Final",
    InvoiceStatus.DRAFT: "Draft",
    InvoiceStatus.VOID: "Void",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice; texts are not escaped yet."""

    path: str
    title: str
    period: str
    status: str
    issued: str
    total: str


def invoices_page(frame: Frame, invoices: Sequence[Invoice]) -> str:
    """The page; ``invoices`` come newest first, totals are what is payable (R4)."""
    return frame.page(
        "invoices",
        rows=[_row(frame, one) for one in invoices[:ROWS_MAX]],
        older=max(len(invoices) - ROWS_MAX, 0),
        sums=[
            (label, told)
            for status, label in (
                (InvoiceStatus.FINALIZED, "Invoiced"),
                (InvoiceStatus.DRAFT, "In drafts"),
            )
            for told in _sums(frame, (one for one in invoices if one.status is status))
        ],
    )


def _row(frame: Frame, invoice: Invoice) -> Row:
    period = "" if invoice.start is None else period_text(invoice.start, invoice.end)
    return Row(
        path=f"invoices/{invoice.id}",
        title=TITLES[invoice.type],
        period=period,
        status=STATUSES[invoice.status],
        issued=day_text(invoice.issued_at),
        total=_told(_payable(frame, invoice)),
    )


def _sums(frame: Frame, invoices: Iterable[Invoice]) -> list[str]:
    """One total per currency, each of rounded totals, so that it is the sum of its rows."""
    found: dict[str, Money] = {}
    for invoice in invoices:
        payable = _payable(frame, invoice)
        known = found.get(payable.currency)
        found[payable.currency] = payable if known is None else known + payable
    return [_told(found[currency]) for currency in sorted(found)]


def _payable(frame: Frame, invoice: Invoice) -> Money:
    return Money.rounded(invoice.total, frame.unit(invoice.credit_type_id).currency or "")


def _told(amount: Money) -> str:
    return f"{amount.currency} {amount_text(amount)}"
