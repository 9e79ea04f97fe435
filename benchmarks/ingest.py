"""Durable, deduplicated ingest against the bare SQLite log, 10k events per commit.

The baseline is an append-only table without any key, WAL and synchronous FULL, one durable
transaction per batch, fed with the same events turned into rows in the timed part, as ours are.
It keeps every resend; ours drops them. ``sealed`` is ours with the log sealed on the way.
``ratio`` is our rate over the baseline's; aim 0.8 or more. The three take turns batch by batch in
one process, so that a busy machine is equally busy for all; peak memory comes from a process of
each one's own. Making up the events is not timed. All must hold the same distinct events.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import msgspec

from benchmarks.child import measured
from benchmarks.usage_events import NOW, batches
from closedwon.usage import open_usage
from closedwon.usage.types import UsageEvent

EVENTS, EVENTS_SMALL = 1_000_000, 20_000
BATCH = 10_000
CUSTOMERS = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
AIM = 0.8

Write = Callable[[Sequence[UsageEvent]], None]
Finish = Callable[[], str]
"""Closes a side and answers the checksum of its distinct events."""


def run(*, small: bool) -> dict[str, Any]:
    """Figures of the three sides."""
    events = EVENTS_SMALL if small else EVENTS
    figures = measured(__name__, "race", events=events)
    rates = {name: figures[name]["per_second"] for name in SIDES}
    for name in SIDES:
        alone = measured(__name__, "alone", events=events, side=name)
        figures[name] |= {"peak_mib": alone["peak_mib"], "reopen_s": alone["reopen_s"]}
    return {name: figures[name] for name in SIDES} | {
        "events": events,
        "equal": len({figures[name]["checksum"] for name in SIDES}) == 1,
        "ratio": round(rates["ours"] / rates["bare"], 2),
        "ratio_sealed": round(rates["sealed"] / rates["bare"], 2),
        "aim": AIM,
    }


def race(directory: Path, *, events: int) -> dict[str, Any]:
    """All sides in turns, batch by batch."""
    sides = {name: start(_made(directory / name)) for name, start in SIDES.items()}
    seconds, cpu = dict.fromkeys(sides, 0.0), dict.fromkeys(sides, 0.0)
    sent = 0
    for number, batch in enumerate(batches(events, BATCH, CUSTOMERS)):
        sent += len(batch)
        order = list(sides)
        for name in order[number % len(order) :] + order[: number % len(order)]:
            begun, begun_cpu = perf_counter(), process_time()
            sides[name][0](batch)
            seconds[name] += perf_counter() - begun
            cpu[name] += process_time() - begun_cpu
    return {
        name: {
            "per_second": round(sent / seconds[name]),
            "seconds": round(seconds[name], 2),
            "cpu_s": round(cpu[name], 2),
            "bytes_per_event": round(_stored_bytes(directory / name) / sent),
            "checksum": finish(),
        }
        for name, (_, finish) in sides.items()
    }


def alone(directory: Path, *, events: int, side: str) -> dict[str, Any]:
    """One side by itself, for its peak memory; and the time to open its store again."""
    write, _ = SIDES[side](directory)
    for batch in batches(events, BATCH, CUSTOMERS):
        write(batch)
    begun = perf_counter()
    SIDES[side](directory)
    return {"reopen_s": round(perf_counter() - begun, 2)}


def bare_log(directory: Path) -> tuple[Write, Finish]:
    """Rows in, nothing looked up."""
    db = sqlite3.connect(directory / "bare.sqlite", isolation_level=None)
    db.execute("pragma journal_mode=wal")
    db.execute("pragma synchronous=full")
    db.execute(
        "create table if not exists event (sequence integer primary key, ingested_at integer,"
        " id text, customer text, event_type text, happened_at integer, properties text) strict"
    )
    encode = msgspec.json.Encoder(order="deterministic").encode
    now = (NOW - EPOCH) // MICROSECOND

    def write(batch: Sequence[UsageEvent]) -> None:
        rows = [
            (
                now,
                event.transaction_id,
                event.customer_id,
                event.event_type,
                (event.timestamp - EPOCH) // MICROSECOND,
                encode(event.properties).decode(),
            )
            for event in batch
        ]
        db.execute("begin immediate")
        db.executemany(
            "insert into event (ingested_at, id, customer, event_type, happened_at, properties)"
            " values (?, ?, ?, ?, ?, ?)",
            rows,
        )
        db.execute("commit")

    def finish() -> str:
        checksum = _checksum(db.execute("select distinct id, properties from event"))
        db.close()
        return checksum

    return write, finish


def our_log(directory: Path, *, seals: bool = False) -> tuple[Write, Finish]:
    """Our store, with or without sealing on the way."""
    log = open_usage(directory)

    def write(batch: Sequence[UsageEvent]) -> None:
        log.ingest(batch, NOW)
        if seals:
            log.seal(NOW, events_min=EVENTS // 4)

    def finish() -> str:
        checksum = _checksum(log.query("select transaction_id, properties from event"))
        log.close()
        return checksum

    return write, finish


def sealed_log(directory: Path) -> tuple[Write, Finish]:
    """Ours, sealed on the way."""
    return our_log(directory, seals=True)


SIDES = {"bare": bare_log, "ours": our_log, "sealed": sealed_log}


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def _stored_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _checksum(rows: Iterable[tuple[Any, ...]]) -> str:
    """Of all rows in any order."""
    total = 0
    for row in rows:
        total += int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest())
    return f"{total % 2**64:016x}"
