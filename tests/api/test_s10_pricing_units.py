"""S10 through the SDK: a custom pricing unit with overage, paid for in dollars."""

from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from api.terms import access, paid
from billing.world import at

YEAR = ("2025-01-01", "2026-01-01")
USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


@pytest.fixture
def unit(story: Story) -> str:
    """A CCU; the SDK lists pricing units, they are made by hand."""
    made = story.http.post("/v1/credit-types/create", json={"name": "CCU"})
    assert made.status_code == 200, made.text
    (found,) = [one for one in story.sdk.v1.pricing_units.list() if one.name == "CCU"]
    assert found.id == made.json()["data"]["id"]
    assert found.id is not None
    return found.id


@pytest.fixture
def shop(story: Story, unit: str) -> Seller:
    """A at 3 CCU, B at 2.00; a CCU is 10 cents."""
    conversion = {"custom_credit_type_id": unit, "fiat_per_custom_credit": 10}
    found = Seller(
        story.sdk,
        "2025-01-01T00:00:00Z",
        fiat_credit_type_id=USD,
        credit_type_conversions=[conversion],
    )
    found.rate(found.usage("A", "a", []), 3, credit_type_id=unit)
    found.rate(found.usage("B", "b", []), 200)
    return found


def units(shop: Seller, unit: str) -> dict[str, Any]:
    """1,000 CCU for 90.00."""
    return {
        "type": "PREPAID",
        "name": "Units",
        "product_id": shop.product("FIXED", "Units"),
        "priority": 1,
        "access_schedule": access((1000, *YEAR)) | {"credit_type_id": unit},
        "invoice_schedule": paid((9000, "2025-01-01")) | {"credit_type_id": USD},
    }


def january(story: Story, shop: Seller) -> Any:
    """450 of A and 20 of B; the invoice as it is written."""
    story.used("2025-01-10", a="450")
    story.used("2025-01-11", b="20")
    story.until(at("2025-02-03"))
    (found,) = story.exact(
        f"/v1/customers/{shop.customer}/invoices", type="USAGE", status="FINALIZED"
    )["data"]
    (typed,) = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    assert Decimal(str(typed.total)) == found["total"]
    return found


def lines(invoice: Any, kind: str, unit: str) -> list[Any]:
    return [
        one
        for one in invoice["line_items"]
        if (one["type"], one["credit_type"]["id"]) == (kind, unit)
    ]


def cut(quantity: Decimal) -> Decimal:
    return quantity.quantize(Decimal("0.001"), ROUND_DOWN)


def test_s10_r249_r250_r254_units_left_over_become_one_line_in_dollars(
    story: Story, shop: Seller, unit: str
) -> None:
    contract = shop.contract(commits=[units(shop, unit)])

    invoice = january(story, shop)

    covered, due = lines(invoice, "usage", unit)
    (applied,) = lines(invoice, "applied_commit_or_credit", unit)
    (conversion,) = lines(invoice, "cpu_conversion", USD)
    (b,) = lines(invoice, "usage", USD)
    assert (covered["total"], applied["total"], due["total"]) == (1000, -1000, 350)
    assert cut(covered["quantity"]) == Decimal("333.333")
    assert cut(due["quantity"]) == Decimal("116.666")
    assert covered["commit_id"] is not None
    assert [conversion[name] for name in ("quantity", "unit_price", "total")] == [350, 10, 3500]
    assert b["total"] == 4000
    assert (invoice["total"], invoice["credit_type"]["id"]) == (7500, USD)
    (bought,) = story.invoices(shop.customer, type="SCHEDULED")
    assert (dollars(bought.total), bought.issued_at) == (90, at("2025-01-01"))
    (commit,) = shop.v2(contract, include_ledgers=True, include_balance=True).commits
    assert [entry.amount for entry in commit.ledger] == [1000, -1000]
    assert (commit.access_schedule.credit_type.name, commit.balance) == ("CCU", 0)


def test_s10_r253_a_credit_in_dollars_pays_usage_first_and_then_the_conversion(
    story: Story, shop: Seller, unit: str
) -> None:
    credit = {
        "product_id": shop.product("FIXED", "Credit"),
        "name": "Dollars",
        "priority": 2,
        "access_schedule": access((5000, *YEAR)),
    }
    shop.contract(commits=[units(shop, unit)], credits=[credit])

    invoice = january(story, shop)

    applied = lines(invoice, "applied_commit_or_credit", USD)
    assert [one["total"] for one in applied] == [-4000, -1000]
    conversions = lines(invoice, "cpu_conversion", USD)
    assert sorted(one["total"] for one in conversions) == [1000, 2500]
    assert invoice["total"] == 2500


def test_s10_r255_an_alert_on_dollars_spent_knows_only_b(
    story: Story, shop: Seller, unit: str
) -> None:
    """40.00 of B: below 50.00, and at 40.00."""
    shop.contract(commits=[units(shop, unit)])
    create = story.sdk.v1.alerts.create
    made = {
        cents: create(
            alert_type="spend_threshold_reached",
            name=f"Spend {cents}",
            threshold=cents,
            credit_type_id=USD,
            customer_id=shop.customer,
        ).data.id
        for cents in (4000, 5000)
    }
    story.used("2025-01-10", a="450")
    story.used("2025-01-11", b="20")
    story.until(at("2025-01-20"))

    retrieve = story.sdk.v1.customers.alerts.retrieve
    status = {
        cents: retrieve(alert_id=alert, customer_id=shop.customer).data.customer_status
        for cents, alert in made.items()
    }
    assert status == {4000: "in_alarm", 5000: "ok"}
