"""No row is stepped over: the arithmetic of overlap and settle, simulated (finding 2, G3)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.crm.windows import OVERLAP, SETTLE, halves, next_window, remembered, unseen
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.instant import Interval
from closedwon.ports import ChangedRow

START = datetime(2024, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENCE_S = int((OVERLAP + SETTLE).total_seconds())


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def rows_found(
    rows: list[tuple[int, int]],
    polls: list[int],
    overlap: timedelta = OVERLAP,
    settle: timedelta = SETTLE,
) -> list[list[int]]:
    """Which ``(stamp, delay)`` rows each poll processes, remembering what it saw before."""
    watermark = START
    seen: dict[str, datetime] = {}
    found = []
    for now in polls:
        window = next_window(watermark, at(now), overlap, settle)
        visible = [
            changed(number, stamp)
            for number, (stamp, delay) in enumerate(rows)
            if stamp + delay <= now and window.covers(at(stamp))
        ]
        found.append([int(row.id) for row in unseen(visible, seen)])
        seen = remembered(seen, visible, window)
        watermark = window.until
    return found


def changed(number: int, stamp: int) -> ChangedRow:
    return ChangedRow(
        object_name="Opportunity",
        id=str(number),
        modstamp=at(stamp),
        deleted=False,
        opportunity_ids=(),
        record={},
    )


gaps = st.lists(st.integers(1, 3000), min_size=1, max_size=20)
stamps = st.integers(0, 20_000)


@given(gaps=gaps, rows=st.lists(st.tuples(stamps, st.integers(0, PATIENCE_S)), max_size=20))
def test_rows_visible_within_overlap_and_settle_are_found_exactly_once(
    gaps: list[int], rows: list[tuple[int, int]]
) -> None:
    polls = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    end = max([*polls, *(stamp + delay for stamp, delay in rows)])
    polls += [end + PATIENCE_S, end + 2 * PATIENCE_S]

    found = [number for poll in rows_found(rows, polls) for number in poll]

    assert sorted(found) == list(range(len(rows)))


def test_without_overlap_a_late_row_is_lost() -> None:
    late = [(100, 60)]

    assert rows_found(late, [120, 300], timedelta(0), timedelta(0)) == [[], []]
    assert rows_found(late, [120, 300], timedelta(minutes=10), timedelta(0)) == [[], [0]]


def test_a_row_later_than_overlap_and_settle_is_left_to_the_sweep() -> None:
    assert rows_found([(100, 2400)], [600, 1200, 1800, 2400, 3000, 9000]) == [[]] * 6


@given(watermark=st.integers(-9999, 600), now=st.floats(0, 9999, allow_nan=False))
def test_windows_are_whole_seconds_and_never_run_ahead(watermark: int, now: float) -> None:
    window = next_window(at(watermark), at(now))

    assert window.until <= at(now) - SETTLE
    assert window.until > at(now) - SETTLE - SECOND
    assert window.start <= at(watermark) - OVERLAP
    assert (window.start.microsecond, window.until.microsecond) == (0, 0)


def test_a_clock_set_back_a_little_is_followed_and_a_far_watermark_refused() -> None:
    assert next_window(at(180), at(0)).until == at(-60)
    with pytest.raises(InvariantBroken):
        next_window(at(601), at(0))


@given(seconds=st.integers(0, 100_000))
def test_halves_cover_the_window_without_overlap(seconds: int) -> None:
    window = Interval(at(0), at(seconds))

    parts = halves(window)

    assert parts[0].start == window.start
    assert parts[-1].end == window.end
    assert all(a.end == b.start for a, b in pairwise(parts))
    assert (len(parts) == 1) == (seconds <= 1)


def test_what_is_remembered_is_what_the_next_window_can_meet() -> None:
    rows = [changed(1, 10), changed(2, 900)]

    kept = remembered({"0": at(5)}, rows, Interval(at(10), at(1000)))

    assert kept == {"1": at(10), "2": at(900)}


def test_a_row_edited_again_is_processed_again() -> None:
    rows = [changed(1, 10), changed(1, 20)]

    assert list(unseen(rows, {"1": at(10)})) == rows[1:]
