"""Events from files of any size: JSON lines, CSV and Parquet, read as a stream.

A bad line becomes a Rejection with ``file:line`` and never stops the others. A file can be read
again after a crash: what is stored already is recognised by its transaction ids.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from closedwon.kernel.errors import ConfigError, Refused
from closedwon.kernel.instant import wire_instant
from closedwon.usage.lines import Sourced, cells_of, ingest_stream, numbered_lines, unreadable
from closedwon.usage.types import IngestReport, Rejection, UsageEvent
from closedwon.usage.validate import FIELDS, event_of

PARQUET_ROWS = 10_000
PART_BYTES = 65_536
"""Read of a file at once."""

Line = tuple[int, Mapping[str, Any] | Refused]
"""Line or row number, and what stands there by column."""


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Which column of a file holds what."""

    transaction_id: str = "transaction_id"
    customer_id: str = "customer_id"
    event_type: str = "event_type"
    timestamp: str = "timestamp"
    properties: tuple[str, ...] | None = None
    """Columns that become properties. None: the object ``properties`` where there is one, else
    every other column. Empty cells and nulls are left out."""


class Ingesting(Protocol):
    """What a file needs of a usage store."""

    def ingest(
        self, events: Sequence[UsageEvent], now: datetime, *, any_age: bool = False
    ) -> IngestReport:
        """Store a batch durably."""
        ...


def read_events(path: Path, columns: Columns | None = None) -> Iterator[Sourced | Rejection]:
    """Events of a ``.jsonl``, ``.csv`` or ``.parquet`` file in order, bad lines as Rejections.

    Raises ConfigError when the file cannot be read as such, misses a column, or holds a mapped
    column of binary floats, which are not exact (D4).
    """
    chosen = columns or Columns()
    for number, cells in _lines(path, chosen):
        place = f"{path.name}:{number}"
        try:
            if isinstance(cells, Refused):
                raise cells
            yield Sourced(place, event_of(_named(cells, chosen)))
        except Refused as error:
            yield unreadable(place, error)


def ingest_file(
    store: Ingesting, path: Path, now: datetime, *, columns: Columns | None = None
) -> Iterator[IngestReport]:
    """Store a file chunk by chunk, events of any age; one report per durable chunk."""
    return ingest_stream(partial(store.ingest, any_age=True), read_events(path, columns), now)


def combined(reports: Iterable[IngestReport]) -> IngestReport:
    """The counts of several reports together."""
    listed = list(reports)
    return IngestReport(
        accepted=sum(report.accepted for report in listed),
        duplicates=sum(report.duplicates for report in listed),
        contradicted=tuple(one for report in listed for one in report.contradicted),
        rejected=tuple(one for report in listed for one in report.rejected),
    )


def _lines(path: Path, columns: Columns) -> Iterator[Line]:
    readers = {".jsonl": _json_lines, ".ndjson": _json_lines, ".csv": _csv_lines}
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            yield from _parquet_rows(path, columns)
        elif suffix in readers:
            yield from readers[suffix](path, columns)
        else:
            raise ConfigError(f"{path.name}: expected .jsonl, .ndjson, .csv or .parquet")
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"{path.name}: cannot be read: {error}") from error


def _json_lines(path: Path, columns: Columns) -> Iterator[Line]:  # noqa: ARG001 - one shape
    with path.open("rb") as file:
        for number, line in numbered_lines(iter(lambda: file.read(PART_BYTES), b"")):
            try:
                yield number, cells_of(line)
            except Refused as error:
                yield number, error


def _csv_lines(path: Path, columns: Columns) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = csv.reader(file, strict=True)
        header = next(rows, [])
        _check_columns(path, header, columns)
        while True:
            line = rows.line_num + 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, Refused(f"not CSV: {error}")
                continue
            if len(cells) == len(header):
                yield line, {name: cell for name, cell in zip(header, cells, strict=True) if cell}
            elif cells:
                yield line, Refused(f"expected {len(header)} cells, found {len(cells)}")


def _parquet_rows(path: Path, columns: Columns) -> Iterator[Line]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        _check_columns(path, schema.names, columns)
        floats = [field.name for field in schema if pa.types.is_floating(field.type)]
        used = [name for name in floats if _is_used(name, columns)]
        if used:
            message = "binary floats are not exact; write it as decimal or text"
            raise ConfigError(f"{path.name}: column {used[0]!r}: {message}")
        number = 0
        for batch in file.iter_batches(batch_size=PARQUET_ROWS):
            for cells in batch.to_pylist():
                number += 1
                yield number, {name: _plain(cell) for name, cell in cells.items()}


def _plain(cell: Any) -> Any:
    """A Parquet cell as JSON would hold it; a timestamp without a zone is UTC."""
    if isinstance(cell, datetime):
        return wire_instant(cell if cell.tzinfo else cell.replace(tzinfo=UTC))
    return dict(cell) if isinstance(cell, list) and cell and isinstance(cell[0], tuple) else cell


def _check_columns(path: Path, found: Iterable[str], columns: Columns) -> None:
    listed = list(found)
    if len(set(listed)) != len(listed):
        raise ConfigError(f"{path.name}:1: a column name appears twice")
    needed = [getattr(columns, name) for name in FIELDS[:4]] + list(columns.properties or ())
    missing = [name for name in needed if name not in listed]
    if missing:
        told = ", ".join(listed)
        raise ConfigError(f"{path.name}:1: no column {missing[0]!r}; found {told}")


def _is_used(name: str, columns: Columns) -> bool:
    required = {getattr(columns, field) for field in FIELDS[:4]}
    return name in required or columns.properties is None or name in columns.properties


def _named(cells: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The cells of one line under the names of the wire."""
    event = {name: cells.get(getattr(columns, name)) for name in FIELDS[:4]}
    required = {getattr(columns, name) for name in FIELDS[:4]}
    if columns.properties is not None:
        event["properties"] = {name: cells.get(name) for name in columns.properties}
    elif isinstance(cells.get("properties"), Mapping):
        event["properties"] = cells["properties"]
    else:
        event["properties"] = {name: cells[name] for name in cells if name not in required}
    return event
