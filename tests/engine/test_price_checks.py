"""Refusals of prices and overrides, each by its rule (R45, R64-R68, R77-R90, Appendix C)."""

from decimal import Decimal

import pytest

from billing.rating.pricing_world import by_range, flat, override, tiers
from billing.world import EPOCH, catalog, commit, fixed_product, metric, rate, span, usage_product
from build import add_catalog, add_customer, setup
from closedwon.billing.catalog.types import CompositeBase, Product, ProductType, ProductVersion
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Override, OverrideTarget, Prioritization
from closedwon.billing.pricing import Custom, Percentage, Price, Tier, TieredPercentage
from closedwon.engine.price_checks import check_override, check_price
from closedwon.kernel.errors import Refused

LOWEST, EXPLICIT = Prioritization.LOWEST_MULTIPLIER, Prioritization.EXPLICIT


def product(name: str, kind: ProductType, **more: object) -> Product:
    version = ProductVersion(starting_at=EPOCH, name=name, **more)  # type: ignore[arg-type]
    return Product(id=f"p-{name}", type=kind, versions=(version,))


SEAT = product("Seat", ProductType.SUBSCRIPTION)
SUPPORT = product("Support", ProductType.COMPOSITE, composite=CompositeBase(product_tags=("api",)))
PRODUCTS = {
    "Api": usage_product("Api", "api"),
    "Disk": usage_product("Disk", pricing_group_key=("region", "tier")),
    "Seat": SEAT,
    "Support": SUPPORT,
    "Fee": fixed_product("Fee"),
    "Help": product("Help", ProductType.PROFESSIONAL_SERVICE),
}
CATALOG = catalog(list(PRODUCTS.values()), [metric("Api"), metric("Disk")], [])
TENTH = Percentage(fraction=Decimal("0.1"))
TABLE = tiers(("1", "2"), (None, "1"))


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("Api", flat("1")),
        ("Api", TABLE),
        ("Api", Custom(processor="COST_PLUS", terms={"cost": "1", "markup": "0"})),
        ("Seat", flat("1")),
        ("Support", TENTH),
        ("Support", TieredPercentage(tiers=(Tier(price=Decimal(1)),))),
    ],
)
def test_r45_r64_a_product_type_has_its_price_models(name: str, price: Price) -> None:
    check_price(PRODUCTS[name], price, "r")


@pytest.mark.parametrize(
    ("name", "price", "match"),
    [
        ("Api", TENTH, "R45, R64"),
        ("Seat", TABLE, "R45, R64.*expected=Flat"),
        ("Seat", TENTH, "R45, R64"),
        ("Support", flat("1"), "Percentage or TieredPercentage"),
        ("Fee", flat("1"), "fixed product has no rate .R156"),
        ("Help", flat("1"), "R156"),
        ("Support", Percentage(fraction=Decimal("1.01")), "0..1 .R64"),
        ("Support", TieredPercentage(tiers=(Tier(price=Decimal(2)),)), "0..1 .R64"),
        ("Api", Custom(processor="MAGIC"), "unsupported custom rate .R68"),
    ],
)
def test_r45_r64_r68_r156_another_price_is_refused(name: str, price: Price, match: str) -> None:
    with pytest.raises(Refused, match=match):
        check_price(PRODUCTS[name], price, "r")


def on(**specifier: object) -> Applicability:
    return Applicability(specifiers=(Specifier(**specifier),))  # type: ignore[arg-type]


def of(*products: str) -> Applicability:
    return Applicability(product_ids=products)


IN_EU = {"region": "eu", "tier": "hot"}
FIRST = {"priority": Decimal(1)}


@pytest.mark.parametrize(
    ("found", "scheme"),
    [
        (override(flat("1"), applicability=of("p-Api")), LOWEST),
        (override(flat("1"), applicability=on(product_id="p-Api")), EXPLICIT),
        (
            override(flat("1"), applicability=on(product_id="p-Disk", pricing_group_values=IN_EU)),
            LOWEST,
        ),
        (override(TENTH, applicability=of("p-Support")), LOWEST),
        (
            override(flat("1"), applicability=on(product_id="p-Seat", billing_frequency="ANNUAL")),
            LOWEST,
        ),
        (override(None, entitled=True, applicability=on(product_tags=("api",))), EXPLICIT),
        (override(by_range((None, "0.5")), **FIRST), EXPLICIT),
        (
            override(
                "0.5",
                is_commit_specific=True,
                target=OverrideTarget.COMMIT_RATE,
                applicability=on(product_tags=("api",), commit_ids=("c",)),
            ),
            LOWEST,
        ),
    ],
)
def test_r77_r84_r87_r88_r90_what_may_stand(found: Override, scheme: Prioritization) -> None:
    check_override(CATALOG, found, scheme)


