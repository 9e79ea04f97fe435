"""S19: metrics that fall: LATEST and negative SUM against balances and prices (R32-R34, R164, R180).

A unit costs $1.00 unless a test says otherwise.
"""

from decimal import Decimal
from typing import Any

import pytest

from billing.world import commit, dollars, metric, rate, span, usage_product
from closedwon.billing.catalog.types import Aggregation, Rate
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.pricing import Tier, Tiered
from scenarios.stage import Stage, applied, stage, usage_lines

D = Decimal
JUNE = span("2025-06-01")


def billed(
    kind: Aggregation,
    *used: tuple[str, str],
    commits: tuple[Commit, ...] = (),
    rates: tuple[Rate, ...] = (),
    until: str = "2025-07-02",
    **fields: Any,
) -> Stage:
    card = rates or (rate("Boxes", "100"),)
    scene = stage([usage_product("Boxes")], [metric("Boxes", kind)], card)
    scene.sign("k", JUNE, signed="2025-05-20", commits=commits, **fields)
    scene.use("Boxes", *used)
    scene.live("2025-07-02", until)
    return scene


def total(scene: Stage, start: str = "2025-06-01") -> Decimal:
    return dollars(scene.usage(start).total)


SEATS = (("2025-06-01", "7"), ("2025-06-05", "9"), ("2025-06-10", "10"), ("2025-06-20", "5"))


def test_s19_r33_the_latest_value_is_what_the_month_costs() -> None:
    """7, 9, 10, 5: +7 +2 +1 -5 = 5 units, $5.00; July without events starts from 0 again."""
    scene = billed(Aggregation.LATEST, *SEATS, until="2025-08-03")

    assert total(scene) == 5
    assert total(scene, "2025-07-01") == 0


def test_s19_r33_the_next_month_counts_from_zero_not_from_what_was() -> None:
    """June ends at 5; July's only value 8 costs 8, not 3."""
    scene = billed(Aggregation.LATEST, *SEATS, ("2025-07-03", "8"), until="2025-08-03")

    assert total(scene, "2025-07-01") == 8


def test_s19_r33_r131_a_price_change_bills_the_increments_at_their_own_price() -> None:
    """1.00 until the 8th, then 2.00: (7 + 2) x 1 + (1 - 5) x 2 = 9 - 8 = 1.00."""
    rates = (rate("Boxes", "100"), rate("Boxes", "200", span("2025-06-08"), id="new"))
    scene = billed(Aggregation.LATEST, *SEATS, rates=rates)

    assert [x[1:4] for x in usage_lines(scene.usage("2025-06-01"))] == [
        (D(9), D(100), D(9)),
        (D(-4), D(200), D(-8)),
    ]
    assert total(scene) == 1


