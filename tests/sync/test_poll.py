"""poll and sweep: no row is ever stepped over, whenever it becomes visible (G2, G3)."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.kernel.errors import ConfigError, RetryLater
from closedwon.kernel.ids import id18
from closedwon.store.database import open_database
from closedwon.store.line import LineStore
from closedwon.store.migrations import migrate
from closedwon.sync.poll import Poll, PollOptions
from closedwon.sync.sweep import Sweep
from sync.line_kit import ACCOUNT, SOURCE, START, World, a_crm

MINUTE = timedelta(minutes=1)


class Watch:
    """A CRM, a store and a poll, with a clock to move."""

    def __init__(self, options: PollOptions) -> None:
        self.now = START
        self.crm = a_crm(lambda: self.now)
        db = open_database(":memory:")
        migrate(db)
        self.store = LineStore(db)
        self.poll = Poll(store=self.store, crm=self.crm, source=SOURCE, options=options)
        self.sweep = Sweep(store=self.store, crm=self.crm, root="Opportunity")

    def win(self) -> str:
        return self.crm.put("Opportunity", {"IsWon": True, "AccountId": ACCOUNT, "Name": "x"})


OPTIONS = PollOptions(start_from=START - timedelta(days=1))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 10 * 60)), max_size=12))
def test_every_row_that_shows_within_the_overlap_is_found(
    born: list[tuple[int, int]],
) -> None:
    watch = Watch(OPTIONS)
    wanted = []
    for minute in range(8):
        for at, delay_s in born:
            if at == minute:
                wanted.append(watch.win())
                watch.crm.late(wanted[-1], timedelta(seconds=delay_s))
        watch.now += MINUTE
        watch.poll.run(watch.now)
    for _ in range(12):
        watch.now += MINUTE
        watch.poll.run(watch.now)

    assert watch.store.deals.ids() == frozenset(wanted)


def test_a_row_that_shows_after_the_overlap_is_found_by_the_sweep() -> None:
    watch = Watch(OPTIONS)
    late = watch.win()
    watch.crm.late(late, timedelta(minutes=40))
    for _ in range(45):
        watch.now += MINUTE
        watch.poll.run(watch.now)
    assert watch.store.deals.ids() == frozenset()

    report = watch.sweep.run(watch.now)

    assert report.notes == ("missed=1 vanished=0 moved=0",)
    assert watch.store.deals.ids() == {late}


def test_the_sweep_leaves_history_from_before_go_live_alone() -> None:
    watch = Watch(OPTIONS)
    watch.now = START - timedelta(days=30)
    watch.win()
    watch.now = START
    watch.poll.run(watch.now)

    watch.sweep.run(watch.now)

    assert watch.store.deals.ids() == frozenset()


def test_many_rows_of_one_stamp_are_all_found_once() -> None:
    watch = Watch(OPTIONS)
    wanted = {watch.win() for _ in range(500)}
    watch.now += 2 * MINUTE

    first, again = watch.poll.run(watch.now), watch.poll.run(watch.now + MINUTE)

    assert watch.store.deals.ids() == wanted
    assert (first.done, again.done, again.unchanged) == (500, 0, 500)


def test_the_first_poll_needs_to_know_where_to_begin() -> None:
    watch = Watch(PollOptions())

    with pytest.raises(ConfigError, match="CLOSEDWON_GO_LIVE"):
        watch.poll.run(watch.now)
    assert watch.store.watermarks.all() == ()


def test_years_of_catching_up_go_window_by_window_in_one_run() -> None:
    watch = Watch(
        PollOptions(start_from=START - timedelta(days=365), window_max=timedelta(days=31))
    )
    watch.now = START - timedelta(days=200)
    old = watch.win()
    watch.now = START

    watch.poll.run(watch.now)

    assert watch.store.deals.ids() == {old}
    assert watch.crm.calls["changes"] == 12
    assert {mark.until for mark in watch.store.watermarks.all()} == {START - MINUTE}


def test_a_poll_cut_off_by_the_crm_keeps_its_watermark() -> None:
    watch = Watch(OPTIONS)
    watch.poll.run(watch.now)
    before = watch.store.watermarks.all()
    won = watch.win()
    watch.now += 10 * MINUTE
    real = watch.crm.changes

    def cut(windows: object) -> object:
        yield from list(real(windows))[:1]  # type: ignore[arg-type]
        raise RetryLater("the page was cut")

    watch.crm.changes = cut  # type: ignore[method-assign, assignment]
    with pytest.raises(RetryLater):
        watch.poll.run(watch.now)
    assert watch.store.watermarks.all() == before
    assert watch.store.deals.ids() == frozenset()

    watch.crm.changes = real  # type: ignore[method-assign]
    watch.poll.run(watch.now)
    assert watch.store.deals.ids() == {won}


def test_a_watermark_ahead_of_the_crms_clock_is_refused() -> None:
    watch = Watch(OPTIONS)
    watch.poll.run(watch.now)
    watch.now -= timedelta(days=2)

    with pytest.raises(ConfigError, match="ahead of the CRM's clock"):
        watch.poll.run(watch.now)


def test_a_clock_set_back_a_little_moves_nothing_back() -> None:
    watch = Watch(OPTIONS)
    watch.poll.run(watch.now)
    before = watch.store.watermarks.all()
    watch.now -= timedelta(seconds=90)

    watch.poll.run(watch.now)

    assert watch.store.watermarks.all() == before


def test_another_org_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(OPTIONS)
    watch.poll.run(watch.now)
    monkeypatch.setattr(watch.crm, "org_id", lambda: id18("00DFk0000000002"))

    with pytest.raises(ConfigError, match="another Salesforce org"):
        watch.poll.run(watch.now)


def test_the_sweep_has_vanished_and_long_unread_deals_read_again(world: World) -> None:
    gone, kept = world.win("Gone"), world.win("Kept")
    world.sync()
    world.crm.delete("Opportunity", gone)
    sweep = Sweep(store=world.store, crm=world.crm, root="Opportunity")

    report = sweep.run(world.now)
    assert report.notes == ("missed=0 vanished=1 moved=0",)
    assert [row.opportunity_id for row in world.store.deals.waiting("assemble", 9)] == [gone]

    world.sync(later=timedelta(days=8))
    sweep.run(world.now)
    assert kept in {row.opportunity_id for row in world.store.deals.waiting("assemble", 9)}


def test_a_sweep_before_the_first_poll_does_nothing(world: World) -> None:
    world.win()

    report = Sweep(store=world.store, crm=world.crm, root="Opportunity").run(world.now)

    assert report.notes == ("nothing was polled yet",)
    assert world.store.deals.counts().seen == 0
