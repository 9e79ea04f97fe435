"""S29 through the SDK: a contract shortened, and all that ends with it (R117-R119)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from metronome import BadRequestError

from api.played import Story, dollars, totals
from api.shop import Seller
from api.terms import access, paid
from billing.world import at

YEAR = ("2025-01-01", "2026-01-01")


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


@pytest.fixture
def shop(story: Story) -> Seller:
    """A call is a dollar."""
    found = Seller(story.sdk, "2025-01-01T00:00:00Z")
    found.rate(found.usage("Calls", "calls", ["calls"]), 100)
    return found


def commit(shop: Seller, cents: float, kind: str = "PREPAID", due: str = YEAR[0]) -> dict[str, Any]:
    return {
        "type": kind,
        "product_id": shop.product("FIXED", "Commit"),
        "priority": 1,
        "access_schedule": access((cents, *YEAR)),
        "invoice_schedule": paid((cents, due)),
    }


def end(story: Story, shop: Seller, contract: str, day: str, known: str, **flags: Any) -> None:
    story.until(at(known))
    story.sdk.v1.contracts.update_end_date(
        customer_id=shop.customer, contract_id=contract, ending_before=at(day), **flags
    )


def ledger(shop: Seller, contract: str) -> list[tuple[str, str, Decimal]]:
    (found,) = shop.v2(contract, include_ledgers=True).commits
    return [
        (one.type.split("_COMMIT_")[1], f"{one.timestamp:%Y-%m-%d}", dollars(one.amount))
        for one in found.ledger
    ]


def billed(story: Story, shop: Seller) -> list[tuple[str, Decimal]]:
    found = story.invoices(shop.customer, status="FINALIZED")
    return [(kind, total) for kind, _, total in totals(found)]


def test_s29_r117_the_rest_of_a_commit_expires_and_nothing_is_refunded(
    story: Story, shop: Seller
) -> None:
    """200,000.00 for the year, 30,000.00 used; ended Mar 1: 170,000.00 expire."""
    contract = shop.contract(ending_before=at(YEAR[1]), commits=[commit(shop, 20000000)])
    story.used("2025-01-10", calls="30000")
    story.used("2025-03-01", calls="5")
    end(story, shop, contract, "2025-03-01", "2025-02-10")
    story.until(at("2025-04-03"))

    assert ledger(shop, contract) == [
        ("SEGMENT_START", "2025-01-01", Decimal(200000)),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-01", Decimal(-30000)),
        ("EXPIRATION", "2025-03-01", Decimal(-170000)),
    ]
    assert billed(story, shop) == [("SCHEDULED", 200000), ("USAGE", 0), ("USAGE", 0)]
    net = story.sdk.v1.contracts.get_net_balance(customer_id=shop.customer).data
    assert net.balance == 0


@pytest.mark.parametrize(("ends", "kept"), [("2025-06-01", 2), ("2025-06-01T01:00", 3)])
def test_s29_r117_a_charge_on_the_new_end_is_removed_one_before_it_stays(
    story: Story, shop: Seller, ends: str, kept: int
) -> None:
    days = ("2025-01-01", "2025-03-01", "2025-06-01", "2025-09-01")
    fee = {
        "product_id": shop.product("FIXED", "Fee"),
        "schedule": paid(*((1000, day) for day in days)),
    }
    contract = shop.contract(ending_before=at(YEAR[1]), scheduled_charges=[fee])
    end(story, shop, contract, ends, "2025-04-01")
    story.until(at("2025-09-05"))

    charges = [total for kind, total in billed(story, shop) if kind == "SCHEDULED"]
    assert charges == [10] * kept


def test_s29_r117_r124_r187_a_postpaid_shortfall_is_still_due(story: Story, shop: Seller) -> None:
    """1,200.00 promised, 100.00 used; ended Mar 1: 1,100.00 are trued up when they were due."""
    promise = commit(shop, 120000, "POSTPAID", YEAR[1])
    contract = shop.contract(ending_before=at(YEAR[1]), commits=[promise])
    story.used("2025-01-10", calls="100")
    end(story, shop, contract, "2025-03-01", "2025-02-10")
    story.until(at("2026-01-05"))

    assert sum(total for _, total in billed(story, shop)) == 1200
    assert ledger(shop, contract)[-1][0::2] == ("TRUEUP", -1100)


def test_s29_r119_an_end_inside_a_final_period_needs_to_be_allowed(
    story: Story, shop: Seller
) -> None:
    """40.00 of Jan 25 are final: an end of Jan 20 is refused; with the flag they stay."""
    contract = shop.contract(ending_before=at(YEAR[1]))
    story.used("2025-01-25", calls="40")
    with pytest.raises(BadRequestError):
        end(story, shop, contract, "2025-01-20", "2025-02-10")
    flag = {"allow_ending_before_finalized_invoice": True}
    end(story, shop, contract, "2025-01-20", "2025-02-10", **flag)
    story.until(at("2025-03-05"))
    assert billed(story, shop) == [("USAGE", 40)]

    (january,) = story.invoices(shop.customer, status="FINALIZED")
    story.sdk.v1.invoices.void(id=january.id)
    again = story.sdk.v1.invoices.regenerate(id=january.id).data
    assert again is not None
    made = story.sdk.v1.customers.invoices.retrieve(
        customer_id=shop.customer, invoice_id=again.id
    ).data
    assert (made.end_timestamp, made.total) == (at("2025-01-20"), 0)


def test_s29_r117_r118_shortened_and_opened_again_before_it_happened(
    story: Story, shop: Seller
) -> None:
    """Ended Mar 1 on Feb 10, Jun 1 on Feb 20: the commit covers March, the charge stays away."""
    fee = {"product_id": shop.product("FIXED", "Fee"), "schedule": paid((1000, "2025-05-01"))}
    free = commit(shop, 10000)
    del free["invoice_schedule"]
    contract = shop.contract(ending_before=at(YEAR[1]), commits=[free], scheduled_charges=[fee])
    end(story, shop, contract, "2025-03-01", "2025-02-10")
    end(story, shop, contract, "2025-06-01", "2025-02-20")
    story.used("2025-03-10", calls="30")
    story.until(at("2025-06-05"))

    assert {kind for kind, _ in billed(story, shop)} == {"USAGE"}
    assert ledger(shop, contract)[1:] == [
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-04-01", Decimal(-30)),
        ("EXPIRATION", "2025-06-01", Decimal(-70)),
    ]


def test_s29_r109_r117_a_balance_of_the_customer_outlives_the_contract(
    story: Story, shop: Seller
) -> None:
    contract = shop.contract(ending_before=at(YEAR[1]))
    story.sdk.v1.customers.credits.create(
        customer_id=shop.customer,
        product_id=shop.product("FIXED", "Own"),
        priority=1,
        access_schedule=access((5000, *YEAR)),
    )
    end(story, shop, contract, "2025-03-01", "2025-02-10")
    story.until(at("2025-04-20"))
    shop.contract(starting_at=at("2025-05-01"), ending_before=at("2025-06-01"))
    story.used("2025-05-10", calls="60")
    story.until(at("2025-06-03"))

    assert billed(story, shop)[-1] == ("USAGE", 10)
