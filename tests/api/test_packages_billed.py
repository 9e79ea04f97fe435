"""What a contract made from a package bills, over the wire (R308-R311)."""

from datetime import datetime

import pytest

from api.played import Story, dollars
from api.shop import Seller
from billing.world import at

AT_ONCE = {"value": 0, "unit": "DAYS"}


@pytest.fixture
def start() -> datetime:
    return at("2025-09-20")


def test_r309_a_quarter_of_credit_and_a_fee_after_two_weeks(story: Story) -> None:
    """From 2025-10-01: 30.00 of credit until 2026-01-01, 50.00 on Oct 15, ended after a year.

    12 calls a month at 1.00: 12 + 12 + 6 are covered, 6 due in December, 12 in January.
    """
    shop = Seller(story.sdk, "2025-10-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 100)
    fixed = shop.product("FIXED", "Trial")
    window = {
        "amount": 3000,
        "starting_at_offset": AT_ONCE,
        "duration": {"value": 3, "unit": "MONTHS"},
    }
    fee = {"date_offset": {"value": 2, "unit": "WEEKS"}, "unit_price": 5000, "quantity": 1}
    story.sdk.v1.packages.create(
        name="Starter",
        rate_card_id=shop.card,
        aliases=[{"name": "starter"}],
        duration={"value": 1, "unit": "YEARS"},
        credits=[
            {"product_id": fixed, "name": "Trial", "access_schedule": {"schedule_items": [window]}}
        ],
        scheduled_charges=[{"product_id": fixed, "schedule": {"schedule_items": [fee]}}],
    )
    contract = shop.contract(rate_card_id=None, package_alias="starter")
    for month in ("2025-10", "2025-11", "2025-12", "2026-01"):
        story.used(f"{month}-10", calls="12")
    story.until(at("2026-02-03"))

    made = shop.v2(contract, include_ledgers=True)
    assert made.ending_before == at("2026-10-01")
    (trial,) = made.credits
    assert trial.access_schedule.schedule_items[0].ending_before == at("2026-01-01")
    assert [dollars(one.amount) for one in trial.ledger] == [30, -12, -12, -6]
    (charged,) = story.invoices(shop.customer, type="SCHEDULED", status="FINALIZED")
    assert (charged.issued_at, dollars(charged.total)) == (at("2025-10-15"), 50)
    used = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    assert [dollars(one.total) for one in used] == [0, 0, 6, 12]
