"""All SQL of the hot log: an append-only SQLite file of its own, one row per accepted batch."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from zlib import crc32

import msgspec
import pyarrow as pa
from sqlite_utils import Database

from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.kernel.strict_json import fingerprint
from closedwon.store.rows import Row, decoded, encoded, insert, insert_new, select
from closedwon.usage.columns import packed, stored, unpacked
from closedwon.usage.tail import Segment
from closedwon.usage.types import UsageEvent


def sealed_through(db: Database) -> int:
    """Last sequence number inside segments; 0 for none."""
    found = select(db, "select coalesce(max(last_sequence), 0) as last from segment")
    return int(found[0]["last"])


def segments(db: Database) -> tuple[Segment, ...]:
    """Every sealed segment, oldest sequence first."""
    rows = select(db, "select * from segment order by first_sequence, name")
    return tuple(msgspec.convert(row, Segment) for row in rows)


def batches_after(db: Database, sequence: int) -> Iterator[pa.RecordBatch]:
    """Stored batches behind ``sequence``, in order; raises InvariantBroken on a damaged one."""
    sql = "select first, ingested_at, checksum, payload from batch where first > ? order by first"
    for first, ingested_at, checksum, payload in db.conn.execute(sql, (sequence,)):
        yield stored(unpacked(payload, checksum, first), first, parse_instant(ingested_at))


def append(db: Database, first: int, batch: pa.RecordBatch, now: datetime) -> None:
    """Add a sent batch whose first event gets sequence number ``first``."""
    payload = packed(batch)
    db.conn.execute(
        "insert into batch (first, last, ingested_at, checksum, payload) values (?, ?, ?, ?, ?)",
        (first, first + batch.num_rows - 1, format_instant(now), crc32(payload), payload),
    )


def quarantine(db: Database, sequence: int, other: UsageEvent, now: datetime) -> None:
    """Keep the ``other`` version of the stored event ``sequence``; the same one only once."""
    row: Row = {
        "sequence": sequence,
        "transaction_id": other.transaction_id,
        "fingerprint": fingerprint(msgspec.to_builtins(other)),
        "event": encoded(other),
        "sent_at": format_instant(now),
    }
    insert_new(db, "quarantine", [row])


def count_repeats(db: Database, sequences: Iterable[int], now: datetime) -> None:
    """Events that came again unchanged; a sequence may be named several times."""
    at = format_instant(now)
    db.conn.executemany(
        "insert into repeat (sequence, times, sent_at) values (?, ?, ?) on conflict (sequence)"
        " do update set times = times + excluded.times, sent_at = excluded.sent_at",
        [(sequence, times, at) for sequence, times in Counter(sequences).items()],
    )


def repeats(db: Database, sequences: Iterable[int]) -> dict[int, tuple[int, datetime]]:
    """How often, and when last, each of these events came again."""
    found = {}
    for sequence in sequences:
        for row in select(db, "select * from repeat where sequence = :id", id=sequence):
            found[sequence] = (row["times"], parse_instant(row["sent_at"]))
    return found


def quarantined(db: Database) -> list[tuple[int, UsageEvent, datetime]]:
    """(sequence of the event kept, the other version, when it was sent), oldest first."""
    rows = select(db, "select sequence, event, sent_at from quarantine order by rowid")
    return [
        (row["sequence"], decoded(row["event"], UsageEvent), parse_instant(row["sent_at"]))
        for row in rows
    ]


def mark_sealed(db: Database, sealed: Iterable[Segment], through: int) -> None:
    """Segments take the place of the batches up to ``through``, in the caller's transaction."""
    insert(db, "segment", [msgspec.to_builtins(segment) for segment in sealed])
    db.conn.execute("delete from batch where last <= ?", (through,))


def backlog(db: Database) -> tuple[int, int]:
    """Events and batches that are not sealed yet."""
    sql = "select coalesce(sum(last - first + 1), 0) as events, count(*) as batches from batch"
    row = select(db, sql)[0]
    return int(row["events"]), int(row["batches"])