@pytest.mark.parametrize(
    ("found", "scheme", "match"),
    [
        (override(flat("1")), LOWEST, "needs its product .R77"),
        (override(flat("1"), applicability=on(pricing_group_values=IN_EU)), LOWEST, "R77"),
        (override(flat("1"), applicability=of("p-Disk")), LOWEST, "every pricing key.*R77"),
        (
            override(
                flat("1"),
                applicability=on(product_id="p-Disk", pricing_group_values={"region": "eu"}),
            ),
            LOWEST,
            "every pricing key.*R77.*region, tier",
        ),
        (
            override(
                flat("1"),
                applicability=on(product_id="p-Api", presentation_group_values={"a": "b"}),
            ),
            LOWEST,
            "R78",
        ),
        (override("0.5"), EXPLICIT, "R83"),
        (override(by_range((None, "0.5"))), EXPLICIT, "R83"),
        (override(by_range((None, "0.5")), **FIRST), LOWEST, "EXPLICIT .R84"),
        (override("0.5", target=OverrideTarget.COMMIT_RATE), LOWEST, "R88"),
        (override("0.5", applicability=on(product_id="p-Api", commit_ids=("c",))), LOWEST, "R87"),
        (
            override("0.5", is_commit_specific=True, applicability=on(recurring_commit_ids=("c",))),
            LOWEST,
            "needs a product, tags or group values .R87",
        ),
        (override(None, entitled=True, applicability=of("p-Seat")), LOWEST, "R90"),
        (override("0.5", applicability=on(product_id="p-Seat")), LOWEST, "R90"),
        (override("0.5", applicability=on(billing_frequency="ANNUAL")), LOWEST, "R90"),
        (
            override("0.5", applicability=on(product_id="p-Api", billing_frequency="ANNUAL")),
            LOWEST,
            "R90",
        ),
        (
            override("0.5", applicability=on(product_id="p-Seat", billing_frequency="DAILY")),
            LOWEST,
            "found=DAILY",
        ),
        (
            override(
                "0.5",
                is_commit_specific=True,
                applicability=on(product_id="p-Seat", billing_frequency="ANNUAL"),
            ),
            LOWEST,
            "one FLAT price.*R67",
        ),
        (
            override(
                by_range((None, "0.5")),
                **FIRST,
                applicability=on(product_id="p-Seat", billing_frequency="ANNUAL"),
            ),
            EXPLICIT,
            "one FLAT price.*R67",
        ),
        (override(TENTH, applicability=of("p-Api")), LOWEST, "R64"),
        (
            override(Custom(processor="MAGIC"), applicability=of("p-Api")),
            LOWEST,
            "R68",
        ),
    ],
)
def test_r77_r78_r83_r84_r87_r88_r90_what_may_not(
    found: Override, scheme: Prioritization, match: str
) -> None:
    with pytest.raises(Refused, match=match):
        check_override(CATALOG, found, scheme)


def test_r83_a_priority_is_above_zero() -> None:
    with pytest.raises(Refused, match="above 0"):
        override("0.5", priority=Decimal(0))


def test_r84_a_contract_with_a_tiered_override_is_explicit_or_refused_whole() -> None:
    engine = setup().engine
    add_catalog(engine, [PRODUCTS["Api"]], [metric("Api")], [rate("Api", "100")])
    add_customer(engine)
    ladder = override(by_range(("10", "0.8"), ("10", "0.7")), **FIRST)
    signed = Create(
        customer_id="customer",
        term=span("2024-01-01"),
        rate_card_id="card",
        terms=Added(overrides=(ladder,)),
    )
    with pytest.raises(Refused, match="R84"):
        engine.create_contract("k", signed, by="test", now=EPOCH)
    assert engine.contracts("customer") == ()


def test_r87_only_overrides_select_balances_or_frequencies() -> None:
    engine = setup().engine
    add_catalog(
        engine, [PRODUCTS["Api"], fixed_product("commit")], [metric("Api")], [rate("Api", "100")]
    )
    add_customer(engine)
    for about in (on(product_id="p-Api", commit_ids=("x",)), on(billing_frequency="ANNUAL")):
        granted = commit("c", ("1", "2024-01-01", "2025-01-01"), applicability=about)
        signed = Create(
            customer_id="customer",
            term=span("2024-01-01"),
            rate_card_id="card",
            terms=Added(commits=(granted,)),
        )
        with pytest.raises(Refused, match="only overrides select"):
            engine.create_contract("k", signed, by="test", now=EPOCH)
