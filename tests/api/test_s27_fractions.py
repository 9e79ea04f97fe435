"""S27 and S28 through the wire: fractions of cents, other currencies, twenty digits (R3, R4)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story
from api.shop import Seller
from api.terms import access, paid
from billing.world import at

YEAR = ("2025-01-01", "2026-01-01")


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


def january(story: Story, shop: Seller) -> Any:
    """Its usage invoice as it is written."""
    story.until(at("2025-02-03"))
    (found,) = story.exact(
        f"/v1/customers/{shop.customer}/invoices", type="USAGE", status="FINALIZED"
    )["data"]
    return found


def commit(shop: Seller, amount: float, cost: float, **terms: Any) -> dict[str, Any]:
    return {
        "type": "PREPAID",
        "name": "Commit",
        "product_id": shop.product("FIXED", "Commit"),
        "priority": 1,
        "access_schedule": access((amount, *YEAR)) | terms,
        "invoice_schedule": paid((cost, "2025-01-01")) | terms,
    }


def test_s27_r3_r146_a_call_of_0_37_cents(story: Story) -> None:
    """45,679.09 c; 1,000 c cover 2,702.702702... calls; 44,679.09 c are due, payable 446.79."""
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 0.37)
    shop.contract(commits=[commit(shop, 1000, 1000)])
    story.used("2025-01-10", calls="123457")

    invoice = january(story, shop)

    covered, over = [one for one in invoice["line_items"] if one["type"] == "usage"]
    assert invoice["total"] == Decimal("44679.09")
    assert (covered["total"], over["total"]) == (1000, Decimal("44679.09"))
    assert str(covered["quantity"]).startswith("2702.702702702702")
    assert covered["quantity"] + over["quantity"] == 123457


def test_s28_r3_r39_twenty_digits_survive_the_wire(story: Story) -> None:
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 0.0000001)
    shop.contract()
    story.used("2025-01-10", calls="12345678901234.567891")

    assert january(story, shop)["total"] == Decimal("1234567.8901234567891")


def test_s28_r377_euros_are_whole_units(story: Story) -> None:
    """EUR 0.125 x 1,000 = 125: 100 (bought for 80) are covered, 25 are due."""
    (euro,) = [one.id for one in story.sdk.v1.pricing_units.list() if one.name == "EUR"]
    assert euro is not None
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z", fiat_credit_type_id=euro)
    shop.rate(shop.usage("Calls", "calls"), 0.125, credit_type_id=euro)
    contract = shop.contract(commits=[commit(shop, 100, 80, credit_type_id=euro)])
    story.used("2025-01-10", calls="1000")

    invoice = january(story, shop)

    assert (invoice["total"], invoice["credit_type"]["name"]) == (25, "EUR")
    (bought,) = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    assert (bought.total, bought.credit_type.id) == (80, euro)
    (held,) = shop.v2(contract, include_ledgers=True).commits
    assert [one.amount for one in held.ledger] == [100, -100]


@pytest.mark.parametrize(
    ("fields", "used", "cents"),
    [
        (
            {"quantity_conversion": {"conversion_factor": 1024, "operation": "DIVIDE"}},
            "2611200",
            "2550",
        ),
        (
            {
                "quantity_conversion": {"conversion_factor": 1024, "operation": "DIVIDE"},
                "quantity_rounding": {"rounding_method": "ROUND_UP", "decimal_places": 0},
            },
            "2611201",
            "2551",
        ),
        (
            {"quantity_rounding": {"rounding_method": "ROUND_HALF_UP", "decimal_places": 1}},
            "0.25",
            "0.3",
        ),
        (
            {"quantity_rounding": {"rounding_method": "ROUND_DOWN", "decimal_places": 0}},
            "0.999",
            "0",
        ),
        ({"quantity_conversion": {"conversion_factor": 3, "operation": "MULTIPLY"}}, "1.1", "3.3"),
    ],
)
def test_s28_r46_quantities_are_converted_and_then_rounded(
    story: Story, fields: Any, used: str, cents: str
) -> None:
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    shop.rate(shop.usage("Traffic", "traffic", **fields), 1)
    shop.contract()
    story.used("2025-01-10", traffic=used)

    assert january(story, shop)["total"] == Decimal(cents)
