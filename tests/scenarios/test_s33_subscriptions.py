"""S33: subscriptions and seats across months (R216-R240). Seats cost $30.00 a month, June has 30 days.

A pool grants $10.00 a seat for the tag ``ai``; AI usage costs a cent a unit.
"""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billing.subscriptions.build import (
    WHOLE_CENTS,
    credit,
    more,
    named,
    seat_update,
    seats,
    sets,
)
from billing.world import EPOCH, at, dollars, metric, rate, span, usage_product
from closedwon.billing.balances.recurring import child_id
from closedwon.billing.catalog.types import Product, ProductType, ProductVersion, Rate
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Revise
from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite
from closedwon.billing.contracts.recurring import Allocation, RecurringCommit
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    Placement,
    Subscription,
)
from closedwon.billing.pricing import Flat
from closedwon.billing.subscriptions.edits import SubscriptionChange, updated
from closedwon.kernel.calendar import Frequency
from scenarios.stage import Stage, Told, stage, usage_lines

D = Decimal
NEXT = InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE
ARREARS = {"collection": Collection.ARREARS, "invoice_behavior": NEXT}
MONTHLY_SEAT = Applicability(
    specifiers=(Specifier(product_id="p-Seat", billing_frequency="MONTHLY"),)
)


def signed(
    subscription: Subscription,
    *recurring: RecurringCommit,
    rates: tuple[Rate, ...] = (),
    start: str = "2025-06-01",
    end: str | None = None,
    **terms: Any,
) -> Stage:
    version = ProductVersion(starting_at=EPOCH, name="Seat")
    seat = Product(id="p-Seat", type=ProductType.SUBSCRIPTION, versions=(version,))
    scene = stage(
        [usage_product("AI", "ai", presentation_group_key=("user_id",)), seat],
        [replace(metric("AI"), group_keys=(("user_id",),))],
        [
            rate("AI", "1"),
            *(
                rates
                or (
                    rate("Seat", "3000", billing_frequency="MONTHLY"),
                    rate("Seat", "33000", billing_frequency="ANNUAL", id="annual"),
                    rate("Seat", "8000", billing_frequency="QUARTERLY", id="quarterly"),
                )
            ),
        ],
    )
    scene.sign(
        "c",
        span(start, end),
        signed=min(start, "2025-05-20"),
        subscriptions=[subscription],
        recurring=recurring,
        **terms,
    )
    return scene


def lived(scene: Stage, until: str, since: str = "2025-06-01") -> list[Told]:
    scene.live(since, until, hours=6)
    return scene.billed()


def seat_lines(scene: Stage) -> list[tuple[Decimal, Decimal, Decimal, bool]]:
    """(quantity, unit price c, dollars, prorated) over all invoices, as issued."""
    return [
        (x.quantity or D(0), x.unit_price or D(0), dollars(x.total), x.is_prorated)
        for i in scene.invoices()
        for x in i.lines
        if x.subscription_id
    ]


def test_s33_r219_r220_in_advance_the_first_alone_then_on_the_usage_invoice_before() -> None:
    """Jun 1: SCHEDULED 300.00; July's 300.00 on June's usage invoice; August's on July's."""
    scene = signed(seats())

    assert lived(scene, "2025-08-03") == [
        ("SCHEDULED", "2025-06-01", D(300)),
        ("USAGE", "2025-07-02", D(300)),
        ("USAGE", "2025-08-02", D(300)),
    ]


def test_s33_r220_always_on_scheduled_invoices_where_asked() -> None:
    scene = signed(seats(placement=Placement.ON_SCHEDULED_INVOICE))

    assert [told for told in lived(scene, "2025-07-03") if told[2]] == [
        ("SCHEDULED", "2025-06-01", D(300)),
        ("SCHEDULED", "2025-07-01", D(300)),
    ]


