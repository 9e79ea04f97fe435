"""Events as Arrow columns: the one physical form of the log, the segments and the query.

A batch goes into the log as one Arrow stream (lz4). Properties are canonical JSON text, so that
equal properties are equal text and any engine that reads Parquet can read them.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
import pyarrow as pa

from closedwon.kernel.errors import InvariantBroken
from closedwon.usage.types import UsageEvent

Hashes = np.ndarray[Any, np.dtype[np.int64]]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
INSTANT = pa.timestamp("us", "UTC")
SENT = pa.schema(
    [
        pa.field("transaction_id", pa.string(), nullable=False),
        pa.field("customer", pa.string(), nullable=False),
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("happened_at", INSTANT, nullable=False),
        pa.field("properties", pa.string(), nullable=False),
        pa.field("id_hash", pa.int64(), nullable=False),
    ]
)
"""What a sender said, and the hash of the transaction id."""
STORED = pa.schema(
    [
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("ingested_at", INSTANT, nullable=False),
        *SENT,
    ]
)
"""SENT with the order and the instant of ingest."""
SEALED = pa.schema([*STORED, pa.field("fingerprint", pa.int64(), nullable=False)])
"""STORED as it stands in segments; the fingerprint covers all that was sent."""

_PROPERTIES = msgspec.json.Encoder(order="deterministic")
_READ_PROPERTIES = msgspec.json.Decoder(dict[str, str])
_PACKING = pa.ipc.IpcWriteOptions(compression="lz4")


def id_hashes(transaction_ids: Sequence[str]) -> Hashes:
    """A stable 64-bit hash per id; equal hashes are only a hint, the ids decide."""
    return _digests(transaction_ids)


def sent(events: Sequence[UsageEvent], hashes: Hashes) -> pa.RecordBatch:
    """``events`` as columns, in their order."""
    encode = _PROPERTIES.encode
    properties = pa.array([encode(event.properties) for event in events], pa.binary())
    columns = [
        pa.array([event.transaction_id for event in events], pa.string()),
        pa.array([event.customer_id for event in events], pa.string()),
        pa.array([event.event_type for event in events], pa.string()),
        pa.array([event.timestamp for event in events], INSTANT),
        properties.cast(pa.string()),
        pa.array(hashes, pa.int64()),
    ]
    return pa.record_batch(columns, schema=SENT)


def stored(batch: pa.RecordBatch, first: int, ingested_at: datetime) -> pa.RecordBatch:
    """A sent batch with its sequence numbers ``first`` and up, and its instant of ingest."""
    rows = batch.num_rows
    columns = [
        pa.array(np.arange(first, first + rows, dtype=np.int64)),
        pa.repeat(pa.scalar(ingested_at, INSTANT), rows),
        *batch.columns,
    ]
    return pa.record_batch(columns, schema=STORED)


def packed(batch: pa.RecordBatch) -> bytes:
    """The bytes the log keeps of a sent batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SENT, options=_PACKING) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def unpacked(payload: bytes, checksum: int, first: int) -> pa.RecordBatch:
    """The batch back; raises InvariantBroken when its bytes changed on disk (G20)."""
    if crc32(payload) != checksum:
        raise InvariantBroken("a batch of the usage log is damaged; restore it", first=first)
    return pa.ipc.open_stream(payload).read_next_batch()


def fingerprint(event: UsageEvent) -> int:
    """64 bits over everything an event says; differs from its id hash in every way."""
    stamp_us = (event.timestamp - EPOCH) // MICROSECOND
    properties = _PROPERTIES.encode(event.properties).decode()
    texts = (event.transaction_id, event.customer_id, event.event_type, str(stamp_us), properties)
    return int(_digests(["\0".join(texts)])[0])


def fingerprints(stored_events: pa.Table) -> pa.Array:
    """``fingerprint`` of every row of stored events."""
    texts = [
        stored_events["transaction_id"].to_pylist(),
        stored_events["customer"].to_pylist(),
        stored_events["event_type"].to_pylist(),
        map(str, stored_events["happened_at"].cast(pa.int64()).to_pylist()),
        stored_events["properties"].to_pylist(),
    ]
    return pa.array(_digests("\0".join(row) for row in zip(*texts, strict=True)))


def event_at(batch: pa.RecordBatch, row: int) -> UsageEvent:
    """The event in ``row`` of a stored batch, as it was sent."""
    return UsageEvent(
        transaction_id=batch["transaction_id"][row].as_py(),
        customer_id=batch["customer"][row].as_py(),
        event_type=batch["event_type"][row].as_py(),
        timestamp=batch["happened_at"][row].as_py(),
        properties=_READ_PROPERTIES.decode(batch["properties"][row].as_py()),
    )


def _digests(texts: Iterable[str]) -> Hashes:
    """64 bits of BLAKE2b per text, the same on every machine."""
    digests = [blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<i8")
