"""We stop before the org's API pool is gone, and look again after a while (G16, F031, F032)."""

from datetime import timedelta

import pytest

from closedwon.crm.salesforce.budget import Budget, Share
from closedwon.kernel.errors import LimitReached
from crm.salesforce.org import Clock


def test_calls_pass_until_anyone_used_four_fifths() -> None:
    budget = Budget(Share(), Clock())
    budget.take()
    budget.note("api-usage=11999/15000")
    budget.take()
    budget.note("api-usage=12000/15000")

    with pytest.raises(LimitReached, match="12000 of 15000"):
        budget.take()


def test_we_stop_at_our_own_half() -> None:
    clock = Clock()
    budget = Budget(Share(own_percent=50), clock)
    budget.note("api-usage=1/10; per-app-api-usage=17/250(appName=closedwon)")
    for _ in range(5):
        budget.take()

    with pytest.raises(LimitReached, match="our share"):
        budget.take()
    clock.at += timedelta(hours=26)
    budget.take()


def test_one_call_looks_again_later() -> None:
    clock = Clock()
    budget = Budget(Share(look_again=timedelta(minutes=10)), clock)
    budget.take()
    budget.note("api-usage=90/100")
    with pytest.raises(LimitReached):
        budget.take()

    clock.at += timedelta(minutes=10)
    budget.take()
    with pytest.raises(LimitReached):
        budget.take()
    budget.note("api-usage=10/100")
    budget.take()


def test_a_refusal_by_salesforce_stops_us_too() -> None:
    budget = Budget(Share(), Clock())
    budget.take()
    budget.refused()

    with pytest.raises(LimitReached):
        budget.take()


@pytest.mark.parametrize("text", ["", "nonsense", "per-app-api-usage=17/250(appName=x)"])
def test_other_headers_say_nothing(text: str) -> None:
    budget = Budget(Share(), Clock())
    budget.note(text)

    assert (budget.usage().used, budget.usage().allowed) == (0, 0)


def test_usage_tells_what_the_last_answer_said() -> None:
    budget = Budget(Share(), Clock())
    budget.take()
    budget.note("api-usage=18/15000")

    usage = budget.usage()
    assert (usage.used, usage.allowed, usage.ours) == (18, 15000, 1)
