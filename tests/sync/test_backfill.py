"""backfill: listed once, resumable anywhere, accounted for in deals and money."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from closedwon.kernel.errors import LimitReached, Refused
from closedwon.sync.assemble import Assemble
from closedwon.sync.backfill import Backfill
from sync.line_kit import SOURCE, START, World

SINCE, UNTIL = date(2023, 1, 1), date(2024, 1, 1)


@pytest.fixture
def slept() -> list[float]:
    return []


def a_backfill(world: World, slept: list[float], **more: int) -> Backfill:
    _poll, assemble, *rest = world.steps()[:5]
    assert isinstance(assemble, Assemble)
    reading = replace(assemble, batch_max=more.get("batch_max", 1000), reads_max=1)
    return Backfill(
        store=world.store,
        crm=world.crm,
        source=SOURCE,
        steps=(reading, *rest),
        sleep=slept.append,
        **more,
    )


def history(world: World, deals: int) -> list[str]:
    found = [world.win(f"Deal {n}", CloseDate="2023-06-01") for n in range(deals)]
    world.win("Too new", CloseDate="2024-01-01")
    world.now += timedelta(minutes=5)
    return found


def test_deals_closed_in_the_stretch_are_provisioned_and_counted_in_money(
    world: World, slept: list[float]
) -> None:
    history(world, 3)
    bad = world.win("Bad", amounts=(), CloseDate="2023-07-01")
    world.crm.put("OpportunityLineItem", {"OpportunityId": bad, "TotalPrice": None})
    world.now += timedelta(minutes=5)
    work = a_backfill(world, slept)

    listed = work.start(SINCE, UNTIL, world.now)
    progress = list(work.run(world.now))
    summary = work.summary(listed, world.now)

    assert (listed, progress[-1].settled, progress[-1].total) == (4, 4, 4)
    assert (summary.counts.provisioned, summary.counts.parked) == (3, 1)
    assert summary.contract_value == {"USD": Decimal(150_000)}
    assert summary.access_granted == {"USD": Decimal(150_000)}
    assert slept == []


def test_deals_saved_a_moment_ago_are_waited_for(world: World) -> None:
    history(world, 3)
    world.win("Fresh", CloseDate=SINCE.isoformat())
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        world.now += timedelta(seconds=seconds)

    work = replace(a_backfill(world, []), sleep=pause)
    work.start(SINCE, UNTIL, world.now)
    told = [progress.settled for progress in work.run(world.now)]

    assert (pauses, told[-1]) == ([61], 4)
    assert world.store.deals.check().provisioned == 4


def test_a_backfill_stopped_by_the_api_limit_is_resumed_without_listing_again(
    world: World, slept: list[float]
) -> None:
    history(world, 3)
    work = a_backfill(world, slept)
    work.start(SINCE, UNTIL, world.now)
    listings = world.crm.calls["won"]
    world.crm.fail_next(LimitReached("our share is spent"))
    with pytest.raises(LimitReached):
        list(work.run(world.now))

    again = a_backfill(world, slept)
    assert again.resume(world.now).listed == 3
    list(again.run(world.now))

    assert world.crm.calls["won"] == listings
    assert world.store.deals.check().provisioned == 3
    with pytest.raises(Refused, match="no backfill was interrupted"):
        again.resume(world.now)


def test_a_listing_that_was_cut_is_made_again(world: World, slept: list[float]) -> None:
    history(world, 2)
    work = a_backfill(world, slept)
    real = world.crm.won

    def cut(*dates: object) -> object:
        yield next(iter(real(*dates)))  # type: ignore[arg-type]
        raise LimitReached("spent")

    world.crm.won = cut  # type: ignore[method-assign, assignment]
    with pytest.raises(LimitReached):
        work.start(SINCE, UNTIL, world.now)
    world.crm.won = real  # type: ignore[method-assign]

    work.resume(world.now)
    list(work.run(world.now))
    assert world.store.deals.check().provisioned == 2


def test_doing_it_twice_changes_nothing(world: World, slept: list[float]) -> None:
    history(world, 2)
    for _ in range(2):
        work = a_backfill(world, slept)
        work.start(SINCE, UNTIL, world.now)
        list(work.run(world.now))
        billed = world.engine.content_hash()

    assert world.engine.content_hash() == billed
    assert world.store.deals.check().seen == 2
    assert all(len(world.engine.edits(c)) == 1 for c in world.store.deals.contracts().values())


def test_a_rate_is_kept_by_waiting(world: World, slept: list[float]) -> None:
    history(world, 3)
    work = a_backfill(world, slept, rate_per_minute=2, batch_max=2)
    work.start(SINCE, UNTIL, world.now)

    list(work.run(world.now))

    # Two deals at once, then half a minute before the third.
    assert slept == [30.0]
    assert world.store.deals.check().provisioned == 3


def test_polling_goes_on_from_where_the_backfill_began(world: World, slept: list[float]) -> None:
    history(world, 1)
    a_backfill(world, slept).start(SINCE, UNTIL, world.now)

    marks = world.store.watermarks.all()

    assert {mark.object_name for mark in marks} == {"Opportunity", "OpportunityLineItem"}
    assert {mark.started_at for mark in marks} == {world.now}
    assert world.now > START
