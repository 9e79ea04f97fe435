"""S22 through the SDK: scheduled charges; dates, grouping, distribution, lateness (R148-R160)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars, lines_of
from api.shop import Seller
from api.terms import access, paid
from billing.world import at

YEAR = ("2024-11-01", "2025-11-01")


@pytest.fixture
def start() -> datetime:
    return at("2024-10-25")


@pytest.fixture
def shop(story: Story) -> Seller:
    """A call is a dollar."""
    found = Seller(story.sdk, "2024-11-01T00:00:00Z")
    found.rate(found.usage("Calls", "calls"), 100)
    return found


def fee(shop: Seller, schedule: Any, **more: Any) -> dict[str, Any]:
    return {"product_id": shop.product("FIXED", "Fee"), "schedule": schedule} | more


def every(frequency: str, how: str, until: str, **price: Any) -> dict[str, Any]:
    steps = {
        "starting_at": at("2024-11-01"),
        "ending_before": at(until),
        "frequency": frequency,
        "amount_distribution": how,
    }
    return {"recurring_schedule": steps | price}


def exact(story: Story, shop: Seller) -> list[tuple[str, Decimal]]:
    """(day, cents) of all that was scheduled, as it is written."""
    found = story.exact(
        f"/v1/customers/{shop.customer}/invoices", type="SCHEDULED", status="FINALIZED"
    )["data"]
    return [(one["issued_at"][5:10], one["total"]) for one in found]


@pytest.mark.parametrize(
    ("schedule", "cents"),
    [
        (every("MONTHLY", "DIVIDED_ROUNDED", "2025-02-01", amount=1000000), "333333 333333 333334"),
        (every("MONTHLY", "DIVIDED_ROUNDED", "2025-01-01", amount=5), "3 2"),
        (every("MONTHLY", "EACH", "2025-02-01", amount=1000000), "1000000 1000000 1000000"),
        (
            every("QUARTERLY", "DIVIDED", "2025-11-01", unit_price=5000, quantity=12),
            "15000 15000 15000 15000",
        ),
    ],
)
def test_s22_r152_r153_an_amount_over_time(
    story: Story, shop: Seller, schedule: Any, cents: str
) -> None:
    shop.contract(scheduled_charges=[fee(shop, schedule)])
    story.until(at("2025-11-02"))

    assert [amount for _, amount in exact(story, shop)] == [Decimal(one) for one in cents.split()]


def test_s22_r153_divided_keeps_fractions_and_sums_to_the_whole(story: Story, shop: Seller) -> None:
    thirds = every("MONTHLY", "DIVIDED", "2025-02-01", amount=1000000)
    shop.contract(scheduled_charges=[fee(shop, thirds)])
    story.until(at("2025-02-02"))

    found = exact(story, shop)
    assert sum(amount for _, amount in found) == 1000000
    assert [round(amount) for _, amount in found] == [333333] * 3


def test_s22_r9_r152_steps_count_from_the_first_date(story: Story, shop: Seller) -> None:
    """From the 31st of January 2025: Feb 28, Mar 31, Apr 30."""
    steps = every("MONTHLY", "EACH", "2025-05-31", amount=100)["recurring_schedule"]
    shop.contract(
        scheduled_charges=[
            fee(shop, {"recurring_schedule": steps | {"starting_at": at("2025-01-31")}})
        ]
    )
    story.until(at("2025-06-03"))

    assert [day for day, _ in exact(story, shop)] == ["01-31", "02-28", "03-31", "04-30"]


def test_s22_r149_charges_and_purchases_of_one_instant_share_an_invoice(
    story: Story, shop: Seller
) -> None:
    """10,000.00 + 1,000.00 + 5.00 on Nov 1 at 00:00; 7.00 one hour later stands alone."""
    commit = {
        "type": "PREPAID",
        "product_id": shop.product("FIXED", "Commit"),
        "priority": 1,
        "access_schedule": access((1000000, *YEAR)),
        "invoice_schedule": paid((1000000, "2024-11-01")),
    }
    shop.contract(
        commits=[commit],
        scheduled_charges=[
            fee(shop, paid((100000, "2024-11-01"))),
            fee(shop, paid((500, "2024-11-01"), (700, "2024-11-01T01:00"))),
        ],
    )
    story.until(at("2024-11-02"))

    first, second = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    assert (dollars(first.total), dollars(second.total)) == (11005, 7)
    assert sum(lines_of(first, "commit_purchase").values()) == 10000
    assert second.issued_at == at("2024-11-01T01:00")


def test_s22_r150_r151_what_comes_after_its_invoice_is_final_gets_one_of_its_own(
    story: Story, shop: Seller
) -> None:
    contract = shop.contract(scheduled_charges=[fee(shop, paid((100000, "2024-11-01")))])
    story.until(at("2024-11-10"))
    shop.edit(contract, add_scheduled_charges=[fee(shop, paid((4000, "2024-11-01")))])
    story.until(at("2024-11-11"))

    found = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    assert sorted(dollars(one.total) for one in found) == [40, 1000]


def test_s22_r157_a_balance_never_pays_a_charge(story: Story, shop: Seller) -> None:
    """1,000.00 free, a charge of 75.00 on the statement and 20.00 used: 75.00 due, 980.00 left."""
    free = {
        "product_id": shop.product("FIXED", "Free"),
        "priority": 1,
        "access_schedule": access((100000, *YEAR)),
    }
    shop.contract(
        credits=[free],
        scheduled_charges=[fee(shop, paid((7500, "2024-12-01")))],
        scheduled_charges_on_usage_invoices="ALL",
    )
    story.used("2024-11-20", calls="20")
    story.until(at("2024-12-03"))

    (november,) = story.invoices(shop.customer, status="FINALIZED")
    assert (november.type, dollars(november.total)) == ("USAGE", 75)
    net = story.sdk.v1.contracts.get_net_balance(customer_id=shop.customer).data
    assert dollars(net.balance) == 980


def test_s22_r158_a_discount_may_make_an_invoice_negative(story: Story, shop: Seller) -> None:
    discount = fee(shop, paid((13000, "2024-11-01")), name="Gift")
    shop.contract(scheduled_charges=[fee(shop, paid((10000, "2024-11-01")))], discounts=[discount])
    story.until(at("2024-11-02"))

    assert exact(story, shop) == [("11-01", -3000)]


def test_s22_r160_an_archived_charge_keeps_its_past(story: Story, shop: Seller) -> None:
    charge = fee(shop, paid((10000, "2024-11-01"), (10000, "2024-12-01")))
    contract = shop.contract(scheduled_charges=[charge])
    story.until(at("2024-11-15"))
    (known,) = shop.v2(contract).scheduled_charges
    shop.edit(contract, archive_scheduled_charges=[{"id": known.id}])
    story.until(at("2024-12-05"))

    assert exact(story, shop) == [("11-01", 10000)]


def test_s22_r154_r168_a_purchase_that_is_not_invoiced_still_counts_as_paid(
    story: Story, shop: Seller
) -> None:
    """120 calls: the free 100.00 burn before the paid ones, and nothing is billed ahead."""
    product = shop.product("FIXED", "Commit")
    free = {
        "type": "PREPAID",
        "name": "free",
        "product_id": product,
        "priority": 1,
        "access_schedule": access((10000, *YEAR)),
    }
    sold = free | {
        "name": "paid",
        "invoice_schedule": paid((10000, "2024-11-01")) | {"do_not_invoice": True},
    }
    contract = shop.contract(commits=[sold, free])
    story.used("2024-11-05", calls="120")
    story.until(at("2024-12-03"))

    assert exact(story, shop) == []
    left = {one.name: one.balance for one in shop.v2(contract, include_balance=True).commits}
    assert left == {"free": 0, "paid": 8000}
