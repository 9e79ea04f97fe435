import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from closedwon.usage.seen import SeenIds

BATCHES = st.lists(st.lists(st.integers(-6, 6), max_size=20), max_size=12)


@given(batches=BATCHES, asked=st.lists(st.integers(-8, 8), max_size=10))
def test_every_sequence_of_a_hash_is_found_and_no_other(
    batches: list[list[int]], asked: list[int]
) -> None:
    seen, everything = SeenIds(), []
    for batch in batches:
        first = len(everything)
        everything += batch
        numbers = np.arange(first, len(everything), dtype=np.int64)
        seen.add(np.array(batch, dtype=np.int64), numbers)
    found = seen.find(np.array(asked, dtype=np.int64))
    assert found == [
        (at, sequence)
        for at, wanted in enumerate(asked)
        for sequence, one in enumerate(everything)
        if one == wanted
    ]
    assert len(seen) == len(everything)


def test_a_million_small_batches_leave_few_runs() -> None:
    seen = SeenIds()
    for at in range(1000):
        seen.add(np.array([at * 7919 % 1009], dtype=np.int64), np.array([at], dtype=np.int64))
    assert len(seen._runs) <= 6
