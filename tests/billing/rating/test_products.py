"""From metric values to lines: definitions that change, rounding, groups (R39, R40, R45-R52)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.rating.pricing_world import YEAR, D, api, january, tiers, usage
from billing.world import (
    EPOCH,
    SETTINGS,
    World,
    at,
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
from closedwon.billing.bill import bill, demands
from closedwon.billing.catalog.types import (
    Conversion,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    Rounding,
)
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice
from closedwon.billing.pricing import Tiered
from closedwon.billing.rating.demand import Reading
from closedwon.engine.conservation import check_invoice
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import QUOTIENTS

UP = Rounding(method="ROUND_UP", decimal_places=0)
MID = "2025-01-15"


def version(starting_at: str, name: str = "Api", **more: object) -> ProductVersion:
    fields = {"starting_at": at(starting_at), "name": name, "metric_id": "m-A"}
    return ProductVersion(**{**fields, **more})  # type: ignore[arg-type]


def product(*versions: ProductVersion) -> Product:
    return Product(id="p-Api", type=ProductType.USAGE, versions=versions)


def world(
    sold: Product,
    *rates: Rate,
    metrics: Sequence[Metric] = (metric("A"), metric("B")),
    commits: Sequence[Commit] = (),
    **terms: object,
) -> World:
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(commits=tuple(commits), **terms),  # type: ignore[arg-type]
    )
    listed = rates or (rate("Api", "100"),)
    products = [sold, fixed_product("commit")]
    return World(catalog(products, metrics, listed), [contract("k", signed)])


def swapped(*rates: Rate, **after: object) -> World:
    """Metric A until the fifteenth, B from then on."""
    fields = {"metric_id": "m-B", **after}
    return world(product(version("2020-01-01"), version(MID, **fields)), *rates)


def said_to(w: World, answers: Mapping[str, Sequence[Reading]]) -> Invoice:
    """The draft of January when the usage store answers this, by metric."""
    now = at("2025-01-31")
    quantities = {
        asked.key: tuple(replace(r, key=asked.key) for r in answers.get(asked.metric.id, ()))
        for asked in demands(w.account, w.catalog, now)
    }
    return bill(w.account, w.catalog, quantities, now, SETTINGS).invoices[0]


def test_r40_after_a_swap_the_rise_of_the_new_metric_is_billed() -> None:
    """A is avg(value): 4 then 5 by the swap; B is avg(value_new): 0 at the swap, 10, then 11."""
    w = swapped(
        rate("Api", "100"),
        rate("Api", "100", span("2025-01-02"), id="r2"),
        rate("Api", "100", span("2025-01-16"), id="r3"),
    )
    cuts = demands(w.account, w.catalog, at("2025-01-31"))[0].cuts
    assert cuts == tuple(
        at(day) for day in ("2025-01-01", "2025-01-02", MID, "2025-01-16", "2025-02-01")
    )

    def said(*values: str) -> list[Reading]:
        return [
            Reading(key="", group=(), cut=cut, value=D(value))
            for cut, value in enumerate(values, start=1)
        ]

    invoice = said_to(w, {"m-A": said("4", "5", "6", "7"), "m-B": said("0", "0", "10", "11")})

    assert [line.quantity for line in invoice.lines] == [D(4), D(1), D(10), D(1)]
    assert invoice.total == D(1600)


def test_r40_the_store_is_asked_once_per_metric_under_different_keys() -> None:
    w = swapped()
    asked = demands(w.account, w.catalog, at("2025-01-31"))

    assert [d.metric.id for d in asked] == ["m-A", "m-B"]
    assert len({d.key for d in asked}) == 2
    assert len({d.cuts for d in asked}) == 1


def test_r40_r63_tiers_go_on_across_a_swap() -> None:
    w = swapped(rate("Api", tiers(("10", "100"), (None, "200"))))
    w.use("A", "2025-01-09", "8")
    w.use("A", "2025-01-20", "50")
    w.use("B", "2025-01-09", "50")
    w.use("B", "2025-01-20", "5")

    assert [(x.quantity, x.total) for x in usage(w)] == [
        (D(8), D(800)),
        (D(2), D(200)),
        (D(3), D(600)),
    ]


def test_r40_r47_rounding_sees_one_quantity_across_a_swap() -> None:
    first, second = version("2020-01-01", rounding=UP), version(MID, metric_id="m-B", rounding=UP)
    w = world(product(first, second))
    w.use("A", "2025-01-09", "1.4")
    w.use("B", "2025-01-20", "1.4")

    assert [line.quantity for line in usage(w)] == [D(2), D(1)]


def test_r40_groups_that_change_split_what_comes_after() -> None:
    grouped = {"presentation_group_key": ("project",)}
    keyed = [metric("A", group_keys=(("project",),)), metric("B")]
    sold = product(version("2020-01-01"), version(MID, **grouped))
    w = world(sold, rate("Api", tiers(("10", "100"), (None, "200"))), metrics=keyed)
    w.use("A", "2025-01-09", "8", project="a")
    w.use("A", "2025-01-20", "5", project="a")
    w.use("A", "2025-01-20", "4", project="b")

    assert [(x.presentation_group_values, x.total) for x in usage(w)] == [
        ({}, D(800)),
        ({"project": "a"}, D(500)),
        ({"project": "b"}, D(400)),
    ]


def test_r40_a_group_stays_itself_when_the_metric_changes_or_its_keys_change_place() -> None:
    keyed = [metric(name, group_keys=(("project", "region"),)) for name in "AB"]
    first = version("2020-01-01", presentation_group_key=("project", "region"))
    second = version(MID, metric_id="m-B", presentation_group_key=("region", "project"))
    w = world(
        product(first, second),
        rate("Api", tiers(("10", "100"), (None, "200"))),
        metrics=keyed,
    )
    w.use("A", "2025-01-09", "8", project="a", region="eu")
    w.use("B", "2025-01-20", "5", project="a", region="eu")

    assert january(w).total == 800 + 200 + 600


@given(
    used=st.lists(
        st.tuples(
            st.sampled_from("AB"),
            st.integers(1, 30),
            st.decimals("-3", "9", places=2, allow_nan=False),
        ),
        max_size=12,
    ),
    day=st.integers(2, 30),
    places=st.sampled_from([None, 0, 1]),
)
@settings(max_examples=60)
def test_r40_quantities_of_both_metrics_add_up_to_what_was_used_in_their_time(
    used: list[tuple[str, int, Decimal]], day: int, places: int | None
) -> None:
    rounding = None if places is None else Rounding(method="ROUND_DOWN", decimal_places=places)
    swap = f"2025-01-{day:02}"
    w = world(
        product(
            version("2020-01-01", rounding=rounding),
            version(swap, metric_id="m-B", rounding=rounding),
        )
    )
    for name, on, value in used:
        w.use(name, f"2025-01-{on:02}T06:00:00", value)
    mine = sum((v for name, on, v in used if (name == "A") == (on < day)), D(0))
    expected = mine if places is None else _floored(mine, places)

    assert sum((line.quantity or D(0) for line in usage(w)), D(0)) == expected


def _floored(value: Decimal, places: int) -> Decimal:
    return value.quantize(D(1).scaleb(-places), "ROUND_DOWN")


def sql_product(granularity: str) -> World:
    counted = Metric(
        id="m-A", name="A", sql="SELECT sum(value) AS value FROM events", created_at=EPOCH
    )
    sold = product(version("2020-01-01", sql_granularity=granularity))
    return world(
        sold,
        rate("Api", "1000", span("2020-01-01", MID)),
        rate("Api", "2000", span(MID), id="r2"),
        metrics=[counted, metric("B")],
        commits=[commit("c", ("10000", "2025-01-02", "2025-01-03"))],
    )


def test_r39_hourly_each_rise_has_its_own_price_and_balance() -> None:
    w = sql_product("HOUR")
    (asked,) = demands(w.account, w.catalog, at("2025-01-31"))
    said = [
        Reading(key="", group=(), cut=asked.cuts.index(at(day)), value=D(value))
        for day, value in (("2025-01-02", "5"), ("2025-01-03", "15"), (MID, "30"))
    ]
    invoice = said_to(w, {"m-A": said})

    assert not asked.whole_period
    assert sum(x.total for x in invoice.lines if x.quantity is not None) == 30000
    assert [x.total for x in invoice.lines if x.quantity is None] == [D(-10000)]


def test_r39_a_whole_period_takes_the_price_of_its_last_instant() -> None:
    w = sql_product("SERVICE_PERIOD")
    (asked,) = demands(w.account, w.catalog, at("2025-01-31"))
    said = [Reading(key="", group=(), cut=len(asked.cuts) - 1, value=D(30))]
    invoice = said_to(w, {"m-A": said})

    assert asked.whole_period
    assert [(x.quantity, x.total, x.commit_id) for x in invoice.lines] == [(D(30), D(60000), None)]


def test_r39_a_streaming_metric_is_never_asked_for_as_a_whole() -> None:
    w = api()
    (asked,) = demands(w.account, w.catalog, at("2025-01-31"))

    assert not asked.whole_period


def test_r47_rounding_is_once_per_line_bucket() -> None:
    w = api(product={"rounding": UP, "presentation_group_key": ("project",)})
    for project in ("a", "b"):
        w.use("Api", "2025-01-09", "1.2", project=project)

    assert [line.quantity for line in usage(w)] == [D(2), D(2)]


@pytest.mark.parametrize(
    ("method", "places", "quantity"),
    [("ROUND_UP", 0, "3"), ("ROUND_DOWN", 1, "2.4"), ("ROUND_HALF_UP", 1, "2.5")],
)
def test_r46_the_converted_quantity_is_rounded(method: str, places: int, quantity: str) -> None:
    w = api(
        product={
            "conversion": Conversion(factor=D("0.001"), divide=False),
            "rounding": Rounding(method=method, decimal_places=places),
        }
    )
    w.use("Api", "2025-01-09", "2450")

    assert [line.quantity for line in usage(w)] == [D(quantity)]


def test_r46_a_conversion_needs_a_factor_above_zero_and_a_known_rounding() -> None:
    with pytest.raises(Refused, match="R46"):
        Conversion(factor=D(0), divide=True)
    with pytest.raises(Refused, match="R46"):
        Rounding(method="ROUND_HALF_EVEN", decimal_places=0)
    with pytest.raises(Refused, match="R46"):
        Rounding(method="ROUND_UP", decimal_places=-1)


def test_r48_an_update_in_the_past_moves_drafts_and_no_finalized_line() -> None:
    w = world(product(version("2020-01-01")))
    w.use("A", "2025-01-09", "1024")
    w.use("A", "2025-02-09", "1024")
    w.finalize("2025-02-02")
    in_gb = version("2025-01-01", name="Gb", conversion=Conversion(factor=D(1024), divide=True))
    (sold, other) = w.catalog.products.values()
    updated = replace(sold, versions=(*sold.versions, in_gb))
    w.catalog = catalog(
        [updated, other], [metric("A"), metric("B")], w.catalog.rate_cards["card"].rates
    )
    (frozen,) = w.invoices()
    draft = w.bill("2025-02-28").invoices[0]

    assert [(x.name, x.quantity) for x in frozen.lines] == [("Api", D(1024))]
    assert [(x.name, x.quantity) for x in draft.lines] == [("Gb", D(1))]


def test_r49_tags_retarget_overrides_and_balances_from_the_update_on() -> None:
    sold = product(version("2020-01-01"), version(MID, tags=("sale",)))
    w = world(
        sold,
        commits=[
            commit(
                "c",
                ("1000", *YEAR),
                applicability=multiplier("sale", "1", "2025-01-01").applicability,
            )
        ],
        overrides=(multiplier("sale", "0.5", "2025-01-01"),),
    )
    for day in ("2025-01-09", "2025-01-20"):
        w.use("A", day, "1")

    assert [(x.unit_price, x.commit_id) for x in usage(w)] == [(D(100), None), (D(50), "c")]


def test_r50_one_line_per_group_tier_slice_and_payer() -> None:
    w = api(
        rate("Api", tiers(("2", "100"), (None, "200"))),
        product={"presentation_group_key": ("project",)},
        overrides=[multiplier("api", "0.5", MID)],
        commits=[commit("c", ("1", *YEAR))],
    )
    for project in ("a", "b"):
        w.use("Api", "2025-01-09", "3", project=project)
        w.use("Api", "2025-01-20", "1", project=project)
    keys = [
        (
            x.presentation_group_values["project"],
            x.tier and x.tier.level,
            x.starting_at,
            x.commit_id,
        )
        for x in usage(w)
    ]

    assert len(keys) == len(set(keys)) == 7
    assert sum((x.quantity or D(0) for x in usage(w)), D(0)) == 8


def test_r51_dimensional_combinations_appear_only_with_usage() -> None:
    by_region = {"pricing_group_key": ("region",)}
    w = api(rate("Api", "100", pricing_group_values={"region": "eu"}), product=by_region)

    assert usage(w) == []
    assert [line.quantity for line in usage(api())] == [D(0)]


def test_r52_a_finalized_line_keeps_its_name_price_and_quantity() -> None:
    w = api()
    w.use("Api", "2025-01-09", "2")
    w.finalize("2025-02-02")
    w.catalog = catalog(
        list(w.catalog.products.values()),
        list(w.catalog.metrics.values()),
        [rate("Api", "900")],
    )
    w.use("Api", "2025-01-10", "7")
    (frozen,) = w.invoices()

    assert [(x.name, x.quantity, x.unit_price) for x in frozen.lines] == [("Api", D(2), D(100))]
    assert [i.start for i in w.bill("2025-02-20").invoices] == [at("2025-02-01")]


def test_r55_g36_unentitled_usage_does_not_move_the_tier_position() -> None:
    table: Tiered = tiers(("10", "100"), (None, "200"))
    w = api(
        rate("Api", table),
        rate("Api", table, span("2025-01-10", "2025-01-20"), entitled=False),
    )
    for day in ("05", "15", "25"):
        w.use("Api", f"2025-01-{day}", "6")

    assert [(x.quantity, x.total) for x in usage(w)] == [
        (D(6), D(600)),
        (D(4), D(400)),
        (D(2), D(400)),
    ]


def test_r70_only_what_was_used_without_a_rate_is_warned_about_and_once() -> None:
    by_region = {"pricing_group_key": ("region",)}
    until = span("2020-01-01", "2025-01-10")
    w = api(
        rate("Api", "100", until, pricing_group_values={"region": "eu"}),
        rate("Api", "100", pricing_group_values={"region": "us"}, entitled=False),
        product=by_region,
        overrides=[multiplier("api", "0.5", "2025-01-20")],
    )
    for day in ("05", "15", "25"):
        for region in ("eu", "us"):
            w.use("Api", f"2025-01-{day}", "1", region=region)

    assert w.bill("2025-01-31").warnings == ("Api was used with region=eu, which has no rate",)
    assert january(w).total == 100


@given(
    seconds=st.lists(st.integers(1, 10**9), min_size=1, max_size=6),
    price=st.decimals("0.001", 999, places=3),
    amounts=st.lists(st.integers(1, 10**7), min_size=0, max_size=4),
    factor=st.sampled_from([7, 60, 3600]),
)
def test_r4_r46_quotients_leave_sums_exact_whoever_pays(
    seconds: list[int], price: Decimal, amounts: list[int], factor: int
) -> None:
    """Seconds billed as hours: parts that balances pay add up to what was used exactly."""
    product = usage_product("Time", conversion=Conversion(factor=Decimal(factor), divide=True))
    made = catalog([product, fixed_product("commit")], [metric("Time")], [rate("Time", str(price))])
    year = ("2025-01-01", "2026-01-01")
    commits = tuple(
        commit(f"c{n}", (str(Decimal(amount) / 1000), *year)) for n, amount in enumerate(amounts)
    )
    signed = Create(
        customer_id="customer",
        term=span(*year),
        rate_card_id="card",
        terms=Added(commits=commits),
    )
    found = World(made, [contract("c", signed)])
    for day, amount in enumerate(seconds, start=1):
        found.use("Time", f"2025-01-{day:02}", Decimal(amount))

    (invoice,) = (i for i in found.bill("2025-01-31").invoices if i.type == "USAGE")

    check_invoice(invoice)
    used = sum(line.total for line in invoice.lines if line.type == "usage")
    hours = QUOTIENTS.divide(Decimal(sum(seconds)), Decimal(factor))
    assert used == hours * price
