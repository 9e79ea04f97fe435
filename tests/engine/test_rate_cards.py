"""Rate cards as commands: what is taken and refused, aliases, order, schedules, currencies."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.rating.pricing_world import flat, tiers
from billing.world import EPOCH, at, commit, fixed_product, metric, multiplier, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.catalog.types import (
    FIAT,
    USD,
    Alias,
    CreditType,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
    UnitConversion,
)
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added, Amend, Create, Revise
from closedwon.billing.contracts.overrides import Override, Overwrite
from closedwon.billing.pricing import Custom, Percentage
from closedwon.billing.rating.schedule import RateSelector
from closedwon.engine import Engine
from closedwon.engine.rate_cards import CardUpdate
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.exact import Money

NOW = at("2024-01-01")
TOKENS = CreditType(id="tokens", name="Tokens")
EUR = next(kind.id for kind in FIAT.values() if kind.currency == "EUR")
SEAT = Product(
    id="p-Seat",
    type=ProductType.SUBSCRIPTION,
    versions=(ProductVersion(starting_at=EPOCH, name="Seat"),),
)


@pytest.fixture
def world() -> Setup:
    found = setup()
    products = [usage("Api", "api"), usage("Disk"), SEAT, fixed_product("commit")]
    add_catalog(found.engine, products, [metric("Api"), metric("Disk")], [rate("Api", "100")])
    found.engine.create_credit_type(TOKENS, NOW)
    add_customer(found.engine)
    return found


@pytest.fixture
def engine(world: Setup) -> Engine:
    return world.engine


def card(card_id: str, *aliases: Alias, **more: object) -> RateCard:
    fields = {"id": card_id, "name": card_id, "aliases": aliases, "created_at": EPOCH}
    return RateCard(**{**fields, **more})  # type: ignore[arg-type]


def signed(card_id: str, start: str = "2024-06-01", **more: object) -> Create:
    fields = {"customer_id": "customer", "term": span(start), "rate_card_id": card_id}
    return Create(**{**fields, **more})  # type: ignore[arg-type]


def refuse(engine: Engine, wrong: Rate, match: str) -> None:
    before = engine.content_hash()
    with pytest.raises(Refused, match=match):
        engine.add_rates(wrong.rate_card_id, [wrong], NOW)
    assert engine.content_hash() == before


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (rate("Api", Percentage(fraction=Decimal("0.1")), id="x"), "R64"),
        (rate("Api", Custom(processor="MAGIC"), id="x"), "R68"),
        (rate("commit", "1", id="x"), "R156"),
        (rate("Seat", "1", id="x"), "needs its billing_frequency .R90"),
        (rate("Seat", "1", id="x", billing_frequency="DAILY"), "R90.*found=DAILY"),
        (rate("Api", "1", id="x", billing_frequency="MONTHLY"), "goes with subscription"),
        (
            rate("Seat", "1", id="x", billing_frequency="MONTHLY", commit_price=flat("1")),
            "only usage products have a commit rate .R71",
        ),
        (
            rate("Api", "1", id="x", commit_price=Percentage(fraction=Decimal(1))),
            "R64",
        ),
        (rate("Api", "1", span("2024-01-01", "2024-01-01"), id="x"), "ends after it starts"),
        (rate("Disk", "1", id="x", credit_type_id=EUR), "the card's currency.*R138.*EUR"),
        (rate("Disk", "1", id="x", credit_type_id="tokens"), "no conversion.*R252"),
    ],
)
def test_r45_r64_r68_r71_r90_r138_r252_a_rate_that_cannot_price_is_refused(
    engine: Engine, wrong: Rate, match: str
) -> None:
    refuse(engine, wrong, match)


def test_r53_two_rates_of_one_call_cannot_share_an_id(engine: Engine) -> None:
    with pytest.raises(Conflict, match="used twice"):
        engine.add_rates("card", [rate("Disk", "1", id="x"), rate("Disk", "2", id="x")], NOW)
    assert len(engine.catalog().rate_cards["card"].rates) == 1


def test_r71_a_commit_rate_comes_with_its_list_rate(engine: Engine) -> None:
    engine.add_rates("card", [rate("Disk", "10", commit_price=flat("8"))], NOW)
    (segment,) = engine.rate_schedule(
        "card", span("2024-01-01"), [RateSelector(product_id="p-Disk")]
    )

    assert (segment.list_rate, segment.commit_rate) == (flat("10"), flat("8"))


def test_r67_a_subscription_product_has_flat_rates_by_billing_frequency(engine: Engine) -> None:
    """The legacy SUBSCRIPTION rate is not taken; this is what takes its place."""
    by_period = [
        rate("Seat", "2000", id="month", billing_frequency="MONTHLY"),
        rate("Seat", "20000", id="year", billing_frequency="ANNUAL"),
    ]
    engine.add_rates("card", by_period, NOW)
    refuse(engine, rate("Seat", tiers((None, "1")), id="x", billing_frequency="MONTHLY"), "R45")
    found = engine.rates_at("card", NOW, [RateSelector(product_id="p-Seat")])

    assert [(r.billing_frequency, r.price) for r in found] == [
        ("MONTHLY", flat("2000")),
        ("ANNUAL", flat("20000")),
    ]


def test_r251_the_unit_of_a_product_is_frozen_per_pricing_tuple(engine: Engine) -> None:
    conversion = UnitConversion(credit_type_id="tokens", fiat_per_unit=Decimal(10))
    engine.create_rate_card(card("units", conversions=(conversion,)), NOW)
    first = rate("Api", "2", id="u1", rate_card_id="units", credit_type_id="tokens")
    engine.add_rates("units", [first], NOW)
    refuse(
        engine,
        rate("Api", "2", id="u2", rate_card_id="units"),
        "unit of a product's rate cannot change .R251.*expected=tokens",
    )
    engine.add_rates("units", [rate("Disk", "2", id="u3", rate_card_id="units")], NOW)
    assert len(engine.catalog().rate_cards["units"].rates) == 2


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (card("x", fiat_credit_type_id="nothing"), "unknown credit type"),
        (card("x", fiat_credit_type_id="tokens"), "in a currency"),
        (card("x", Alias(name="", window=span("2024-01-01"))), "needs a name .R57"),
        (card("x", Alias(name="a", window=span("2024-01-01", "2024-01-01"))), "R57"),
        (
            card("x", *(Alias(name=f"a{n}", window=span("2024-01-01")) for n in range(101))),
            "too many aliases",
        ),
        (
            card("x", conversions=(UnitConversion(credit_type_id=EUR, fiat_per_unit=Decimal(1)),)),
            "custom pricing unit.*R251",
        ),
        (
            card(
                "x",
                conversions=(UnitConversion(credit_type_id="tokens", fiat_per_unit=Decimal(1)),)
                * 2,
            ),
            "once .R251",
        ),
    ],
)
def test_r57_r138_r251_a_card_that_cannot_stand_is_refused(
    engine: Engine, given: RateCard, match: str
) -> None:
    with pytest.raises(Refused, match=match):
        engine.create_rate_card(given, NOW)
    assert "x" not in engine.catalog().rate_cards


def test_r57_of_cards_that_claim_an_alias_the_one_assigned_last_wins(engine: Engine) -> None:
    std = Alias(name="std", window=span("2020-01-01"))
    engine.create_rate_card(card("a", std), NOW)
    engine.create_rate_card(card("b", Alias(name="std", window=span("2025-01-01"))), NOW)
    engine.create_contract("k1", signed("std"), by="t", now=NOW)
    engine.update_rate_card("card", CardUpdate(name="New", aliases=(std,)), NOW)
    engine.update_rate_card("a", CardUpdate(description="old", aliases=(std,)), NOW)
    engine.create_contract("k2", signed("std"), by="t", now=NOW)
    engine.update_rate_card("card", CardUpdate(aliases=()), NOW)
    engine.create_contract("k3", signed("std"), by="t", now=NOW)
    engine.create_contract("k4", signed("std", "2025-01-01"), by="t", now=NOW)
    cards = {found.id: found.rate_card_id for found in engine.contracts("customer")}

    assert cards == {"k1": "a", "k2": "card", "k3": "a", "k4": "b"}
    assert engine.catalog().rate_cards["card"].name == "New"
    with pytest.raises(Refused, match="no rate card with this id"):
        engine.create_contract("k5", signed("std", "2019-01-01"), by="t", now=NOW)


def test_r57_an_update_that_changes_nothing_leaves_no_trace(engine: Engine) -> None:
    before = (engine.content_hash(), engine.stores.audit.head())
    engine.update_rate_card("card", CardUpdate(name="Card"), NOW)

    assert (engine.content_hash(), engine.stores.audit.head()) == before
    with pytest.raises(NotFound, match="no such rate card"):
        engine.update_rate_card("nothing", CardUpdate(name="x"), NOW)


def test_r53_an_archived_card_bills_its_contracts_and_takes_no_new_one(world: Setup) -> None:
    engine = world.engine
    engine.create_contract("k", signed("card"), by="t", now=NOW)
    world.usage.use(event("customer", "Api", at("2024-06-05"), "3"))
    engine.archive_rate_card("card", NOW)
    engine.archive_rate_card("card", NOW)

    assert engine.bill("customer", at("2024-06-30")).invoices[0].total == 300
    with pytest.raises(Refused, match="archived"):
        engine.create_contract("k2", signed("card"), by="t", now=NOW)
    with pytest.raises(Refused, match="archived"):
        engine.update_rate_card("card", CardUpdate(name="x"), NOW)
    refuse(engine, rate("Disk", "1", id="x"), "archived")
    engine.add_rates("card", [rate("Api", "100")], NOW)


def test_r45_an_archived_product_is_still_billed_and_gets_no_new_rate(world: Setup) -> None:
    engine = world.engine
    engine.create_contract("k", signed("card"), by="t", now=NOW)
    world.usage.use(event("customer", "Api", at("2024-06-05"), "3"))
    engine.archive_product("p-Api", NOW)
    engine.archive_product("p-Api", NOW)

    assert engine.bill("customer", at("2024-06-30")).invoices[0].total == 300
    refuse(engine, rate("Api", "1", id="x"), "archived product")
    (first,) = engine.catalog().products["p-Api"].versions
    with pytest.raises(Refused, match="archived product"):
        engine.update_product("p-Api", replace(first, starting_at=at("2025-01-01")), NOW)
    with pytest.raises(NotFound):
        engine.archive_product("p-nothing", NOW)


@pytest.mark.parametrize(
    ("kind", "more", "match"),
    [
        (ProductType.COMPOSITE, {}, "name their base .R241"),
        (ProductType.SUBSCRIPTION, {"metric_id": "m-Api"}, "metric goes with USAGE"),
        (ProductType.USAGE, {}, "metric goes with USAGE"),
    ],
)
def test_r45_a_product_is_what_its_type_says(
    engine: Engine, kind: ProductType, more: dict[str, object], match: str
) -> None:
    version = ProductVersion(starting_at=EPOCH, name="X", **more)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=match):
        engine.create_product(Product(id="x", type=kind, versions=(version,)), NOW)


def test_r134_products_stand_on_invoices_in_the_order_of_their_card(world: Setup) -> None:
    engine = world.engine
    engine.add_rates("card", [rate("Disk", "1")], NOW)
    engine.create_contract("k", signed("card"), by="t", now=NOW)

    def names() -> list[str]:
        bill = engine.bill("customer", at("2024-06-30"))
        return [line.name for line in bill.invoices[0].lines]

    assert names() == ["Api", "Disk"]
    engine.order_card_products("card", ["p-Disk"], NOW)
    head = engine.stores.audit.head()
    engine.order_card_products("card", ["p-Disk"], NOW)
    assert engine.stores.audit.head() == head
    assert names() == ["Disk", "Api"]
    engine.move_card_products("card", {"p-Disk": 1}, NOW)
    assert names() == ["Api", "Disk"]
    for wrong, match in ((["p-Seat"], "does not sell"), (["p-Api", "p-Api"], "one place")):
        with pytest.raises(Refused, match=match):
            engine.order_card_products("card", wrong, NOW)
    with pytest.raises(Refused, match="counts from 0"):
        engine.move_card_products("card", {"p-Api": -1}, NOW)


def test_r56_r92_a_new_rate_reaches_the_schedule_of_every_contract_on_the_card(
    engine: Engine,
) -> None:
    half = multiplier("api", "0.5", "2024-07-01")
    engine.create_contract("k", signed("card", terms=Added(overrides=(half,))), by="t", now=NOW)
    engine.create_contract("bare", signed("card", rate_card_id=None), by="t", now=NOW)
    engine.add_rates("card", [rate("Api", "120", span("2024-08-01"), id="r2")], NOW)
    found = engine.contract_rate_schedule("k", span("2024-01-01", "2025-01-01"))

    assert [(s.window.start, s.list_rate, s.override_rate) for s in found] == [
        (at("2024-06-01"), flat("100"), None),
        (at("2024-07-01"), flat("100"), flat("50")),
        (at("2024-08-01"), flat("120"), flat("60")),
    ]
    assert [r.id for r in engine.rates_at("card", at("2024-09-01"))] == ["r2"]
    assert engine.contract_rate_schedule("bare", span("2024-01-01")) == ()
    with pytest.raises(NotFound):
        engine.rates_at("nothing", NOW)


def test_r48_a_backdated_update_redraws_drafts_and_leaves_finalized_invoices(world: Setup) -> None:
    engine = world.engine
    engine.create_contract("k", signed("card"), by="t", now=NOW)
    for month in ("2024-06-05", "2024-07-05"):
        world.usage.use(event("customer", "Api", at(month), "3"))
    engine.finalize(at("2024-07-10"))
    (first,) = engine.catalog().products["p-Api"].versions
    renamed = replace(first, starting_at=at("2024-06-01"), name="Calls")
    engine.update_product("p-Api", renamed, at("2024-07-11"))

    (frozen,) = engine.invoices("customer")
    assert [line.name for line in frozen.lines] == ["Api"]
    drafts = engine.bill("customer", at("2024-07-12")).invoices
    assert [line.name for line in drafts[0].lines] == ["Calls"]


def test_every_currency_is_there_without_being_created_r138_r377(engine: Engine) -> None:
    held = engine.catalog().credit_types
    codes = sorted(kind.currency for kind in held.values() if kind.currency)

    assert codes == sorted(
        [
            "USD",
            "AUD",
            "BRL",
            "CAD",
            "CHF",
            "CZK",
            "EUR",
            "GBP",
            "INR",
            "MXN",
            "NGN",
            "NOK",
            "NZD",
            "PLN",
            "SEK",
            "SGD",
            "TRY",
            "ZAR",
        ]
    )
    assert held[EUR].name == "EUR"
    with pytest.raises(Conflict, match="EUR"):
        engine.create_credit_type(CreditType(id="mine", name="EUR"), NOW)
    engine.create_credit_type(CreditType(id="mine", name="EUR", currency="EUR"), NOW)


def test_a_contract_in_euros_end_to_end_r138_r377(world: Setup) -> None:
    """1,200.50 units at EUR 0.25 are EUR 300.125; a credit of EUR 100 pays the first part."""
    engine = world.engine
    euros = card("euro", fiat_credit_type_id=EUR)
    engine.create_rate_card(euros, NOW)
    listed = rate("Api", "0.25", id="e1", rate_card_id="euro", credit_type_id=EUR)
    engine.add_rates("euro", [listed], NOW)
    in_euros = {"access_credit_type_id": EUR, "payment_credit_type_id": EUR}
    prepaid = commit(
        "c",
        ("1", "2024-06-01", "2025-06-01"),
        payments={"2024-06-01": "0.8"},
        **in_euros,
    )
    dollars = commit("usd", ("500", "2024-06-01", "2025-06-01"))
    terms = Added(commits=(prepaid, dollars))
    engine.create_contract("k", signed("euro", terms=terms), by="t", now=NOW)
    world.usage.use(event("customer", "Api", at("2024-06-05"), "1200.50"))
    engine.finalize(at("2024-07-10"))
    invoices = {found.type.value: found for found in engine.invoices("customer")}

    assert {i.credit_type_id for i in invoices.values()} == {EUR}
    assert invoices["SCHEDULED"].total == Decimal(80)
    assert invoices["USAGE"].total == Decimal("200.125")
    assert Money.rounded(invoices["USAGE"].total, "EUR").amount == Decimal("200.13")
    assert [e.amount for e in engine.ledger("c") if e.invoice_id] == [Decimal(-100)]
    assert [e for e in engine.ledger("usd") if e.invoice_id] == []
    assert {p.currency for p in engine.postings()} == {"EUR"}


def test_r251_an_overwrite_is_in_the_unit_of_the_rate_it_replaces(world: Setup) -> None:
    engine = world.engine
    listed = rate("Api", "0.25", id="e1", rate_card_id="euro", credit_type_id=EUR)
    engine.create_rate_card(card("euro", fiat_credit_type_id=EUR), NOW)
    engine.add_rates("euro", [listed], NOW)

    def own(credit_type_id: str, name: str) -> Added:
        price = Overwrite(price=flat("0.20"), credit_type_id=credit_type_id)
        about = Applicability(product_ids=("p-Api",))
        window = span("2024-06-01")
        return Added(overrides=(Override(id=name, window=window, applicability=about, rate=price),))

    with pytest.raises(Refused, match="R251"):
        engine.create_contract("k", signed("euro", terms=own(USD, "o")), by="t", now=NOW)
    engine.create_contract("k", signed("euro", terms=own(EUR, "o")), by="t", now=NOW)
    for change in (
        Amend(starting_at=NOW, terms=own(USD, "p")),
        Revise(add=own("tokens", "p")),
    ):
        with pytest.raises(Refused, match="R251"):
            engine.edit_contract("k", change, by="t", now=NOW)
    world.usage.use(event("customer", "Api", at("2024-06-05"), "10"))

    assert engine.bill("customer", at("2024-06-30")).invoices[0].total == 2
