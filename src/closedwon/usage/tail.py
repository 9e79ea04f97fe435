"""The part of the log that is not sealed yet, and what one reader sees of the whole store."""

from bisect import bisect_right

import msgspec
import pyarrow as pa

from closedwon.usage.columns import event_at
from closedwon.usage.types import UsageEvent

MERGE_ROWS_MAX = 10_000
"""Batches are merged up to this size, so that a million small batches are few arrays."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed, immutable Parquet file: events of one month and one range of the log."""

    name: str
    """Path below the directory of segments, ``2024-01/<first>-<last>.parquet``."""
    first_sequence: int
    last_sequence: int
    first_at: str
    """Oldest and newest event time inside, fixed-width text, both included."""
    last_at: str
    rows: int
    bytes: int
    sha256: str
    sealed_at: str


class Snapshot(msgspec.Struct, frozen=True):
    """A consistent view: every stored event is in exactly one segment or in the tail."""

    segments: tuple[Segment, ...]
    tail: tuple[pa.RecordBatch, ...]
    """Stored batches, by sequence, without gaps."""
    sealed: int
    """Last sequence inside segments; 0 for none."""
    last: int
    supposed: pa.RecordBatch | None = None
    """Events looked at as if they were stored (R44)."""
    is_alone: bool = False
    """Whether only the supposed ones are looked at."""


class Tail:
    """Unsealed events in memory, as they are in the log."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._firsts: list[int] = []

    @property
    def batches(self) -> tuple[pa.RecordBatch, ...]:
        """Stored batches in order; never changed afterwards."""
        return tuple(self._batches)

    def append(self, batch: pa.RecordBatch) -> None:
        """Add the next stored batch, merged with smaller neighbours."""
        while self._batches and self._swallows(batch):
            batch = pa.concat_batches([self._batches.pop(), batch])
            self._firsts.pop()
        self._batches.append(batch)
        self._firsts.append(batch["sequence"][0].as_py())

    def drop_through(self, sequence: int) -> None:
        """Forget events up to ``sequence``: they are sealed."""
        kept, self._batches, self._firsts = self._batches, [], []
        for batch in kept:
            first = batch["sequence"][0].as_py()
            rest = batch.slice(max(0, sequence - first + 1))
            if rest.num_rows:
                self._batches.append(rest)
                self._firsts.append(rest["sequence"][0].as_py())

    def event(self, sequence: int) -> UsageEvent:
        """The event with that sequence number, which must be here."""
        at = bisect_right(self._firsts, sequence) - 1
        return event_at(self._batches[at], sequence - self._firsts[at])

    def _swallows(self, batch: pa.RecordBatch) -> bool:
        last, new = int(self._batches[-1].num_rows), int(batch.num_rows)
        return last < 2 * new and last + new <= MERGE_ROWS_MAX