@pytest.mark.parametrize(
    ("day", "extra"),
    [
        ("2025-06-01T00:00:00", "0"),  # the period's own start: 14 seats, 420.00 in advance
        ("2025-06-16T00:00:00", "60.00"),  # 4 x 30.00 x 360/720
        ("2025-06-30T23:00:00", "0.17"),  # 4 x 30.00 x 1/720 = 0.1666...
        ("2025-07-01T00:00:00", "0"),  # July's opening quantity
    ],
)
def test_s33_r221_an_increase_by_the_hour(day: str, extra: str) -> None:
    scene = signed(seats(quantity_updates=(more(day, "4"),)))
    found = lived(scene, "2025-07-03")
    opening = 420 if day == "2025-06-01T00:00:00" else 300

    assert found[0] == ("SCHEDULED", "2025-06-01", D(opening))
    assert [told[2] for told in found if told[0] == "SCHEDULED"][1:] == (
        [D(extra)] if D(extra) else []
    )
    assert found[-1] == ("USAGE", "2025-07-02", D(420))


def test_s33_r223_the_unit_price_is_rounded_before_it_is_multiplied() -> None:
    """3000 c x 460/720 (Jun 11 20:00) = 1916.666 -> 1917 c; x 7 = 13,419 c, not 13,417."""
    scene = signed(
        seats(rounding=WHOLE_CENTS, quantity_updates=(more("2025-06-11T20:00:00", "7"),))
    )
    lived(scene, "2025-06-13")

    assert seat_lines(scene)[1] == (D(7), D(1917), D("134.19"), True)


def test_s33_r221_not_prorated_an_increase_costs_the_whole_period() -> None:
    scene = signed(seats(is_prorated=False, quantity_updates=(more("2025-06-30T23:00:00", "1"),)))

    assert lived(scene, "2025-07-03")[:2] == [
        ("SCHEDULED", "2025-06-01", D(300)),
        ("SCHEDULED", "2025-06-30T23:00", D(30)),
    ]


def test_s33_r221_r222_on_the_next_collection_date_and_decreases_wait() -> None:
    """+4 on the 16th = 60.00, -6 on the 20th: June's invoice 60.00 + 8 x 30.00 = 300.00."""
    scene = signed(
        seats(
            invoice_behavior=NEXT,
            quantity_updates=(more("2025-06-16", "4"), more("2025-06-20", "-6")),
        )
    )

    assert lived(scene, "2025-07-03") == [
        ("SCHEDULED", "2025-06-01", D(300)),
        ("USAGE", "2025-07-02", D(300)),
    ]


@pytest.mark.parametrize(("back", "between"), [("3", []), ("5", [D("22.00")])])
def test_s33_r222_a_seat_that_left_and_came_back_in_one_period(
    back: str, between: list[Decimal]
) -> None:
    """10 are paid for all of June, so 7 and back to 10 costs nothing; 7 + 5 = 12 is two more.

    2 x 30.00 x 264/720 = 22.00 (our reading: a decrease frees nothing, R222, so what is paid is
    held; a literal sum of increases, R221, would ask for 3 seats again). July: 10 or 12.
    """
    scene = signed(seats(quantity_updates=(more("2025-06-05", "-3"), more("2025-06-20", back))))
    found = lived(scene, "2025-07-03")

    assert [told[2] for told in found] == [D(300), *between, 30 * (7 + D(back))]


def test_s33_r224_updates_of_one_instant_apply_in_the_order_submitted() -> None:
    """On Jul 1: set 5, then +2 = 7; the other way round +2 then set 5 = 5."""
    first = seats(quantity_updates=(sets("2025-07-01", "5"), more("2025-07-01", "2")))
    second = seats(quantity_updates=(more("2025-07-01", "2"), sets("2025-07-01", "5")))

    assert lived(signed(first), "2025-07-03")[-1][2] == 210
    assert lived(signed(second), "2025-07-03")[-1][2] == 150


def test_s33_r226_no_seats_no_bill_but_still_a_subscription() -> None:
    """0 in June and July, +2 on Jul 16 of 31 days: 2 x 30.00 x 384/744 = 30.967..."""
    scene = signed(seats(initial_quantity=D(0), quantity_updates=(more("2025-07-16", "2"),)))
    found = [told for told in lived(scene, "2025-08-03") if told[2]]

    assert found == [("SCHEDULED", "2025-07-16", D("30.97")), ("USAGE", "2025-08-02", D(60))]


