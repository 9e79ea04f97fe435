"""Invoices as the wire answers them (metronome.md 2.10): the document's JSON and what lives on."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from closedwon.api.call import Call
from closedwon.api.shapes import credit_type_shape
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.invoices.types import Correction, Invoice, Line, LineType
from closedwon.delivery.documents import Issued, invoice_json
from closedwon.kernel.errors import NotFound

PRICED = (LineType.USAGE, LineType.SUBSCRIPTION)
"""Lines that have a list price (2.10)."""


def issued(call: Call, invoice: Invoice) -> Issued:
    """The invoice with all its document names."""
    return Issued(
        invoice=invoice,
        customer=call.engine.customer(invoice.customer_id),
        catalog=call.engine.catalog(),
        seller=call.seller,
        external=call.engine.stores.providers.external(invoice.id),
    )


def invoice_shapes(
    call: Call,
    invoices: Iterable[Invoice],
    *,
    skip_zero_lines: bool = False,
    list_prices: bool = False,
) -> list[dict[str, Any]]:
    """The invoices as JSON, in their order; totals stay when zero lines are hidden (R51)."""
    found = [_without_zero_lines(one) if skip_zero_lines else one for one in invoices]
    fields = call.engine.stores.custom_fields.of("invoice", [one.id for one in found])
    return [
        {
            **_shape(call, one, list_prices=list_prices),
            "custom_fields": dict(fields.get(one.id, {})),
        }
        for one in found
    ]


def find_invoice(call: Call, customer_id: str, invoice_id: str) -> Invoice:
    """One of the customer's, stored or as it stands now; raises NotFound."""
    stored = call.engine.stores.invoices.get(invoice_id)
    if stored is not None and stored.customer_id == customer_id:
        return stored
    for one in every_invoice(call, customer_id):
        if one.id == invoice_id:
            return one
    raise NotFound("no such invoice of the customer", customer=customer_id, invoice=invoice_id)


def every_invoice(call: Call, customer_id: str) -> tuple[Invoice, ...]:
    """All a customer has: final, void, as drafts and consolidated (R129, R304); unsorted."""
    engine = call.engine
    found = engine.list_invoices(customer_id, call.now)
    places = [one.settings.hierarchy for one in engine.contracts(customer_id)]
    if any(place is not None and place.concatenates for place in places):
        found += engine.consolidated(customer_id, call.now)
    return found


def _shape(call: Call, invoice: Invoice, *, list_prices: bool) -> dict[str, Any]:
    catalog = call.engine.catalog()
    shape = invoice_json(issued(call, invoice))
    for line, told in zip(invoice.lines, shape["line_items"], strict=True):
        told.update(_living(catalog, line, call.now))
        if list_prices and line.type in PRICED and line.list_price is not None:
            told["list_price"] = {
                "rate_type": "FLAT",
                "price": line.list_price,
                "credit_type": credit_type_shape(catalog, line.credit_type_id),
            }
    if invoice.correction is not None:
        shape.update(_correction(invoice.correction))
    return shape


def _living(catalog: Catalog, line: Line, now: datetime) -> Mapping[str, Any]:
    """The product's tags of today, not those it was billed with (2.10)."""
    product = catalog.products.get(line.product_id or "")
    return {} if product is None else {"product_tags": list(product.at(now).tags)}


def _correction(made: Correction) -> Mapping[str, Any]:
    """R285."""
    record = {
        "corrected_invoice_id": made.corrected_invoice_id,
        "reason": made.reason,
        "memo": made.memo,
    }
    return {"correction_record": record, "created_at": made.created_at}


def _without_zero_lines(invoice: Invoice) -> Invoice:
    return replace(invoice, lines=tuple(line for line in invoice.lines if line.quantity != 0))
