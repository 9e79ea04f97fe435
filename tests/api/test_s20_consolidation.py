"""S20 through the SDK: the next month's charge stands on the statement (R155)."""

from datetime import datetime
from decimal import Decimal

import pytest

from api.played import Story, dollars, lines_of, totals
from api.shop import Seller
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


def test_s20_r155_r184_r204_charges_join_the_usage_invoice_of_their_day(story: Story) -> None:
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls", []), 100)
    monthly = {
        "product_id": shop.product("FIXED", "Commit"),
        "name": "Monthly",
        "priority": 1,
        "access_amount": {"unit_price": 10000, "quantity": 1},
        "invoice_amount": {"unit_price": 7500, "quantity": 1},
        "commit_duration": {"value": 1},
        "starting_at": at("2025-01-01"),
    }
    contract = shop.contract(recurring_commits=[monthly], scheduled_charges_on_usage_invoices="ALL")
    story.used("2025-01-10", calls="120")
    story.used("2025-02-10", calls="60")
    story.until(at("2025-03-03"))

    first, january, february = story.invoices(shop.customer, status="FINALIZED")
    assert totals([first, january, february]) == [
        ("SCHEDULED", "FINALIZED", Decimal("75.00")),
        ("USAGE", "FINALIZED", Decimal("95.00")),
        ("USAGE", "FINALIZED", Decimal("75.00")),
    ]
    assert (first.issued_at, first.start_timestamp) == (at("2025-01-01"), None)
    assert lines_of(january, "usage") == {"Calls": 120}
    assert sum(lines_of(january, "applied_commit_or_credit").values()) == -100
    assert sum(lines_of(january, "commit_purchase").values()) == 75
    purchase = january.line_items[-1]
    assert (purchase.type, purchase.product_type) == ("commit_purchase", "FixedProductListItem")
    assert lines_of(february, "usage") == {"Calls": 60}
    assert sum(lines_of(february, "applied_commit_or_credit").values()) == -60
    children = shop.v2(contract, include_ledgers=True).commits
    expired = [
        (f"{one.timestamp:%Y-%m-%d}", dollars(one.amount))
        for child in children
        for one in child.ledger
        if one.type == "PREPAID_COMMIT_EXPIRATION"
    ]
    assert expired == [("2025-03-01", -40)]
