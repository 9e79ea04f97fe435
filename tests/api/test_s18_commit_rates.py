"""S18 through the SDK: tiers go on where a balance with prices of its own ends."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from api.terms import access, paid
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


def tiers(first: float, rest: float) -> dict[str, Any]:
    return {"rate_type": "TIERED", "tiers": [{"price": first, "size": 100}, {"price": rest}]}


def test_s18_r63_r89_a_commit_rate_prices_what_the_balance_covers(story: Story) -> None:
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    shop.rate(shop.usage("Reads", "reads", []), None, **tiers(100, 80), commit_rate=tiers(90, 70))
    commit = {
        "type": "PREPAID",
        "name": "Reads",
        "product_id": shop.product("FIXED", "Commit"),
        "priority": 1,
        "rate_type": "COMMIT_RATE",
        "access_schedule": access((12500, "2025-01-01", "2026-01-01")),
        "invoice_schedule": paid((12500, "2025-01-01")),
    }
    contract = shop.contract(commits=[commit])
    story.used("2025-01-10", reads="250")
    story.until(at("2025-02-03"))

    (january,) = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    lines = [
        (one.quantity, dollars(one.unit_price), dollars(one.total), one.commit_id)
        for one in january.line_items
        if one.type == "usage"
    ]
    (bought,) = shop.v2(contract, include_balance=True).commits
    assert lines == [
        (100, Decimal("0.90"), 90, bought.id),
        (50, Decimal("0.70"), 35, bought.id),
        (100, Decimal("0.80"), 80, None),
    ]
    assert dollars(january.total) == 80
    assert dollars(bought.balance) == 0
