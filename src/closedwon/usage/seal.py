"""Sealing: ranges of the hot log become immutable segments (D6).

The files are written and synced first; then one transaction names them and deletes the range.
Killed before it, the files are strays that the next seal removes; killed after it, all is done.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa
from sqlite_utils import Database

from closedwon.store.database import writing
from closedwon.usage import hot
from closedwon.usage.columns import STORED
from closedwon.usage.sealed import sweep, write_segments

SEAL_EVENTS = 500_000
"""The log is sealed when it holds this many events."""
SEAL_BATCHES = 5_000
"""Or this many batches, however small."""
RANGE_EVENTS_MAX = 1_000_000
"""One range, and so one segment, holds about this many at most (G24)."""


class SealReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a seal did."""

    events: int = 0
    segments: int = 0
    swept: tuple[str, ...] = ()
    """Stray files of an interrupted seal that were removed."""


def seal(db: Database, directory: Path, now: datetime, events_min: int) -> SealReport:
    """Seal the log, range by range, when it is large enough; else do nothing."""
    events, batches = hot.backlog(db)
    if not events or (events < events_min and batches < SEAL_BATCHES):
        return SealReport()
    directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
        swept = sweep(directory, hot.segments(db))
        count = sealed = 0
        while (rows := _range(db)) is not None:
            written = write_segments(directory, rows, now)
            with writing(db):
                hot.mark_sealed(db, written, through=rows["sequence"][-1].as_py())
            sealed += rows.num_rows
            count += len(written)
    return SealReport(events=sealed, segments=count, swept=swept)


def _range(db: Database) -> pa.Table | None:
    """The oldest whole batches of the log, RANGE_EVENTS_MAX events or one batch more."""
    taken: list[pa.RecordBatch] = []
    rows = 0
    for batch in hot.batches_after(db, hot.sealed_through(db)):
        taken.append(batch)
        rows += batch.num_rows
        if rows >= RANGE_EVENTS_MAX:
            break
    return pa.Table.from_batches(taken, STORED).combine_chunks() if taken else None


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One seal at a time, across processes."""
    lock = os.open(directory / "seal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
