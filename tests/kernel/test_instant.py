from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import (
    FAR_FUTURE,
    Interval,
    end_of,
    format_instant,
    midnight,
    on_hour,
    parse_instant,
    wire_instant,
)

instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000+0000", "2023-12-31T19:00:00-05:00"],
)
def test_every_zone_reads_as_utc(text: str) -> None:
    assert parse_instant(text) == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2024-01-01T00:00:00", "yesterday", "2024-13-01T00:00:00Z", ""])
def test_an_instant_without_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="2024-01-01T00:00:00Z"):
        parse_instant(text)


@given(left=instants, right=instants)
def test_text_order_in_the_store_is_time_order(left: datetime, right: datetime) -> None:
    assert (format_instant(left) < format_instant(right)) == (left < right)
    assert parse_instant(format_instant(left)) == left
    assert parse_instant(wire_instant(left)) == left


def test_an_inclusive_end_date_becomes_the_next_midnight_r376() -> None:
    assert end_of(date(2024, 12, 31)) == midnight(date(2025, 1, 1))


def test_terms_must_sit_on_the_hour_r2() -> None:
    whole = datetime(2024, 1, 1, 5, tzinfo=UTC)

    assert on_hour(whole, "start") == whole
    with pytest.raises(Refused, match="start must be on an hour boundary"):
        on_hour(whole + timedelta(minutes=1), "start")


def test_the_end_is_outside_r1() -> None:
    year = Interval(datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))

    assert year.covers(year.start)
    assert not year.covers(datetime(2025, 1, 1, tzinfo=UTC))
    assert not year.overlaps(Interval(year.until))
    assert Interval(year.start).until == FAR_FUTURE


def test_an_interval_cannot_end_before_it_starts() -> None:
    with pytest.raises(Refused):
        Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))


@given(edges=st.lists(instants, min_size=2, max_size=2, unique=True), cuts=st.lists(instants))
def test_cutting_keeps_the_whole(edges: list[datetime], cuts: list[datetime]) -> None:
    start, end = sorted(edges)
    pieces = Interval(start, end).cut(cuts)

    assert (pieces[0].start, pieces[-1].end) == (start, end)
    assert [piece.end for piece in pieces[:-1]] == [piece.start for piece in pieces[1:]]
