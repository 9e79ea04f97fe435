"""S21 through the SDK: where billing periods begin and end (R9, R126-R131)."""

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from api.played import Story
from api.shop import Seller
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2024-09-01")


@pytest.mark.parametrize(
    ("since", "schedule", "periods"),
    [
        (
            "2024-09-15",
            {
                "frequency": "MONTHLY",
                "day": "CUSTOM_DATE",
                "billing_anchor_date": at("2024-09-10"),
            },
            "09-15..10-10 10-10..11-10",
        ),
        (
            "2025-01-31",
            {"frequency": "MONTHLY", "day": "CONTRACT_START"},
            "01-31..02-28 02-28..03-31 03-31..04-30",
        ),
        (
            "2025-03-05",
            {"frequency": "WEEKLY", "day": "CONTRACT_START"},
            "03-05..03-12 03-12..03-19",
        ),
        (
            "2024-11-20",
            {"frequency": "QUARTERLY", "day": "FIRST_OF_MONTH"},
            "11-20..02-01 02-01..05-01",
        ),
    ],
)
def test_s21_r9_r126_r127_periods(story: Story, since: str, schedule: Any, periods: str) -> None:
    shop = Seller(story.sdk, f"{since}T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 100)
    shop.contract(usage_statement_schedule=schedule)
    story.until(at("2025-05-03"))

    found = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    shown = [f"{one.start_timestamp:%m-%d}..{one.end_timestamp:%m-%d}" for one in found]
    assert shown[: len(periods.split())] == periods.split()
    for earlier, later in pairwise(found):
        assert earlier.end_timestamp == later.start_timestamp


def test_s21_r130_a_contract_that_ends_at_noon(story: Story) -> None:
    """Its last period is 03-01..03-10T12:00, final a day later; 11:59 counts, noon does not."""
    shop = Seller(story.sdk, "2025-02-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 100)
    shop.contract(ending_before=at("2025-03-10T12:00"))
    story.used("2025-03-10T11:59:59", calls="3")
    story.used("2025-03-10T12:00:00", calls="5")
    story.until(at("2025-03-11T11:00"))
    before = story.invoices(shop.customer, type="USAGE")[-1].status
    story.until(at("2025-03-11T12:00"))

    last = story.invoices(shop.customer, type="USAGE")[-1]
    assert (last.start_timestamp, last.end_timestamp) == (at("2025-03-01"), at("2025-03-10T12:00"))
    assert (before, last.status, last.issued_at) == ("DRAFT", "FINALIZED", at("2025-03-11T12:00"))
    assert last.total == 300
