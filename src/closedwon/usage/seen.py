"""Which transaction ids were ever stored, in memory: 24 bytes per event (G11).

Sorted runs of (hash, sequence). A new run swallows its predecessors as long as they are less than
four times its size, so there are few runs and each entry is merged a logarithmic number of times.
Sealed events also have their fingerprint here, so that a resend of an old event need not be read.
"""

import numpy as np

from closedwon.usage.columns import Hashes

GROWTH = 4


class SeenIds:
    """Hashes of transaction ids and the sequence numbers of the events that carry them."""

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Hashes]] = []
        self._fingerprints: Hashes = np.empty(0, dtype=np.int64)
        """By sequence number; only up to ``_sealed`` does it mean anything."""
        self._sealed = -1

    def __len__(self) -> int:
        return sum(len(hashes) for hashes, _ in self._runs)

    def add(self, hashes: Hashes, sequences: Hashes) -> None:
        """Remember events; a hash may come more than once."""
        if not len(hashes):
            return
        order = np.argsort(hashes, kind="stable")
        run = (hashes[order], sequences[order])
        while self._runs and len(self._runs[-1][0]) < GROWTH * len(run[0]):
            run = _merged(self._runs.pop(), run)
        self._runs.append(run)

    def seal(self, sequences: Hashes, fingerprints: Hashes) -> None:
        """Remember the fingerprints of events that are sealed now."""
        needed = int(sequences.max(initial=-1)) + 1
        if needed > len(self._fingerprints):
            grown = np.zeros(max(needed, len(self._fingerprints) * 5 // 4), dtype=np.int64)
            grown[: len(self._fingerprints)] = self._fingerprints
            self._fingerprints = grown
        self._fingerprints[sequences] = fingerprints
        self._sealed = max(self._sealed, needed - 1)

    def fingerprint(self, sequence: int) -> int | None:
        """Fingerprint of an event; None as long as it is not sealed."""
        return int(self._fingerprints[sequence]) if sequence <= self._sealed else None

    def find(self, hashes: Hashes) -> list[tuple[int, int]]:
        """Pairs (position in ``hashes``, sequence) of every stored event with that hash."""
        order = np.argsort(hashes, kind="stable")
        needles = hashes[order]
        found: list[tuple[int, int]] = []
        for known, sequences in self._runs:
            left = np.searchsorted(known, needles)
            near = known[np.minimum(left, len(known) - 1)]
            for at in np.flatnonzero(near == needles):
                right = np.searchsorted(known, needles[at], side="right")
                position = int(order[at])
                found += [(position, int(one)) for one in sequences[left[at] : right]]
        return sorted(found)


def _merged(older: tuple[Hashes, Hashes], newer: tuple[Hashes, Hashes]) -> tuple[Hashes, Hashes]:
    hashes = np.concatenate((older[0], newer[0]))
    sequences = np.concatenate((older[1], newer[1]))
    order = np.argsort(hashes, kind="stable")
    return hashes[order], sequences[order]
