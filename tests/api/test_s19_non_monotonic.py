"""S19 through the SDK: metrics that fall, against balances and prices (R32-R34, R164, R180)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars, priced
from api.shop import Seller
from api.terms import access
from billing.world import at

SEATS = (("2025-06-01", "7"), ("2025-06-05", "9"), ("2025-06-10", "10"), ("2025-06-20", "5"))


@pytest.fixture
def start() -> datetime:
    return at("2025-05-20")


def signed(
    story: Story, kind: str, *used: tuple[str, str], prices: Any = (), credits_: Any = ()
) -> Seller:
    """Boxes at 1.00, or at ``prices`` as (cents, from); credits as (cents, from, until)."""
    shop = Seller(story.sdk, "2025-06-01T00:00:00Z")
    boxes = shop.usage("Boxes", "boxes", aggregation=kind)
    for cents, since in prices or ((100, "2020-01-01"),):
        shop.rate(boxes, cents, starting_at=at(since))
    product = shop.product("FIXED", "Free")
    free = [
        {
            "product_id": product,
            "name": f"{window[0]}",
            "priority": 1,
            "access_schedule": access(window),
        }
        for window in credits_
    ]
    shop.contract(credits=free)
    for when, value in used:
        story.used(when, boxes=value)
    return shop


def bill(story: Story, shop: Seller) -> Any:
    story.until(at("2025-08-03"))
    return story.invoices(shop.customer, type="USAGE", status="FINALIZED")


def applied(invoice: Any) -> list[Decimal]:
    lines = [one for one in invoice.line_items if one.type == "applied_commit_or_credit"]
    return [dollars(one.total) for one in lines]


def test_s19_r33_the_latest_value_is_what_the_month_costs(story: Story) -> None:
    """7, 9, 10, 5: 5.00; July's only value is 8, not 3 more."""
    shop = signed(story, "LATEST", *SEATS, ("2025-07-03", "8"))

    assert [dollars(one.total) for one in bill(story, shop)] == [5, 8]


def test_s19_r33_r131_a_price_change_bills_the_increments_at_their_own_price(story: Story) -> None:
    """1.00 until the 8th, then 2.00: (7 + 2) x 1 + (1 - 5) x 2 = 1.00."""
    prices = ((100, "2020-01-01"), (200, "2025-06-08"))
    shop = signed(story, "LATEST", *SEATS, prices=prices)

    june, _ = bill(story, shop)
    assert [line[1:4] for line in priced(june)] == [(9, 1, 9), (-4, 2, -8)]
    assert dollars(june.total) == 1


def test_s19_r180_a_credit_sees_only_the_increment_in_its_window(story: Story) -> None:
    """7 before the 4th, +2 in [4th, 8th): 2.00 of 50.00 are used; 3.00 are due."""
    window = (5000, "2025-06-04", "2025-06-08")
    shop = signed(story, "LATEST", *SEATS, credits_=[window])

    june, _ = bill(story, shop)
    assert (applied(june), dollars(june.total)) == ([-2], 3)


def test_s19_r164_a_fall_neither_restores_nor_reserves_balance(story: Story) -> None:
    """+120, then -40 at a rate of its own, 100.00 free and 30.00 later: 100 covered, -20.00 due."""
    shop = signed(
        story,
        "SUM",
        ("2025-06-05", "120"),
        ("2025-06-20", "-40"),
        prices=((100, "2020-01-01"), (100, "2025-06-16")),
        credits_=[(10000, "2025-06-01", "2025-07-01"), (3000, "2025-06-16", "2025-07-01")],
    )

    june, _ = bill(story, shop)
    assert (applied(june), dollars(june.total)) == ([-100], -20)


def test_s19_r136_a_month_of_nothing_but_corrections_is_negative(story: Story) -> None:
    shop = signed(
        story, "SUM", ("2025-06-20", "-40"), credits_=[(10000, "2025-06-01", "2026-06-01")]
    )

    june, _ = bill(story, shop)
    assert (applied(june), dollars(june.total)) == ([], -40)
    net = story.sdk.v1.contracts.get_net_balance(customer_id=shop.customer).data
    assert dollars(net.balance) == 100


@pytest.mark.parametrize(
    ("used", "due"),
    [
        ((("2025-06-01", "7"), ("2025-06-16", "9")), 29),
        ((("2025-06-01", "7"), ("2025-06-15T23:59:59", "9")), 27),
        ((("2025-06-01", "9"), ("2025-06-16", "7")), 27),
    ],
)
def test_s19_r32_max_bills_the_rise_at_the_price_of_its_moment(
    story: Story, used: tuple[tuple[str, str], ...], due: int
) -> None:
    shop = signed(story, "MAX", *used, prices=((300, "2020-01-01"), (400, "2025-06-16")))

    assert dollars(bill(story, shop)[0].total) == due


def test_s19_r34_unique_counts_a_value_when_it_is_first_seen(story: Story) -> None:
    """A and b before the 16th, b and c after it: 2 x 1.00 + 1 x 2.00."""
    used = (("2025-06-01", "a"), ("2025-06-03", "b"), ("2025-06-20", "b"), ("2025-06-21", "c"))
    shop = signed(story, "UNIQUE", *used, prices=((100, "2020-01-01"), (200, "2025-06-16")))

    assert dollars(bill(story, shop)[0].total) == 4
