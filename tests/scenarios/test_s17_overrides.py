"""S17: overrides that never stack, dated ones, and commit rates (R71-R89).

List price of Calls is $10.00 unless a test says otherwise; its commit rate is $8.00.
"""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billing.world import at, commit, dollars, metric, rate, span, usage_product
from closedwon.billing.catalog.types import Rate
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Revise
from closedwon.billing.contracts.overrides import (
    Multiplier,
    MultiplierTier,
    Override,
    OverrideTarget,
    Overwrite,
    Prioritization,
    TieredMultiplier,
)
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.pricing import Flat, Tier, Tiered
from closedwon.kernel.instant import Interval
from scenarios.stage import Stage, applied, stage, usage_lines

D = Decimal
JUNE = span("2025-06-01")
CALLS = Applicability(product_ids=("p-Calls",))
WHILE_PAID = Applicability(specifiers=(Specifier(product_id="p-Calls"),))


def override(name: str, kind: Any, window: Interval = JUNE, **more: Any) -> Override:
    rated = Multiplier(multiplier=D(kind)) if isinstance(kind, str) else kind
    fields = {"id": name, "window": window, "applicability": CALLS, "rate": rated, **more}
    return Override(**fields)


def overwrite(cents: str) -> Overwrite:
    return Overwrite(price=Flat(price=D(cents)))


def held(amount: str, **more: Any) -> Commit:
    return commit("held", (amount, "2025-06-01", "2026-06-01"), **more)


def billed(
    *overrides: Override,
    commits: tuple[Commit, ...] = (),
    rates: tuple[Rate, ...] = (),
    used: tuple[tuple[str, str], ...] = (("2025-06-10", "20"),),
    **fields: Any,
) -> Stage:
    card = rates or (rate("Calls", "1000", commit_price=Flat(price=D(800))),)
    scene = stage([usage_product("Calls", "calls")], [metric("Calls")], card)
    terms = {"overrides": overrides, "commits": commits, **fields}
    scene.sign("k", JUNE, signed="2025-05-20", **terms)
    scene.use("Calls", *used)
    scene.live("2025-07-02", "2025-07-02")
    return scene


def told(scene: Stage) -> list[tuple[Decimal, Decimal, Decimal, str | None]]:
    """(quantity, unit price in dollars, dollars, commit) of June's lines."""
    lines = usage_lines(scene.usage("2025-06-01"))
    return [(n, price / 100, total, by) for _, n, price, total, by in lines]


def test_s17_r71_covered_at_the_commit_rate_over_at_list() -> None:
    """80.00 / 8.00 = 10 units covered; 5 x 10.00 = 50.00 due."""
    scene = billed(commits=(held("80", rate_type="COMMIT_RATE"),), used=(("2025-06-10", "15"),))

    assert told(scene) == [(D(10), D(8), D(80), "held"), (D(5), D(10), D(50), None)]
    assert dollars(scene.usage("2025-06-01").total) == 50


def test_s17_r71_a_list_rate_balance_pays_list() -> None:
    """80.00 / 10.00 = 8 units; 7 x 10.00 = 70.00."""
    scene = billed(commits=(held("80"),), used=(("2025-06-10", "15"),))

    assert told(scene) == [(D(8), D(10), D(80), "held"), (D(7), D(10), D(70), None)]


def test_s17_r72_without_a_commit_rate_the_list_rate_with_its_overrides() -> None:
    """x0.9 on list; the x0.5 on commit rates finds none: 9.00; 90.00 covers 10, 10 x 9.00 due."""
    scene = billed(
        override("list", "0.9"),
        override(
            "commit",
            "0.5",
            applicability=WHILE_PAID,
            is_commit_specific=True,
            target=OverrideTarget.COMMIT_RATE,
        ),
        commits=(held("90", rate_type="COMMIT_RATE"),),
        rates=(rate("Calls", "1000"),),
    )

    assert told(scene) == [(D(10), D(9), D(90), "held"), (D(10), D(9), D(90), None)]


def test_s17_r88_target_commit_rate_beside_a_list_override() -> None:
    """Covered 8.00 x 0.9 = 7.20: 72.00 cover 10; 10 more at 10.00 x 0.8 = 8.00: 80.00 due."""
    scene = billed(
        override("list", "0.8"),
        override(
            "commit",
            "0.9",
            applicability=WHILE_PAID,
            is_commit_specific=True,
            target=OverrideTarget.COMMIT_RATE,
        ),
        commits=(held("72", rate_type="COMMIT_RATE"),),
    )

    assert told(scene) == [(D(10), D("7.2"), D(72), "held"), (D(10), D(8), D(80), None)]


