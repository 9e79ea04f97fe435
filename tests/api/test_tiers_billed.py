"""The worked examples of tiers and dimensions, billed over the wire (R58-R63, R69, R70)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


@pytest.fixture
def shop(story: Story) -> Seller:
    return Seller(story.sdk, "2025-01-01T00:00:00Z")


def tiers(*rows: tuple[float, float | None]) -> dict[str, Any]:
    """As (cents, size); the last without a size."""
    made = [{"price": price} | ({} if size is None else {"size": size}) for price, size in rows]
    return {"price": None, "rate_type": "TIERED", "tiers": made}


def bill(story: Story, shop: Seller, until: str = "2025-02-03") -> Any:
    story.until(at(until))
    return story.invoices(shop.customer, type="USAGE", status="FINALIZED")


def test_r59_r60_units_fill_the_tiers_in_order_a_line_each(story: Story, shop: Seller) -> None:
    """5 @ 0, 5 @ 1.00, the rest @ 1.50: 12 units cost 0 + 5 + 3; the fifth is still free."""
    shop.rate(shop.usage("Calls", "calls"), **tiers((0, 5), (100, 5), (150, None)))
    shop.contract()
    story.used("2025-01-10", calls="5")
    story.used("2025-01-11", calls="7")

    (january,) = bill(story, shop)

    assert [
        (one.tier.level, one.tier.starting_at, one.quantity, dollars(one.total))
        for one in january.line_items
        if one.tier is not None
    ] == [(1, "0", 5, 0), (2, "5", 5, 5), (3, "10", 2, 3)]
    assert dollars(january.total) == 8


def test_r61_tiers_start_again_every_period(story: Story, shop: Seller) -> None:
    """10 @ 1.00, rest @ 2.00; 12 and 12 units: 14.00 twice."""
    shop.rate(shop.usage("Calls", "calls"), **tiers((100, 10), (200, None)))
    shop.contract()
    story.used("2025-01-31T23:59:59", calls="12")
    story.used("2025-02-01", calls="12")

    found = bill(story, shop, "2025-03-03")
    assert [dollars(one.total) for one in found] == [14, 14]


def test_r62_each_project_has_tiers_of_its_own(story: Story, shop: Seller) -> None:
    """A 8 and B 8 with 10 @ 1.00: 16.00, not 22.00."""
    calls = shop.usage("Calls", "calls", group="project", presentation_group_key=["project"])
    shop.rate(calls, **tiers((100, 10), (200, None)))
    shop.contract()
    for project in "AB":
        story.used("2025-01-10", calls="8", project=project)

    (january,) = bill(story, shop)
    assert dollars(january.total) == 16


def test_r63_a_new_table_goes_on_where_the_old_one_stopped(story: Story, shop: Seller) -> None:
    """8 @ 1.00; then 10 @ 3.00, rest @ 4.00, 5 more: 2 x 3 + 3 x 4: 26.00 in all."""
    calls = shop.usage("Calls", "calls")
    shop.rate(calls, **tiers((100, 10), (200, None)))
    shop.rate(calls, **tiers((300, 10), (400, None)), starting_at=at("2025-01-16"))
    shop.contract()
    story.used("2025-01-10", calls="8")
    story.used("2025-01-20", calls="5")

    (january,) = bill(story, shop)
    assert dollars(january.total) == 26


def test_r69_r70_each_combination_has_its_rate_and_without_one_no_charge(
    story: Story, shop: Seller
) -> None:
    """West 10 h @ 0.12 + eu 5 h @ 0.16 = 2.00; nobody priced the moon."""
    hours = shop.usage("Hours", "hours", pricing_group_key=["region"])
    for region, cents in (("us-west", 12), ("eu", 16)):
        shop.rate(hours, cents, pricing_group_values={"region": region})
    shop.contract()
    for region, used in (("us-west", "10"), ("eu", "5"), ("moon", "7")):
        story.used("2025-01-10", hours=used, region=region)

    (january,) = bill(story, shop)

    lines = {
        one.pricing_group_values["region"]: dollars(one.total)
        for one in january.line_items
        if one.pricing_group_values
    }
    assert lines == {"us-west": Decimal("1.20"), "eu": Decimal("0.80")}
    assert dollars(january.total) == 2
