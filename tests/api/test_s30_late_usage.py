"""S30 through the SDK: events twice, late, and too late (R5, R20, R133, R288)."""

from datetime import datetime
from typing import Any

import pytest
from metronome import BadRequestError

from api.played import Story
from api.shop import Seller
from billing.world import at


@pytest.fixture
def start() -> datetime:
    return at("2025-02-20")


def send(story: Story, number: str, quantity: int, stamped: str) -> None:
    """Whatever time it is now."""
    event: Any = {
        "transaction_id": number,
        "customer_id": "acme",
        "event_type": "used",
        "timestamp": f"{stamped}Z",
        "properties": {"region": "eu", "calls": str(quantity)},
    }
    story.sdk.v1.usage.ingest(usage=[event])


def test_s30_r5_r133_r284_r288_events_twice_late_and_too_late(story: Story) -> None:
    shop = Seller(story.sdk, "2025-03-01T00:00:00Z")
    shop.rate(shop.usage("Calls", "calls"), 100)
    shop.contract()
    story.until(at("2025-03-31T23:55"))
    send(story, "t1", 5, "2025-03-31T23:50:00")
    send(story, "t1", 5, "2025-03-31T23:50:00")
    story.until(at("2025-04-01T20:00"))
    send(story, "t2", 7, "2025-03-31T12:00:00")
    story.until(at("2025-04-03"))
    send(story, "t3", 9, "2025-03-31T13:00:00")

    march, april = story.invoices(shop.customer, type="USAGE")
    assert (march.status, march.total) == ("FINALIZED", 1200)
    assert (april.status, april.total) == ("DRAFT", 0)
    days = story.sdk.v1.customers.invoices.list_breakdowns(
        customer_id=shop.customer,
        window_size="DAY",
        starting_on=at("2025-03-31"),
        ending_before=at("2025-04-01"),
    )
    assert [one.total for one in days] == [2100]
    story.sdk.v1.invoices.void(id=march.id)
    again = story.sdk.v1.invoices.regenerate(id=march.id).data
    assert again is not None
    made = story.sdk.v1.customers.invoices.retrieve(
        customer_id=shop.customer, invoice_id=again.id
    ).data
    assert (made.status, made.total) == ("FINALIZED", 2100)
    with pytest.raises(BadRequestError):
        send(story, "t4", 1, "2025-02-27T00:00:00")
