"""Which override prices a unit, and what it makes of the price (R71-R91)."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rating.pricing_world import (
    EXPLICIT,
    YEAR,
    D,
    api,
    by_range,
    flat,
    january,
    override,
    specific,
    tiers,
    usage,
)
from billing.world import (
    World,
    catalog,
    commit,
    contract,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.applicability import Applicability, Exclusion, Specifier
from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.overrides import Override, OverrideTarget
from closedwon.billing.contracts.terms import (
    Commit,
    RolloverOrigin,
    Transition,
    TransitionType,
)
from closedwon.billing.pricing import Percentage, Price, Tiered, first_unit_price, parts, ranged
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import priced_at
from closedwon.kernel.errors import Refused

PRODUCT = Applicability(product_ids=("p-Api",))


def total(w: World, units: str = "1", **properties: str) -> Decimal:
    w.use("Api", "2025-01-09", units, **properties)
    return january(w).total


def test_r71_covered_usage_has_the_commit_rate_and_the_rest_the_list_rate() -> None:
    w = api(
        rate("Api", "1000", commit_price=flat("800")),
        commits=[commit("c", ("80", *YEAR), rate_type="COMMIT_RATE")],
    )
    w.use("Api", "2025-01-09", "15")

    assert [(x.quantity, x.total, x.commit_id) for x in usage(w)] == [
        (D(10), D(8000), "c"),
        (D(5), D(5000), None),
    ]
    assert january(w).total == D(5000)


def test_r71_a_balance_on_the_list_rate_does_not_know_the_commit_rate() -> None:
    w = api(rate("Api", "1000", commit_price=flat("800")), commits=[commit("c", ("80", *YEAR))])

    assert total(w, "15") == D(7000)


def test_r72_without_a_commit_rate_it_is_the_list_rate_with_its_overrides() -> None:
    on_commit = specific("0.1", "t", target=OverrideTarget.COMMIT_RATE)
    w = api(
        overrides=[override("0.9"), on_commit],
        commits=[commit("c", ("0.90", *YEAR), rate_type="COMMIT_RATE")],
    )
    w.use("Api", "2025-01-09", "2")

    assert [(x.quantity, x.total) for x in usage(w)] == [(D(1), D(90)), (D(1), D(90))]


def test_r73_a_multiplier_follows_the_card_and_reaches_every_tier_an_overwrite_does_not() -> None:
    dearer = rate("Api", tiers(("1", "200"), (None, "300")), span("2025-01-16"), entitled=True)
    followed = api(rate("Api", "100"), dearer, overrides=[override("0.5")])
    detached = api(rate("Api", "100"), dearer, overrides=[override(flat("70"))])
    for w in (followed, detached):
        w.use("Api", "2025-01-20", "2")

    assert [x.unit_price for x in usage(followed)] == [D(100), D(150)]
    assert [x.unit_price for x in usage(detached)] == [D(70)]


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (Applicability(), "50"),
        (PRODUCT, "50"),
        (Applicability(product_tags=("api",)), "50"),
        (Applicability(specifiers=(Specifier(product_id="p-Api"),)), "50"),
        (Applicability(product_ids=("p-Other",)), "100"),
    ],
)
def test_r74_an_override_names_products_tags_or_specifiers_and_without_any_means_all(
    about: Applicability, expected: str
) -> None:
    assert total(api(overrides=[override("0.5", applicability=about)])) == D(expected)


def test_r74_specifiers_cannot_be_combined_with_products_or_tags() -> None:
    with pytest.raises(Refused, match="specifiers cannot be combined"):
        Applicability(product_ids=("p-Api",), specifiers=(Specifier(product_id="p-Api"),))


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [(("core",), "100"), (("core", "beta"), "50"), (("beta",), "50")],
)
def test_r76_a_specifier_leaves_out_products_with_all_excluded_tags(
    excluded: tuple[str, ...], expected: str
) -> None:
    about = Specifier(product_tags=("api",), exclude=(Exclusion(product_tags=excluded),))
    half = override("0.5", applicability=Applicability(specifiers=(about,)))

    assert total(api(overrides=[half])) == D(expected)


def test_r76_specifiers_are_ored_and_an_exclusion_holds_in_its_own_only() -> None:
    without_core = Specifier(exclude=(Exclusion(product_tags=("core",)),))
    either = Applicability(specifiers=(without_core, Specifier(product_id="p-Api")))

    assert total(api(overrides=[override("0.5", applicability=either)])) == D(50)


def dimensional(*overrides: Override) -> World:
    keys = ("region", "project")
    return api(
        rate("Api", "100", pricing_group_values={"region": "eu", "project": "a"}),
        rate("Api", "200", pricing_group_values={"region": "us", "project": "a"}),
        product={"pricing_group_key": keys},
        overrides=overrides,
    )


def test_r77_a_multiplier_may_name_some_pricing_keys_and_an_overwrite_all() -> None:
    eu = Applicability(
        specifiers=(Specifier(product_id="p-Api", pricing_group_values={"region": "eu"}),)
    )
    us = Applicability(
        specifiers=(
            Specifier(product_id="p-Api", pricing_group_values={"region": "us", "project": "a"}),
        )
    )
    w = dimensional(override("0.5", applicability=eu), override(flat("7"), "w", applicability=us))
    for region in ("eu", "us"):
        w.use("Api", "2025-01-09", "1", region=region, project="a")

    assert [x.unit_price for x in usage(w)] == [D(50), D(7)]


def test_r77_an_overwrite_cannot_target_tags() -> None:
    with pytest.raises(Refused, match="cannot target tags"):
        override(flat("1"), applicability=Applicability(product_tags=("api",)))


@pytest.mark.parametrize("by", ["0.5", by_range(("1", "0.5"))])
def test_r78_presentation_values_select_lines_for_multipliers_and_tiers(by: object) -> None:
    chosen = Specifier(product_id="p-Api", presentation_group_values={"project": "a"})
    half = override(
        by,  # type: ignore[arg-type]
        applicability=Applicability(specifiers=(chosen,)),
        priority=D(1),
    )
    w = api(overrides=[half], product={"presentation_group_key": ("project",)}, **EXPLICIT)
    for project in ("a", "b"):
        w.use("Api", "2025-01-09", "1", project=project)

    assert {x.presentation_group_values["project"]: x.total for x in usage(w)} == {
        "a": D(50),
        "b": D(100),
    }


@pytest.mark.parametrize(
    ("overrides", "covered", "due"),
    [
        ([specific(flat("20")), specific("0.1", "t"), override(flat("60"))], 20, 60),
        ([specific("0.1"), override(flat("60")), override("0.5", "p")], 10, 60),
        ([override(flat("60")), override("0.5", "p")], 60, 60),
        ([override("0.5")], 50, 50),
        ([specific(flat("20")), specific(flat("30"), "t")], 30, 100),
    ],
)
def test_r81_commit_specific_comes_before_general_and_overwrites_before_multipliers(
    overrides: list[Override], covered: int, due: int
) -> None:
    balance = commit("c", (str(D(covered) / 100), *YEAR))
    w = api(overrides=overrides, commits=[balance])
    w.use("Api", "2025-01-09", "2")

    assert [(x.unit_price, x.quantity) for x in usage(w)] in (
        [(D(covered), D(1)), (D(due), D(1))],
        [(D(covered), D(1))] * 2,
    )
    assert january(w).total == due


def test_r80_a_commit_specific_multiplier_is_of_the_list_price_and_never_stacks() -> None:
    w = api(overrides=[override("0.9"), specific("0.8")], commits=[commit("c", ("8", *YEAR))])
    w.use("Api", "2025-01-09", "10")

    assert [(x.unit_price, x.why.override_id) for x in usage(w)] == [(D(80), "s")]


def test_r82_a_mark_up_applies_only_when_it_is_alone() -> None:
    alone, beaten = multiplier("api", "1.2", "2025-01-01"), multiplier("api", "0.95", "2025-01-01")

    assert total(api(overrides=[alone])) == D(120)
    assert total(api(overrides=[alone, beaten])) == D(95)


def test_r83_of_equal_priorities_the_last_added_wins() -> None:
    first, last = override("0.5", priority=D(1)), override("0.7", "p", priority=D(1))

    assert total(api(overrides=[first, last], **EXPLICIT)) == D(70)


def test_r84_a_tiered_override_multiplies_by_quantity_and_then_by_one() -> None:
    ladder = override(by_range(("10", "0.8"), ("10", "0.7")), priority=D(1))
    w = api(overrides=[ladder], **EXPLICIT)
    w.use("Api", "2025-01-09", "25")

    assert [(x.quantity, x.total, x.tier and x.tier.level) for x in usage(w)] == [
        (D(10), D(800), 1),
        (D(10), D(700), 2),
        (D(5), D(500), 3),
    ]


def test_r84_its_ranges_count_units_of_the_period_also_before_it_began() -> None:
    ladder = override(
        by_range(("10", "0.5"), (None, "0.25")), priority=D(1), window=span("2025-01-16")
    )
    w = api(overrides=[ladder], **EXPLICIT)
    w.use("Api", "2025-01-09", "8")
    w.use("Api", "2025-01-20", "4")

    assert [(x.quantity, x.total) for x in usage(w)] == [
        (D(8), D(800)),
        (D(2), D(100)),
        (D(2), D(50)),
    ]


def test_r84_competes_with_multipliers_by_priority_only() -> None:
    ladder = override(by_range((None, "0.8")), priority=D(2))
    w = api(overrides=[ladder, override("0.9", "p", priority=D(1))], **EXPLICIT)

    assert total(w) == D(90)


sizes = st.lists(st.decimals(1, 40, places=0), max_size=3)
factors = st.decimals("0", "2", places=2)


@given(data=st.data(), units=st.integers(1, 120))
@settings(max_examples=60)
def test_r84_every_unit_costs_its_tier_price_times_its_multiplier(
    data: st.DataObject, units: int
) -> None:
    def table() -> list[tuple[Decimal | None, Decimal]]:
        closed = [(size, data.draw(factors)) for size in data.draw(sizes)]
        return [*closed, (None, data.draw(factors))]

    prices, ranges = table(), data.draw(st.sampled_from([table(), table()[:-1]]))
    listed = tiers(*((None if size is None else str(size), str(by)) for size, by in prices))
    price = ranged(listed, tuple(ranges))

    assert isinstance(price, Tiered)
    walked = sum((p.units * p.unit_price for p in parts(price, D(0), D(units))), D(0))
    assert walked == sum(
        (_of(prices, n) * _of([*ranges, (None, D(1))], n) for n in range(units)), D(0)
    )


def _of(table: Iterable[tuple[Decimal | None, Decimal]], before: int) -> Decimal:
    """The value at the unit that has ``before`` units below it."""
    end = D(0)
    for size, value in table:
        if size is None or before < (end := end + size):
            return value
    raise AssertionError(before)


def test_r86_of_conflicting_entitlements_the_last_added_wins_whatever_its_rate_does() -> None:
    cheap = override("0.5", entitled=True)
    opened = override("0.9", "p", entitled=True)
    closed = override(None, "q", entitled=False)

    assert total(api(rate("Api", "100", entitled=False), overrides=[cheap, opened])) == D(50)
    assert usage(api(overrides=[cheap, closed])) == []
    assert total(api(overrides=[closed, opened])) == D(90)


def test_r87_a_commit_specific_price_holds_while_the_balance_pays() -> None:
    w = api(overrides=[override("0.95"), specific("0.8")], commits=[commit("c", ("8", *YEAR))])
    w.use("Api", "2025-01-09", "20")

    assert [(x.quantity, x.unit_price, x.total, x.why.override_id) for x in usage(w)] == [
        (D(10), D(80), D(800), "s"),
        (D(10), D(95), D(950), "o"),
    ]
    assert january(w).total == D(950)


def balance(name: str, **more: object) -> Commit:
    return commit(name, ("0.80", *YEAR), **more)


@pytest.mark.parametrize(
    ("named", "payer", "price"),
    [
        (("c",), balance("c"), 80),
        (("other",), balance("c"), 100),
        (("generator",), balance("c", recurring_id="generator"), 80),
        (
            ("old",),
            balance("c", rolled_over_from=RolloverOrigin(contract_id="k0", commit_id="old")),
            80,
        ),
        ((), balance("c"), 80),
    ],
)
def test_r87_ids_name_the_balance_its_generator_or_what_it_rolled_over_from(
    named: tuple[str, ...], payer: Commit, price: int
) -> None:
    w = api(overrides=[specific("0.8", balances=named)], commits=[payer])
    w.use("Api", "2025-01-09", "2")

    assert usage(w)[0].unit_price == D(price)


def test_r87_specifiers_with_and_without_ids_are_ored() -> None:
    about = Applicability(
        specifiers=(
            Specifier(product_id="p-Api", any_commit_or_credit_ids=("a",)),
            Specifier(product_id="p-Api", recurring_commit_ids=("b",)),
        )
    )
    half = override("0.8", applicability=about, is_commit_specific=True)
    w = api(overrides=[half], commits=[balance("c"), balance("b"), balance("a")])
    w.use("Api", "2025-01-09", "4")

    assert {x.commit_id: x.unit_price for x in usage(w) if x.commit_id} == {
        "a": D(80),
        "b": D(80),
        "c": D(100),
    }


def test_r88_one_override_may_change_the_commit_rate_and_another_the_list_rate() -> None:
    w = api(
        rate("Api", "1000", commit_price=flat("800")),
        overrides=[
            specific("0.9", target=OverrideTarget.COMMIT_RATE),
            override("0.8"),
        ],
        commits=[commit("c", ("72", *YEAR), rate_type="COMMIT_RATE")],
    )
    w.use("Api", "2025-01-09", "11")

    assert [(x.unit_price, x.total, x.why.override_id) for x in usage(w)] == [
        (D(720), D(7200), "s"),
        (D(800), D(800), "o"),
    ]


@pytest.mark.parametrize(("rate_type", "price"), [("LIST_RATE", 1000 // 2), ("COMMIT_RATE", 800)])
def test_r88_an_override_changes_the_rate_it_targets_and_no_other(
    rate_type: str, price: int
) -> None:
    """Half the list rate while anything pays; what is on the commit rate does not see it."""
    w = api(
        rate("Api", "1000", commit_price=flat("800")),
        overrides=[specific("0.5")],
        commits=[commit("c", ("40", *YEAR), rate_type=rate_type)],
    )
    w.use("Api", "2025-01-09", "5")
    paid = next(x for x in usage(w) if x.commit_id)

    assert (paid.unit_price, paid.total) == (D(price), D(2500 if price == 500 else 4000))


def test_r88_a_commit_rate_override_means_nothing_to_a_balance_on_the_list_rate() -> None:
    w = api(
        rate("Api", "1000", commit_price=flat("800")),
        overrides=[specific("0.1", target=OverrideTarget.COMMIT_RATE)],
        commits=[commit("c", ("50", *YEAR))],
    )
    w.use("Api", "2025-01-09", "5")

    assert [x.unit_price for x in usage(w)] == [D(1000)]


def test_r89_the_covered_quantity_is_the_balance_over_the_covered_price() -> None:
    listed = tiers(("10", "100"), (None, "200"))
    w = api(
        rate("Api", listed),
        overrides=[specific(flat("40"))],
        commits=[commit("c", ("2", *YEAR))],
    )
    w.use("Api", "2025-01-09", "15")

    assert [(x.quantity, x.unit_price, x.commit_id) for x in usage(w)] == [
        (D(5), D(40), "c"),
        (D(5), D(100), None),
        (D(5), D(200), None),
    ]


def test_r147_r214_list_price_zero_draws_the_balance_at_its_own_price_and_then_is_free() -> None:
    w = api(
        rate("Api", "0", commit_price=flat("100")),
        commits=[commit("c", ("100", *YEAR), rate_type="COMMIT_RATE")],
    )
    w.use("Api", "2025-01-09", "150")

    assert [(x.quantity, x.total, x.commit_id) for x in usage(w)] == [
        (D(100), D(10000), "c"),
        (D(50), D(0), None),
    ]
    assert january(w).total == 0


def test_r147_a_balance_for_which_units_are_free_leaves_them_to_one_that_has_a_price() -> None:
    w = api(
        rate("Api", "0"),
        overrides=[specific(flat("100"), balances=("paid",))],
        commits=[
            commit("free", ("5", *YEAR), priority=D(1)),
            commit("paid", ("3", *YEAR), priority=D(2)),
        ],
    )
    w.use("Api", "2025-01-09", "10")

    assert [(x.quantity, x.total, x.commit_id) for x in usage(w)] == [
        (D(3), D(300), "paid"),
        (D(7), D(0), None),
    ]


def test_r147_free_first_tiers_use_no_balance_and_the_next_ones_do() -> None:
    w = api(rate("Api", tiers(("5", "0"), (None, "100"))), commits=[commit("c", ("2", *YEAR))])
    w.use("Api", "2025-01-09", "8")

    assert [(x.quantity, x.total, x.commit_id) for x in usage(w)] == [
        (D(5), D(0), None),
        (D(2), D(200), "c"),
        (D(1), D(100), None),
    ]


def test_r176_dear_is_the_price_while_covered() -> None:
    w = api(overrides=[specific("0.1")], commits=[commit("c", ("10", *YEAR))])
    storage = rate("Storage", "50")
    world = two_products(w, storage)
    world.use("Api", "2025-01-09", "50")
    world.use("Storage", "2025-01-09", "30")
    paid = {x.name: x.total for x in usage(world) if x.commit_id}

    assert paid == {"Storage": D(1000)}


def two_products(w: World, storage: object) -> World:
    (card,) = w.catalog.rate_cards.values()
    products = [usage_product("Api", "api"), usage_product("Storage"), fixed_product("commit")]
    rates = [*card.rates, storage]
    metrics = [metric("Api"), metric("Storage")]
    return World(catalog(products, metrics, rates), w.account.contracts)  # type: ignore[arg-type]


MONTHLY = Subject(
    product_id="p-Seat", product_tags=frozenset({"seat"}), billing_frequency="MONTHLY"
)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (Specifier(product_id="p-Seat", billing_frequency="MONTHLY"), "1000"),
        (Specifier(product_id="p-Seat", billing_frequency="ANNUAL"), "2000"),
        (Specifier(product_id="p-Seat"), "2000"),
        (Specifier(billing_frequency="MONTHLY"), "2000"),
        (Specifier(product_tags=("seat",)), "2000"),
    ],
)
def test_r53_r90_a_subscription_rate_is_meant_by_product_and_billing_frequency(
    about: Specifier, expected: str
) -> None:
    half = override("0.5", applicability=Applicability(specifiers=(about,)))
    signed = api(overrides=[half]).account.contracts[0]
    rates = [
        rate("Seat", "2000", billing_frequency="MONTHLY"),
        rate("Seat", "20000", billing_frequency="ANNUAL"),
    ]
    priced = priced_at(signed, rates, MONTHLY, span("2025-01-01").start)

    assert priced is not None
    assert first_unit_price(priced.price) == D(expected)


def test_r66_a_minimum_knows_no_commit_specific_price() -> None:
    floor = Percentage(fraction=D("0.1"), minimum=D(200))
    signed = api(overrides=[specific("0.5")]).account.contracts[0]
    subject = Subject(product_id="p-Api", product_tags=frozenset())
    instant = span("2025-01-01").start
    with_minimum = priced_at(signed, [rate("Api", floor)], subject, instant)
    without = priced_at(signed, [rate("Api", Percentage(fraction=D("0.1")))], subject, instant)

    assert with_minimum is not None
    assert without is not None
    assert with_minimum.while_paying(balance("c")).price == floor
    assert without.while_paying(balance("c")).price == Percentage(fraction=D("0.05"))


def test_r91_overrides_do_not_move_to_a_renewal() -> None:
    w = api(overrides=[override("0.5")], term=span("2024-06-01", "2025-01-01"))
    renewal = contract(
        "n",
        Create(
            customer_id="customer",
            term=span("2025-01-01"),
            rate_card_id="card",
            transition=Transition(type=TransitionType.RENEWAL, from_contract_id="k"),
        ),
    )
    w = World(w.catalog, [*w.account.contracts, renewal])

    assert total(w) == D(100)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    closed = [(str(size), str(draw(st.integers(0, 9)))) for size in draw(sizes)]
    return tiers(*closed, (None, str(draw(st.integers(0, 9)))))


@st.composite
def mixed(draw: st.DrawFn) -> World:
    """Balances of both rate types, any of them with a price of its own, free ones among them."""
    overrides = [
        specific(
            draw(prices()),
            f"s{n}",
            balances=(f"c{draw(st.integers(0, 2))}",),
            target=draw(st.sampled_from(OverrideTarget)),
        )
        for n in range(draw(st.integers(0, 3)))
    ]
    balances = [
        commit(
            f"c{n}",
            (str(draw(st.decimals("0.01", "3", places=2))), *YEAR),
            rate_type=draw(st.sampled_from(["LIST_RATE", "COMMIT_RATE"])),
            priority=D(n),
        )
        for n in range(3)
    ]
    listed = rate("Api", draw(prices()), commit_price=draw(st.none() | prices()))
    return api(listed, overrides=overrides, commits=balances)


@given(w=mixed(), units=st.integers(1, 60))
@settings(max_examples=150)
def test_r81_r89_r177_every_unit_is_paid_by_the_first_balance_that_has_a_price_for_it(
    w: World, units: int
) -> None:
    w.use("Api", "2025-01-09", str(units))
    signed = w.account.contracts[0]
    (listed,) = w.catalog.rate_cards["card"].rates
    subject = Subject(product_id="p-Api", product_tags=frozenset({"api", "core"}))
    priced = priced_at(signed, [listed], subject, span("2025-01-09").start)
    assert priced is not None
    left = [Fraction(1)] * units
    wanted: dict[str | None, Fraction] = {}
    for payer in signed.commits:
        price, money = priced.while_paying(payer).price, Fraction(payer.access_total)
        for unit in range(units):
            cost = _unit(price, unit)
            share = min(left[unit], money / cost) if cost else Fraction(0)
            left[unit] -= share
            money -= share * cost
        wanted[payer.id] = Fraction(payer.access_total) - money
    wanted[None] = sum((left[n] * _unit(priced.price, n) for n in range(units)), Fraction(0))
    found = dict.fromkeys(wanted, Fraction(0))
    for line in usage(w):
        found[line.commit_id] += Fraction(line.total)

    assert found.keys() == wanted.keys()
    for payer_id, amount in wanted.items():
        assert abs(found[payer_id] - amount) < Fraction(1, 10**30)
    assert abs(sum(Fraction(x.quantity or 0) for x in usage(w)) - units) < Fraction(1, 10**30)
    assert january(w).total == sum((x.total for x in january(w).lines), D(0))


def _unit(price: Price, before: int) -> Fraction:
    (part,) = parts(price, D(before), D(before + 1))
    return Fraction(part.unit_price)
