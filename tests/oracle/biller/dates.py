"""Calendar steps and billing periods, counted from the anchor (R9, R126-R128, R137)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from oracle.history import Contract, Statement

MONTHS = {"MONTHLY": 1, "QUARTERLY": 3, "SEMI_ANNUAL": 6, "ANNUAL": 12}
DAYS = {"DAILY": 1, "WEEKLY": 7}
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def point(anchor: datetime, frequency: str, n: int) -> datetime:
    """The n-th step from the anchor; a day the month does not have becomes its last one (R9)."""
    if frequency in DAYS:
        return anchor + timedelta(days=DAYS[frequency] * n)
    month = anchor.year * 12 + anchor.month - 1 + MONTHS[frequency] * n
    for day in range(anchor.day, 0, -1):
        try:
            return anchor.replace(year=month // 12, month=month % 12 + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("a month has a first day")


def anchor_of(contract: Contract) -> datetime:
    statement: Statement = contract.statement
    if statement.day == "CONTRACT_START":
        return contract.since
    if statement.day == "CUSTOM_DATE":
        assert statement.anchor is not None
        return statement.anchor
    return datetime(contract.since.year, contract.since.month, 1, tzinfo=contract.since.tzinfo)


def nominal(
    anchor: datetime, frequency: str, since: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Full grid periods from the one that holds ``since`` on, without end."""
    n = 0
    while point(anchor, frequency, n) > since:
        n -= 1
    while point(anchor, frequency, n + 1) <= since:
        n += 1
    while True:
        yield point(anchor, frequency, n), point(anchor, frequency, n + 1)
        n += 1


def statements(
    contract: Contract, until: datetime | None, now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Usage periods that have begun by ``now``, cut to the term (R128, R129, R137)."""
    billed_from = contract.statement.billed_from
    for start, end in nominal(anchor_of(contract), contract.statement.frequency, contract.since):
        first = max(start, contract.since, billed_from or contract.since)
        last = end if until is None else min(end, until)
        if first > now or (until is not None and start >= until):
            return
        if first < last:
            yield first, last
