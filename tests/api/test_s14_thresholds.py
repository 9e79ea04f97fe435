"""S14 through the SDK: a prepaid balance that is recharged when it falls to 10.00."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from api.terms import access, paid
from billing.world import at

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
ALIAS = "recharges"


@pytest.fixture
def start() -> datetime:
    return at("2025-05-20")


@pytest.fixture
def shop(story: Story) -> Seller:
    """A unit of AI is a cent."""
    found = Seller(story.sdk, "2025-06-01T00:00:00Z")
    found.rate(found.usage("Assistant", "ai_cents", []), 1)
    return found


def threshold(shop: Seller, gate: str = "NONE", **more: Any) -> dict[str, Any]:
    return {
        "is_enabled": True,
        "threshold_amount": 1000,
        "recharge_to_amount": 5000,
        "commit": {"product_id": shop.product("FIXED", "Recharge"), "name": "Recharge"},
        "payment_gate_config": {"payment_gate_type": gate},
    } | more


def sign(shop: Seller, opening: float, config: dict[str, Any], **terms: Any) -> str:
    commit = {
        "type": "PREPAID",
        "name": "Opening",
        "product_id": shop.product("FIXED", "Opening"),
        "priority": 1,
        "access_schedule": access((opening, "2025-06-01", "2026-06-01")),
        "invoice_schedule": paid((opening, "2025-06-01")),
    }
    return shop.contract(commits=[commit], prepaid_balance_threshold_configuration=config, **terms)


def balance(story: Story, shop: Seller) -> Decimal:
    return dollars(story.sdk.v1.contracts.get_net_balance(customer_id=shop.customer).data.balance)


def used(story: Story, shop: Seller, cents: str, day: str) -> Decimal:
    """The balance an hour after so much was used on a day in June (or July)."""
    story.used(f"2025-{day}T08:00", ai_cents=cents)
    story.until(at(f"2025-{day}T09:00"))
    return balance(story, shop)


def recharges(story: Story, shop: Seller, status: str = "FINALIZED") -> list[Decimal]:
    """What was bought, in dollars; the opening is no recharge."""
    found = story.invoices(shop.customer, type="SCHEDULED", status=status)
    names = [(one.line_items[0].name, dollars(one.total)) for one in found]
    return [amount for name, amount in names if name == "Recharge"]


def tracked(shop: Seller, contract: str) -> Decimal:
    (tracker,) = shop.v2(contract).spend_trackers
    return dollars(tracker.accumulated_spend.amount)


def test_s14_r257_r258_balances_are_recharged_when_they_fall(story: Story, shop: Seller) -> None:
    sign(shop, 5000, threshold(shop))

    assert used(story, shop, "2500", "06-03") == 25
    assert recharges(story, shop) == []
    assert used(story, shop, "1620", "06-09") == 50
    assert recharges(story, shop) == [Decimal("41.20")]
    assert used(story, shop, "4300", "06-20") == 50
    assert recharges(story, shop) == [Decimal("41.20"), Decimal("43.00")]
    story.until(at("2025-07-02"))
    (june,) = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    assert dollars(june.total) == 0
    assert balance(story, shop) == 50


def test_s14_r260_r268_discounted_until_the_cap_is_crossed_and_again_next_month(
    story: Story, shop: Seller
) -> None:
    discount = {"payment_fraction": 0.9, "cap": {"amount": 5000, "spend_tracker_alias": ALIAS}}
    tracker = {
        "alias": ALIAS,
        "credit_type_id": USD,
        "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [
            {
                "spend_type": "COMMIT_PURCHASE",
                "sources": ["THRESHOLD_RECHARGE"],
                "discounted": "DISCOUNTED_ONLY",
            }
        ],
    }
    config = threshold(shop, discount_configuration=discount)
    contract = sign(shop, 5000, config, spend_trackers=[tracker])

    assert used(story, shop, "2500", "06-03") == 25
    assert used(story, shop, "1620", "06-09") == 50
    assert tracked(shop, contract) == Decimal("37.08")
    assert used(story, shop, "4300", "06-20") == 50
    assert tracked(shop, contract) == Decimal("75.78")
    assert used(story, shop, "4000", "06-25") == 50
    assert tracked(shop, contract) == Decimal("75.78")
    assert used(story, shop, "4000", "07-02") == 50
    assert tracked(shop, contract) == 36
    bought = [Decimal("37.08"), Decimal("38.70"), Decimal("40.00"), Decimal("36.00")]
    assert recharges(story, shop) == bought


def test_s14_r262_a_payment_that_fails_switches_it_off_until_it_is_switched_on(
    story: Story, shop: Seller
) -> None:
    contract = sign(shop, 5000, threshold(shop, "STRIPE"))
    assert used(story, shop, "2500", "06-03") == 25
    assert used(story, shop, "1620", "06-09") == Decimal("8.80")
    settle(story, contract, "PAID")
    assert balance(story, shop) == 50
    assert used(story, shop, "4300", "06-20") == 7
    settle(story, contract, "FAILED")

    assert recharges(story, shop, "VOID") == [Decimal("43.00")]
    assert not shop.v2(contract).prepaid_balance_threshold_configuration.is_enabled
    assert balance(story, shop) == 7
    assert used(story, shop, "900", "06-25") == 0
    (june,) = story.invoices(shop.customer, type="USAGE", status="DRAFT")
    assert dollars(june.total) == 2
    assert recharges(story, shop) == [Decimal("41.20")]

    shop.edit(contract, update_prepaid_balance_threshold_configuration={"is_enabled": True})
    settle(story, contract, "PAID")
    assert recharges(story, shop) == [Decimal("41.20"), Decimal("50.00")]
    assert balance(story, shop) == 50
    story.until(at("2025-07-02"))
    (june,) = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    assert dollars(june.total) == 2
    told = [
        one["properties"]["payment_status"]
        for one in story.told()
        if one["type"] == "payment_gate.payment_status"
    ]
    assert told == ["paid", "failed", "paid"]


def settle(story: Story, contract_id: str, outcome: str) -> None:
    """Say how the pending payment went; with Stripe there is no webhook that tells its workflow."""
    with story.engine() as engine:
        (workflow,) = [
            one.gate.workflow_id
            for one in engine.contract(contract_id).commits
            if one.gate is not None and one.gate.status == "PENDING"
        ]
    answer = story.http.post(
        "/v1/contracts/commits/threshold-billing/release",
        json={"workflow_id": workflow, "outcome": outcome},
    )
    assert answer.status_code == 200, answer.text


def test_s14_r258_late_detection_covers_the_hour_it_was_found_in(
    story: Story, shop: Seller
) -> None:
    sign(shop, 1200, threshold(shop))
    story.used("2025-06-09T09:10", ai_cents="1500")
    story.until(at("2025-06-09T09:40"))

    assert recharges(story, shop) == [50]
    assert balance(story, shop) == 47
    (june,) = story.invoices(shop.customer, type="USAGE", status="DRAFT")
    assert dollars(june.total) == 0


def test_s14_r262_an_outside_gate_is_told_and_tells_how_it_went(story: Story, shop: Seller) -> None:
    """The webhook names the workflow; once it is paid the balance is there."""
    sign(shop, 5000, threshold(shop, "EXTERNAL"))
    assert used(story, shop, "4300", "06-20") == 7
    (asked,) = [
        one["properties"] for one in story.told() if one["type"] == "payment_gate.external_initiate"
    ]

    story.http.post(
        "/v1/contracts/commits/threshold-billing/release",
        json={"workflow_id": asked["workflow_id"], "outcome": "PAID"},
    ).raise_for_status()

    assert (asked["invoice_total"], asked["customer_id"]) == (4300, shop.customer)
    assert balance(story, shop) == 50
    assert recharges(story, shop) == [43]
