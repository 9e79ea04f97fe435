"""S33 through the SDK: seats in advance and in arrears, more and fewer of them (R216-R229)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from api.played import Story, dollars, exact_json
from api.shop import Seller
from billing.world import at

Told = tuple[str, str, Decimal]
NEXT = "BILL_ON_NEXT_COLLECTION_DATE"


@pytest.fixture
def start() -> datetime:
    return at("2025-05-20")


class Seats:
    """Ten seats at 30.00 a month from June on, in advance, prorated, billed at once."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.shop = Seller(story.sdk, "2025-06-01T00:00:00Z")
        self.seat = self.shop.product("SUBSCRIPTION", "Seat")
        self.contract = ""

    def sign(self, *updates: dict[str, Any], **fields: Any) -> None:
        """``updates`` of the quantity are known from the start; ``terms`` and ``on`` (entitled) too."""
        self.shop.rate(
            self.seat, 3000, billing_frequency="MONTHLY", entitled=fields.pop("on", True)
        )
        proration = {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"}
        given = {
            "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": self.seat},
            "collection_schedule": "ADVANCE",
            "proration": proration | fields.pop("proration", {}),
            "initial_quantity": 10,
        }
        terms = fields.pop("terms", {})
        self.contract = self.shop.contract(subscriptions=[given | fields], **terms)
        if updates:
            self.edit(quantity_updates=list(updates))

    def edit(self, **changes: Any) -> None:
        (sold,) = self.shop.v2(self.contract).subscriptions
        self.shop.edit(
            self.contract, update_subscriptions=[{"subscription_id": sold.id, **changes}]
        )

    def billed(self, until: str) -> list[Told]:
        """(type, day, dollars to the cent) of all final invoices that cost something."""
        self.story.until(at(until))
        found = self.story.invoices(self.shop.customer, status="FINALIZED")
        return [
            (one.type, f"{one.issued_at:%m-%d}", round(dollars(one.total), 2))
            for one in found
            if one.total
        ]

    def seat_override(self, since: str, until: str | None = None, **rate: Any) -> dict[str, Any]:
        which = {"product_id": self.seat, "billing_frequency": "MONTHLY"}
        made = {"starting_at": at(since), "override_specifiers": [which], **rate}
        return made if until is None else made | {"ending_before": at(until)}


@pytest.fixture
def seats(story: Story) -> Seats:
    return Seats(story)


def more(day: str, delta: float) -> dict[str, Any]:
    return {"starting_at": at(f"2025-{day}"), "quantity_delta": delta}


def test_s33_r219_r220_the_first_alone_then_on_the_usage_invoice_before(seats: Seats) -> None:
    seats.sign()

    assert seats.billed("2025-08-03") == [
        ("SCHEDULED", "06-01", Decimal(300)),
        ("USAGE", "07-02", Decimal(300)),
        ("USAGE", "08-02", Decimal(300)),
    ]


def test_s33_r220_always_on_scheduled_invoices_where_asked(seats: Seats) -> None:
    seats.sign(billing_cycle_config={"invoice_placement": "ON_SCHEDULED_INVOICE"})

    assert seats.billed("2025-07-03") == [
        ("SCHEDULED", "06-01", Decimal(300)),
        ("SCHEDULED", "07-01", Decimal(300)),
    ]


def test_s33_r223_the_unit_price_is_rounded_before_it_is_multiplied(seats: Seats) -> None:
    """3000 c x 460/720 = 1916.666 -> 1917 c; x 7 = 134.19."""
    rounding = {"rounding_method": "HALF_UP", "decimal_places": 0}
    seats.sign(more("06-11T20:00", 7), proration={"rounding": rounding})

    assert seats.billed("2025-06-13")[1] == ("SCHEDULED", "06-11", Decimal("134.19"))


def test_s33_r221_r222_on_the_next_collection_date_and_decreases_wait(seats: Seats) -> None:
    """+4 on the 16th = 60.00, -6 on the 20th: 60.00 + 8 x 30.00."""
    seats.sign(more("06-16", 4), more("06-20", -6), proration={"invoice_behavior": NEXT})

    assert seats.billed("2025-07-03")[1:] == [("USAGE", "07-02", Decimal(300))]


