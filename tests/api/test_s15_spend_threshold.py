"""S15 through the SDK: what has accrued is charged, the rest waits for its invoice (R264-R268)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from api.terms import access
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2025-05-20")


@pytest.fixture
def shop(story: Story) -> Seller:
    """A token is a cent."""
    found = Seller(story.sdk, "2025-06-01T00:00:00Z")
    found.rate(found.usage("Tokens", "tokens"), 1)
    return found


def sign(shop: Seller, amount: float = 20000, **terms: Any) -> str:
    product = shop.product("FIXED", "Threshold charge")
    config = {
        "is_enabled": True,
        "threshold_amount": amount,
        "commit": {"product_id": product, "name": "Threshold charge"},
        "payment_gate_config": {"payment_gate_type": "NONE"},
    } | terms.pop("config", {})
    return shop.contract(spend_threshold_configuration=config, **terms)


def charged(story: Story, shop: Seller, tokens: str, when: str) -> list[Decimal]:
    """All that was charged so far, an hour after so many tokens more."""
    story.used(f"2025-{when}:00", tokens=tokens)
    story.until(at(f"2025-{when}:30"))
    found = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    return [dollars(one.total) for one in found]


def month(story: Story, shop: Seller, index: int = 0) -> Decimal:
    story.until(at("2025-08-03"))
    found = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    return dollars(found[index].total)


def test_s15_r264_r265_530_dollars_in_three_parts(story: Story, shop: Seller) -> None:
    contract = sign(shop)

    assert charged(story, shop, "20040", "06-05T08") == [Decimal("200.40")]
    parts = [Decimal("200.40"), Decimal("204.70")]
    assert charged(story, shop, "20470", "06-12T08") == parts
    assert charged(story, shop, "12490", "06-20T08") == parts
    assert month(story, shop) == Decimal("124.90")
    for one, amount in zip(shop.v2(contract, include_ledgers=True).commits, parts, strict=True):
        (item,) = one.access_schedule.schedule_items
        assert (one.priority, item.starting_at, item.ending_before) == (
            100,
            at("2025-06-01"),
            at("2025-07-01"),
        )
        assert [dollars(entry.amount) for entry in one.ledger] == [amount, -amount]


def test_s15_r264_only_what_no_balance_covers_counts(story: Story, shop: Seller) -> None:
    """50.00 are free: 249.99 used is 199.99 spent, 250.00 is 200.00 and that is enough."""
    free = {
        "product_id": shop.product("FIXED", "Free"),
        "priority": 1,
        "access_schedule": access((5000, "2025-06-01", "2026-06-01")),
    }
    sign(shop, credits=[free])

    assert charged(story, shop, "24999", "06-05T08") == []
    assert charged(story, shop, "1", "06-05T10") == [200]
    assert month(story, shop) == 0


def test_s15_r264_a_new_period_starts_from_nothing(story: Story, shop: Seller) -> None:
    sign(shop)

    assert charged(story, shop, "15000", "06-30T23") == []
    assert charged(story, shop, "15000", "07-01T00") == []
    assert month(story, shop) == 150
    assert month(story, shop, 1) == 150


def test_s15_r260_a_discount_charges_less_than_it_covers(story: Story, shop: Seller) -> None:
    sign(shop, config={"discount_configuration": {"payment_fraction": 0.9}})

    assert charged(story, shop, "20040", "06-05T08") == [Decimal("180.36")]
    assert month(story, shop) == 0


def test_s15_r263_a_lower_threshold_is_evaluated_when_it_is_set(story: Story, shop: Seller) -> None:
    contract = sign(shop)
    assert charged(story, shop, "12000", "06-05T08") == []

    shop.edit(contract, update_spend_threshold_configuration={"threshold_amount": 10000})

    (now,) = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    assert dollars(now.total) == 120
