"""Meter_Spend__c: what a customer used of a product in a billing period, and what paid for it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec

from closedwon.billing.invoices.types import Invoice, InvoiceStatus, Line, LineType
from closedwon.finance.figures.picture import Picture
from closedwon.finance.figures.row import SPEND, WantedRow, compact, parent
from closedwon.kernel.exact import ZERO

QUANTITY_DIGITS = Decimal("0.000001")
"""Quantity__c is num(18,6)."""


class Spend(msgspec.Struct, kw_only=True):
    """Sums of one (product, period) while invoices are read; wire unit of ``credit_type_id``."""

    name: str
    contract_id: str
    credit_type_id: str
    quantity: Decimal = ZERO
    at_list: Decimal = ZERO
    net: Decimal = ZERO
    covered: Decimal = ZERO
    is_final: bool = True

    def add(self, invoice: Invoice, line: Line) -> None:
        """Count one usage line; a line that names a commit was paid by it (R131)."""
        quantity = line.quantity or ZERO
        self.name = line.name
        self.contract_id = invoice.contract_id
        self.quantity += quantity
        self.at_list += line.total if line.list_price is None else quantity * line.list_price
        self.net += line.total
        self.covered += line.total if line.commit_id is not None else ZERO
        self.is_final = self.is_final and invoice.status is InvoiceStatus.FINALIZED


def spend_rows(picture: Picture) -> Iterator[WantedRow]:
    """One row per product and billing period with usage; Covered + Overage = Net."""
    for (product_id, period), spend in sorted(spends(picture).items()):
        if not spend.quantity and not spend.net:
            continue
        unit = spend.credit_type_id
        net, covered = picture.money(spend.net, unit), picture.money(spend.covered, unit)
        fields = compact(
            Environment__c=picture.environment,
            Customer__r=parent(picture.customer_key),
            Contract__r=parent(picture.key(spend.contract_id)),
            Product_Name__c=spend.name,
            Product_Id__c=product_id,
            Period_Start__c=period.isoformat(),
            Granularity__c="Month",
            Quantity__c=spend.quantity.quantize(QUANTITY_DIGITS),
            List_Amount__c=picture.money(spend.at_list, unit),
            Net_Amount__c=net,
            Covered_By_Commit__c=covered,
            Overage__c=net - covered,
            Is_Final__c=spend.is_final,
        )
        yield WantedRow(
            key=picture.key(picture.account.customer.id, product_id, period.isoformat()),
            object_name=SPEND,
            fields=fields,
        )


def spends(picture: Picture) -> dict[tuple[str, date], Spend]:
    """Sums by (product id, first day of the billing period) over every usage invoice."""
    found: dict[tuple[str, date], Spend] = {}
    for invoice in picture.usage_invoices:
        for line in invoice.lines:
            if line.type is not LineType.USAGE or line.product_id is None or not invoice.start:
                continue
            key = (line.product_id, invoice.start.date())
            spend = found.setdefault(
                key,
                Spend(
                    name=line.name,
                    contract_id=invoice.contract_id,
                    credit_type_id=line.credit_type_id,
                ),
            )
            spend.add(invoice, line)
    return found
