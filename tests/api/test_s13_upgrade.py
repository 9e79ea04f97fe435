"""S13 through the SDK: an upgrade in the middle of a month takes what is left along."""

from datetime import datetime
from decimal import Decimal

import pytest

from api.played import Story, dollars
from api.shop import Seller
from billing.world import at

CENTS = {"rounding_method": "HALF_UP", "decimal_places": 0}


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


def test_s13_r121_r201_r204_r207_r210_an_upgrade_on_the_21st(story: Story) -> None:
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 100)
    product = shop.product("FIXED", "Allowance")
    free = {
        "product_id": product,
        "name": "Free",
        "priority": 1,
        "access_amount": {"unit_price": 1000, "quantity": 1},
        "commit_duration": {"value": 1},
        "starting_at": at("2025-01-01"),
        "rollover_fraction": 1,
    }
    bought = {
        "product_id": product,
        "name": "Bought",
        "priority": 1,
        "access_amount": {"unit_price": 3000, "quantity": 1},
        "invoice_amount": {"unit_price": 2000, "quantity": 1},
        "commit_duration": {"value": 2},
        "starting_at": at("2025-01-21"),
        "proration_rounding": {"access": CENTS, "invoice": CENTS},
    }
    a = shop.contract(recurring_credits=[free])
    story.used("2025-01-10", calls="8")
    story.until(at("2025-01-20"))
    b = shop.contract(
        starting_at=at("2025-01-21"),
        recurring_commits=[bought],
        transition={"type": "RENEWAL", "from_contract_id": a},
    )
    story.used("2025-01-25", calls="6")
    story.until(at("2025-02-03"))

    (last,) = story.invoices(shop.customer, contract_id=a, type="USAGE", status="FINALIZED")
    assert (last.start_timestamp, last.end_timestamp) == (at("2025-01-01"), at("2025-01-21"))
    assert dollars(last.total) == 0
    used = story.invoices(shop.customer, contract_id=b, type="USAGE", status="FINALIZED")
    assert [dollars(one.total) for one in used] == [0]
    billed = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    assert [(one.issued_at, dollars(one.total)) for one in billed] == [
        (at("2025-01-21"), Decimal("7.10")),
        (at("2025-02-01"), Decimal("20.00")),
    ]
    after = shop.v2(b, include_balance=True, include_ledgers=True)
    (rolled,) = [one for one in after.credits if one.rolled_over_from is not None]
    assert [dollars(one.amount) for one in rolled.ledger] == [2, -2]
    assert [
        (f"{item.starting_at:%m-%d}", f"{item.ending_before:%m-%d}", dollars(item.amount))
        for one in after.commits
        for item in one.access_schedule.schedule_items
        if item.starting_at <= at("2025-02-01")
    ] == [("01-21", "03-01", Decimal("10.65")), ("02-01", "04-01", Decimal(30))]
    assert dollars(after.commits[0].balance) == Decimal("6.65")
