"""S31 through the SDK: SQL metrics, by the hour and by the period (R38, R39)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from metronome import BadRequestError

from api.played import Story, dollars
from api.shop import Seller
from api.terms import access
from billing.world import at

SUM = "SELECT SUM(properties.calls) AS value FROM events WHERE event_type = 'used'"
AVG = "SELECT AVG(properties.calls) AS value FROM events WHERE event_type = 'used'"


@pytest.fixture
def start() -> datetime:
    return at("2024-12-20")


def january(story: Story, sql: str, *windows: tuple[float, str, str], **product: Any) -> Any:
    """5, 10 and 15 on the first three days; 10.00 each until the 15th, then 20.00."""
    shop = Seller(story.sdk, "2025-01-01T00:00:00Z")
    metric = story.sdk.v1.billable_metrics.create(name="Calls", sql=sql).data.id
    calls = shop.product("USAGE", "Calls", billable_metric_id=metric, **product)
    shop.rate(calls, 1000)
    shop.rate(calls, 2000, starting_at=at("2025-01-15"))
    free = shop.product("FIXED", "Free")
    shop.contract(
        credits=[
            {"product_id": free, "priority": 1, "access_schedule": access(window)}
            for window in windows
        ]
    )
    for day, calls_ in (("01", "5"), ("02", "10"), ("03", "15")):
        story.used(f"2025-01-{day}T05:00", calls=calls_)
    story.until(at("2025-02-03"))
    (found,) = story.invoices(shop.customer, type="USAGE", status="FINALIZED")
    return found


def test_s31_r39_by_the_hour_each_increment_at_its_own_price(story: Story) -> None:
    """30 x 10.00; a credit of the 2nd pays 10 x 10.00 of it."""
    day = (100000, "2025-01-02", "2025-01-03")

    found = january(story, SUM, day, sql_breakdown_granularity="HOUR")

    applied = [one for one in found.line_items if one.type == "applied_commit_or_credit"]
    assert [dollars(one.total) for one in applied] == [-100]
    assert dollars(found.total) == 200


def test_s31_r39_once_a_period_everything_at_its_last_instant(story: Story) -> None:
    """30 x 20.00; a credit of the 2nd misses it, one over the last hour pays 50.00."""
    day = (100000, "2025-01-02", "2025-01-03")
    hour = (5000, "2025-01-31T23:00", "2025-02-01")

    assert dollars(january(story, SUM, day, hour).total) == 550


def test_s31_r39_an_average_is_one_quantity(story: Story) -> None:
    """(5 + 10 + 15) / 3 = 10 at 20.00."""
    assert dollars(january(story, AVG).total) == Decimal(200)


def test_s31_r38_sql_that_is_no_query_of_events_is_refused(story: Story) -> None:
    for sql in ("DELETE FROM events", "SELECT 1 AS value FROM secrets"):
        with pytest.raises(BadRequestError):
            story.sdk.v1.billable_metrics.create(name="Bad", sql=sql)
