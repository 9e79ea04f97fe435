"""Invoices for delivery tests: small, with every kind of line."""

from collections.abc import Sequence
from decimal import Decimal

from billing.world import EPOCH, at, fixed_product, usage_product
from closedwon.billing.account import Customer
from closedwon.billing.catalog.types import USD, USD_CENTS, Catalog, CreditType
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line, LineType
from closedwon.delivery.documents import Issued
from closedwon.kernel.exact import ZERO

CCU = "ccu"
CUSTOMER = Customer(id="customer", name="Widgets & Sons <Ltd>", created_at=EPOCH)


def kinds(**currencies: str) -> dict[str, CreditType]:
    found = {USD: USD_CENTS, CCU: CreditType(id=CCU, name="CCU")}
    for kind, currency in currencies.items():
        found[kind] = CreditType(id=kind, name=currency, currency=currency)
    return found


CATALOG = Catalog(
    products={p.id: p for p in (usage_product("Storage"), fixed_product("commit"))},
    credit_types=kinds(eur="EUR", jpy="JPY", kwd="KWD"),
)


def usage(total: str, **more: object) -> Line:
    fields: dict[str, object] = {
        "type": LineType.USAGE,
        "name": "Storage",
        "total": Decimal(total),
        "product_id": "p-Storage",
        "quantity": Decimal(1),
        "unit_price": Decimal(total),
        "starting_at": at("2024-01-01"),
        "ending_before": at("2024-02-01"),
    }
    return Line(**{**fields, **more})  # type: ignore[arg-type]


def covered(total: str, kind: CommitKind = CommitKind.PREPAID, **more: object) -> tuple[Line, Line]:
    """A covered line and the application that pays it."""
    balance = {"commit_id": "A", "segment_id": "A1", "commit_kind": kind, **more}
    fields = {"name": "Enterprise Commit applied", "quantity": None, "unit_price": None, **balance}
    return (
        usage(total, **balance),
        usage(str(-Decimal(total)), **{**fields, "type": LineType.APPLIED}),
    )


def purchase(total: str, **more: object) -> Line:
    fields = {
        "type": LineType.COMMIT_PURCHASE,
        "name": "Platform commitment",
        "product_id": "p-commit",
        "commit_id": "A",
        "commit_kind": CommitKind.PREPAID,
        "starting_at": None,
        "ending_before": None,
    }
    return usage(total, **{**fields, **more})


def issued(lines: Sequence[Line], seller: str = "", **more: object) -> Issued:
    kind = more.get("credit_type_id", USD)
    fields: dict[str, object] = {
        "id": "inv-1",
        "customer_id": "customer",
        "contract_id": "contract",
        "type": InvoiceType.USAGE,
        "status": InvoiceStatus.FINALIZED,
        "total": sum((line.payable for line in lines if line.credit_type_id == kind), ZERO),
        "lines": tuple(lines),
        "start": at("2024-01-01"),
        "end": at("2024-02-01"),
        "issued_at": at("2024-02-02"),
    }
    invoice = Invoice(**{**fields, **more})  # type: ignore[arg-type]
    return Issued(invoice=invoice, customer=CUSTOMER, catalog=CATALOG, seller=seller)
