"""The invoice as JSON in the shape of metronome.md 2.10; amounts are exact wire units."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from closedwon.billing.catalog.types import Catalog, ProductType
from closedwon.billing.contracts.hierarchy import Party
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, Line, LineType
from closedwon.delivery.documents.page import Issued
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import wire_instant

PRODUCT_TYPES = {
    ProductType.USAGE: "UsageProductListItem",
    ProductType.FIXED: "FixedProductListItem",
    ProductType.SUBSCRIPTION: "SubscriptionProductListItem",
    ProductType.COMPOSITE: "CompositeProductListItem",
    ProductType.PROFESSIONAL_SERVICE: "FixedProductListItem",
}


def invoice_json(issued: Issued) -> dict[str, Any]:
    """The Invoice object; fields without a value are left out, ``total`` is not rounded (R4)."""
    invoice, catalog = issued.invoice, issued.catalog
    return _present(
        {
            "id": invoice.id,
            "customer_id": invoice.customer_id,
            "contract_id": invoice.contract_id,
            "type": invoice.type.value,
            "status": invoice.status.value,
            "credit_type": _credit_type(catalog, invoice.credit_type_id),
            "total": invoice.total,
            "start_timestamp": _instant(invoice.start),
            "end_timestamp": _instant(invoice.end),
            "issued_at": _instant(invoice.issued_at),
            "net_payment_terms_days": invoice.net_payment_terms_days,
            "customer_custom_fields": dict(invoice.customer_custom_fields),
            "contract_custom_fields": dict(invoice.contract_custom_fields),
            "regenerated_from_invoice_id": invoice.regenerated_from,
            "payer": _party(invoice.payer),
            "constituent_invoices": _constituents(invoice) or None,
            "billable_status": None if invoice.is_billable else "unbillable",
            "external_invoice": _external(issued),
            "line_items": [_present(dict(_line(line, catalog))) for line in invoice.lines],
        }
    )


def _party(party: Party | None) -> dict[str, str] | None:
    if party is None:
        return None
    return {"customer_id": party.customer_id, "contract_id": party.contract_id}


def _constituents(invoice: Invoice) -> list[dict[str, str]]:
    """Whose invoices a consolidated one copies, in the order of its lines (R304)."""
    found: dict[str, dict[str, str]] = {}
    for line in invoice.lines:
        if line.origin is not None:
            found[line.origin.invoice_id] = {
                "customer_id": line.origin.customer_id,
                "contract_id": line.origin.contract_id,
                "invoice_id": line.origin.invoice_id,
            }
    return list(found.values())


def _external(issued: Issued) -> dict[str, Any] | None:
    """Tax and payment, if any, are the provider's: the engine knows no tax (R145)."""
    found = issued.external
    if found is None:
        return None
    return _present(
        {
            "billing_provider_type": found.billing_provider,
            "invoice_id": found.external_id,
            "external_status": found.external_status,
            "billing_provider_error": found.error or None,
        }
    )


def _line(line: Line, catalog: Catalog) -> Iterator[tuple[str, Any]]:
    yield "name", line.name
    yield "type", line.type.value
    yield "total", line.total
    yield "credit_type", _credit_type(catalog, line.credit_type_id)
    yield "quantity", line.quantity
    yield "unit_price", line.unit_price
    yield "product_id", line.product_id
    yield "product_type", _product_type(line, catalog)
    yield "product_tags", list(line.product_tags) or None
    yield "starting_at", _instant(line.starting_at)
    yield "ending_before", _instant(line.ending_before)
    yield from _balance(line)
    yield "pricing_group_values", dict(line.pricing_group_values) or None
    yield "presentation_group_values", dict(line.presentation_group_values) or None
    if line.tier is not None:
        size = None if line.tier.size is None else canonical(line.tier.size)
        start = canonical(line.tier.starting_at)
        yield "tier", {"level": line.tier.level, "starting_at": start, "size": size}
    yield "subscription_id", line.subscription_id
    yield "is_prorated", line.is_prorated or None
    yield "scheduled_charge_id", line.charge_id
    yield "discount_id", line.discount_id
    yield "professional_service_id", line.service_id
    yield from ((f"{kind}_custom_fields", dict(own)) for kind, own in line.custom_fields.items())
    if line.origin is not None:
        yield (
            "origin",
            {
                "customer_id": line.origin.customer_id,
                "contract_id": line.origin.contract_id,
                "invoice_id": line.origin.invoice_id,
                "line_item_id": str(line.origin.line_number),
            },
        )


def _balance(line: Line) -> Iterator[tuple[str, Any]]:
    """The balance applied, or on a fixed line the commit being paid for."""
    if line.commit_id is None or line.commit_kind is None:
        return
    yield "commit_id", line.commit_id
    yield "commit_segment_id", line.segment_id
    postpaid = line.commit_kind is CommitKind.POSTPAID
    yield "commit_type", "PostpaidCommit" if postpaid else "PrepaidCommit"
    if line.segment_id is not None:
        kind = line.commit_kind.value
        yield "applied_commit_or_credit", {"id": line.commit_id, "type": kind}
    if postpaid and line.type is LineType.COMMIT_PURCHASE:
        yield "postpaid_commit", {"id": line.commit_id}


def _product_type(line: Line, catalog: Catalog) -> str | None:
    product = catalog.products.get(line.product_id or "")
    return None if product is None else PRODUCT_TYPES[product.type]


def _credit_type(catalog: Catalog, kind: str) -> dict[str, str]:
    found = catalog.credit_types.get(kind)
    return {"id": kind, "name": "" if found is None else found.name}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else wire_instant(at)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: found for name, found in fields.items() if found is not None}