def test_s33_r219_arrears_opening_in_full_and_increases_by_share() -> None:
    """10 x 30.00 + 4 x 30.00 x 1/2 = 360.00; the -6 of the 20th counts from July: 8 x 30.00."""
    scene = signed(
        seats(quantity_updates=(more("2025-06-16", "4"), more("2025-06-20", "-6")), **ARREARS)
    )

    assert lived(scene, "2025-08-03") == [
        ("USAGE", "2025-07-02", D(360)),
        ("USAGE", "2025-08-02", D(240)),
    ]


@pytest.mark.parametrize(
    ("start", "fraction"), [("2025-06-11", D(20) / 30), ("2025-06-16", D(1) / 2)]
)
def test_s33_r217_a_partial_first_period_is_prorated(start: str, fraction: Decimal) -> None:
    """10 x 30.00 x 480/720 = 200.00; x 360/720 = 150.00."""
    scene = signed(seats(start))
    found = lived(scene, "2025-07-03")

    assert found[0] == ("SCHEDULED", start, round(300 * fraction, 2))
    assert found[-1] == ("USAGE", "2025-07-02", D(300))


def test_s33_r217_an_anchor_of_its_own_and_a_month_end() -> None:
    """Anchor May 31: periods Jun 1(May 31)..Jun 30, Jun 30..Jul 31: first 29/30 days of it.

    May 31..Jun 30 = 720 h, from Jun 1: 696 h: 300.00 x 696/720 = 290.00; then 300.00 on Jun 30.
    """
    scene = signed(seats(anchor_date=at("2025-05-31")))
    found = [told for told in lived(scene, "2025-07-03") if told[2]]

    assert found == [
        ("SCHEDULED", "2025-06-01", D(290)),
        ("SCHEDULED", "2025-06-30", D(300)),
    ]


def test_s33_r217_a_leap_year_of_8784_hours() -> None:
    """ANNUAL, 330.00, anchor 2024-01-01, +1 on 2024-07-01: 184 of 366 days: 165.90..."""
    scene = signed(
        seats(
            "2024-01-01", frequency=Frequency.ANNUAL, quantity_updates=(more("2024-07-01", "1"),)
        ),
        start="2024-01-01",
    )
    scene.live("2024-01-01", "2024-07-03")
    found = [told for told in scene.billed() if told[2]]

    assert found[0] == ("SCHEDULED", "2024-01-01", D(3300))
    assert found[1] == ("SCHEDULED", "2024-07-01", round(D(330) * 184 / 366, 2))


def test_s33_r218_one_price_per_period_whatever_changes_inside_it() -> None:
    """30.00 -> 36.00 on Jun 15: June stays 300.00, also for +1 on the 16th (15.00); July 11 x 36.00."""
    rates = (
        rate("Seat", "3000", billing_frequency="MONTHLY"),
        rate("Seat", "3600", span("2025-06-15"), billing_frequency="MONTHLY", id="new"),
    )
    scene = signed(seats(quantity_updates=(more("2025-06-16", "1"),)), rates=rates)

    assert lived(scene, "2025-07-03") == [
        ("SCHEDULED", "2025-06-01", D(300)),
        ("SCHEDULED", "2025-06-16", D(15)),
        ("USAGE", "2025-07-02", D(396)),
    ]


def test_s33_r218_a_price_that_changes_at_the_periods_start_is_that_periods() -> None:
    rates = (
        rate("Seat", "3000", billing_frequency="MONTHLY"),
        rate("Seat", "3600", span("2025-07-01"), billing_frequency="MONTHLY", id="new"),
    )

    assert lived(signed(seats(), rates=rates), "2025-07-03")[-1][2] == 360


def test_s33_r228_a_free_month_and_then_the_price() -> None:
    """$0 override for June: nothing; July 300.00. An override of Jun 15 begins with July: x0.5."""
    free = Override(
        id="trial",
        window=span("2025-06-01", "2025-07-01"),
        applicability=MONTHLY_SEAT,
        rate=Overwrite(price=Flat(price=D(0))),
    )
    half = Override(
        id="half",
        window=span("2025-06-15"),
        applicability=MONTHLY_SEAT,
        rate=Multiplier(multiplier=D("0.5")),
    )

    assert [
        told[2] for told in lived(signed(seats(), overrides=[free]), "2025-07-03") if told[2]
    ] == [300]
    assert [told[2] for told in lived(signed(seats(), overrides=[half]), "2025-07-03")] == [
        300,
        150,
    ]