def test_s33_r224_updates_of_one_instant_apply_in_the_order_submitted(seats: Seats) -> None:
    seats.sign({"starting_at": at("2025-07-01"), "quantity": 5}, more("07-01", 2))

    assert seats.billed("2025-07-03")[-1][2] == 210


def test_s33_r226_no_seats_no_bill_but_still_a_subscription(seats: Seats) -> None:
    """0 in June and July, +2 on Jul 16 of 31 days: 2 x 30.00 x 384/744."""
    seats.sign(more("07-16", 2), initial_quantity=0)

    assert seats.billed("2025-08-03") == [
        ("SCHEDULED", "07-16", Decimal("30.97")),
        ("USAGE", "08-02", Decimal(60)),
    ]


def test_s33_r219_arrears_opening_in_full_and_increases_by_share(seats: Seats) -> None:
    """10 x 30.00 + 4 x 30.00 x 1/2 = 360.00; the -6 of the 20th counts from July."""
    late = {"collection_schedule": "ARREARS", "proration": {"invoice_behavior": NEXT}}
    seats.sign(more("06-16", 4), more("06-20", -6), **late)

    assert seats.billed("2025-08-03") == [
        ("USAGE", "07-02", Decimal(360)),
        ("USAGE", "08-02", Decimal(240)),
    ]


def test_s33_r217_an_anchor_of_its_own(seats: Seats) -> None:
    """Anchor May 31: first 29 of 30 days, 290.00; then 300.00 on Jun 30."""
    seats.sign(billing_cycle_config={"anchor_date": at("2025-05-31")})

    assert [(day, total) for _, day, total in seats.billed("2025-07-03")] == [
        ("06-01", Decimal(290)),
        ("06-30", Decimal(300)),
    ]


def test_s33_r218_one_price_per_period_whatever_changes_inside_it(seats: Seats) -> None:
    """30.00 -> 36.00 on Jun 15: +1 on the 16th is 15.00; July 11 x 36.00."""
    seats.sign(more("06-16", 1))
    seats.shop.rate(seats.seat, 3600, billing_frequency="MONTHLY", starting_at=at("2025-06-15"))

    assert seats.billed("2025-07-03") == [
        ("SCHEDULED", "06-01", Decimal(300)),
        ("SCHEDULED", "06-16", Decimal(15)),
        ("USAGE", "07-02", Decimal(396)),
    ]


def test_s33_r228_a_free_month_and_then_the_price(seats: Seats) -> None:
    nothing = {"rate_type": "FLAT", "price": 0}
    free = seats.seat_override("2025-06-01", "2025-07-01", type="OVERWRITE", overwrite_rate=nothing)
    seats.sign(terms={"overrides": [free]})

    assert seats.billed("2025-07-03") == [("USAGE", "07-02", Decimal(300))]


def test_s33_r85_r216_without_entitlement_there_is_no_charge(seats: Seats) -> None:
    """Not entitled on the card; an override entitles it from July on."""
    on = seats.seat_override("2025-07-01", entitled=True)
    seats.sign(on=False, terms={"overrides": [on]})

    assert seats.billed("2025-08-03") == [
        ("USAGE", "07-02", Decimal(300)),
        ("USAGE", "08-02", Decimal(300)),
    ]


def test_s33_r227_cancelled_inside_a_period_nothing_comes_back(seats: Seats, story: Story) -> None:
    seats.sign()
    story.until(at("2025-06-10"))
    seats.edit(ending_before=at("2025-06-20"))

    assert seats.billed("2025-08-03") == [("SCHEDULED", "06-01", Decimal(300))]


def test_g2_fees_that_follow_the_terms_leave_nothing_unexplained(
    seats: Seats, http: httpx.Client
) -> None:
    seats.sign()
    seats.billed("2025-07-10")
    seats.edit(quantity_updates=[more("06-16", -3)])
    seats.billed("2025-08-10")
    seats.edit(ending_before=at("2025-08-20"))

    told = exact_json(http.get("/closedwon/reconcile"))["data"]
    (row,) = told["customers"]

    # Ten seats in June and July, seven in August: what was billed in advance is not refunded.
    assert (row["agreed"], row["invoiced"]) == (81_000, 81_000)
    assert (row["to_be_invoiced"], row["unexplained"], told["is_explained"]) == (0, 0, True)
