"""The calendar matrix, enumerated: every interval, anchor, zone and year that trips billing systems.

{day .. year} x {calendar, anniversary, custom} x anchors {1, 15, 28, 29, 30, 31, Feb 29} x local
midnights of eight zones x years {2023..2032, 2096..2104}. Periods tile the term, hang on the anchor,
and are those a second, literal calendar counts; charges are due once and sums are conserved.
"""

import calendar
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from billing.world import EPOCH, contract
from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Collection, InvoiceBehavior, Subscription
from closedwon.billing.contracts.terms import StatementDay, StatementSchedule
from closedwon.billing.invoices.periods import usage_periods
from closedwon.billing.invoices.schedule import (
    Amount,
    Distribution,
    RecurringSchedule,
    schedule_items,
)
from closedwon.billing.pricing import Flat
from closedwon.billing.rating.rates import Priced
from closedwon.billing.subscriptions.charges import Charge, charges
from closedwon.billing.subscriptions.grid import billing_periods
from closedwon.kernel.calendar import Frequency, step
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import FAR_FUTURE, HOUR, Interval
from oracle.biller.dates import MONTHS, nominal, point

ANCHORS = ("01-01", "01-15", "01-28", "01-29", "01-30", "01-31", "02-29")
YEARS = (*range(2023, 2033), *range(2096, 2105))
ZONES = (
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kathmandu",
)
TERMS = {
    Frequency.DAILY: 40,
    Frequency.WEEKLY: 120,
    Frequency.MONTHLY: 430,
    Frequency.QUARTERLY: 500,
    Frequency.SEMI_ANNUAL: 1000,
    Frequency.ANNUAL: 1900,
}
"""Days a contract runs: a few periods, and into the next leap year where it matters."""
PRICE = Decimal(2900)


