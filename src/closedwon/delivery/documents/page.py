"""What stands on an invoice, laid out: rows, rounded amounts, due date (R4, R104, R132).

Amounts of lines are rounded so that they add up to the rounded total; lines in a custom pricing
unit stand apart, in units, and never add to it (R250).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from closedwon.billing.account import Customer
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line, LineType
from closedwon.delivery.documents.figures import amount_text, number_text, period_text
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import CONTEXT, ZERO, Money, allocated, major, minor_digits
from closedwon.store.providers import ExternalInvoice

APPLIED_SUFFIX = " applied"
"""What application lines add to the name of their balance (R132)."""
MARKS = {
    InvoiceStatus.DRAFT: "Draft: not final, no payment is due",
    InvoiceStatus.FINALIZED: "",
    InvoiceStatus.VOID: "Void: no payment is due",
}
TITLES = {
    InvoiceType.USAGE: "Usage invoice",
    InvoiceType.SCHEDULED: "Invoice",
    InvoiceType.USAGE_CONSOLIDATED: "Consolidated usage invoice",
}


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice with what its document names."""

    invoice: Invoice
    customer: Customer
    catalog: Catalog
    seller: str = ""
    """Name and address of who bills; lines end with a newline."""
    external: ExternalInvoice | None = None
    """What became of it at its billing provider; None when it was not sent."""

    @property
    def currency(self) -> str:
        """ISO code of what it is paid in; raises InvariantBroken for a pricing unit."""
        kind = self.catalog.credit_types.get(self.invoice.credit_type_id)
        if kind is None or kind.currency is None:
            raise InvariantBroken("an invoice is paid in a currency", invoice=self.invoice.id)
        return kind.currency

    @property
    def total(self) -> Money:
        """What is payable (R4)."""
        return Money.rounded(self.invoice.total, self.currency)

    @property
    def due_at(self) -> datetime | None:
        """Issue date plus payment terms; None without terms (R104)."""
        days = self.invoice.net_payment_terms_days
        return None if days is None else self.invoice.issued_at + timedelta(days=days)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Lines in the invoice's own currency."""
        kind = self.invoice.credit_type_id
        return tuple(line for line in self.invoice.lines if line.credit_type_id == kind)

    @property
    def rounded(self) -> tuple[Money, ...]:
        """Payable amount of each of ``lines``; they add up to ``total`` exactly (R4).

        Raises InvariantBroken when the lines do not make the total (R133).
        """
        if sum((line.payable for line in self.lines), ZERO) != self.invoice.total:
            raise InvariantBroken("the lines do not make the total", invoice=self.invoice.id)
        parts = [_minor(line.payable, self.currency) for line in self.lines]
        minors = allocated(self.total.minor, parts)
        return tuple(Money(minor, self.currency) for minor in minors)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One printed line; texts are not escaped yet."""

    name: str
    details: tuple[str, ...] = ()
    period: str = ""
    quantity: str = ""
    unit_price: str = ""
    amount: str
    is_applied: bool = False
    """A balance pays here."""
    is_charged: bool = True
    """Whether the amount is part of the total."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in one unit."""

    unit: str
    rows: tuple[Row, ...]
    total: str
    is_payable: bool
    """Whether its total is what is owed."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the template prints."""

    title: str
    number: str
    mark: str
    seller: tuple[str, ...]
    customer: str
    facts: tuple[tuple[str, str], ...]
    """Label and text: dates, period, terms."""
    references: tuple[tuple[str, str], ...]
    """Custom fields, such as a purchase order number."""
    tables: tuple[Table, ...]
    total: str


def page_of(issued: Issued) -> Page:
    """The document's content; equal invoices give equal pages."""
    invoice = issued.invoice
    return Page(
        title=TITLES[invoice.type],
        number=invoice.id,
        mark=MARKS[invoice.status],
        seller=tuple(line.strip() for line in issued.seller.splitlines() if line.strip()),
        customer=issued.customer.name,
        facts=tuple(_facts(issued)),
        references=_references(invoice),
        tables=(*_unit_tables(issued), _payable_table(issued)),
        total=f"{issued.currency} {amount_text(issued.total)}",
    )


