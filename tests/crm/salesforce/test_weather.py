"""Bad days at the org: no row lost, none written twice, no storm (G3, G14, G15, G17)."""

from datetime import timedelta

import pytest

from closedwon.crm.salesforce import query as query_module
from closedwon.deals.types import Deal
from closedwon.devorg.http import Fault
from closedwon.kernel.errors import LimitReached
from closedwon.ports import Window
from closedwon.testing.crm_world import KEY, PUSHED, a_deal, pushed, since
from crm.salesforce.dev_world import DevWorld


def a_full_org(world: DevWorld, rows: int) -> list[str]:
    """Accounts enough for several pages of the smallest size."""
    fields = {"Name": "O", "StageName": "Closed Won", "CloseDate": "2024-03-01"}
    with world.org.transaction():
        ids = [world.create("Opportunity", fields) for _ in range(rows)]
    world.advance(1)
    return ids


def test_thousands_of_rows_with_one_stamp_are_all_read_although_sessions_and_cursors_die(
    world: DevWorld,
) -> None:
    start = world.now()
    world.crm.org_id()  # The session is older than a minute when it dies.
    ids = a_full_org(world, 2300)
    world.faults.plan(
        Fault(kind="answer", path="*/query/*", status=400, code="INVALID_QUERY_LOCATOR")
    )
    world.advance(60)
    world.faults.plan(Fault(kind="expire_sessions", path="*/query*", times=1))

    found = since(world, start, "Opportunity")

    assert len({row.modstamp for row in found}) == 1
    assert sorted(row.id for row in found) == sorted(ids)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="answer", status=503, times=2),
        Fault(kind="answer", status=500, page="<html>maintenance</html>", times=2),
        Fault(kind="drop_before", times=2),
        Fault(kind="drop_after", times=2),
        Fault(kind="expire_sessions"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_weather_changes_no_outcome(world: DevWorld, fault: Fault) -> None:
    opportunity, _, _ = a_deal(world)
    start = world.now() - timedelta(hours=1)
    window = Window(object_name="Opportunity", since=start, until=world.now())
    calm = (list(world.crm.changes([window])), world.crm.deal(opportunity, world.now()))
    assert isinstance(calm[1], Deal)
    world.advance(120)
    hit = (
        ("*/queryAll*",)
        if fault.kind == "expire_sessions"
        else ("*/queryAll*", "*/composite", "*/query")
    )
    for path in hit:
        world.faults.plan(
            Fault(
                kind=fault.kind, path=path, times=fault.times, status=fault.status, page=fault.page
            )
        )

    changes = list(world.crm.changes([window]))
    world.advance(120)
    stormy = (changes, world.crm.deal(opportunity, calm[1].read_at))

    assert stormy == calm


def test_a_write_whose_answer_was_lost_is_not_written_twice(world: DevWorld) -> None:
    world.faults.plan(
        Fault(kind="drop_after", method="PATCH", path="*/composite/sobjects/*", times=2)
    )

    results = world.crm.upsert(PUSHED, KEY, [pushed(f"prod:{n}") for n in range(5)])

    assert [result.ok for result in results] == [True] * 5
    assert sorted(row[KEY] for row in world.stored(PUSHED)) == [f"prod:{n}" for n in range(5)]


def test_locked_rows_are_sent_again_alone(world: DevWorld) -> None:
    world.faults.lock_row("prod:1", times=2)
    before = world.faults.requests

    results = world.crm.upsert(PUSHED, KEY, [pushed(f"prod:{n}") for n in range(3)])

    assert [result.ok for result in results] == [True] * 3
    assert world.faults.requests - before == 4


def test_the_limit_stops_us_and_says_so(world: DevWorld) -> None:
    world.faults.plan(
        Fault(
            kind="answer",
            path="*/query*",
            status=403,
            code="REQUEST_LIMIT_EXCEEDED",
            message="TotalRequests Limit exceeded.",
        )
    )
    before = world.faults.requests

    for _ in range(5):
        with pytest.raises(LimitReached):
            list(world.crm.visible())
    assert world.faults.requests - before == 2
    world.advance(601)
    assert list(world.crm.visible()) == []


def test_a_page_is_at_most_what_one_url_or_body_carries() -> None:
    assert query_module.URL_MAX < 16_384
