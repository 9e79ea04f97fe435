"""The fake keeps every promise of ports.Crm, and fails on demand."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from closedwon.kernel.errors import RetryLater
from closedwon.ports import Crm, RowResult
from closedwon.testing.crm_conformance import CONFORMANCE
from closedwon.testing.crm_world import KEY, PUSHED, World, a_deal, since
from crm.worlds import FakeWorld


@pytest.mark.parametrize("check", CONFORMANCE, ids=lambda check: check.__name__)
def test_the_fake_conforms(check: Callable[[World], None]) -> None:
    check(FakeWorld())


def test_the_fake_is_a_crm() -> None:
    crm: Crm = FakeWorld().crm

    assert crm.org_id().startswith("00D")


def test_a_late_row_shows_after_its_delay() -> None:
    world = FakeWorld()
    start = world.now()
    opportunity, _, _ = a_deal(world)
    world.crm.late(opportunity, timedelta(minutes=5))

    assert since(world, start, "Opportunity") == []
    world.advance(300)
    assert [row.id for row in since(world, start, "Opportunity")] == [opportunity]


def test_failures_and_refusals_happen_as_often_as_asked() -> None:
    world = FakeWorld()
    refused = RowResult(ok=False, code="UNABLE_TO_LOCK_ROW", retryable=True)
    world.crm.fail_next(RetryLater("away"))
    world.crm.refuse_key("prod:1", refused)

    with pytest.raises(RetryLater):
        world.crm.upsert(PUSHED, KEY, [{KEY: "prod:1"}])
    assert world.crm.upsert(PUSHED, KEY, [{KEY: "prod:1"}]) == (refused,)
    assert world.crm.upsert(PUSHED, KEY, [{KEY: "prod:1"}])[0].ok
    assert len(world.crm.sent) == 2