def test_s33_r216_without_entitlement_there_is_no_charge() -> None:
    rates = (rate("Seat", "3000", billing_frequency="MONTHLY", entitled=False),)
    enabled = Override(
        id="on", window=span("2025-07-01"), applicability=MONTHLY_SEAT, entitled=True
    )
    scene = signed(seats(), rates=rates, overrides=[enabled])

    assert [told for told in lived(scene, "2025-08-03") if told[2]] == [
        ("USAGE", "2025-07-02", D(300)),
        ("USAGE", "2025-08-02", D(300)),
    ]


def test_s33_r227_cancelled_inside_a_period_nothing_comes_back() -> None:
    """Ended Jun 20 by an edit of Jun 10: June's 300.00 stay, no July."""
    scene = signed(seats())
    scene.live("2025-06-01", "2025-06-10", hours=6)
    old = scene.world.engine.contract("c").subscriptions[0]
    gone = updated(old, SubscriptionChange(ending_before=at("2025-06-20")), at("2025-06-10"))
    scene.edit("c", Revise(replace=Added(subscriptions=(gone,))), "2025-06-10T05:00:00")
    scene.live("2025-06-10T06:00:00", "2025-08-03", hours=6)

    assert [told for told in scene.billed() if told[2]] == [("SCHEDULED", "2025-06-01", D(300))]


def test_s33_r227_an_end_known_from_the_start_prorates_the_last_period() -> None:
    """Window Jun 1..Jul 16: July 15/31 days: 300.00 x 360/744 = 145.16."""
    scene = signed(seats("2025-06-01", "2025-07-16"))

    assert [told for told in lived(scene, "2025-08-03") if told[2]] == [
        ("SCHEDULED", "2025-06-01", D(300)),
        ("USAGE", "2025-07-02", D("145.16")),
    ]


