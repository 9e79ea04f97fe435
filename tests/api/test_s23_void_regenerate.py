"""S23 through the SDK: a month is made void and billed anew at a lower price (R283, R284)."""

from datetime import datetime
from decimal import Decimal

import pytest

from api.played import Story, dollars, lines_of, totals
from api.shop import Seller
from api.terms import access, multiplier, paid
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2025-02-20")


def test_s23_r12_r196_r283_r284_a_void_month_is_billed_anew(story: Story) -> None:
    shop = Seller(story.sdk, "2025-03-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls", ["calls"]), 100)
    commit = {
        "type": "PREPAID",
        "name": "Paid",
        "product_id": shop.product("FIXED", "Commit"),
        "priority": 1,
        "access_schedule": access((10000, "2025-03-01", "2026-01-01")),
        "invoice_schedule": paid((10000, "2025-03-01")),
    }
    contract = shop.contract(commits=[commit])
    story.used("2025-03-10", calls="250")
    story.used("2025-04-05", calls="60")
    story.until(at("2025-04-10"))
    march, april = story.invoices(shop.customer, type="USAGE")
    assert totals([march, april]) == [
        ("USAGE", "FINALIZED", Decimal("150.00")),
        ("USAGE", "DRAFT", Decimal("60.00")),
    ]
    assert balance(shop, contract) == 0
    shop.edit(contract, add_overrides=[multiplier(0.8, "calls", "2025-03-01")])

    assert story.sdk.v1.invoices.void(id=march.id).data.id == march.id
    retrieve = story.sdk.v1.customers.invoices.retrieve
    draft = retrieve(customer_id=shop.customer, invoice_id=april.id).data
    assert dollars(draft.total) == 0
    assert lines_of(draft, "usage") == {"Calls": 48}
    assert balance(shop, contract) == 100 - 48
    again = story.sdk.v1.invoices.regenerate(id=march.id).data

    assert again is not None
    made = retrieve(customer_id=shop.customer, invoice_id=again.id).data
    assert made.id != march.id
    assert (made.status, made.regenerated_from_invoice_id) == ("FINALIZED", march.id)
    assert lines_of(made, "usage") == {"Calls": 200}
    assert dollars(made.total) == 100
    assert balance(shop, contract) == 0
    draft = retrieve(customer_id=shop.customer, invoice_id=april.id).data
    assert dollars(draft.total) == 48
    gone = retrieve(customer_id=shop.customer, invoice_id=march.id).data
    assert (gone.status, dollars(gone.total)) == ("VOID", 150)


def balance(shop: Seller, contract: str) -> Decimal:
    (commit,) = shop.v2(contract, include_balance=True).commits
    return dollars(commit.balance)
