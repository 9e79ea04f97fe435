"""Rates over time: of a card and of a contract (R53-R57, R92, metronome.md 2.6)."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rating.pricing_world import EXPLICIT, D, by_range, flat, override, specific, tiers
from billing.world import at, catalog, contract, metric, multiplier, rate, span, usage_product
from closedwon.billing.catalog.types import Catalog, Product, ProductType, ProductVersion, Rate
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.state import Contract
from closedwon.billing.pricing import Flat, first_unit_price
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import priced_at
from closedwon.billing.rating.schedule import (
    RateSegment,
    RateSelector,
    card_schedule,
    contract_schedule,
    rates_at,
)
from closedwon.kernel.instant import Interval

YEAR = span("2025-01-01", "2026-01-01")
SEAT = Product(
    id="p-Seat",
    type=ProductType.SUBSCRIPTION,
    versions=(ProductVersion(starting_at=at("2020-01-01"), name="Seat", tags=("seat",)),),
)


def sold(*rates: Rate) -> Catalog:
    products = [
        usage_product("Api", "api", "core"),
        usage_product("Disk", "disk", "core", pricing_group_key=("region", "tier")),
        SEAT,
    ]
    return catalog(products, [metric("Api"), metric("Disk")], rates)


def signed(*overrides: Override, **more: object) -> Contract:
    fields = {"customer_id": "c", "term": span("2025-01-01"), "rate_card_id": "card", **more}
    return contract("k", Create(**{**fields, "terms": Added(overrides=overrides)}))  # type: ignore[arg-type]


def disk(region: str, tier: str, price: str) -> Rate:
    values = {"region": region, "tier": tier}
    return rate("Disk", price, pricing_group_values=values)


FULL = sold(
    rate("Api", "100"),
    disk("eu", "hot", "10"),
    disk("eu", "cold", "5"),
    disk("us", "hot", "12"),
    rate("Seat", "2000", billing_frequency="MONTHLY"),
    rate("Seat", "20000", billing_frequency="ANNUAL"),
)


@pytest.mark.parametrize(
    ("selectors", "prices"),
    [
        ((), [100, 10, 5, 12, 2000, 20000]),
        ((RateSelector(product_id="p-Api"),), [100]),
        ((RateSelector(product_tags=("api", "disk")),), [100, 10, 5, 12]),
        ((RateSelector(partial_pricing_group_values={"region": "eu"}),), [10, 5]),
        ((RateSelector(pricing_group_values={"region": "eu"}),), []),
        ((RateSelector(pricing_group_values={"region": "eu", "tier": "hot"}),), [10]),
        ((RateSelector(product_id="p-Api", pricing_group_values={}),), [100]),
        ((RateSelector(billing_frequency="ANNUAL"),), [20000]),
        (
            (RateSelector(product_tags=("core",), partial_pricing_group_values={"tier": "hot"}),),
            [10, 12],
        ),
        (
            (RateSelector(product_id="p-Api"), RateSelector(billing_frequency="MONTHLY")),
            [100, 2000],
        ),
    ],
)
def test_r53_selectors_are_ored_and_what_one_names_is_anded(
    selectors: tuple[RateSelector, ...], prices: list[int]
) -> None:
    found = rates_at(FULL.rate_cards["card"], FULL, at("2025-01-01"), selectors)

    assert [first_unit_price(r.price) for r in found] == prices
    segments = card_schedule(FULL.rate_cards["card"], FULL, YEAR, selectors)
    assert [first_unit_price(s.list_rate) for s in segments] == prices


def test_r54_rates_at_an_instant_are_those_added_last() -> None:
    promo = rate("Api", "50", span("2025-03-01", "2025-04-01"), id="promo")
    many = sold(rate("Api", "100"), promo, rate("Api", "1", span("2030-01-01"), id="later"))
    card = many.rate_cards["card"]

    assert [rates_at(card, many, at(day))[0].id for day in ("2025-02-28", "2025-03-01")] == [
        many.rate_cards["card"].rates[0].id,
        "promo",
    ]
    assert rates_at(card, many, at("2019-01-01")) == ()
    assert card_schedule(card, many, span("2018-01-01", "2019-01-01")) == ()


def shown(segments: tuple[RateSegment, ...]) -> list[tuple[str, str, object, object, bool]]:
    return [
        (
            f"{s.window.start:%m-%d}",
            "" if s.window.end is None else f"{s.window.end:%m-%d}",
            first_unit_price(s.list_rate),
            None if s.override_rate is None else first_unit_price(s.override_rate),
            s.entitled,
        )
        for s in segments
    ]


def test_r92_segments_are_as_long_as_list_override_and_entitlement_stay_the_same() -> None:
    listed = sold(rate("Api", "230"), rate("Api", "250", span("2025-07-01"), id="r2"))
    k = signed(
        multiplier("api", "0.9", "2025-02-01"),
        multiplier("api", "0.8", "2025-04-01", "2025-05-01"),
        override(None, "closed", entitled=False, window=span("2025-06-01", "2025-08-01")),
        specific("0.1"),
    )

    assert shown(contract_schedule(k, listed.rate_cards["card"], listed, YEAR)) == [
        ("01-01", "02-01", D(230), None, True),
        ("02-01", "04-01", D(230), D(207), True),
        ("04-01", "05-01", D(230), D(184), True),
        ("05-01", "06-01", D(230), D(207), True),
        ("06-01", "07-01", D(230), D(207), False),
        ("07-01", "08-01", D(250), D(225), False),
        ("08-01", "01-01", D(250), D(225), True),
    ]


def test_r92_what_changes_no_rate_cuts_no_segment() -> None:
    listed = sold(rate("Api", "100"), rate("Api", "100", span("2025-07-01"), id="again"))
    k = signed(multiplier("disk", "0.5", "2025-03-01"), override("0.5", window=YEAR))

    assert shown(contract_schedule(k, listed.rate_cards["card"], listed, YEAR)) == [
        ("01-01", "01-01", D(100), D(50), True)
    ]


def test_r53_r92_a_time_without_a_rate_is_no_segment_and_joins_none() -> None:
    listed = sold(
        rate("Api", "100", span("2025-01-01", "2025-03-01")),
        rate("Api", "100", span("2025-05-01"), id="again"),
    )

    assert shown(card_schedule(listed.rate_cards["card"], listed, YEAR)) == [
        ("01-01", "03-01", D(100), None, True),
        ("05-01", "01-01", D(100), None, True),
    ]


def test_r92_the_term_bounds_the_schedule_and_the_commit_rate_is_shown() -> None:
    listed = sold(rate("Api", "100", commit_price=flat("80")))
    card = listed.rate_cards["card"]
    k = signed(term=span("2025-02-01", "2025-03-01"))
    (segment,) = contract_schedule(k, card, listed, Interval(at("2025-01-01")))

    assert (segment.window, segment.commit_rate) == (k.term, flat("80"))
    assert contract_schedule(k, card, listed, span("2025-03-01")) == ()
    assert card_schedule(card, listed, Interval(at("2025-01-01")))[0].window.end is None


def test_r84_r92_a_tiered_override_shows_as_the_table_it_makes() -> None:
    listed = sold(rate("Api", "100"))
    ladder = override(by_range(("10", "0.8")), priority=Decimal(1))
    k = signed(ladder, **EXPLICIT)
    (segment,) = contract_schedule(k, listed.rate_cards["card"], listed, YEAR)

    assert segment.override_rate == tiers(("10", "80"), (None, "100"))


def test_r90_r92_a_subscription_rate_is_overridden_by_its_frequency() -> None:
    annual = Applicability(specifiers=(Specifier(product_id="p-Seat", billing_frequency="ANNUAL"),))
    k = signed(override("0.5", applicability=annual), override("0.1", "all"))
    found = contract_schedule(
        k, FULL.rate_cards["card"], FULL, YEAR, [RateSelector(product_id="p-Seat")]
    )

    assert [(s.billing_frequency, s.override_rate) for s in found] == [
        ("MONTHLY", None),
        ("ANNUAL", Flat(price=D(10000))),
    ]


months = st.integers(1, 12).map(lambda month: at(f"2025-{month:02}-01"))


@st.composite
def windows(draw: st.DrawFn) -> Interval:
    start, end = sorted((draw(months), draw(months)))
    return Interval(start, None if start == end else end)


@given(data=st.data())
@settings(max_examples=60)
def test_r92_at_every_instant_the_schedule_says_what_a_line_would_cost(
    data: st.DataObject,
) -> None:
    listed = sold(
        *(
            rate("Api", str(n), data.draw(windows()), id=f"r{n}", entitled=data.draw(st.booleans()))
            for n in range(1, 5)
        )
    )
    card = listed.rate_cards["card"]
    k = signed(
        *(
            override(by, f"o{n}", window=data.draw(windows()))
            for n, by in enumerate(data.draw(st.lists(st.sampled_from(["0.5", "2"]), max_size=4)))
        )
    )
    segments = contract_schedule(k, card, listed, YEAR)
    subject = Subject(product_id="p-Api", product_tags=frozenset({"api", "core"}))
    for month in range(1, 13):
        instant = at(f"2025-{month:02}-15")
        covering = [s for s in segments if s.window.covers(instant)]
        priced = priced_at(k, card.rates, subject, instant)
        entitled = [s for s in covering if s.entitled]

        assert len(covering) <= 1
        assert [s.override_rate or s.list_rate for s in entitled] == (
            [] if priced is None else [priced.price]
        )
