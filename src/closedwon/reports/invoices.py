"""Invoices: what was and will be billed, with totals by currency and status."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from closedwon.billing.invoices.types import Invoice, InvoiceStatus, LineType
from closedwon.finance.figures.picture import Picture
from closedwon.kernel.exact import ZERO, Money, major
from closedwon.reports.table import Cell, Chart, Column, Kind, Report, Series, Table

COLUMNS = (
    Column("customer"),
    Column("invoice"),
    Column("type"),
    Column("status"),
    Column("issued", Kind.DATE),
    Column("from", Kind.DATE),
    Column("until", Kind.DATE),
    Column("currency"),
    Column("usage", Kind.MONEY),
    Column("paid by balances", Kind.MONEY),
    Column("total", Kind.MONEY),
)
SUMS = (Column("currency"), Column("status"), Column("invoices", Kind.NUMBER))


def report(pictures: Iterable[Picture], now: datetime) -> Report:
    """Finalized invoices and open drafts, oldest first; totals are payable amounts (R4)."""
    found = [
        (picture, invoice)
        for picture in pictures
        for invoice in (*picture.account.finalized, *picture.bill.invoices)
    ]
    found.sort(key=lambda pair: (pair[1].issued_at, pair[0].account.customer.name, pair[1].id))
    rows = tuple(_row(picture, invoice) for picture, invoice in found)
    sums = Table(
        name="Totals",
        columns=(*SUMS, Column("total", Kind.MONEY)),
        rows=tuple(_totals(rows)),
    )
    return Report(
        title="Invoices",
        as_of=now,
        tables=(sums, Table(name="Invoices", columns=COLUMNS, rows=rows)),
        charts=(_chart(rows),),
    )


def _row(picture: Picture, invoice: Invoice) -> tuple[Cell, ...]:
    currency = picture.currency(invoice.credit_type_id) or "USD"
    usage = _sum(invoice, LineType.USAGE)
    applied = -_sum(invoice, LineType.APPLIED)
    return (
        picture.account.customer.name,
        invoice.id,
        invoice.type.value.lower(),
        invoice.status.value.lower(),
        invoice.issued_at,
        invoice.start,
        invoice.end,
        currency,
        major(usage, currency),
        major(applied, currency),
        Money.rounded(invoice.total, currency).amount,
    )


def _sum(invoice: Invoice, kind: LineType) -> Decimal:
    return sum((line.total for line in invoice.lines if line.type is kind), ZERO)


def _totals(rows: Iterable[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    counted: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for row in rows:
        key = (str(row[7]), str(row[3]))
        number, total = counted.get(key, (0, ZERO))
        counted[key] = (number + 1, total + Decimal(str(row[10])))
    for (currency, status), (number, total) in sorted(counted.items()):
        yield (currency, status, number, total)


def _chart(rows: Iterable[tuple[Cell, ...]]) -> Chart:
    billed: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        if row[3] == InvoiceStatus.FINALIZED.value.lower() and isinstance(row[4], datetime):
            month = billed.setdefault(f"{row[4]:%Y-%m}", {})
            kind = str(row[2])
            month[kind] = month.get(kind, ZERO) + Decimal(str(row[10]))
    labels = tuple(sorted(billed))
    return Chart(
        title="Invoiced by month",
        labels=labels,
        series=tuple(
            Series(name=kind, values=tuple(billed[label].get(kind, ZERO) for label in labels))
            for kind in ("scheduled", "usage")
        ),
    )
