"""Worked examples of the rules that columns carry out, and what they hand back."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace

from billing.columns.town import as_invoices, in_columns, ordinary
from billing.world import (
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
from closedwon.billing.catalog.types import Aggregation, Conversion, Rate
from closedwon.billing.columns.plain import is_plain, why_not_plain
from closedwon.billing.columns.whole import column, decimals, finer, places_of
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.pricing import Price, Tier, Tiered
from closedwon.kernel.instant import Interval


def tiered(*tiers: tuple[str | None, str]) -> Price:
    return Tiered(
        tiers=tuple(
            Tier(size=None if size is None else Decimal(size), price=Decimal(price))
            for size, price in tiers
        )
    )


def a_world(
    *rates: Rate, commits: tuple[Commit, ...] = (), overrides: tuple[Override, ...] = ()
) -> World:
    names = sorted({one.product_id.removeprefix("p-") for one in rates})
    sold = catalog(
        [*(usage_product(name, name.lower()) for name in names), fixed_product("commit")],
        [metric(name) for name in names],
        list(rates),
    )
    terms = Added(commits=commits, overrides=overrides)
    signed = Create(
        customer_id="customer", term=span("2025-01-01"), rate_card_id="card", terms=terms
    )
    return World(sold, [contract("k", signed)])


def totals(world: World, now: str = "2025-02-01") -> list[Decimal]:
    """Invoice totals of the columns, after checking them against the ordinary bill."""
    found = in_columns([world], now)
    assert not found.others
    made = as_invoices(found).get("customer", {})
    assert made == ordinary(world, now)
    by_start = sorted(made.values(), key=lambda invoice: invoice.issued_at)
    return [invoice.total for invoice in by_start]


def test_r59_r60_units_fill_the_tiers() -> None:
    world = a_world(rate("A", tiered(("5", "0"), ("5", "100"), (None, "150"))))
    world.use("A", "2025-01-10", "12")

    assert totals(world) == [800, 0]


def test_r63_a_price_change_goes_on_from_the_position_reached() -> None:
    world = a_world(
        rate("A", tiered(("10", "100"), (None, "200")), span("2025-01-01", "2025-01-15")),
        rate("A", tiered(("10", "300"), (None, "400")), span("2025-01-15"), id="later"),
    )
    world.use("A", "2025-01-10", "8")
    world.use("A", "2025-01-20", "5")

    assert totals(world, "2025-01-31") == [2600]


def test_r80_r82_the_lowest_multiplier_wins_and_none_stack() -> None:
    world = a_world(
        rate("A", "100"),
        overrides=(multiplier("a", "0.9", "2024-01-01"), multiplier("a", "0.8", "2025-01-15")),
    )
    world.use("A", "2025-01-10", "10")
    world.use("A", "2025-01-20", "10")

    assert totals(world, "2025-01-31") == [900 + 800]


def test_r167_r174_r176_a_free_credit_pays_the_dearest_line_first() -> None:
    paid = commit("paid", ("6", "2025-01-01", "2025-03-01"), payments={"2025-01-01": "6"})
    free = commit("free", ("2", "2025-01-01", "2025-03-01"), kind=CommitKind.CREDIT)
    world = a_world(rate("A", "10"), rate("B", "25"), commits=(paid, free))
    world.use("A", "2025-01-10", "40")
    world.use("B", "2025-01-10", "20")

    assert totals(world, "2025-01-31") == [900 - 800]
    (sheet,) = in_columns([world], "2025-01-31").sheets
    row = in_columns([world], "2025-01-31").roster.rows[0]
    assert [pool.commit.id for pool in row.pools] == ["free", "paid"]
    assert sheet.drawn[:, 0].tolist() == [200, 600]


def test_r162_r179_a_balance_carries_over_and_ends_with_its_segment() -> None:
    prepaid = commit("c", ("10", "2025-01-01", "2025-02-16"), payments={"2025-01-01": "10"})
    world = a_world(rate("A", "1"), commits=(prepaid,))
    for day, units in (("2025-01-10", "400"), ("2025-02-10", "500"), ("2025-02-20", "300")):
        world.use("A", day, units)

    assert totals(world, "2025-03-01") == [0, 300, 0]


def test_r3_numbers_beyond_an_int64_stay_exact() -> None:
    prepaid = commit("c", ("99999999999.99", "2025-01-01", "2025-03-01"))
    world = a_world(rate("A", "0.000000123456789"), rate("B", "9999999999.5"), commits=(prepaid,))
    world.use("A", "2025-01-10", "123456789012.345")
    world.use("B", "2025-01-10", "98765.4321")

    assert totals(world, "2025-01-31") == [
        Decimal("123456789012.345") * Decimal("0.000000123456789")
        + Decimal("98765.4321") * Decimal("9999999999.5")
        - Decimal(9999999999999)
    ]


def test_r3_amounts_too_long_to_be_exact_take_the_ordinary_path() -> None:
    world = a_world(rate("A", "0.000000000000000001"))
    world.use("A", "2025-01-10", "99999999999999999999.000000000000000001")

    found = in_columns([world], "2025-01-31")

    assert found.others == (world.account,)
    assert not as_invoices(found)


def test_r33_usage_that_falls_takes_the_ordinary_path_alone() -> None:
    sold = [rate("A", tiered(("10", "1"), (None, "2")))]
    falls, rises = a_world(*sold), a_world(*sold)
    falls.use("A", "2025-01-10", "-3")
    rises.use("A", "2025-01-10", "30")
    (signed,) = rises.account.contracts
    rises.account = replace(
        rises.account,
        customer=replace(rises.account.customer, id="other", name="other"),
        contracts=(replace(signed, id="k2"),),
    )

    found = in_columns([falls, rises], "2025-02-01")

    assert found.others == (falls.account,)
    assert as_invoices(found) == {"other": ordinary(rises, "2025-02-01")}


def test_r30_a_maximum_is_billed_by_what_it_grows() -> None:
    world = a_world(rate("A", "10"), overrides=(multiplier("a", "0.5", "2025-01-15"),))
    grown = metric("A", Aggregation.MAX)
    world.catalog = replace(world.catalog, metrics={grown.id: grown})
    for day, level in (("2025-01-05", "8"), ("2025-01-10", "3"), ("2025-01-20", "10")):
        world.use("A", day, level)

    assert totals(world, "2025-01-31") == [8 * 10 + 2 * 5]


def test_a_finalized_month_is_not_billed_again_and_its_deductions_stay() -> None:
    prepaid = commit("c", ("10", "2025-01-01", "2025-04-01"))
    world = a_world(rate("A", "1"), commits=(prepaid,))
    world.use("A", "2025-01-10", "700")
    world.use("A", "2025-02-10", "700")
    world.finalize("2025-02-03")

    assert totals(world, "2025-02-28") == [400]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"commits": (commit("c", ("1", "2025-01-01", "2025-02-01"), rate_type="COMMIT_RATE"),)},
         "Commit.rate_type"),
        ({"overrides": (replace(multiplier("a", "1", "2025-01-01"), is_commit_specific=True),)},
         "Override.is_commit_specific"),
        ({"rate_card_id": None}, "Contract.rate_card_id"),
        ({"charges_on_usage_invoices": True}, "Contract.charges_on_usage_invoices"),
    ],
)  # fmt: skip
def test_a_term_the_columns_do_not_know_is_not_plain(
    change: dict[str, object], reason: str
) -> None:
    world = a_world(rate("A", "1"))
    assert is_plain(world.account, world.catalog, SETTINGS)

    (signed,) = world.account.contracts
    account = replace(world.account, contracts=(replace(signed, **change),))  # type: ignore[arg-type]

    assert why_not_plain(account, world.catalog, SETTINGS) == reason
    world.account = account
    assert in_columns([world], "2025-02-01").others == (account,)


def test_r46_r54_a_card_that_converts_or_groups_is_not_plain() -> None:
    world = a_world(rate("A", "1"))
    converted = usage_product("A", conversion=Conversion(factor=Decimal(2), divide=False))
    sold = replace(world.catalog, products={converted.id: converted})
    assert why_not_plain(world.account, sold, SETTINGS) == "ProductVersion.conversion"

    grouped = rate("A", "1", pricing_group_values={"region": "eu"})
    sold = catalog([usage_product("A")], [metric("A")], [grouped])
    assert why_not_plain(world.account, sold, SETTINGS) == "Rate.pricing_group_values"


def test_r40_a_product_that_changes_its_metric_takes_the_ordinary_path() -> None:
    world = a_world(rate("A", tiered(("10", "1"), (None, "2"))), rate("B", "1"))
    sold = dict(world.catalog.products)
    (first,) = sold["p-A"].versions
    swap = replace(first, starting_at=at("2025-01-15"), metric_id="m-B")
    sold["p-A"] = replace(sold["p-A"], versions=(first, swap))
    world.catalog = replace(world.catalog, products=sold)
    for name in ("A", "B"):
        for day in ("05", "20"):
            world.use(name, f"2025-01-{day}", "8")
    (invoice,) = ordinary(world, "2025-01-31").values()

    assert in_columns([world], "2025-01-31").others == (world.account,)
    assert invoice.total == 8 + 2 + 2 * 6 + 16


def test_every_statement_window_of_a_term_is_billed_once() -> None:
    world = a_world(rate("A", "1"))
    world.use("A", "2025-01-01", "1")
    later = at("2025-01-01") + timedelta(days=400)

    assert len(totals(world, later.isoformat()[:10])) == 14
    assert Interval(at("2025-01-01")).covers(later)


@pytest.mark.parametrize("digits", [0, 25])
def test_r3_columns_become_arrow_decimals_digit_by_digit(digits: int) -> None:
    values = [Decimal("-1.25"), Decimal(0), Decimal(7).scaleb(digits), Decimal("0.001")]

    numbers = column(values, places_of(values))

    assert numbers.dtype == (object if digits else np.int64)
    assert decimals(numbers, 3).to_pylist() == values
    assert decimals(finer(numbers, 2), 5).to_pylist() == values