def test_s33_r229_a_pool_grows_by_its_share_and_does_not_shrink() -> None:
    """10 seats: 100.00; +5 on the 11th: 5 x 10.00 x 2/3 = 33.333...; -8 on the 20th: nothing.

    Usage 120.00: covered, 13.33 expires; July: 7 seats, 70.00.
    """
    updates = (more("2025-06-11", "5"), more("2025-06-20", "-8"))
    scene = signed(seats(quantity_updates=updates), credit())
    scene.use("AI", ("2025-06-25", "12000"), user_id="a")
    lived(scene, "2025-07-03")

    assert scene.ledger(child_id("pool", at("2025-06-01"))) == [
        ("SEGMENT_START", "2025-06-01", D(100)),
        ("SEAT_BASED_ADJUSTMENT", "2025-06-11", D("33.33")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-07-01", D(-120)),
        ("EXPIRATION", "2025-07-01", D("-13.33")),
    ]
    assert scene.ledger(child_id("pool", at("2025-07-01"))) == [
        ("SEGMENT_START", "2025-07-01", D(70))
    ]


def test_s33_r230_r236_credits_are_the_seats_own() -> None:
    """A and b own 25.00. a uses 40.00, b 5.00: 15.00 over; b's 20.00 never help a.

    c has no seat: 7.00 in full. Seats 2 x 30.00 for July.
    """
    scene = signed(named("a", "b"), credit(Allocation.INDIVIDUAL, "2500"))
    for who, used in (("a", "4000"), ("b", "500"), ("c", "700")):
        scene.use("AI", ("2025-06-10", used), user_id=who)
    found = lived(scene, "2025-07-03")

    assert found == [("SCHEDULED", "2025-06-01", D(60)), ("USAGE", "2025-07-02", D(15 + 7 + 60))]
    assert scene.ledger(child_id("pool", at("2025-06-01"))) == [
        ("SEGMENT_START", "2025-06-01", D(50)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-07-01", D(-30)),
        ("EXPIRATION", "2025-07-01", D(-20)),
    ]


def test_s33_r231_r232_r233_r235_seats_come_and_go_by_name() -> None:
    """A + 1 unassigned = 60.00. On the 16th d, e join: d fills, e is a third seat: 15.00.

    d and e get 25.00 x 1/2 = 12.50 each. On the 20th a leaves: July bills 2, grants d and e.
    """
    updates = (
        seat_update("2025-06-16", add_seat_ids=("d", "e")),
        seat_update("2025-06-20", remove_seat_ids=("a", "nobody")),
    )
    scene = signed(
        named("a", unassigned=1, seat_updates=updates), credit(Allocation.INDIVIDUAL, "2500")
    )

    assert lived(scene, "2025-07-03") == [
        ("SCHEDULED", "2025-06-01", D(60)),
        ("SCHEDULED", "2025-06-16", D(15)),
        ("USAGE", "2025-07-02", D(60)),
    ]
    assert scene.ledger(child_id("pool", at("2025-06-01"))) == [
        ("SEGMENT_START", "2025-06-01", D(25)),
        ("SEAT_BASED_ADJUSTMENT", "2025-06-16", D("12.50")),
        ("SEAT_BASED_ADJUSTMENT", "2025-06-16", D("12.50")),
        ("EXPIRATION", "2025-07-01", D(-50)),
    ]
    assert scene.ledger(child_id("pool", at("2025-07-01"))) == [
        ("SEGMENT_START", "2025-07-01", D(50))
    ]


def test_s33_r216_quarterly_seats_on_monthly_statements() -> None:
    """80.00 a quarter x 10: Jun 1 and Sep 1 (on August's usage invoice)."""
    scene = signed(seats(frequency=Frequency.QUARTERLY))
    scene.live("2025-06-01", "2025-10-03")

    assert [told for told in scene.billed() if told[2]] == [
        ("SCHEDULED", "2025-06-01", D(800)),
        ("USAGE", "2025-09-02", D(800)),
    ]


def test_s33_r176_r240_a_balance_pays_usage_before_seats() -> None:
    """An unrestricted pool of 100.00 dated July: July's usage 30.00, but July's seat line is older.

    Guard of S4: July's child pays the July-dated seat line on June's invoice: 300 - 100 = 200.00;
    July's usage of 30.00 is then due in July, with August's child on August's seats: 30 + 200.
    """
    scene = signed(seats(), credit(applicability=Applicability()))
    scene.use("AI", ("2025-07-10", "3000"), user_id="a")

    assert [told[2] for told in lived(scene, "2025-08-03")] == [200, 200, 230]
    assert [x[3] for x in usage_lines(scene.usage("2025-07-01")) if x[0] == "AI"] == [D(30)]


def test_s33_r217_r229_a_contract_that_ends_in_mid_july() -> None:
    """July is 360 of 744 h: seats 300.00 x 360/744 = 145.16, pool 100.00 x 360/744 = 48.39.

    +2 on Jul 10 for 144 h: 60.00 x 144/744 = 11.61, pool +20.00 x 144/744 = 3.87; what would come
    on the 20th never does; 52.26 of the pool expires on the 16th.
    """
    updates = (more("2025-07-10", "2"), more("2025-07-20", "5"))
    scene = signed(seats(quantity_updates=updates), credit(), end="2025-07-16")

    assert lived(scene, "2025-08-20") == [
        ("SCHEDULED", "2025-06-01", D(300)),
        ("SCHEDULED", "2025-07-10", D("11.61")),
        ("USAGE", "2025-07-02", D("145.16")),
        ("USAGE", "2025-07-17", D(0)),
    ]
    assert scene.ledger(child_id("pool", at("2025-07-01"))) == [
        ("SEGMENT_START", "2025-07-01", D("48.39")),
        ("SEAT_BASED_ADJUSTMENT", "2025-07-10", D("3.87")),
        ("EXPIRATION", "2025-07-16", D("-52.26")),
    ]


def test_s33_r219_r227_arrears_of_half_a_month_with_an_increase_inside() -> None:
    """Ends Jun 16: 300.00 x 360/720 = 150.00; +2 on the 11th: 60.00 x 120/720 = 10.00."""
    late = seats(quantity_updates=(more("2025-06-11", "2"),), **ARREARS)
    scene = signed(late, end="2025-06-16")

    assert lived(scene, "2025-07-05") == [("USAGE", "2025-06-17", D(160))]
    assert seat_lines(scene) == [
        (D(10), D(1500), D(150), True),
        (D(2), D(500), D(10), True),
    ]
