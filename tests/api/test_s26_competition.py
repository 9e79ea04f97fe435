"""S26 through the SDK: tags, priorities and prices by dimension (R77, R163-R178).

Reads 2.60 and Storage 1.00 carry the tag ``cloud``; Support 15.00 does not.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars, lines_of, priced
from api.shop import Seller
from api.terms import access, paid
from billing.world import at

YEAR = ("2025-01-01", "2026-01-01")


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


class Cloud:
    """Three products and the balances of one contract."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
        self.products = {
            name: self.shop.usage(name, name.lower(), tags)
            for name, tags in (("Reads", ["cloud"]), ("Storage", ["cloud"]), ("Support", []))
        }
        for name, cents in (("Reads", 260), ("Storage", 100), ("Support", 1500)):
            self.shop.rate(self.products[name], cents)
        self.fixed = self.shop.product("FIXED", "Commit")

    def held(self, name: str, cents: float, cost: float = 0, **terms: Any) -> dict[str, Any]:
        """A prepaid commit; without a cost it is free."""
        found = {
            "type": "PREPAID",
            "name": name,
            "product_id": self.fixed,
            "priority": 1,
            "access_schedule": access((cents, *YEAR)),
        } | terms
        return found | {"invoice_schedule": paid((cost, YEAR[0]))} if cost else found

    def january(self, *balances: dict[str, Any], credits_: Any = (), **used: str) -> Any:
        self.contract = self.shop.contract(commits=list(balances), credits=list(credits_))
        for name, quantity in used.items():
            self.story.used("2025-01-10", **{name: quantity})
        self.story.until(at("2025-02-03"))
        (found,) = self.story.invoices(self.shop.customer, type="USAGE", status="FINALIZED")
        return found

    def left(self) -> dict[str, Decimal]:
        found = self.shop.v2(self.contract, include_balance=True)
        return {one.name: dollars(one.balance) for one in (*found.commits, *found.credits)}


@pytest.fixture
def cloud(story: Story) -> Cloud:
    return Cloud(story)


def test_s26_r132_r163_r176_the_dearer_line_first_then_split_and_support_never(
    cloud: Cloud,
) -> None:
    """Reads 130.00 first, then 70.00 of Storage's 120.00; 50.00 and 30.00 of Support are due."""
    held = cloud.held("cloud", 20000, 20000, applicable_product_tags=["cloud"])

    january = cloud.january(held, storage="120", reads="50", support="2")

    assert sorted((name, n, total, by) for name, n, _, total, by in priced(january)) == [
        ("Reads", 50, 130, True),
        ("Storage", 50, 50, False),
        ("Storage", 70, 70, True),
        ("Support", 2, 30, False),
    ]
    assert dollars(january.total) == 80
    assert lines_of(january, "applied_commit_or_credit") == {"cloud applied": -200}


def test_s26_r165_any_of_the_ids_or_tags(cloud: Cloud) -> None:
    """Support is named, cloud is tagged: 30.00 of Support, the dearest, then 70.00 of Reads."""
    either = {
        "applicable_product_ids": [cloud.products["Support"]],
        "applicable_product_tags": ["cloud"],
    }

    january = cloud.january(
        cloud.held("both", 10000, **either), storage="120", reads="50", support="2"
    )

    covered = [(name, total) for name, _, _, total, by in priced(january) if by]
    assert sorted(covered) == [("Reads", 70), ("Support", 30)]
    assert dollars(january.total) == 180


def test_s26_r168_r172_the_narrower_pays_first(cloud: Cloud) -> None:
    """One product before two before all: 40 + 60 + 30 of 130.00."""
    january = cloud.january(
        cloud.held("all", 10000),
        cloud.held("cloud", 6000, applicable_product_tags=["cloud"]),
        cloud.held("reads", 4000, applicable_product_ids=[cloud.products["Reads"]]),
        reads="50",
    )

    assert cloud.left() == {"reads": 0, "cloud": 0, "all": 70}
    assert dollars(january.total) == 0


def test_s26_r168_priority_before_free_before_paid_commits_and_credits_alike(cloud: Cloud) -> None:
    """80.00: ``soon`` (priority 1, paid) 30, a free credit 30, then ``paid`` 20; both priority 2."""
    gift = cloud.held("gift", 3000, priority=2)
    del gift["type"]
    cloud.january(
        cloud.held("paid", 3000, 3000, priority=2),
        cloud.held("soon", 3000, 3000),
        credits_=[gift],
        storage="80",
    )

    assert cloud.left() == {"soon": 0, "gift": 0, "paid": 10}


def test_s26_r167_r178_a_promise_counts_last_and_once(cloud: Cloud) -> None:
    """500.00 used: 400.00 prepaid (priority 100), 100.00 of the promise (priority 1), payable."""
    promise = cloud.held("promise", 40000) | {
        "type": "POSTPAID",
        "invoice_schedule": paid((40000, YEAR[1])),
    }
    january = cloud.january(cloud.held("paid", 40000, 40000, priority=100), promise, storage="500")

    assert dollars(january.total) == 100
    assert cloud.left() == {"paid": 0, "promise": 300}


def test_seed_002_r109_r14_divisions_share_a_balance_of_the_customer(story: Story) -> None:
    """US 100.00, EU 80.00, APAC 30.00 against 150.00: in the order of their making."""
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 10)
    contracts = {}
    for hour, region in enumerate(("us", "eu", "apac")):
        story.until(at(f"2024-12-21T0{hour}:00"))
        contracts[region] = shop.contract(
            usage_filter={
                "group_key": "region",
                "group_values": [region],
                "starting_at": at("2025-01-01"),
            }
        )
    story.sdk.v1.customers.credits.create(
        customer_id=shop.customer,
        product_id=shop.product("FIXED", "Own"),
        priority=1,
        access_schedule=access((15000, *YEAR)),
    )
    for region, calls in (("apac", "300"), ("eu", "800"), ("us", "1000")):
        story.used("2025-01-10", calls=calls, region=region)
    story.until(at("2025-02-03"))

    found = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    due = {one.contract_id: dollars(one.total) for one in found}
    assert {region: due[made] for region, made in contracts.items()} == {
        "us": 0,
        "eu": 30,
        "apac": 30,
    }


def test_r77_each_region_has_its_price_and_one_of_them_a_discount(story: Story) -> None:
    """EU 0.10 x 0.5, US 0.20; 100 calls each, a line each: 5.00 + 20.00."""
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    calls = shop.usage("Calls", "calls", pricing_group_key=["region"])
    for region, cents in (("eu", 10), ("us", 20)):
        shop.rate(calls, cents, pricing_group_values={"region": region})
    half = {
        "starting_at": at("2025-01-01"),
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "override_specifiers": [{"product_id": calls, "pricing_group_values": {"region": "eu"}}],
    }
    shop.contract(overrides=[half])
    for region in ("eu", "us"):
        story.used("2025-01-10", calls="100", region=region)
    story.until(at("2025-02-03"))

    (january,) = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    lines = {
        one.pricing_group_values["region"]: (dollars(one.unit_price), dollars(one.total))
        for one in january.line_items
        if one.pricing_group_values
    }
    assert lines == {"eu": (Decimal("0.05"), 5), "us": (Decimal("0.20"), 20)}
    assert dollars(january.total) == 25
