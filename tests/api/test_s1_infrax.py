"""S1 through the SDK alone: signed, amended, renewed and billed to the cent."""

from datetime import datetime
from typing import Any

import pytest

from api.infrax import Infrax, check_infrax
from api.played import Story, dollars
from api.shop import Shop
from api.terms import access, multiplier, paid
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2023-12-20")


@pytest.fixture
def shop(story: Story) -> Shop:
    return Shop(story.sdk, "2024-01-01T00:00:00Z")


def prepaid(shop: Shop, **terms: Any) -> dict[str, Any]:
    return {
        "type": "PREPAID",
        "product_id": shop.commit,
        "priority": 1,
        "rollover_fraction": 0.25,
    } | terms


def sign(shop: Shop) -> str:
    """The contract of seed 000."""
    commit = prepaid(
        shop,
        access_schedule=access(
            (5000000, "2024-01-01", "2025-01-01"),
            (20000000, "2025-01-01", "2026-01-01"),
            (25000000, "2026-01-01", "2027-01-01"),
        ),
        invoice_schedule=paid((25000000, "2024-01-01"), (25000000, "2026-01-01")),
    )
    return shop.contract(
        ending_before=at("2027-01-01"),
        commits=[commit],
        overrides=[
            multiplier(0.9, "storage", "2024-01-01"),
            multiplier(0.8, "storage", "2025-01-01"),
        ],
        scheduled_charges=[{"product_id": shop.support, "schedule": paid((500000, "2024-03-01"))}],
    )


def upsell(shop: Shop, contract: str) -> None:
    commit = prepaid(
        shop,
        access_schedule=access((30000000, "2025-01-01", "2027-01-01")),
        invoice_schedule=paid((30000000, "2025-01-01")),
    )
    shop.client.v1.contracts.amend(
        customer_id=shop.customer,
        contract_id=contract,
        starting_at=at("2024-01-01"),
        commits=[commit],
        overrides=[multiplier(0.85, "analysis", "2025-01-01")],
    )


def renew(shop: Shop, contract: str) -> str:
    """The renewal of 2027, with C of 600,000.00."""
    commit = prepaid(
        shop,
        access_schedule=access((60000000, "2027-01-01", "2028-01-01")),
        invoice_schedule=paid((60000000, "2027-01-01")),
    )
    return shop.contract(
        starting_at=at("2027-01-01"),
        ending_before=at("2028-01-01"),
        commits=[commit],
        overrides=[
            multiplier(0.8, "storage", "2027-01-01"),
            multiplier(0.85, "analysis", "2027-01-01"),
        ],
        transition={"type": "RENEWAL", "from_contract_id": contract},
    )


def test_s1_r91_r120_r121_r167_r175_r185_infrax_through_the_sdk(story: Story, shop: Shop) -> None:
    contract = sign(shop)
    told = Infrax(story, shop.customer, "acme", [contract])

    told.live(lambda: upsell(shop, contract), lambda: renew(shop, contract))

    check_infrax(told)
    first = shop.v2(contract).transitions[0]
    (rolled,) = [one for one in told.commits() if one.rolled_over_from is not None]
    net = story.sdk.v1.contracts.get_net_balance(customer_id=shop.customer).data
    assert (first.type, first.to_contract_id) == ("RENEWAL", told.contracts[1])
    assert rolled.rolled_over_from.contract_id == contract
    assert rolled.invoice_schedule is None
    assert dollars(net.balance) == 597860


def test_s1d_r185_what_year_one_leaves_expires(story: Story, shop: Shop) -> None:
    """42,000.00 of 50,000.00 used: 8,000.00 expire, year two starts with its own 200,000.00."""
    contract = sign(shop)
    story.used("2024-06-15", analysis_hours="33600")
    story.until(at("2025-01-03"))

    (commit,) = shop.v2(contract, include_balance=True, include_ledgers=True).commits
    entries = [
        (one.type, f"{one.timestamp:%Y-%m-%d}", dollars(one.amount)) for one in commit.ledger
    ]
    assert ("PREPAID_COMMIT_EXPIRATION", "2025-01-01", -8000) in entries
    assert dollars(commit.balance) == 200000