def _facts(issued: Issued) -> Iterator[tuple[str, str]]:
    invoice = issued.invoice
    yield "Issue date", f"{invoice.issued_at.astimezone(UTC):%Y-%m-%d}"
    if issued.due_at is not None:
        yield "Due date", f"{issued.due_at.astimezone(UTC):%Y-%m-%d}"
        yield "Payment terms", f"{invoice.net_payment_terms_days} days"
    if invoice.start is not None:
        yield "Service period", period_text(invoice.start, invoice.end)
    yield "Contract", invoice.contract_id
    if invoice.regenerated_from is not None:
        yield "Replaces invoice", invoice.regenerated_from


def _references(invoice: Invoice) -> tuple[tuple[str, str], ...]:
    """The contract's fields first; one it shares with the customer is the contract's."""
    own = invoice.contract_custom_fields
    others = {key: v for key, v in invoice.customer_custom_fields.items() if key not in own}
    return (*sorted(own.items()), *sorted(others.items()))


def _payable_table(issued: Issued) -> Table:
    names = _balance_names(issued.invoice.lines)
    rows = []
    for line, paid in zip(issued.lines, issued.rounded, strict=True):
        charged = line.payable == line.total
        shown = paid if charged else Money.rounded(line.total, issued.currency)
        price = _price(line, issued.currency)
        row = _row(issued, line, names, amount_text(shown), price)
        rows.append(msgspec.structs.replace(row, is_charged=charged))
    total = amount_text(issued.total)
    return Table(unit=issued.currency, rows=tuple(rows), total=total, is_payable=True)


def _unit_tables(issued: Issued) -> Iterator[Table]:
    """One table per custom pricing unit, in order of first line (R250)."""
    names = _balance_names(issued.invoice.lines)
    apart: dict[str, list[Line]] = {}
    for line in issued.invoice.lines:
        if line.credit_type_id != issued.invoice.credit_type_id:
            apart.setdefault(line.credit_type_id, []).append(line)
    for kind, lines in apart.items():
        unit = issued.catalog.credit_types[kind].name
        rows = tuple(
            _row(issued, line, names, number_text(line.total), number_text(line.unit_price))
            for line in lines
        )
        total = number_text(sum((line.payable for line in lines), ZERO))
        yield Table(unit=unit, rows=rows, total=total, is_payable=False)


def _row(issued: Issued, line: Line, names: Mapping[str, str], amount: str, price: str) -> Row:
    period = ""
    if line.starting_at is not None:
        period = period_text(line.starting_at, line.ending_before)
    return Row(
        name=line.name,
        details=tuple(_details(issued, line, names)),
        period=period,
        quantity=number_text(line.quantity),
        unit_price=price,
        amount=amount,
        is_applied=line.type is LineType.APPLIED,
    )


def _details(issued: Issued, line: Line, names: Mapping[str, str]) -> Iterator[str]:
    product = issued.catalog.products.get(line.product_id or "")
    if product is not None:
        name = product.at(line.starting_at or issued.invoice.issued_at).name
        if name != line.name:
            yield name
    groups = {**line.pricing_group_values, **line.presentation_group_values}
    for key, group in groups.items():
        yield f"{key}: {group}" if group is not None else f"{key}: (none)"
    if line.tier is not None:
        yield f"tier {line.tier.level}, from {number_text(line.tier.starting_at)}"
    if line.is_prorated:
        yield "prorated"
    if line.type is not LineType.APPLIED and line.segment_id is not None:
        yield f"covered by {names.get(line.commit_id or '', 'a balance')}"
    if line.payable != line.total:
        yield "counts towards the commitment, takes nothing off this invoice"


def _balance_names(lines: Sequence[Line]) -> Mapping[str, str]:
    return {
        line.commit_id: line.name.removesuffix(APPLIED_SUFFIX)
        for line in lines
        if line.type is LineType.APPLIED and line.commit_id is not None
    }


def _price(line: Line, currency: str) -> str:
    return "" if line.unit_price is None else number_text(major(line.unit_price, currency), 2)


def _minor(wire: Decimal, currency: str) -> Decimal:
    """Exact minor units of a wire amount: USD has cents on the wire already (R377)."""
    return wire if currency == "USD" else wire.scaleb(minor_digits(currency), CONTEXT)
