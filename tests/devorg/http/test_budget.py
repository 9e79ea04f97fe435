from datetime import timedelta
from typing import Any

from closedwon.devorg.http.budget import Budget


def test_calls_are_counted_over_a_rolling_day(clock: Any) -> None:
    budget = Budget(clock, calls_max=3)

    assert budget.spend()
    clock.now += timedelta(hours=12)
    assert budget.spend()
    assert budget.spend()
    assert not budget.spend()
    assert budget.header == "api-usage=3/3"

    clock.now += timedelta(hours=12)
    assert budget.spend()
    assert not budget.spend()


def test_limits_show_what_is_left(clock: Any) -> None:
    budget = Budget(clock, calls_max=3)
    budget.spend()
    limits = budget.limits()

    assert limits["DailyApiRequests"] == {"Max": 3, "Remaining": 2}
    assert {"DailyBulkApiBatches", "DailyBulkV2QueryJobs", "DataStorageMB"} <= set(limits)
