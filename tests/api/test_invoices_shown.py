"""What some invoices show beside the usual: copies, corrections, delivery, custom fields (2.10)."""

from decimal import Decimal

import httpx
import pytest
from metronome import InternalServerError, Metronome, NotFoundError
from msgspec.structs import replace

from api.live import START, Server
from api.played import Story, dollars
from billing.world import at, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import add_catalog, add_customer, event
from closedwon.billing.contracts.edits import ContractSettings, Create
from closedwon.billing.contracts.hierarchy import Hierarchy, Payer, StatementBehavior
from closedwon.billing.invoices.types import Correction
from closedwon.engine import Engine
from closedwon.engine.corrections import CorrectedLine
from closedwon.store.database import writing
from closedwon.store.providers import ExternalInvoice
from closedwon.testing.usage import MemoryUsage


@pytest.fixture
def story(server: Server, client: Metronome, http: httpx.Client) -> Story:
    """A mother that pays for her daughter and gathers her usage; January is billed."""
    found = Story(server, client, http)
    found.built(family)
    found.until(at("2026-02-03"))
    return found


def family(engine: Engine, used: MemoryUsage) -> None:
    add_catalog(
        engine,
        [usage("Tokens", "old"), fixed_product("commit")],
        [metric("Tokens")],
        [rate("Tokens", "1")],
    )
    joins = Hierarchy(
        parent_contract_id="parent",
        parent_customer_id="mother",
        payer=Payer.PARENT,
        statement=StatementBehavior.CONSOLIDATE,
    )
    for contract_id, who, place in (
        ("parent", "mother", Hierarchy(concatenates=True)),
        ("child", "daughter", joins),
    ):
        add_customer(engine, who)
        create = Create(
            customer_id=who,
            term=span("2026-01-01"),
            rate_card_id="card",
            settings=ContractSettings(hierarchy=place),
            net_payment_terms_days=30,
            custom_fields={},
        )
        engine.create_contract(contract_id, create, by="test", now=START)
    used.use(event("mother", "Tokens", at("2026-01-10"), "3000"))
    used.use(event("daughter", "Tokens", at("2026-01-11"), "4000"))


def test_r304_a_consolidated_invoice_names_where_its_lines_came_from(story: Story) -> None:
    final = story.invoices("mother", type="USAGE_CONSOLIDATED", status="FINALIZED")
    (own,) = story.invoices("mother", type="USAGE", status="FINALIZED")
    (hers,) = story.invoices("daughter", type="USAGE", status="FINALIZED")
    (whole,) = final

    assert dollars(whole.total) == Decimal(70)
    assert whole.constituent_invoices is not None
    assert [one.invoice_id for one in whole.constituent_invoices] == [own.id, hers.id]
    assert [one.origin.invoice_id for one in whole.line_items if one.origin] == [own.id, hers.id]
    one = story.sdk.v1.customers.invoices.retrieve(customer_id="mother", invoice_id=whole.id)
    assert one.data == whole
    assert story.invoices("daughter", type="USAGE_CONSOLIDATED") == []


def test_r303_the_payer_of_a_child_s_invoice_is_its_parent(story: Story) -> None:
    (hers,) = story.invoices("daughter", type="USAGE", status="FINALIZED")

    assert hers.payer is not None
    assert (hers.payer.customer_id, hers.payer.contract_id) == ("mother", "parent")
    assert hers.net_payment_terms_days == 30


def test_r292_delivery_and_custom_fields_stand_on_the_invoice(story: Story) -> None:
    (own,) = story.invoices("mother", type="USAGE", status="FINALIZED")
    sent = ExternalInvoice(
        invoice_id=own.id,
        billing_provider="stripe",
        external_id="in_1",
        external_status="PAID",
        updated_at=at("2026-02-03"),
    )
    with story.engine() as engine:
        engine.add_custom_field_key("invoice", "number", False, at("2026-02-03"))
        engine.set_custom_fields("invoice", own.id, {"number": "N-7"}, at("2026-02-03"))
        with writing(engine.db):
            engine.stores.providers.put_external(sent)

    shown = story.sdk.v1.customers.invoices.retrieve(customer_id="mother", invoice_id=own.id).data
    assert shown.custom_fields == {"number": "N-7"}
    assert shown.external_invoice is not None
    assert shown.external_invoice.external_status == "PAID"
    assert shown.external_invoice.invoice_id == "in_1"


def test_r285_a_correction_says_what_it_corrects_and_why(story: Story) -> None:
    (own,) = story.invoices("mother", type="USAGE", status="FINALIZED")
    with story.engine() as engine:
        engine.settings = replace(engine.settings, corrections=True)
        record = Correction(
            corrected_invoice_id=own.id,
            reason="price",
            memo="told by phone",
            created_at=at("2026-02-03"),
        )
        corrected = CorrectedLine(product_id="p-Tokens", name="Tokens", amount=Decimal(-1000))
        made = engine.correct_invoice([corrected], record)

    shown = story.sdk.v1.customers.invoices.retrieve(customer_id="mother", invoice_id=made.id).data
    assert shown.correction_record is not None
    assert shown.correction_record.corrected_invoice_id == own.id
    assert (shown.correction_record.reason, shown.correction_record.memo) == (
        "price",
        "told by phone",
    )
    assert (shown.created_at, dollars(shown.total)) == (at("2026-02-03"), Decimal(-10))


def test_an_invoice_is_a_pdf_too(story: Story) -> None:
    pytest.importorskip("weasyprint")
    (own,) = story.invoices("mother", type="USAGE", status="FINALIZED")
    read = story.sdk.v1.customers.invoices.retrieve_pdf(customer_id="mother", invoice_id=own.id)

    assert read.headers["content-type"] == "application/pdf"
    assert read.read().startswith(b"%PDF-")
    with pytest.raises(NotFoundError):
        story.sdk.v1.customers.invoices.retrieve_pdf(customer_id="mother", invoice_id="nothing")


def test_a_charge_on_a_plan_is_a_501(client: Metronome) -> None:
    with pytest.raises(InternalServerError) as caught:
        client.v1.customers.invoices.add_charge(
            customer_id="mother",
            charge_id="c",
            customer_plan_id="p",
            description="d",
            invoice_start_timestamp=START,
            price=1,
            quantity=1,
        )

    assert caught.value.status_code == 501
