"""S10 through the engine: units bought for dollars, drawn in units, earned in dollars."""

from datetime import timedelta
from decimal import Decimal

from billing.world import at, commit, dollars, fixed_product, metric, rate, span, usage_product
from build import EPOCH, add_customer, event, setup
from closedwon.billing.catalog.types import CreditType, RateCard, UnitConversion
from closedwon.billing.contracts.edits import Added, Create
from closedwon.finance.journal import LedgerAccount

CCU = CreditType(id="ccu", name="Compute credits")
YEAR = ("2025-01-01", "2026-01-01")


def test_s10_r254_units_are_deferred_at_what_they_cost() -> None:
    engine, usage, _ = setup()
    engine.create_credit_type(CCU, EPOCH)
    for found in (metric("A"), metric("B")):
        engine.create_metric(found, EPOCH)
    for product in (usage_product("A"), usage_product("B"), fixed_product("commit")):
        engine.create_product(product, EPOCH)
    card = RateCard(
        id="card",
        name="Card",
        conversions=(UnitConversion(credit_type_id=CCU.id, fiat_per_unit=Decimal(10)),),
        rates=(rate("A", "3", credit_type_id=CCU.id), rate("B", "200")),
        created_at=EPOCH,
    )
    engine.create_rate_card(card, EPOCH)
    add_customer(engine)
    units = commit(
        "units", ("10", *YEAR), payments={"2025-01-01": "90"}, access_credit_type_id=CCU.id
    )
    signed = Create(
        customer_id="customer",
        term=span(*YEAR),
        rate_card_id="card",
        terms=Added(commits=(units,)),
    )
    engine.create_contract("c", signed, by="test", now=EPOCH)
    usage.use(
        event("customer", "A", at("2025-01-10"), "450"),
        event("customer", "B", at("2025-01-11"), "20"),
    )

    engine.finalize(at("2025-02-01") + timedelta(hours=24))

    totals = [dollars(invoice.total) for invoice in engine.invoices()]
    books: dict[LedgerAccount, int] = {}
    for posting in engine.postings():
        books[posting.account] = books.get(posting.account, 0) + posting.minor
    assert totals == [Decimal("90.00"), Decimal("75.00")]
    assert [entry.amount for entry in engine.ledger("units")] == [1000, -1000]
    assert books == {
        LedgerAccount.RECEIVABLE: 16500,
        LedgerAccount.DEFERRED: 0,
        LedgerAccount.REVENUE: -16500,
    }
    assert engine.findings() == ()
