"""An id counts once, for good: what of a batch is new, repeated or contradicted (G11)."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, compress
from typing import NamedTuple

import msgspec
import numpy as np

from closedwon.usage.columns import Hashes, fingerprint
from closedwon.usage.seen import SeenIds
from closedwon.usage.types import UsageEvent

Stored = Callable[[Sequence[int]], Mapping[int, UsageEvent]]
"""Events of the store by sequence number."""


class Batch(NamedTuple):
    """Events one caller stores."""

    events: Sequence[UsageEvent]
    hashes: Hashes
    now: datetime


class Outcome(NamedTuple):
    """What of a batch was stored before: positions in it."""

    repeated: list[int]
    conflicts: list[int]


class Sorting(msgspec.Struct, frozen=True):
    """A batch taken apart."""

    fresh: Sequence[UsageEvent]
    """In the order sent; their sequence numbers follow the store's last one."""
    hashes: Hashes
    """Id hashes of ``fresh``."""
    repeated: Mapping[int, int]
    """Position in the batch -> sequence of the stored event, of those that came again unchanged."""
    conflicts: Mapping[int, int]
    """Position in the batch -> sequence of the event that stays, of those that contradict it."""


def sorted_out(
    events: Sequence[UsageEvent], hashes: Hashes, seen: SeenIds, stored: Stored, first: int
) -> Sorting:
    """Compare ``events`` with the store and with each other; ``first`` is the next sequence."""
    known = _known(events, seen.find(hashes), seen, stored)
    repeats = _repeats(events, known)
    if not known and not repeats:
        return Sorting(events, hashes, {}, {})
    is_fresh = np.ones(len(events), dtype=np.bool_)
    is_fresh[[*known, *repeats]] = False
    sequences = first - 1 + np.cumsum(is_fresh)
    again = {at: int(sequences[kept]) for at, kept in repeats.items()}
    same = {at for at, (_, is_same) in known.items() if is_same}
    same |= {at for at, kept in repeats.items() if events[at] == events[kept]}
    again |= {at: sequence for at, (sequence, _) in known.items()}
    conflicts = {at: sequence for at, sequence in sorted(again.items()) if at not in same}
    repeated = {at: sequence for at, sequence in again.items() if at in same}
    return Sorting(list(compress(events, is_fresh)), hashes[is_fresh], repeated, conflicts)


def outcomes(sorting: Sorting, sizes: Sequence[int]) -> list[Outcome]:
    """What became of each of several batches that were sorted out as one."""
    found = [Outcome([], []) for _ in sizes]
    starts = [0, *accumulate(sizes)]
    for kind, positions in enumerate((sorting.repeated, sorting.conflicts)):
        for at in positions:
            batch = bisect_right(starts, at) - 1
            found[batch][kind].append(at - starts[batch])
    return found


def _known(
    events: Sequence[UsageEvent], hits: Sequence[tuple[int, int]], seen: SeenIds, stored: Stored
) -> dict[int, tuple[int, bool]]:
    """Position -> (sequence, whether it is the same event), for ids the store has.

    An equal hash is only a hint. A sealed event is the same when the fingerprint of all it says
    agrees too (128 bits of BLAKE2b in all); else the stored event is read and compared.
    """
    known: dict[int, tuple[int, bool]] = {}
    unclear: list[tuple[int, int]] = []
    for at, sequence in hits:
        if seen.fingerprint(sequence) == fingerprint(events[at]):
            known[at] = (sequence, True)
        else:
            unclear.append((at, sequence))
    kept = stored([sequence for _, sequence in unclear])
    for at, sequence in unclear:
        if kept[sequence].transaction_id == events[at].transaction_id:
            known[at] = (sequence, kept[sequence] == events[at])
    return known


def _repeats(events: Sequence[UsageEvent], known: Mapping[int, tuple[int, bool]]) -> dict[int, int]:
    """Position -> earlier position with the same id, for ids the store does not have."""
    ids = [event.transaction_id for event in events]
    if len(set(ids)) == len(ids):
        return {}
    firsts: dict[str, int] = {}
    earlier = {at: firsts.setdefault(one, at) for at, one in enumerate(ids) if at not in known}
    return {at: kept for at, kept in earlier.items() if at != kept}
