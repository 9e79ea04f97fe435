"""S7 through the SDK: support is a tenth of compute and storage, 200.00 at least."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars, priced
from api.shop import Seller
from api.terms import access, paid
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


def sign(story: Story, *commits: dict[str, Any], **price: Any) -> Seller:
    """Compute at 3.00, storage at 1.00."""
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    compute, storage = (shop.usage(name, name.lower()) for name in ("Compute", "Storage"))
    support = shop.product("COMPOSITE", "Support", composite_product_ids=[compute, storage])
    shop.rate(compute, 300)
    shop.rate(storage, 100)
    shop.rate(support, price.pop("price", None), **price)
    product = shop.product("FIXED", "Commit")
    shop.contract(commits=[{"product_id": product, **one} for one in commits])
    return shop


PREPAID = {
    "type": "PREPAID",
    "priority": 1,
    "access_schedule": access((100000, "2025-01-01", "2026-01-01")),
    "invoice_schedule": paid((100000, "2025-01-01")),
}
MINIMUM = {"minimum_config": {"minimum": 20000}}
TENTH = {"rate_type": "PERCENTAGE", "price": 0.1, "extra_body": MINIMUM}


def test_s7_r66_r241_the_base_is_before_balances_and_the_minimum_holds(story: Story) -> None:
    """1,500.00 -> 150.00 -> 200.00; 1,000.00 pay Compute. A month later 3,500.00 -> 350.00."""
    shop = sign(story, PREPAID, **TENTH)
    story.used("2025-01-10", compute="400")
    story.used("2025-01-10", storage="300")
    story.used("2025-02-10", compute="1000")
    story.used("2025-02-10", storage="500")
    story.until(at("2025-03-03"))

    january, february = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    due = {
        name: total
        for name, _, _, total, is_paid in priced(january, "usage", "composite")
        if not is_paid
    }
    assert due == {"Compute": 200, "Storage": 300, "Support": 200}
    assert dollars(january.total) == 700
    (line,) = priced(february, "composite")
    assert line == ("Support", Decimal(1), Decimal(350), Decimal(350), False)
    assert dollars(february.total) == 3850


def test_s7_r65_a_tiered_percentage(story: Story) -> None:
    """10% of the first 1,000.00, 5% of the other 500.00."""
    tiers = [{"price": 0.1, "size": 100000}, {"price": 0.05}]
    shop = sign(story, rate_type="TIERED_PERCENTAGE", tiers=tiers)
    story.used("2025-01-10", compute="400")
    story.used("2025-01-10", storage="300")
    story.until(at("2025-02-03"))

    (january,) = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    assert sum(total for _, _, _, total, _ in priced(january, "composite")) == 125
    assert dollars(january.total) == 1625
