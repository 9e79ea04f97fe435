"""S2 through the SDK alone: a prepaid commit of the cloud, a quarterly fee, a discount."""

from datetime import datetime

import pytest

from api.played import Story
from api.shop import Seller
from api.terms import access, multiplier, paid
from api.widgets import check_widgets, live_widgets
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2024-10-25")


def test_s2_r132_r133_r149_a_year_of_widgets_through_the_sdk(story: Story) -> None:
    shop = Seller(story.sdk)
    shop.rate(shop.usage("Compute", "compute_h", ["cloud"]), 40)
    shop.rate(shop.usage("Egress", "egress_gb", ["cloud"]), 8)
    shop.rate(shop.usage("Support", "support_n", []), 1500)
    quarterly = {
        "starting_at": at("2024-11-01"),
        "ending_before": at("2025-11-01"),
        "frequency": "QUARTERLY",
        "unit_price": 100000,
        "quantity": 1,
        "amount_distribution": "EACH",
    }
    commit = {
        "type": "PREPAID",
        "name": "Contract Prepaid Commit",
        "product_id": shop.product("FIXED", "Cloud Commit"),
        "priority": 1,
        "access_schedule": access((1000000, "2024-11-01", "2025-11-01")),
        "invoice_schedule": paid((1000000, "2024-11-01")),
        "applicable_product_tags": ["cloud"],
    }
    fee = {
        "product_id": shop.product("FIXED", "Platform"),
        "schedule": {"recurring_schedule": quarterly},
    }
    contract = shop.contract(
        starting_at=at("2024-11-01"),
        commits=[commit],
        scheduled_charges=[fee],
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
    )
    story.sdk.v1.contracts.amend(
        customer_id=shop.customer,
        contract_id=contract,
        starting_at=at("2024-11-01"),
        overrides=[multiplier(0.95, "cloud", "2024-11-01")],
    )

    left = live_widgets(story, shop.customer, "acme")

    check_widgets(story, shop.customer, left)