def test_s17_r89_what_a_balance_covers_is_money_over_the_covered_price() -> None:
    """10.00 / 8.00 = 1.25 units covered; 20 - 1.25 = 18.75 x 10.00 = 187.50."""
    scene = billed(commits=(held("10", rate_type="COMMIT_RATE"),))

    assert told(scene) == [
        (D("1.25"), D(8), D(10), "held"),
        (D("18.75"), D(10), D("187.5"), None),
    ]


def test_s17_r87_r80_a_commit_specific_discount_replaces_the_general_one() -> None:
    """List 1.00, general 0.95, commit-specific 0.8, 8.00 held, 20 units: 10 @ 0.8, 10 @ 0.95."""
    scene = billed(
        override("general", "0.95"),
        override("specific", "0.8", applicability=WHILE_PAID, is_commit_specific=True),
        commits=(held("8"),),
        rates=(rate("Calls", "100"),),
    )

    assert told(scene) == [
        (D(10), D("0.8"), D(8), "held"),
        (D(10), D("0.95"), D("9.5"), None),
    ]


def test_s17_r81_two_balances_one_of_them_named_by_the_override() -> None:
    """``first`` (priority 1) pays 0.5 x 10.00 as named: 10.00 / 5.00 = 2 units; ``held`` 10.00.

    20 units: 2 @ 5.00 by first, 3 @ 10.00 by held (30.00), 15 @ 10.00 due.
    """
    only = Applicability(specifiers=(Specifier(product_id="p-Calls", commit_ids=("first",)),))
    scene = billed(
        override("named", "0.5", applicability=only, is_commit_specific=True),
        commits=(
            commit("first", ("10", "2025-06-01", "2026-06-01"), priority=D(1)),
            held("30", priority=D(2)),
        ),
    )

    assert told(scene) == [
        (D(2), D(5), D(10), "first"),
        (D(3), D(10), D(30), "held"),
        (D(15), D(10), D(150), None),
    ]
    assert applied(scene.usage("2025-06-01")) == [("first", D(-10)), ("held", D(-30))]


@pytest.mark.parametrize(
    ("overrides", "price"),
    [
        ((("a", "0.9"), ("b", "0.95")), "9"),
        ((("a", "0.95"), ("b", "0.9")), "9"),
        ((("a", "1.2"),), "12"),
        ((("a", "1.2"), ("b", "1")), "10"),
        ((("a", "0"), ("b", "0.9")), "0"),
    ],
)
def test_s17_r80_r82_the_lowest_of_several_multipliers(
    overrides: tuple[tuple[str, str], ...], price: str
) -> None:
    scene = billed(*(override(name, by) for name, by in overrides))

    assert dollars(scene.usage("2025-06-01").total) == 20 * D(price)


def test_s17_r81_an_overwrite_beats_a_lower_multiplier_and_the_last_added_wins() -> None:
    """x0.1 would be 1.00; overwrites of 7.00 then 9.00: 20 x 9.00 = 180.00."""
    scene = billed(
        override("low", "0.1"),
        override("seven", overwrite("700")),
        override("nine", overwrite("900")),
    )

    assert dollars(scene.usage("2025-06-01").total) == 180


def test_s17_r81_a_commit_specific_multiplier_beats_a_general_overwrite_while_covered() -> None:
    """While paid: list 10.00 x 0.5 = 5.00, not 9.00 and not 4.50; 50.00 cover 10; 10 @ 9.00."""
    scene = billed(
        override("nine", overwrite("900")),
        override("half", "0.5", applicability=WHILE_PAID, is_commit_specific=True),
        commits=(held("50"),),
    )

    assert told(scene) == [(D(10), D(5), D(50), "held"), (D(10), D(9), D(90), None)]


def test_s17_r79_a_discount_from_the_sixteenth_splits_the_line() -> None:
    """List 1.00: 10 units before at 1.00, 10 at or after midnight of the 16th at 0.90: 19.00."""
    scene = billed(
        override("late", "0.9", span("2025-06-16")),
        rates=(rate("Calls", "100"),),
        used=(("2025-06-15T23:59:59", "10"), ("2025-06-16T00:00:00", "10")),
    )
    lines = scene.usage("2025-06-01").lines

    assert told(scene) == [(D(10), D(1), D(10), None), (D(10), D("0.9"), D(9), None)]
    assert [(x.starting_at, x.ending_before) for x in lines] == [
        (at("2025-06-01"), at("2025-06-16")),
        (at("2025-06-16"), at("2025-07-01")),
    ]


def test_s17_r79_an_override_that_ends_gives_the_price_back_at_its_very_end() -> None:
    """0.5 over [5th, 10th): the event on the 10th at 00:00 pays full: 2 + 0.5 x 2 + 2 = 5.00."""
    scene = billed(
        override("short", "0.5", span("2025-06-05", "2025-06-10")),
        rates=(rate("Calls", "100"),),
        used=(("2025-06-04", "2"), ("2025-06-05", "2"), ("2025-06-10", "2")),
    )

    assert dollars(scene.usage("2025-06-01").total) == 5


