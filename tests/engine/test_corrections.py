"""Correction invoices: off by default, and never touching the invoice or balances (R285)."""

from datetime import datetime
from decimal import Decimal

import pytest

from billing.world import EPOCH, at, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.account import BillingSettings
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.invoices.types import Correction, Invoice, InvoiceStatus
from closedwon.engine.corrections import CorrectedLine
from closedwon.finance.postings import LedgerAccount
from closedwon.kernel.errors import NotFound, Refused

NOW = at("2025-04-10")
BACK = CorrectedLine(product_id="p-Calls", name="Outage on March 3", amount=Decimal(-1200))


def world(*, corrections: bool = True) -> tuple[Setup, Invoice]:
    found = setup(settings=BillingSettings(corrections=corrections))
    add_catalog(
        found.engine,
        [usage("Calls"), fixed_product("commit")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    create = Create(
        customer_id="customer",
        term=span("2025-03-01"),
        rate_card_id="card",
        terms=Added(commits=(commit("free", ("20", "2025-03-01", "2026-01-01")),)),
    )
    found.engine.create_contract("k", create, by="test", now=EPOCH)
    found.usage.use(event("customer", "Calls", at("2025-03-10"), "50"))
    found.engine.finalize(at("2025-04-02"))
    (march,) = found.engine.invoices("customer")
    return found, march


def record(invoice: Invoice, reason: str = "outage", when: datetime = NOW) -> Correction:
    return Correction(corrected_invoice_id=invoice.id, reason=reason, memo="sorry", created_at=when)


def test_r285_a_correction_stands_beside_the_invoice() -> None:
    found, march = world()
    made = found.engine.correct_invoice([BACK], record(march))

    assert (made.status, made.total, made.issued_at) == (InvoiceStatus.FINALIZED, -1200, NOW)
    stored = found.engine.invoice(made.id)
    assert stored.correction == record(march)
    assert found.engine.invoice(march.id) == march
    assert [entry.amount for entry in found.engine.ledger("free")] == [2000, -2000]
    receivable = [p for p in found.engine.postings() if p.account is LedgerAccount.RECEIVABLE]
    assert sum(p.minor for p in receivable) == 3000 - 1200
    assert found.engine.findings() == ()
    found.engine.finalize(at("2025-05-02"))
    assert len(found.engine.invoices("customer")) == 3

    found.engine.void_invoice(made.id, at("2025-05-03"))
    with pytest.raises(Refused, match="nothing to bill"):
        found.engine.regenerate_invoice(made.id, at("2025-05-03"))
    assert found.engine.findings() == ()


def test_r285_what_is_refused() -> None:
    found, march = world()
    made = found.engine.correct_invoice([BACK], record(march))
    before = found.engine.content_hash()
    with pytest.raises(Refused, match="written already"):
        found.engine.correct_invoice([BACK], record(march))
    with pytest.raises(Refused, match="gives a reason"):
        found.engine.correct_invoice([BACK], record(march, reason=""))
    with pytest.raises(Refused, match="gives a reason"):
        found.engine.correct_invoice([], record(march))
    with pytest.raises(Refused, match="unknown=p-none"):
        found.engine.correct_invoice(
            [CorrectedLine(product_id="p-none", name="x", amount=Decimal(1))], record(march)
        )
    with pytest.raises(NotFound):
        found.engine.correct_invoice(
            [BACK], Correction(corrected_invoice_id="draft", reason="x", created_at=NOW)
        )
    assert found.engine.content_hash() == before
    found.engine.void_invoice(made.id, NOW)
    with pytest.raises(Refused, match="status=VOID"):
        found.engine.correct_invoice([BACK], record(made))


def test_r285_corrections_are_off_unless_a_setting_allows_them() -> None:
    found, march = world(corrections=False)
    with pytest.raises(Refused, match="billing_corrections"):
        found.engine.correct_invoice([BACK], record(march))
