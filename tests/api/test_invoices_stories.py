"""Golden scenarios as the SDK sees them (metronome.md section 4): S2, S20 and S23, to the cent."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest

from api.live import Server
from api.played import Story, dollars, lines_of, totals
from billing.balances.test_recurring import recurring
from billing.world import at, commit, fixed_product, metric, multiplier, rate, span
from billing.world import usage_product as usage
from build import add_catalog, add_customer, event, widgets
from closedwon.billing.contracts.edits import Added, Amend, Create
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.terms import Commit
from closedwon.engine import Engine
from closedwon.store.tokens import Scope
from closedwon.testing.usage import MemoryUsage
from golden import s2


@pytest.fixture
def start() -> datetime:
    return at("2024-10-25")


@pytest.fixture
def story(server: Server) -> Iterator[Story]:
    with server.sdk() as sdk, server.http(*Scope) as http:
        yield Story(server, sdk, http)


def test_s2_r132_r133_a_year_of_widgets_reads_to_the_cent(story: Story) -> None:
    story.built(widgets)
    story.until(at("2025-11-02"))
    used = story.invoices(type="USAGE", status="FINALIZED")

    assert len(used) == len(s2.MONTHS)
    for invoice, month in zip(used, s2.MONTHS, strict=True):
        assert invoice.start_timestamp == at(f"{month.period}-01")
        assert dollars(invoice.total) == month.total
        billed = lines_of(invoice, "usage")
        assert billed["Compute"] == month.compute
        assert billed["Egress"] == month.egress
        assert billed["Support"] == month.support
        assert sum(lines_of(invoice, "applied_commit_or_credit").values()) == -month.applied
    paid = story.invoices(type="SCHEDULED", status="FINALIZED")
    assert {one.issued_at: dollars(one.total) for one in paid} == {
        at(day): amount for day, amount in s2.SCHEDULED.items()
    }


def calls(engine: Engine, *commits: Commit, **more: object) -> None:
    """Calls at a dollar, sold by contract ``k`` from January 2025."""
    add_catalog(
        engine,
        [usage("Calls", "calls"), fixed_product("commit")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(engine)
    grants: tuple[RecurringCommit, ...] = more.pop("recurring", ())
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(commits=commits, recurring=grants),
        **more,
    )
    engine.create_contract("k", signed, by="test", now=at("2024-12-20"))


def test_s20_r155_the_next_month_s_charge_stands_on_the_statement(story: Story) -> None:
    def build(engine: Engine, used: MemoryUsage) -> None:
        plan = recurring(access="100", invoice="75")
        calls(engine, recurring=(plan,), charges_on_usage_invoices=True)
        used.use(event("customer", "Calls", at("2025-01-10"), "120"))
        used.use(event("customer", "Calls", at("2025-02-10"), "60"))

    story.built(build)
    story.until(at("2025-03-03"))
    first, january, february = story.invoices(status="FINALIZED")

    assert totals([first, january, february]) == [
        ("SCHEDULED", "FINALIZED", Decimal("75.00")),
        ("USAGE", "FINALIZED", Decimal("95.00")),
        ("USAGE", "FINALIZED", Decimal("75.00")),
    ]
    assert lines_of(january, "usage") == {"Calls": Decimal("120.00")}
    assert sum(lines_of(january, "applied_commit_or_credit").values()) == Decimal(-100)
    assert sum(lines_of(january, "commit_purchase").values()) == Decimal(75)
    purchase = january.line_items[-1]
    assert (purchase.type, purchase.product_type) == ("commit_purchase", "FixedProductListItem")
    assert first.start_timestamp is None


def test_s23_r283_r284_a_void_month_is_billed_anew(story: Story) -> None:
    def build(engine: Engine, used: MemoryUsage) -> None:
        calls(engine, commit("paid", ("100", "2025-03-01", "2026-01-01")))
        used.use(event("customer", "Calls", at("2025-03-10"), "250"))
        used.use(event("customer", "Calls", at("2025-04-05"), "60"))

    story.built(build)
    story.until(at("2025-04-10"))
    march, april = story.invoices(starting_on=at("2025-03-01"), type="USAGE")
    assert totals([march, april]) == [
        ("USAGE", "FINALIZED", Decimal("150.00")),
        ("USAGE", "DRAFT", Decimal("60.00")),
    ]
    with story.engine() as engine:
        cheaper = Added(overrides=(multiplier("calls", "0.8", "2025-03-01"),))
        amend = Amend(starting_at=at("2025-03-01"), terms=cheaper)
        engine.edit_contract("k", amend, by="test", now=at("2025-04-10"))

    assert story.sdk.v1.invoices.void(id=march.id).data.id == march.id
    seen = story.sdk.v1.customers.invoices.retrieve(customer_id="customer", invoice_id=april.id)
    assert dollars(seen.data.total) == 0
    assert lines_of(seen.data, "usage") == {"Calls": Decimal("48.00")}
    again = story.sdk.v1.invoices.regenerate(id=march.id).data
    assert again is not None
    made = story.sdk.v1.customers.invoices.retrieve(
        customer_id="customer", invoice_id=again.id
    ).data

    assert made.id != march.id
    assert (made.status, made.regenerated_from_invoice_id) == ("FINALIZED", march.id)
    assert dollars(made.total) == Decimal("100.00")
    seen = story.sdk.v1.customers.invoices.retrieve(customer_id="customer", invoice_id=april.id)
    assert dollars(seen.data.total) == Decimal("48.00")
    assert [one.id for one in story.invoices(status="VOID")] == [march.id]
