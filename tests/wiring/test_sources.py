"""Ids of what callers create: UUIDs, in the order they were made in (R13, R14)."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from closedwon.wiring.sources import Ids

INSTANT = 1_750_000_000_123_456_789
"""Nanoseconds since 1970."""


def test_r13_ids_are_uuids_of_version_7_and_say_when() -> None:
    made = uuid.UUID(Ids(lambda: INSTANT)())

    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == INSTANT // 1_000_000


def test_r14_ids_made_in_one_millisecond_or_after_a_clock_went_back_still_rise() -> None:
    times = iter([INSTANT, INSTANT, INSTANT, INSTANT - 5_000_000_000, *repeat(INSTANT, 2000)])
    ids = Ids(lambda: next(times))
    made = [ids() for _ in range(2000)]

    assert sorted(set(made)) == made
    assert {uuid.UUID(one).version for one in made} == {7}


def test_ids_of_many_threads_differ() -> None:
    ids = Ids(lambda: INSTANT)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids(), range(4000)))

    assert len(set(made)) == len(made)
