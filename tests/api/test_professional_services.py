"""Professional services billed as the work is done, through the SDK (R159)."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from metronome import BadRequestError, InternalServerError, Metronome, NotFoundError
from msgspec.structs import replace

from api.live import START, Server
from api.played import Story, dollars
from billing.world import at, fixed_product, span
from build import add_catalog, add_customer
from closedwon.billing.catalog.types import ProductType
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.gated import ProfessionalService
from closedwon.engine import Engine
from closedwon.testing.usage import MemoryUsage

AT: dict[str, Any] = {
    "customer_id": "customer",
    "contract_id": "k",
    "issued_at": at("2026-01-15"),
}


def advised(engine: Engine, _used: MemoryUsage) -> None:
    """Ten hours of advice at 150 dollars, 1,500 at most."""
    product = replace(fixed_product("advice"), type=ProductType.PROFESSIONAL_SERVICE)
    add_catalog(engine, [product], [], [])
    add_customer(engine)
    advice = ProfessionalService(
        id="advice",
        product_id="p-advice",
        unit_price=Decimal(15000),
        quantity=Decimal(10),
        max_amount=Decimal(150000),
        description="Advice",
    )
    create = Create(
        customer_id="customer",
        term=span("2026-01-01"),
        rate_card_id="card",
        terms=Added(services=(advice,)),
    )
    engine.create_contract("k", create, by="test", now=START)


@pytest.fixture
def story(server: Server, client: Metronome, http: httpx.Client) -> Story:
    found = Story(server, client, http)
    found.built(advised)
    return found


def test_r159_work_is_billed_at_the_agreed_price_another_or_as_an_amount(story: Story) -> None:
    (made,) = story.sdk.v1.contracts.schedule_pro_services_invoice(
        **AT,
        line_items=[
            {"professional_service_id": "advice", "quantity": 2},
            {"professional_service_id": "advice", "quantity": 1, "unit_price": 9000},
            {"professional_service_id": "advice", "amount": 1050},
        ],
    ).data
    story.until(at("2026-01-16"))
    (billed,) = story.invoices(type="SCHEDULED", status="FINALIZED")

    assert (made.id, made.status, made.type) == (billed.id, "DRAFT", "SCHEDULED")
    assert [dollars(line.total) for line in billed.line_items] == [
        Decimal(300),
        Decimal(90),
        Decimal("10.50"),
    ]
    assert {line.professional_service_id for line in billed.line_items} == {"advice"}
    assert billed.issued_at == at("2026-01-15")


@pytest.mark.parametrize(
    ("line", "kind", "told"),
    [
        ({"quantity": 11}, BadRequestError, "R159"),
        ({}, BadRequestError, "line_items.0"),
        ({"quantity": 1, "amount": 5}, BadRequestError, "line_items.0"),
        ({"amount": 5, "unit_price": 5}, BadRequestError, "unit_price"),
        ({"quantity": 1, "professional_service_id": "other"}, BadRequestError, "other"),
        ({"quantity": 1, "metadata": "x"}, InternalServerError, "metadata"),
    ],
)
def test_r159_what_was_not_agreed_is_refused(
    story: Story, line: Any, kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=told):
        story.sdk.v1.contracts.schedule_pro_services_invoice(
            **AT, line_items=[{"professional_service_id": "advice", **line}]
        )

    assert story.invoices(type="SCHEDULED") == []


def test_the_contract_is_the_customer_s(story: Story) -> None:
    other = story.sdk.v1.customers.create(name="Other").data.id
    with pytest.raises(NotFoundError):
        story.sdk.v1.contracts.schedule_pro_services_invoice(
            **{**AT, "customer_id": other},
            line_items=[{"professional_service_id": "advice", "quantity": 1}],
        )
