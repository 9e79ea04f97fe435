"""Three years of usage: a little every day, growing month by month (metronome.md S1)."""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from closedwon.cli.demo.records import ACCOUNT
from closedwon.kernel.exact import canonical
from closedwon.usage.types import UsageEvent

BASE = {2024: (60_000, 1_400), 2025: (300_000, 9_000), 2026: (600_000, 18_000)}
GROWTH = {2024: (6_000, 200), 2025: (20_000, 800), 2026: (30_000, 600)}
JANUARY_2027 = (1_000_000, 30_000)
NAMES = ("storage", "analysis")


def month_of_usage(year: int, month: int) -> Iterator[UsageEvent]:
    """One event a day and product at noon; a month's events sum to its quantity exactly."""
    days = calendar.monthrange(year, month)[1]
    for name, quantity in zip(NAMES, quantities(year, month), strict=True):
        for day in range(1, days + 1):
            # Hundredths, cumulated and differenced: no day is rounded away.
            part = quantity * 100 * day // days - quantity * 100 * (day - 1) // days
            yield UsageEvent(
                transaction_id=f"{name}-{year}-{month:02}-{day:02}",
                customer_id=ACCOUNT,
                event_type=name,
                timestamp=datetime(year, month, day, 12, tzinfo=UTC),
                properties={"quantity": canonical(Decimal(part).scaleb(-2))},
            )


def quantities(year: int, month: int) -> tuple[int, int]:
    """GB of storage and hours of analysis of a month."""
    if year > max(BASE):
        return JANUARY_2027
    (gigabytes, hours), (more_gigabytes, more_hours) = BASE[year], GROWTH[year]
    return gigabytes + more_gigabytes * (month - 1), hours + more_hours * (month - 1)