def test_s19_r180_a_credit_sees_only_the_increment_in_its_window() -> None:
    """7 before the 4th, +2 on the 5th in [4th, 8th): 2.00 covered of 50.00; due 7 + 1 - 5 = 3.00."""
    credit = commit("free", ("50", "2025-06-04", "2025-06-08"))
    scene = billed(Aggregation.LATEST, *SEATS, commits=(credit,))

    assert applied(scene.usage("2025-06-01")) == [("free", D(-2))]
    assert total(scene) == 3
    assert scene.ledger("free") == [
        ("SEGMENT_START", "2025-06-04", D(50)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-06-08", D(-2)),
        ("EXPIRATION", "2025-06-08", D(-48)),
    ]


def test_s19_r164_a_fall_neither_restores_nor_reserves_balance() -> None:
    """+120 in the first half, -40 after a price boundary, $100 credit: 100 + 20 - 40 = -20 due."""
    rates = (rate("Boxes", "100"), rate("Boxes", "100", span("2025-06-16"), id="same"))
    credit = commit("free", ("100", "2025-06-01", "2025-07-01"))
    late = commit("late", ("30", "2025-06-16", "2025-07-01"))
    scene = billed(
        Aggregation.SUM,
        ("2025-06-05", "120"),
        ("2025-06-20", "-40"),
        commits=(credit, late),
        rates=rates,
    )
    june = scene.usage("2025-06-01")

    assert applied(june) == [("free", D(-100))]
    assert total(scene) == -20
    assert scene.ledger("free")[1:] == [("AUTOMATED_INVOICE_DEDUCTION", "2025-07-01", D(-100))]
    assert scene.ledger("late")[1:] == [("EXPIRATION", "2025-07-01", D(-30))]


def test_s19_r26_r164_a_correction_in_the_same_slice_just_lowers_the_line() -> None:
    """120 - 40 = 80 in one slice: 80 covered by 100, 20 left."""
    credit = commit("free", ("100", "2025-06-01", "2026-06-01"))
    scene = billed(Aggregation.SUM, ("2025-06-05", "120"), ("2025-06-20", "-40"), commits=(credit,))

    assert total(scene) == 0
    assert scene.left("2025-07-02") == {"free": D(20)}


def test_s19_r136_a_month_of_nothing_but_corrections_is_negative() -> None:
    """-40 units: -40.00, no balance touched, total not clamped; booked as such."""
    credit = commit("free", ("100", "2025-06-01", "2026-06-01"))
    scene = billed(Aggregation.SUM, ("2025-06-20", "-40"), commits=(credit,))

    assert total(scene) == -40
    assert scene.left("2025-07-02") == {"free": D(100)}
    assert set(scene.books().values()) == {-4000, 4000}


@pytest.mark.parametrize(
    ("used", "due"),
    [
        ((("2025-06-01", "7"), ("2025-06-16", "9")), 29),
        ((("2025-06-01", "7"), ("2025-06-15T23:59:59", "9")), 27),
        ((("2025-06-01", "9"), ("2025-06-16", "7")), 27),
        ((("2025-06-01", "-3"), ("2025-06-16", "2")), 8),
    ],
)
def test_s19_r32_max_bills_the_rise_at_the_price_of_its_moment(
    used: tuple[tuple[str, str], ...], due: int
) -> None:
    """$3.00 until the 16th, then $4.00: 7 x 3 + 2 x 4 = 29; a lower value later costs nothing."""
    rates = (rate("Boxes", "300"), rate("Boxes", "400", span("2025-06-16"), id="new"))

    assert total(billed(Aggregation.MAX, *used, rates=rates)) == due


def test_s19_r34_unique_counts_a_value_when_it_is_first_seen() -> None:
    """a, b before the 16th; b, c after: 2 x 1.00 + 1 x 2.00 = 4.00."""
    rates = (rate("Boxes", "100"), rate("Boxes", "200", span("2025-06-16"), id="new"))
    used = (
        ("2025-06-01", "a"),
        ("2025-06-03", "b"),
        ("2025-06-20", "b"),
        ("2025-06-21", "c"),
    )

    assert total(billed(Aggregation.UNIQUE, *used, rates=rates)) == 4


def test_s19_r33_r63_falling_back_through_a_tier_gives_back_that_tiers_price() -> None:
    """5 @ 1.00, rest @ 2.00. Up to 8: 5 + 3 x 2 = 11; after the 16th down to 4: -(3 x 2) - 1 = -7.

    Together 4.00, which is what 4 units cost.
    """
    table = Tiered(tiers=(Tier(price=D(100), size=D(5)), Tier(price=D(200))))
    rates = (rate("Boxes", table), rate("Boxes", table, span("2025-06-16"), id="same"))
    scene = billed(Aggregation.LATEST, ("2025-06-03", "8"), ("2025-06-20", "4"), rates=rates)

    assert total(scene) == 4


def test_s19_r33_two_values_of_one_instant_the_later_ingested_counts() -> None:
    """3 and then 6, both stamped the 5th at 12:00: 6.00."""
    scene = billed(Aggregation.LATEST, ("2025-06-05T12:00:00", "3"), ("2025-06-05T12:00:00", "6"))

    assert total(scene) == 6
