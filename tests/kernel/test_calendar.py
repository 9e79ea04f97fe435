"""The calendar matrix: every step from every anchor (R9, R126-R128, G23)."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.kernel.calendar import Frequency, add_months, grid, index_before, periods, step
from closedwon.kernel.instant import Interval

instants = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone below
    datetime(2090, 1, 1),  # noqa: DTZ001
).map(lambda i: i.replace(minute=0, second=0, microsecond=0, tzinfo=UTC))
frequencies = st.sampled_from(list(Frequency))


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(anchor: str, frequency: Frequency, count: int) -> list[str]:
    span = Interval(day(anchor))
    return [p.start.date().isoformat() for p in islice(periods(span.start, frequency, span), count)]


@pytest.mark.parametrize(
    ("anchor", "frequency", "expected"),
    [
        ("2025-01-31", Frequency.MONTHLY, ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"]),
        ("2024-02-29", Frequency.ANNUAL, ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28"]),
        ("2024-02-29", Frequency.MONTHLY, ["2024-02-29", "2024-03-29", "2024-04-29", "2024-05-29"]),
        ("2025-08-31", Frequency.QUARTERLY, ["2025-08-31", "2025-11-30", "2026-02-28"]),
        ("2025-08-31", Frequency.SEMI_ANNUAL, ["2025-08-31", "2026-02-28", "2026-08-31"]),
        ("2025-12-29", Frequency.WEEKLY, ["2025-12-29", "2026-01-05", "2026-01-12"]),
        ("2025-02-28", Frequency.DAILY, ["2025-02-28", "2025-03-01"]),
    ],
)
def test_steps_go_from_the_anchor_and_never_drift(
    anchor: str, frequency: Frequency, expected: list[str]
) -> None:
    assert starts(anchor, frequency, len(expected)) == expected


@given(anchor=instants, frequency=frequencies, n=st.integers(-300, 300))
def test_the_index_of_a_step_is_its_number(anchor: datetime, frequency: Frequency, n: int) -> None:
    start = step(anchor, frequency, n)

    assert index_before(anchor, frequency, start) == n
    assert index_before(anchor, frequency, start - timedelta(hours=1)) == n - 1


@given(anchor=instants, frequency=frequencies, start=instants, days=st.integers(1, 800))
def test_periods_tile_the_span_without_gap_or_overlap(
    anchor: datetime, frequency: Frequency, start: datetime, days: int
) -> None:
    span = Interval(start, start + timedelta(days=days))
    tiles = list(periods(anchor, frequency, span))

    assert (tiles[0].start, tiles[-1].end) == (span.start, span.end)
    assert all(left.end == right.start for left, right in pairwise(tiles))
    assert all(tile.start < tile.until for tile in tiles)


@given(anchor=instants, months=st.integers(-500, 500))
def test_a_month_later_is_the_same_day_or_the_last_one(anchor: datetime, months: int) -> None:
    later = add_months(anchor, months)

    assert (later.year - anchor.year) * 12 + later.month - anchor.month == months
    assert later.day == anchor.day or (later + timedelta(days=1)).day == 1


def test_an_empty_span_has_no_periods() -> None:
    start = day("2025-01-01")

    assert list(grid(start, Frequency.MONTHLY, Interval(start, start))) == []
