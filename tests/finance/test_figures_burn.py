"""Pace and run-out date: worked examples, and laws over many balances."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from closedwon.billing.invoices.types import (
    Invoice,
    InvoiceStatus,
    InvoiceType,
    Line,
    LineType,
)
from closedwon.finance.figures.burn import Pool, exhausted_on, per_day
from closedwon.kernel.instant import Interval

NOW = datetime(2024, 3, 15, 10, 30, tzinfo=UTC)
YEAR = Interval(datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))


def usage(start: datetime, end: datetime, amount: str) -> Invoice:
    used = Line(type=LineType.USAGE, name="Analysis", total=Decimal(amount))
    paid = Line(type=LineType.APPLIED, name="Commit applied", total=-Decimal(amount))
    return Invoice(
        id=f"{start}",
        customer_id="c",
        contract_id="k",
        type=InvoiceType.USAGE,
        status=InvoiceStatus.DRAFT,
        total=Decimal(0),
        lines=(used, paid),
        start=start,
        end=end,
        issued_at=end,
    )


FEBRUARY = usage(datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC), "2900")
MARCH = usage(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC), "3000")


def test_the_pace_is_the_usage_of_the_last_thirty_days_today_counted_whole() -> None:
    # 15 days of February at 100 a day, and all of March so far (15 days with today): 3000.
    assert per_day([FEBRUARY, MARCH], NOW) == Decimal(4500) / 30


def test_a_young_customer_is_averaged_over_its_own_days() -> None:
    assert per_day([MARCH], NOW) == Decimal(3000) / 15


def test_without_usage_there_is_no_pace() -> None:
    assert per_day([], NOW) == 0
    later = usage(datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC), "5")
    assert per_day([later], NOW) == 0


@given(st.integers(0, 23 * 60 + 59))
def test_the_pace_does_not_move_within_a_day(minute: int) -> None:
    at = datetime(2024, 3, 15, tzinfo=UTC) + timedelta(minutes=minute)

    assert per_day([FEBRUARY, MARCH], at) == Decimal(150)


def test_a_balance_runs_out_when_the_pace_says() -> None:
    # 1000 at 150 a day lasts 6 days and 16 hours from the start of today.
    assert exhausted_on([Pool(YEAR, Decimal(1000))], Decimal(150), NOW) == date(2024, 3, 21)


def test_a_balance_that_expires_first_does_not_run_out() -> None:
    assert exhausted_on([Pool(YEAR, Decimal(100_000))], Decimal(1), NOW) is None


def test_a_later_window_helps_only_from_its_start() -> None:
    june = Interval(datetime(2024, 6, 1, tzinfo=UTC), YEAR.end)
    soon = Interval(datetime(2024, 3, 20, tzinfo=UTC), YEAR.end)
    first = Pool(YEAR, Decimal(1000))

    late = exhausted_on([first, Pool(june, Decimal(9000))], Decimal(150), NOW)
    assert late == date(2024, 3, 21)
    assert exhausted_on([first, Pool(soon, Decimal(500))], Decimal(150), NOW) == date(2024, 3, 25)


def test_what_ends_first_is_used_first() -> None:
    march = Interval(YEAR.start, datetime(2024, 4, 1, tzinfo=UTC))
    pools = [Pool(YEAR, Decimal(1000)), Pool(march, Decimal(1700))]

    # 17 days at 100 use up the March window to the day; nothing of it is lost.
    assert exhausted_on(pools, Decimal(100), NOW) == date(2024, 4, 11)


def test_nothing_left_or_nothing_used_has_no_run_out_date() -> None:
    assert exhausted_on([Pool(YEAR, Decimal(0))], Decimal(5), NOW) is None
    assert exhausted_on([Pool(YEAR, Decimal(9))], Decimal(0), NOW) is None
    assert exhausted_on([], Decimal(5), NOW) is None


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 400), st.integers(0, 5000)), max_size=6),
    st.integers(1, 500),
    st.integers(0, 2000),
)
def test_more_balance_never_runs_out_sooner_and_more_use_never_later(
    segments: list[tuple[int, int, int]], pace: int, more: int
) -> None:
    start = NOW - timedelta(days=100)
    pools = [
        Pool(
            Interval(start + timedelta(days=first), start + timedelta(days=first + length)),
            Decimal(amount),
        )
        for first, length, amount in segments
    ]
    ever = Interval(start, datetime(9000, 1, 1, tzinfo=UTC))
    pools.append(Pool(ever, Decimal(1)))
    richer = [*pools, Pool(ever, Decimal(more))]

    found = exhausted_on(pools, Decimal(pace), NOW)
    assert found is not None
    assert (exhausted_on(richer, Decimal(pace), NOW) or date.max) >= found
    assert (exhausted_on(pools, Decimal(pace) * 2, NOW) or date.max) <= found