def test_s17_r73_a_multiplier_follows_the_card_and_an_overwrite_does_not() -> None:
    """Card 10.00 -> 20.00 on the 16th; 1 unit in each half: x0.9: 9 + 18; overwrite 9: 9 + 9."""
    rates = (rate("Calls", "1000"), rate("Calls", "2000", span("2025-06-16"), id="new"))
    used = (("2025-06-10", "1"), ("2025-06-20", "1"))

    follows = billed(override("m", "0.9"), rates=rates, used=used)
    detached = billed(override("o", overwrite("900")), rates=rates, used=used)

    assert dollars(follows.usage("2025-06-01").total) == 27
    assert dollars(detached.usage("2025-06-01").total) == 18


def test_s17_r83_explicit_priority_not_the_lowest_number_of_the_multiplier() -> None:
    """0.9 of priority 2, 0.95 of priority 1: 9.50 x 20 = 190.00."""
    scene = billed(
        override("nine", "0.9", priority=D(2)),
        override("more", "0.95", priority=D(1)),
        prioritization=Prioritization.EXPLICIT,
    )

    assert dollars(scene.usage("2025-06-01").total) == 190


def test_s17_r84_a_tiered_override_counts_the_units_of_the_period() -> None:
    """10 @ 0.8, 10 @ 0.7, the rest x 1 on 1.00: 25 units in three events: 8 + 7 + 5 = 20.00."""
    tiers = TieredMultiplier(
        tiers=(
            MultiplierTier(multiplier=D("0.8"), size=D(10)),
            MultiplierTier(multiplier=D("0.7"), size=D(10)),
        )
    )
    scene = billed(
        override("tiers", tiers, priority=D(1)),
        rates=(rate("Calls", "100"),),
        used=(("2025-06-03", "8"), ("2025-06-13", "8"), ("2025-06-23", "9")),
        prioritization=Prioritization.EXPLICIT,
    )

    assert dollars(scene.usage("2025-06-01").total) == 20


def test_s17_r72_r89_tiers_go_on_where_the_balance_ends() -> None:
    """List 10 @ 10.00, rest @ 5.00; commit rate 10 @ 8.00, rest @ 4.00; 100.00 held, 30 units.

    Covered 10 x 8 = 80, 5 x 4 = 20; position 15; then 15 units of list tier two: 75.00.
    """

    def table(first: str, rest: str) -> Tiered:
        return Tiered(tiers=(Tier(price=D(first), size=D(10)), Tier(price=D(rest))))

    scene = billed(
        commits=(held("100", rate_type="COMMIT_RATE"),),
        rates=(rate("Calls", table("1000", "500"), commit_price=table("800", "400")),),
        used=(("2025-06-10", "30"),),
    )

    assert told(scene) == [
        (D(10), D(8), D(80), "held"),
        (D(5), D(4), D(20), "held"),
        (D(15), D(5), D(75), None),
    ]


def test_s17_r214_zero_overage_draws_the_balance_and_then_costs_nothing() -> None:
    """List 0, commit rate 1.00, 100.00 held, 150 units: 100 drawn, 50 @ 0."""
    scene = billed(
        commits=(held("100", rate_type="COMMIT_RATE"),),
        rates=(rate("Calls", "0", commit_price=Flat(price=D(100))),),
        used=(("2025-06-10", "150"),),
    )

    assert told(scene) == [(D(100), D(1), D(100), "held"), (D(50), D(0), D(0), None)]
    assert scene.usage("2025-06-01").total == 0
    assert scene.left("2025-07-02") == {"held": D(0)}


def test_s17_r116_an_override_that_is_removed_never_was_in_open_periods() -> None:
    """June is final at 0.9 (180.00); July, removed on the 20th, is 20 x 10.00 = 200.00."""
    scene = billed(override("gone", "0.9"))
    scene.use("Calls", ("2025-07-05", "20"))
    scene.edit("k", Revise(remove_ids=("gone",)), "2025-07-20")
    scene.live("2025-08-02", "2025-08-02")

    assert [told[2] for told in scene.billed("USAGE")] == [180, 200]


def test_s17_r55_r86_unentitled_usage_makes_no_line_and_draws_nothing() -> None:
    """Not entitled from the 16th: only the first 5 of 10 units are drawn: 50.00."""
    closed = replace(override("closed", "0.5", span("2025-06-16")), rate=None, entitled=False)
    scene = billed(
        closed,
        commits=(held("80"),),
        used=(("2025-06-15", "5"), ("2025-06-16", "5")),
    )

    assert told(scene) == [(D(5), D(10), D(50), "held")]
    assert scene.left("2025-07-02") == {"held": D(30)}
