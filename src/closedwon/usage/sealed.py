"""Segments: immutable Parquet files by month of event time and range of the log."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.instant import format_instant
from closedwon.usage.columns import SEALED, Hashes, event_at, fingerprints
from closedwon.usage.tail import Segment
from closedwon.usage.types import UsageEvent

ROW_GROUP_ROWS = 10_000
"""Few, so that the events of one customer are found without reading many others."""
TEMPORARY = ".part"


def write_segments(directory: Path, events: pa.Table, now: datetime) -> tuple[Segment, ...]:
    """Write ``events`` (STORED, by sequence) durably, one file per month; nothing points to them.

    Each file is complete under its name or not there: written aside, synced, renamed, and the
    folder synced. A second call with the same events writes the same files again.
    """
    events = events.append_column(SEALED.field("fingerprint"), fingerprints(events))
    first, last = events["sequence"][0].as_py(), events["sequence"][-1].as_py()
    happened_at = events["happened_at"]
    months = pc.add(pc.multiply(pc.year(happened_at), 100), pc.month(happened_at))
    written = []
    for month in sorted(pc.unique(months).to_pylist()):
        rows = events.filter(pc.equal(months, month))
        order = [("customer", "ascending"), ("happened_at", "ascending"), ("sequence", "ascending")]
        name = f"{month // 100:04d}-{month % 100:02d}/{first:012d}-{last:012d}.parquet"
        _write(directory / name, rows.sort_by(order))
        written.append(_described(directory, name, rows, (first, last), now))
    _sync(directory)
    if sum(segment.rows for segment in written) != events.num_rows:
        raise InvariantBroken("segments hold other events than the log", first=first, last=last)
    return tuple(written)


def check_whole(directory: Path, segments: Iterable[Segment]) -> None:
    """Raise InvariantBroken for a segment whose content is not what was sealed (G20)."""
    broken = damaged(directory, segments)
    if broken:
        message = "a usage segment is missing or damaged; restore it"
        raise InvariantBroken(message, segment=broken[0], segments=len(broken))


def damaged(directory: Path, segments: Iterable[Segment]) -> tuple[str, ...]:
    """Names of segments that are missing or not what was sealed; reads every byte."""
    return tuple(
        segment.name for segment in segments if _sha256(directory / segment.name) != segment.sha256
    )


def marks(directory: Path, segment: Segment) -> tuple[Hashes, Hashes, Hashes]:
    """Id hashes, sequence numbers and fingerprints of a segment's events."""
    table = pq.read_table(
        directory / segment.name,
        columns=["id_hash", "sequence", "fingerprint"],
        partitioning=None,
    )
    hashes, sequences, prints = (column.to_numpy() for column in table.columns)
    return hashes, sequences, prints


def events_at(
    directory: Path, segments: Sequence[Segment], sequences: Sequence[int]
) -> dict[int, UsageEvent]:
    """Sealed events by sequence number."""
    found: dict[int, UsageEvent] = {}
    for (first, last), group in groupby(sorted(segments, key=_range), key=_range):
        wanted = [sequence for sequence in sequences if first <= sequence <= last]
        if wanted:
            for batch in _rows(directory, group, np.array(wanted, dtype=np.int64)):
                for row in range(batch.num_rows):
                    found[batch["sequence"][row].as_py()] = event_at(batch, row)
    return found


def sweep(directory: Path, segments: Iterable[Segment]) -> tuple[str, ...]:
    """Delete files no segment names, left by a crash before the seal was marked."""
    named = {segment.name for segment in segments}
    strays = [
        path
        for path in sorted(directory.glob("*/*"))
        if path.is_file() and f"{path.parent.name}/{path.name}" not in named
    ]
    for path in strays:
        path.unlink()
    return tuple(path.name for path in strays)


def _rows(directory: Path, segments: Iterable[Segment], wanted: Hashes) -> Iterator[pa.RecordBatch]:
    keys = pa.array(wanted)
    for segment in segments:
        file = pq.ParquetFile(directory / segment.name)
        for group in range(file.num_row_groups):
            sequences = file.read_row_group(group, columns=["sequence"])["sequence"]
            rows = pc.indices_nonzero(pc.is_in(sequences, value_set=keys))
            if len(rows):
                yield from file.read_row_group(group).take(rows).combine_chunks().to_batches()


def _range(segment: Segment) -> tuple[int, int]:
    return segment.first_sequence, segment.last_sequence


def _write(path: Path, rows: pa.Table) -> None:
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
        _sync(path.parent.parent)
    aside = path.with_suffix(TEMPORARY)
    pq.write_table(rows, aside, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    _sync(aside)
    aside.replace(path)
    _sync(path.parent)


def _described(
    directory: Path, name: str, rows: pa.Table, sequences: tuple[int, int], now: datetime
) -> Segment:
    span = pc.min_max(rows["happened_at"])
    path = directory / name
    return Segment(
        name=name,
        first_sequence=sequences[0],
        last_sequence=sequences[1],
        first_at=format_instant(span["min"].as_py()),
        last_at=format_instant(span["max"].as_py()),
        rows=pq.read_metadata(path).num_rows,
        bytes=path.stat().st_size,
        sha256=_sha256(path) or "",
        sealed_at=format_instant(now),
    )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str | None:
    """None when there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
