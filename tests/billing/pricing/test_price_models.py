"""The shelf of price models: worked examples, refusals and what holds for all of them (R58-R68)."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rating.pricing_world import D, api, january, override, tiers, usage
from billing.world import rate
from closedwon.billing.pricing import (
    Custom,
    Flat,
    Percentage,
    Price,
    Tier,
    Tiered,
    TieredPercentage,
    first_unit_price,
    minimum_of,
    parts,
    ranged,
    scaled,
)
from closedwon.billing.pricing.custom import PROCESSORS, cost_plus, register
from closedwon.kernel.errors import Conflict, Refused


def cost(price: Price, begin: str | Decimal, end: str | Decimal) -> Decimal:
    return sum((p.units * p.unit_price for p in parts(price, D(begin), D(end))), D(0))


def test_r58_flat_is_quantity_times_price() -> None:
    w = api(rate("Api", "2.3"))
    w.use("Api", "2025-01-09", "120000")

    assert january(w).total == D(276000)


def test_r64_ten_percent_of_the_base_spend() -> None:
    assert cost(Percentage(fraction=D("0.1")), "0", "150000") == D(15000)


def test_r65_ten_percent_to_a_thousand_then_five() -> None:
    table = TieredPercentage(tiers=(Tier(size=D(100000), price=D("0.10")), Tier(price=D("0.05"))))

    assert cost(table, "0", "150000") == D(12500)
    assert [p.level for p in parts(table, D(0), D(150000))] == [1, 2]


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: Flat(price=D(-1)), "negative"),
        (lambda: Percentage(fraction=D("-0.1")), "R64"),
        (lambda: Percentage(fraction=D("0.1"), minimum=D(-1)), "R66"),
        (lambda: TieredPercentage(tiers=(Tier(price=D(1)),), minimum=D(-1)), "R66"),
        (lambda: TieredPercentage(tiers=()), "last tier"),
        (lambda: Tiered(tiers=(Tier(price=D(1), size=D(1)),)), "last tier"),
        (lambda: Tiered(tiers=(Tier(price=D(1)), Tier(price=D(1)))), "last tier"),
        (lambda: tiers(("0", "1"), (None, "1")), "above 0"),
        (lambda: tiers((None, "-1")), "negative"),
    ],
)
def test_r60_r64_r66_a_table_that_is_none_is_refused(build: object, match: str) -> None:
    with pytest.raises(Refused, match=match):
        build()  # type: ignore[operator]


def test_r66_a_minimum_is_kept_under_an_override_and_is_no_part_of_the_way() -> None:
    floor = Percentage(fraction=D("0.1"), minimum=D(200))

    assert cost(floor, "0", "100") == D(10)
    assert minimum_of(scaled(floor, D("0.5"))) == D(200)
    assert minimum_of(ranged(floor, ((D(1), D("0.5")),))) == D(200)
    assert minimum_of(Flat(price=D(1))) is None


def test_r247_a_multiplier_multiplies_the_percentage() -> None:
    table = TieredPercentage(tiers=(Tier(size=D(10), price=D("0.4")), Tier(price=D("0.2"))))

    assert cost(scaled(Percentage(fraction=D("0.1")), D("0.5")), "0", "100000") == D(5000)
    assert [tier.price for tier in scaled(table, D("0.5")).tiers] == [D("0.2"), D("0.1")]  # type: ignore[union-attr]


def test_r68_a_processor_makes_the_price_of_a_custom_rate() -> None:
    custom = Custom(processor="COST_PLUS", terms={"cost": "120", "markup": "0.25"})
    w = api(rate("Api", custom))
    w.use("Api", "2025-01-09", "10")

    assert [(x.unit_price, x.total, x.tier) for x in usage(w)] == [(D(150), D(1500), None)]


def test_r68_a_custom_price_follows_multipliers_as_any_other() -> None:
    custom = Custom(processor="COST_PLUS", terms={"cost": "120", "markup": "0.25"})
    w = api(rate("Api", custom), overrides=[override("0.5")])
    w.use("Api", "2025-01-09", "10")

    assert january(w).total == D(750)
    assert first_unit_price(ranged(custom, ((D(1), D("0.1")),))) == D(15)


def test_r68_a_processor_of_ones_own_may_make_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubling(terms: Mapping[str, str]) -> tuple[Tier, ...]:
        first = D(terms["first"])
        return Tier(price=first, size=D(10)), Tier(price=2 * first)

    monkeypatch.setattr("closedwon.billing.pricing.custom.PROCESSORS", dict(PROCESSORS))
    register("DOUBLING", doubling)
    register("DOUBLING", doubling)
    with pytest.raises(Conflict, match="R68"):
        register("DOUBLING", cost_plus)
    price = Custom(processor="DOUBLING", terms={"first": "1"})

    assert cost(price, "5", "15") == 5 + 10


@pytest.mark.parametrize(
    ("price", "match"),
    [
        (Custom(processor="MAGIC"), "unsupported custom rate.*COST_PLUS"),
        (Custom(processor="COST_PLUS", terms={"cost": "1"}), "needs cost and markup"),
        (Custom(processor="COST_PLUS", terms={"cost": "1", "markup": "-2"}), "negative"),
    ],
)
def test_r68_what_no_processor_supports_is_refused(price: Custom, match: str) -> None:
    with pytest.raises(Refused, match=match):
        list(parts(price, D(0), D(1)))


amounts = st.decimals("0", "900", places=2, allow_nan=False)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    table = (
        *(
            Tier(size=draw(amounts) + 1, price=draw(amounts))
            for _ in range(draw(st.integers(0, 3)))
        ),
        Tier(price=draw(amounts)),
    )
    terms = {"cost": str(draw(amounts)), "markup": str(draw(amounts))}
    return draw(
        st.sampled_from(
            [
                Flat(price=table[-1].price),
                Tiered(tiers=table),
                Percentage(fraction=table[-1].price),
                TieredPercentage(tiers=table),
                Custom(processor="COST_PLUS", terms=terms),
            ]
        )
    )


@given(price=prices(), at=st.tuples(amounts, amounts, amounts), by=amounts)
@settings(max_examples=80)
def test_r61_r73_every_model_charges_a_way_once_however_it_is_cut(
    price: Price, at: tuple[Decimal, Decimal, Decimal], by: Decimal
) -> None:
    low, middle, high = sorted(at)

    assert cost(price, low, middle) + cost(price, middle, high) == cost(price, low, high)
    assert cost(price, high, low) == -cost(price, low, high)
    assert sum((p.units for p in parts(price, low, high)), D(0)) == high - low
    assert cost(scaled(price, by), low, high) == by * cost(price, low, high)
    assert cost(ranged(price, ((None, by),)), low, high) == by * cost(price, low, high)