def anchored(year: int, anchor: str, zone: str = "UTC") -> datetime:
    """Local midnight of the anchor day; Feb 29 of the last leap year up to ``year``."""
    month, day = map(int, anchor.split("-"))
    while day == 29 and month == 2 and not calendar.isleap(year):
        year -= 1
    return datetime(year, month, day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def anchors(zones: Sequence[str] = ZONES) -> Iterator[datetime]:
    """Every anchor instant of the matrix that lies on an hour (R2)."""
    for year in YEARS:
        for anchor in ANCHORS:
            for zone in zones:
                at = anchored(year, anchor, zone)
                if not at.minute:
                    yield at


def signed(start: datetime, frequency: Frequency, day: StatementDay, at: datetime) -> Contract:
    end = start + timedelta(days=TERMS[frequency], hours=5)
    statement = StatementSchedule(
        frequency=frequency,
        day=day,
        billing_anchor_date=at if day is StatementDay.CUSTOM_DATE else None,
    )
    return contract("k", Create(customer_id="c", term=Interval(start, end), statement=statement))


def hang_of(start: datetime, day: StatementDay, at: datetime) -> datetime:
    """Where the grid hangs, said by the rule itself (R126, R127)."""
    if day is StatementDay.FIRST_OF_MONTH:
        return datetime(start.year, start.month, 1, tzinfo=UTC)
    return start if day is StatementDay.CONTRACT_START else at


def cut(grid: Iterator[tuple[datetime, datetime]], span: Interval) -> list[Interval]:
    found = []
    for start, end in grid:
        if start >= span.until:
            return found
        found.append(Interval(max(start, span.start), min(end, span.until)))
    return found


@pytest.mark.parametrize("day", StatementDay)
@pytest.mark.parametrize("frequency", Frequency)
def test_r9_r126_r127_r128_periods_tile_the_term_on_the_anchor(
    frequency: Frequency, day: StatementDay
) -> None:
    if frequency is Frequency.WEEKLY and day is StatementDay.FIRST_OF_MONTH:
        with pytest.raises(Refused, match="CONTRACT_START or CUSTOM_DATE"):
            StatementSchedule(frequency=frequency, day=day)
        return
    for at in anchors():
        starts = [at]
        if day is StatementDay.CUSTOM_DATE:
            starts = [at + timedelta(days=45, hours=7), at - timedelta(days=33)]
        for start in starts:
            agreed = signed(start, frequency, day, at)
            periods = list(usage_periods(agreed, FAR_FUTURE))

            assert periods[0].start == start
            assert periods[-1].end == agreed.term.end
            assert all(one.end == two.start for one, two in pairwise(periods))
            grid = nominal(hang_of(start, day, at), frequency, start)
            assert periods == cut(grid, agreed.term)


@pytest.mark.parametrize("frequency", MONTHS)
def test_r9_a_step_keeps_the_day_of_month_or_takes_the_last_one(frequency: str) -> None:
    """31 -> 28 -> 31: counted from the anchor, a short month shortens itself and no other."""
    for at in {*anchors()}:
        months = at.year * 12 + at.month - 1
        for n in range(-30, 60):
            found = step(at, Frequency(frequency), n)
            year, month = divmod(months + n * MONTHS[frequency], 12)
            last = calendar.monthrange(year, month + 1)[1]

            assert (found.year, found.month) == (year, month + 1)
            assert found.day == min(at.day, last)
            assert found == point(at, frequency, n)


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "Asia/Kathmandu"])
def test_r2_a_local_midnight_between_two_hours_is_refused(zone: str) -> None:
    winter = anchored(2024, "01-15", zone) if zone.endswith("du") else None
    at = winter or datetime(2024, 7, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert at.minute in (15, 30)

    with pytest.raises(Refused, match="hour boundary"):
        Create(customer_id="c", term=Interval(at, at + timedelta(days=31)))


@pytest.mark.parametrize("distribution", Distribution)
@pytest.mark.parametrize("frequency", [f for f in Frequency if f is not Frequency.DAILY])
def test_r152_r153_schedules_are_due_once_a_step_and_share_the_whole(
    frequency: Frequency, distribution: Distribution
) -> None:
    total = Decimal(1_000_000)
    for at in {*anchors()}:
        end = at + timedelta(days=TERMS[frequency], hours=1)
        schedule = RecurringSchedule(
            window=Interval(at, end),
            frequency=frequency,
            distribution=distribution,
            price=Amount(amount=total),
        )
        points = schedule_items("term", schedule)
        dates = [found.timestamp for found in points]

        assert dates == [start for start, _ in _until(nominal(at, frequency, at), end)]
        assert len({found.id for found in points}) == len(points)
        shares = len(points) if distribution is Distribution.EACH else 1
        assert sum(found.amount for found in points) == total * shares


def _until(
    grid: Iterator[tuple[datetime, datetime]], end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    for start, ends in grid:
        if start >= end:
            return
        yield start, ends


@pytest.mark.parametrize("is_prorated", [False, True])
@pytest.mark.parametrize("collection", Collection)
@pytest.mark.parametrize(
    "frequency", [Frequency.WEEKLY, Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.ANNUAL]
)
def test_r10_r217_r219_subscriptions_charge_every_period_once_and_by_the_hour(
    frequency: Frequency, collection: Collection, *, is_prorated: bool
) -> None:
    """Sum of charges = price x (hours covered / hours of the full period), exactly in fractions."""
    waits = InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE
    for at in anchors(("UTC", "America/Santiago")):
        start = at + timedelta(days=3, hours=5)
        agreed = signed(start, frequency, StatementDay.CUSTOM_DATE, at)
        seats = Subscription(
            id="seats",
            product_id="p-seat",
            frequency=frequency,
            window=agreed.term,
            collection=collection,
            is_prorated=is_prorated,
            invoice_behavior=waits,
            initial_quantity=Decimal(3),
        )
        made = list(charges(agreed, seats, _price, (), FAR_FUTURE))
        grid = list(_until(nominal(at, frequency, start), agreed.term.until))

        assert len(made) == len(grid) == len(list(billing_periods(agreed, seats)))
        for charge, full in zip(made, grid, strict=True):
            covered = Interval(max(full[0], start), min(full[1], agreed.term.until))
            due = covered.start if collection is Collection.ADVANCE else covered.end
            assert (charge.at, charge.window) == (due, covered)
            due_money = 3 * _share(full, covered, is_prorated)
            assert abs(_money(charge) - due_money) < Fraction(1, 10**18)  # 28 digits kept (R4)


def _price(_: datetime) -> Priced:
    price = Flat(price=PRICE)
    return Priced(
        list_price=price,
        price=price,
        commit_price=None,
        credit_type_id="USD",
        rate_id="r",
        override_id=None,
    )


def _money(charge: Charge) -> Fraction:
    return Fraction(charge.quantity) * Fraction(charge.unit_price)


def _share(full: tuple[datetime, datetime], covered: Interval, is_prorated: bool) -> Fraction:  # noqa: FBT001
    if not is_prorated:
        return Fraction(PRICE)
    hours = Fraction((covered.until - covered.start) // HOUR, (full[1] - full[0]) // HOUR)
    return Fraction(PRICE) * hours


def test_the_matrix_is_an_enumeration() -> None:
    assert len(list(anchors())) == len(YEARS) * len(ANCHORS) * (len(ZONES) - 1)
    assert anchored(2100, "02-29") == datetime(2096, 2, 29, tzinfo=UTC)
    assert min(anchors()) > EPOCH
