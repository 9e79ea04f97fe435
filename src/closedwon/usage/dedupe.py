"""An id counts once, for good: what of a batch is new, repeated or contradicted (G11)."""

from collections.abc import Callable, Mapping, Sequence
from itertools import compress

import msgspec
import numpy as np

from closedwon.usage.columns import Hashes, fingerprint
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
    repeated: Sequence[int]
    """Sequence of the stored event, for each that came again unchanged."""
    conflicts: Sequence[tuple[int, UsageEvent]]
    """(sequence of the event that stays, the other version)."""


def sorted_out(
    events: Sequence[UsageEvent], hashes: Hashes, seen: SeenIds, stored: Stored, first: int
) -> Sorting:
    """Compare ``events`` with the store and with each other; ``first`` is the next sequence."""
    known = _known(events, seen.find(hashes), seen, stored)
    repeats = _repeats(events, known)
    if not known and not repeats:
        return Sorting(events, hashes, (), ())
    is_fresh = np.ones(len(events), dtype=np.bool_)
    is_fresh[[*known, *repeats]] = False
    sequences = first - 1 + np.cumsum(is_fresh)
    again = {at: int(sequences[kept]) for at, kept in repeats.items()}
    same = {at for at, (_, is_same) in known.items() if is_same}
    same |= {at for at, kept in repeats.items() if events[at] == events[kept]}
    again |= {at: sequence for at, (sequence, _) in known.items()}
    conflicts = [(sequence, events[at]) for at, sequence in sorted(again.items()) if at not in same]
    repeated = [sequence for at, sequence in again.items() if at in same]
    return Sorting(list(compress(events, is_fresh)), hashes[is_fresh], repeated, conflicts)


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
