"""Invoices of the time before (R286): priced here, drawn from balances, told to nobody."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billing.world import EPOCH, at, charge, commit, fixed_product, metric, multiplier, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import StatementSchedule
from closedwon.billing.invoices.historical import PastInvoice, PastUsage
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.billing.pricing import Tier, Tiered
from closedwon.kernel.errors import Refused

TIERS = Tiered(tiers=(Tier(size=Decimal(10), price=Decimal(100)), Tier(price=Decimal(80))))
NOW = at("2025-04-05")


def world(starts: str | None = "2025-03-01", **more: Any) -> Setup:
    """A contract that moved here on March 1, with a balance of 20 since January."""
    found = setup()
    add_catalog(
        found.engine,
        [
            usage("Calls"),
            usage("Bytes", "net", pricing_group_key=("zone",)),
            fixed_product("commit"),
        ],
        [metric("Calls"), metric("Bytes", group_keys=(("zone",),))],
        [rate("Calls", TIERS), rate("Bytes", "2", pricing_group_values={"zone": "eu"})],
    )
    add_customer(found.engine)
    generated = None if starts is None else at(starts)
    create = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        statement=StatementSchedule(invoice_generation_starting_at=generated),
        terms=Added(
            commits=(commit("paid", ("20", "2025-01-01", "2025-12-01")),),
            overrides=(multiplier("net", "0.5", "2025-01-20"),),
        ),
    )
    create = replace(create, **more)
    found.engine.create_contract("k", create, by="test", now=EPOCH)
    return found


def calls(quantity: str, start: str, end: str) -> PastUsage:
    return PastUsage(product_id="p-Calls", window=span(start, end), quantity=Decimal(quantity))


def net(quantity: str, start: str, end: str, zone: str = "eu") -> PastUsage:
    return PastUsage(
        product_id="p-Bytes",
        window=span(start, end),
        quantity=Decimal(quantity),
        pricing_group_values={"zone": zone},
    )


def january(*usage: PastUsage) -> PastInvoice:
    return PastInvoice(
        contract_id="k",
        window=span("2025-01-01", "2025-02-01"),
        issued_at=at("2025-02-03"),
        usage=usage,
    )


PAST = january(
    calls("6", "2025-01-01", "2025-01-10"),
    calls("9", "2025-01-10", "2025-02-01"),
    net("100", "2025-01-01", "2025-01-20"),
    net("100", "2025-01-20", "2025-02-01"),
)


def test_r286_quantities_are_priced_by_tiers_and_overrides_and_paid_by_balances() -> None:
    found = world()
    shown = found.engine.preview_historical(PAST, NOW)
    assert found.engine.invoices("customer") == ()
    written = found.engine.create_historical(PAST, NOW)

    assert written.total == shown.total == 1000 + 5 * 80 + 200 + 100 - 2000 + 300
    assert (written.status, written.issued_at) == (InvoiceStatus.FINALIZED, at("2025-02-03"))
    assert found.engine.invoice(written.id).lines == shown.lines
    assert [entry.amount for entry in found.engine.ledger("paid")] == [-1700]
    assert found.engine.stores.events.after(0, 10, ["invoice.finalized"]) == ()
    assert found.engine.findings() == ()


def test_r286_r137_billing_goes_on_with_what_the_past_left() -> None:
    found = world()
    found.engine.create_historical(PAST, at("2025-02-10"))
    found.usage.use(event("customer", "Calls", at("2025-02-10"), "50"))
    found.usage.use(event("customer", "Calls", at("2025-03-10"), "9"))
    found.engine.finalize(at("2025-04-02"))

    assert [(i.start, i.total) for i in found.engine.invoices("customer")] == [
        (at("2025-01-01"), 0),
        (at("2025-03-01"), 600),
    ]
    assert sum(entry.amount for entry in found.engine.ledger("paid")) == 0
    assert found.engine.findings() == ()
    assert found.engine.problems() == ()


def test_r286_what_is_refused() -> None:
    found = world()

    def refused(wanted: PastInvoice, match: str, where: Setup = found) -> None:
        with pytest.raises(Refused, match=match):
            where.engine.create_historical(wanted, NOW)

    refused(january(calls("1", "2025-01-31", "2025-02-02")), "inside the period")
    refused(january(calls("-1", "2025-01-01", "2025-01-02")), "inside the period")
    refused(january(net("1", "2025-01-01", "2025-01-02", zone="us")), "does not sell")
    refused(
        PastInvoice(
            contract_id="k", window=span("2025-02-01", "2025-03-02"), issued_at=NOW, usage=()
        ),
        "before invoice_generation_starting_at",
    )
    refused(PAST, "never set", world(starts=None))
    refused(
        PastInvoice(
            contract_id="k",
            window=span("2025-02-01", "2025-03-01"),
            issued_at=at("2025-05-01"),
            usage=(),
        ),
        "issued already",
    )
    found.engine.create_historical(PAST, NOW)
    refused(PAST, "billed already")
    refused(
        PastInvoice(
            contract_id="k", window=span("2025-01-31", "2025-03-01"), issued_at=NOW, usage=()
        ),
        "billed already",
    )


def test_r286_r283_a_wrong_one_is_voided_and_gives_back_what_it_drew() -> None:
    found = world()
    written = found.engine.create_historical(PAST, NOW)
    found.engine.void_invoice(written.id, NOW)
    assert found.engine.ledger("paid") == ()
    with pytest.raises(Refused, match="nothing to bill"):
        found.engine.regenerate_invoice(written.id, NOW)
    found.engine.finalize(NOW)
    assert found.engine.findings() == ()


def test_r155_r286_a_historical_invoice_hosts_no_charge_of_its_last_day() -> None:
    """The fee of February 1 has an invoice of its own: January's was made elsewhere."""
    fee = charge("commit", {"2025-02-01": "75"})
    made = world(charges_on_usage_invoices=True, terms=Added(charges=(fee,)))

    invoice = made.engine.preview_historical(PAST, NOW)

    assert not [line for line in invoice.lines if line.charge_id is not None]
