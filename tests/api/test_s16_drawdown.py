"""S16 through the SDK: which of eight balances pays first (R167-R178)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from api.terms import access, paid
from billing.world import at

LATE = "2027-01-01"


@pytest.fixture
def start() -> datetime:
    return at("2024-12-01")


@pytest.fixture
def shop(story: Story) -> Seller:
    """P, a cent a unit, by region."""
    found = Seller(story.sdk, "2024-12-01T00:00:00Z")
    found.rate(found.usage("P", "p_cents", [], presentation_group_key=["region"]), 1)
    return found


def balances(shop: Seller) -> list[dict[str, Any]]:
    """F to A, that is, not in the order in which they burn."""
    (p,) = [one for one in shop.client.v1.contracts.products.list() if one.current.name == "P"]
    fixed = shop.product("FIXED", "Commit")
    narrow = [
        {"product_id": p.id, "presentation_group_values": {"region": "us-east-1"}},
        {"presentation_group_values": {"region": "us-west-1"}},
    ]

    def sold(name: str, priority: float, end: str = LATE, **terms: Any) -> dict[str, Any]:
        return {
            "type": "PREPAID",
            "name": name,
            "product_id": fixed,
            "priority": priority,
            "access_schedule": access((10000, "2025-01-01", end)),
            "invoice_schedule": paid((10000, "2025-01-01")),
        } | terms

    free = sold("B", 100)
    del free["invoice_schedule"]
    return [
        sold("F", 100, "2025-10-01"),
        sold("E", 100, "2026-10-01", specifiers=narrow),
        sold("D", 100, "2025-10-01", specifiers=narrow),
        sold("C", 100, applicable_product_ids=[p.id]),
        free,
        sold("A", 50),
    ]


def drawn(shop: Seller, contract: str) -> dict[str, Decimal]:
    """By name, what January's usage took; postpaid: what it was progressed by."""
    commits = shop.v2(contract, include_ledgers=True).commits
    return {
        one.name: -sum(dollars(e.amount) for e in one.ledger if "DEDUCTION" in e.type)
        for one in commits
    }


def test_s16_r168_priority_then_free_then_narrow_then_early_end(story: Story, shop: Seller) -> None:
    contract = shop.contract(starting_at=at("2025-01-01"), commits=balances(shop))
    story.used("2025-01-10", region="us-east-1", p_cents="45000")
    story.until(at("2025-02-03"))

    found = drawn(shop, contract)
    assert found == {"A": 100, "B": 100, "C": 100, "D": 100, "E": 50, "F": 0}
    (january,) = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    assert dollars(january.total) == 0


def test_s16_r167_r178_rollovers_first_and_promises_last_whatever_their_priority(
    story: Story, shop: Seller
) -> None:
    rolled = {
        "type": "PREPAID",
        "name": "R",
        "product_id": shop.product("FIXED", "Old"),
        "priority": 999,
        "rollover_fraction": 1,
        "access_schedule": access((2000, "2024-12-01", "2025-01-01")),
        "invoice_schedule": paid((2000, "2024-12-01")),
    }
    promise = {
        "type": "POSTPAID",
        "name": "X",
        "product_id": shop.product("FIXED", "Promise"),
        "priority": 1,
        "access_schedule": access((100000, "2025-01-01", "2026-01-01")),
        "invoice_schedule": paid((100000, "2026-01-01")),
    }
    old = shop.contract(ending_before=at("2025-01-01"), commits=[rolled])
    story.until(at("2024-12-20"))
    contract = shop.contract(
        starting_at=at("2025-01-01"),
        commits=[promise, *balances(shop)],
        transition={"type": "RENEWAL", "from_contract_id": old},
    )
    story.used("2025-01-10", region="us-east-1", p_cents="65000")
    story.until(at("2025-02-03"))

    found = drawn(shop, contract)
    (rollover,) = found.keys() - set("ABCDEFX")
    assert found.pop(rollover) == 20
    assert found == {**dict.fromkeys("ABCDEF", 100), "X": 30}
    january = story.invoices(shop.customer, type="USAGE", status="FINALIZED")[-1]
    assert dollars(january.total) == 30
