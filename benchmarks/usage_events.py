"""Usage events made by arithmetic: every run and every side sees the same ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from closedwon.usage.types import UsageEvent

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2025, 2, 1, tzinfo=UTC)
NOW = END
PRODUCTS = 20
RESENT_EVERY = 200
"""One event in 200 is sent again, a while later."""


def batches(count: int, size: int, customers: int) -> Iterator[list[UsageEvent]]:
    """``count`` events in batches of ``size``, each with its resends of earlier events."""
    for start in range(0, count, size):
        numbers = list(range(start, min(start + size, count)))
        resent = [number * 7919 % start for number in numbers[::RESENT_EVERY]] if start else []
        yield [event(number, customers) for number in numbers + resent]


def event(number: int, customers: int) -> UsageEvent:
    """Event ``number``; ids look like UUIDs, customers are skewed."""
    mixed = (number * 2_654_435_761 + 12_345) % 4_294_967_291
    second = mixed % 2_678_400
    return UsageEvent(
        transaction_id=f"{mixed:08x}-1000-4000-8000-{number:012d}",
        customer_id=f"customer-{mixed // 16 % customers * (mixed % 7) // 7:06d}",
        event_type=f"product-{mixed // 65_521 % PRODUCTS:02d}",
        timestamp=BEGIN + timedelta(seconds=second),
        properties={
            "n": f"{mixed % 90_000 / 1000:.3f}",
            "region": ("us", "eu", "apac")[mixed % 3],
            "model": f"model-{mixed % 5}",
        },
    )
