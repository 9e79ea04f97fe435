"""An id counts once, for good: what of a batch is new, repeated or contradicted (G11)."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from closedwon.usage.columns import Hashes
from closedwon.usage.seen import SeenIds
from closedwon.usage.types import UsageEvent

Stored = Callable[[Sequence[int]], Mapping[int, UsageEvent]]
"""Events of the store by sequence number."""


class Sorting(msgspec.Struct, frozen=True):
    """A batch taken apart."""

    fresh: Sequence[UsageEvent]
    """In the order sent; their sequence numbers follow the store's last one."""
    hashes: Hashes
    """Id hashes of ``fresh``."""
    duplicates: int
    conflicts: Sequence[tuple[int, UsageEvent]]
    """(sequence of the event that stays, the other version)."""


def sorted_out(
    events: Sequence[UsageEvent], hashes: Hashes, seen: SeenIds, stored: Stored, first: int
) -> Sorting:
    """Compare ``events`` with the store and with each other; ``first`` is the next sequence.

    A hash found in the store is only a hint: the stored event is read and its id compared.
    """
    hits = seen.find(hashes)
    kept = stored([sequence for _, sequence in hits])
    known = {kept[s].transaction_id: s for at, s in hits if _same_id(kept[s], events[at])}
    ids = [event.transaction_id for event in events]
    if not known and len(set(ids)) == len(ids):
        return Sorting(events, hashes, 0, ())
    fresh: list[int] = []
    conflicts: list[tuple[int, UsageEvent]] = []
    for at, event in enumerate(events):
        sequence = known.setdefault(event.transaction_id, first + len(fresh))
        if sequence == first + len(fresh):
            fresh.append(at)
        elif event != (kept[sequence] if sequence < first else events[fresh[sequence - first]]):
            conflicts.append((sequence, event))
    return Sorting(
        [events[at] for at in fresh],
        hashes[np.array(fresh, dtype=np.int64)],
        len(events) - len(fresh) - len(conflicts),
        conflicts,
    )


def _same_id(one: UsageEvent, other: UsageEvent) -> bool:
    return one.transaction_id == other.transaction_id
