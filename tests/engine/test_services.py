"""Professional services and discounts through the engine (R158, R159)."""

from decimal import Decimal

import pytest

from billing.world import EPOCH, at, charge, fixed_product, items, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, setup
from closedwon.billing.catalog.types import Product, ProductType
from closedwon.billing.contracts.edits import Added, Create, Revise
from closedwon.billing.contracts.gated import Discount, ProfessionalService
from closedwon.engine.services import Work
from closedwon.finance.postings import LedgerAccount
from closedwon.kernel.errors import Refused

TRAINING = ProfessionalService(
    id="training",
    product_id="p-training",
    unit_price=Decimal(20000),
    quantity=Decimal(10),
    max_amount=Decimal(100000),
    description="Training",
)
NOW = at("2025-02-10")


def world() -> Setup:
    found = setup()
    training = fixed_product("training")
    work = Product(
        id=training.id, type=ProductType.PROFESSIONAL_SERVICE, versions=training.versions
    )
    add_catalog(
        found.engine,
        [usage("Calls"), fixed_product("fee"), work],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    create = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(
            services=(TRAINING,),
            charges=(charge("fee", {"2025-03-05": "10"}),),
            discounts=(
                Discount(
                    id="off",
                    product_id="p-fee",
                    name="Off",
                    items=items("off", {"2025-03-05": "4"}),
                ),
            ),
        ),
    )
    found.engine.create_contract("k", create, by="test", now=EPOCH)
    return found


def work(quantity: str, price: str | None = None) -> Work:
    return Work(
        service_id="training",
        quantity=Decimal(quantity),
        unit_price=None if price is None else Decimal(price),
    )


def test_r159_work_is_invoiced_as_it_is_done_up_to_the_maximum() -> None:
    found = world()
    engine = found.engine
    engine.invoice_service("k", [work("3")], at("2025-02-09"), by="ada", now=NOW)
    engine.invoice_service("k", [work("1"), work("0.5", "30000")], NOW, by="ada", now=NOW)
    engine.finalize(NOW)

    bills = [i for i in engine.invoices("customer") if i.type == "SCHEDULED"]
    assert [(i.issued_at, i.total) for i in bills] == [(at("2025-02-09"), 60000), (NOW, 35000)]
    assert {line.service_id for i in bills for line in i.lines} == {"training"}
    assert engine.explain(bills[0].id, 1).causes[0].name == "Training"

    before = engine.content_hash()
    with pytest.raises(Refused, match="beyond its max_amount"):
        engine.invoice_service("k", [work("0.26")], NOW, by="ada", now=NOW)
    with pytest.raises(Refused, match="unknown=cleaning"):
        engine.invoice_service(
            "k", [Work(service_id="cleaning", quantity=Decimal(1))], NOW, by="ada", now=NOW
        )
    assert engine.content_hash() == before
    engine.invoice_service("k", [work("0.25")], NOW, by="ada", now=NOW)


def test_r159_the_same_work_told_twice_is_invoiced_once() -> None:
    found = world()
    for _ in range(2):
        found.engine.invoice_service("k", [work("5")], NOW, by="ada", now=NOW, edit_id="w1")
    found.engine.finalize(NOW)
    total = sum(i.total for i in found.engine.invoices("customer") if i.type == "SCHEDULED")
    assert total == 100000


def test_r159_a_maximum_below_what_was_invoiced_is_refused() -> None:
    found = world()
    found.engine.invoice_service("k", [work("5")], NOW, by="ada", now=NOW)
    less = Added(
        services=(
            ProfessionalService(
                id="training",
                product_id="p-training",
                unit_price=Decimal(20000),
                quantity=Decimal(1),
                max_amount=Decimal(99999),
            ),
        )
    )
    with pytest.raises(Refused, match="over=1"):
        found.engine.edit_contract("k", Revise(replace=less), by="ada", now=NOW)


def test_r158_a_discount_is_final_in_its_hour_and_lowers_revenue() -> None:
    found = world()
    found.engine.finalize(at("2025-03-04"))
    found.engine.finalize(at("2025-03-05"))
    invoice = found.engine.invoices("customer")[-1]
    assert (invoice.issued_at, invoice.finalized_at) == (at("2025-03-05"), at("2025-03-05"))
    assert invoice.total == 600
    revenue = [p for p in found.engine.postings() if p.account is LedgerAccount.REVENUE]
    assert sum(p.minor for p in revenue) == -600
    assert found.engine.explain(invoice.id, 2).causes[0].kind == "discount"
    assert found.engine.findings() == ()
