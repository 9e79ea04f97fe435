"""S11 through the SDK: a promise of 10,000.00, met or trued up, renewed with it or without."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars
from api.shop import Seller
from api.terms import access, paid
from billing.world import at

MONTHS = [f"2024-{month:02}" for month in (10, 11, 12)] + [f"2025-{n:02}" for n in range(1, 10)]


@pytest.fixture
def start() -> datetime:
    return at("2024-09-25")


@pytest.fixture
def shop(story: Story) -> Seller:
    """A call is a dollar."""
    found = Seller(story.sdk, "2024-10-01T00:00:00Z")
    found.rate(found.usage("Calls", "calls", []), 100)
    return found


def promise(shop: Seller, **terms: Any) -> str:
    commit = {
        "type": "POSTPAID",
        "name": "Promise",
        "product_id": shop.product("FIXED", "Promise"),
        "priority": 1,
        "access_schedule": access((1000000, "2024-10-01", "2025-10-01")),
        "invoice_schedule": paid((1000000, "2025-10-01")),
    }
    return shop.contract(commits=[commit], ending_before=at("2025-10-01"), **terms)


def use(story: Story, calls: int) -> None:
    for month in MONTHS:
        story.used(f"{month}-10", calls=str(calls))


def billed(story: Story, shop: Seller, **filters: Any) -> list[Decimal]:
    found = story.invoices(shop.customer, status="FINALIZED", **filters)
    return [dollars(one.total) for one in found]


def ledger(shop: Seller, contract: str) -> list[tuple[str, Decimal]]:
    (commit,) = shop.v2(contract, include_ledgers=True).commits
    return [
        (one.type.removeprefix("POSTPAID_COMMIT_"), dollars(one.amount)) for one in commit.ledger
    ]


def test_s11a_r186_r187_r189_what_a_credit_paid_does_not_count_and_the_rest_is_trued_up(
    story: Story, shop: Seller
) -> None:
    credit = {
        "product_id": shop.product("FIXED", "Free"),
        "priority": 1,
        "access_schedule": access((50000, "2024-10-01", "2024-11-01")),
    }
    contract = promise(shop, credits=[credit])
    use(story, 750)
    story.until(at("2025-10-05"))

    assert billed(story, shop, type="USAGE") == [250, *[750] * 11]
    (trueup,) = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    assert (dollars(trueup.total), trueup.issued_at) == (1500, at("2025-10-02"))
    assert ledger(shop, contract) == [
        ("INITIAL_BALANCE", 10000),
        ("AUTOMATED_INVOICE_DEDUCTION", -250),
        *[("AUTOMATED_INVOICE_DEDUCTION", -750)] * 11,
        ("TRUEUP", -1500),
    ]
    october = story.invoices(shop.customer, type="USAGE")[0]
    paid_by = {
        one.commit_type: dollars(one.total)
        for one in october.line_items
        if one.type == "usage" and one.commit_id
    }
    assert paid_by == {"PrepaidCommit": 500, "PostpaidCommit": 250}


def test_s11b_r187_the_draft_shows_the_live_shortfall(story: Story, shop: Seller) -> None:
    promise(shop)
    use(story, 800)
    story.until(at("2025-09-20"))
    (draft,) = story.invoices(shop.customer, type="SCHEDULED", status="DRAFT")
    story.until(at("2025-10-05"))

    assert dollars(draft.total) == 400
    assert billed(story, shop, type="USAGE") == [800] * 12
    assert billed(story, shop, type="SCHEDULED") == [400]


def test_s11c_r188_more_than_was_promised_is_plain_overage(story: Story, shop: Seller) -> None:
    contract = promise(shop)
    use(story, 900)
    story.until(at("2025-10-05"))

    assert billed(story, shop, type="USAGE") == [900] * 12
    assert billed(story, shop, type="SCHEDULED") == []
    september = story.invoices(shop.customer, type="USAGE")[-1]
    lines = [
        (one.type, dollars(one.total), one.commit_id is not None) for one in september.line_items
    ]
    assert lines == [
        ("usage", 100, True),
        ("usage", 800, False),
        ("applied_commit_or_credit", -100, True),
    ]
    assert sum(amount for _, amount in ledger(shop, contract)) == 0


@pytest.mark.parametrize(("behavior", "expected"), [("REMOVE", []), ("AS_IS", [5500])])
def test_s11d_r124_a_renewal_removes_the_trueup_or_leaves_it(
    story: Story, shop: Seller, behavior: str, expected: list[int]
) -> None:
    contract = promise(shop)
    use(story, 750)
    story.until(at("2025-03-20"))
    renewed = shop.contract(
        starting_at=at("2025-04-01"),
        ending_before=at("2026-04-01"),
        transition={
            "type": "RENEWAL",
            "from_contract_id": contract,
            "future_invoice_behavior": {"trueup": behavior},
        },
    )
    story.until(at("2025-10-05"))

    assert billed(story, shop, contract_id=contract, type="USAGE") == [750] * 6
    assert billed(story, shop, contract_id=renewed, type="USAGE") == [750] * 6
    found = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    assert [dollars(one.total) for one in found] == expected
    assert all(one.issued_at == at("2025-10-01") for one in found)  # as it was scheduled (R187)
