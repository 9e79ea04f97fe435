"""The usage store: a durable, deduplicated log and exact metering over it (D6, G11, G21)."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlite_utils import Database

from closedwon.billing.columns.panel import Increments, Panel
from closedwon.billing.rating.demand import Demand, Quantities, Reading
from closedwon.kernel.errors import NotFound, Refused
from closedwon.store.database import close, open_database, writing
from closedwon.usage import hot, sealed
from closedwon.usage.columns import id_hashes, sent, stored
from closedwon.usage.compute import Compute, checked
from closedwon.usage.dedupe import Batch, Outcome, outcomes, sorted_out
from closedwon.usage.options import BACKDATING_DAYS, UsageOptions
from closedwon.usage.questions import Questions
from closedwon.usage.remembered import Remembered
from closedwon.usage.schema import migrate
from closedwon.usage.seal import SEAL_EVENTS, SealReport, seal
from closedwon.usage.seen import SeenIds
from closedwon.usage.tail import Segment, Snapshot, Tail
from closedwon.usage.together import Together
from closedwon.usage.types import IngestReport, Rejection, UsageEvent
from closedwon.usage.validate import limits_at, screened

FILE = "usage.sqlite"
SEGMENTS = "segments"
BATCHES_MAX = 64
"""Batches that share a commit."""
CONFLICT = "another event is stored under this transaction_id; it stays, this one is kept aside"

Row = tuple[Any, ...]


def open_usage(
    directory: str | Path,
    *,
    read_only: bool = False,
    backdating_days: int | None = BACKDATING_DAYS,
    metrics_retroactive: bool = False,
    memory: str = "2GB",
    threads: int = 2,
) -> "UsageLog":
    """Open the usage store in ``directory``, created when missing unless ``read_only``.

    A writer reads every segment once, to check it and to know its ids. One store serves all
    threads of a process, and any number of processes may read while one writes. Raises NotFound
    (read-only, nothing there) or InvariantBroken (what was stored is damaged).
    """
    options = UsageOptions(
        read_only=read_only,
        backdating_days=backdating_days,
        metrics_retroactive=metrics_retroactive,
        memory=memory,
        threads=threads,
    )
    return UsageLog(Path(directory), options)


class UsageLog(Questions):
    """Usage events in a directory: ``usage.sqlite`` (hot log) and ``segments/`` (Parquet)."""

    def __init__(self, directory: Path, options: UsageOptions) -> None:
        self.directory = directory
        self.options = options
        if options.read_only and not (directory / FILE).exists():
            raise NotFound("no usage store here; ingest something first", directory=str(directory))
        self._anchor = open_database(directory / FILE, read_only=options.read_only, any_thread=True)
        """Keeps the log open; used by one thread at a time, under ``_lock``."""
        if not options.read_only:
            migrate(self._anchor)
        self._lock = threading.RLock()
        self._computing = threading.Lock()
        self._together = Together(self._store, BATCHES_MAX)
        self._seen = SeenIds()
        self._tail = Tail()
        self._remembered = Remembered()
        self._segments: tuple[Segment, ...] = ()
        self._sealed = self._last = 0
        self._engine: Compute | None = None
        try:
            self.snapshot()
        except BaseException:
            close(self._anchor)
            raise

    def close(self) -> None:
        """Close files and free memory."""
        if self._engine is not None:
            self._engine.close()
        close(self._anchor)

    def ingest(
        self, events: Sequence[UsageEvent], now: datetime, *, any_age: bool = False
    ) -> IngestReport:
        """Store a batch durably before returning; safe to repeat, from any thread (G11, G21).

        Events outside the limits of R16-R18 are rejected, the others stored; ``any_age`` lifts
        the limit on old ones, for backfill. ``now`` is kept as the instant of ingest; of batches
        that come together, which share a commit, the latest one. Raises Refused when the store
        was opened for reading.
        """
        self._check_writable()
        limits = limits_at(now, None if any_age else self.options.backdating_days)
        fine = screened(events, limits)
        if not fine.events:
            return IngestReport(accepted=0, duplicates=0, rejected=fine.rejected)
        hashes = id_hashes([event.transaction_id for event in fine.events])
        outcome = self._together.result(Batch(fine.events, hashes, now))
        return IngestReport(
            accepted=len(fine.events) - len(outcome.repeated) - len(outcome.conflicts),
            duplicates=len(outcome.repeated),
            contradicted=tuple(
                Rejection(place=str(fine.positions[at]), code="usage_conflict", message=CONFLICT)
                for at in outcome.conflicts
            ),
            rejected=fine.rejected,
        )

    def measure(self, demands: Iterable[Demand]) -> Quantities:
        """Cumulative values for all ``demands`` over one snapshot (D3); every key is answered.

        Raises Refused for a key used twice or cuts that do not rise.
        """
        asked = checked(tuple(demands))
        snapshot = self.snapshot()
        known = self._remembered.known(asked, snapshot.last)
        others = tuple(demand for demand in asked if demand.key not in known)
        if others:
            measured = self.measured_over(snapshot, others)
            self._remembered.keep(others, snapshot.last, measured)
            known |= measured
        return {demand.key: known[demand.key] for demand in asked}

    def measure_panels(self, panels: Sequence[Panel]) -> list[Increments]:
        """As ``measure``, for the same demands of many customers, answered as columns."""
        retroactive = self.options.metrics_retroactive
        with self._computing:
            return self._compute().panels(self.snapshot(), panels, retroactive=retroactive)

    def measured_over(
        self, snapshot: Snapshot, demands: Iterable[Demand]
    ) -> dict[str, tuple[Reading, ...]]:
        """The same over a given snapshot of this store."""
        asked = checked(tuple(demands))
        measurable = [demand for demand in asked if len(demand.cuts) > 1 and demand.customer_ids]
        retroactive = self.options.metrics_retroactive
        with self._computing:
            found = self._compute().measure(snapshot, measurable, retroactive=retroactive)
        return {demand.key: found.get(demand.key, ()) for demand in asked}

    def latest(self) -> int:
        """Sequence number of the newest stored event; 0 for an empty store."""
        return self.snapshot().last

    def query(self, sql: str, tables: Mapping[str, pa.Table] | None = None) -> list[Row]:
        """Rows of an SQL query over the relation ``event`` and ``tables``, on one snapshot."""
        with self._computing:
            engine = self._compute()
            engine.over(self.snapshot())
            return engine.rows(sql, tables)

    def quarantined(self) -> list[tuple[int, UsageEvent, datetime]]:
        """(sequence of the event kept, the other version, when it was sent), oldest first."""
        with self._database() as db:
            return hot.quarantined(db)

    def repeats(self, sequences: Iterable[int]) -> Mapping[int, tuple[int, datetime]]:
        """How often, and when last, stored events came again unchanged, by sequence (R28)."""
        with self._database() as db:
            return hot.repeats(db, sequences)

    def snapshot(self) -> Snapshot:
        """What is stored now, also by other processes."""
        with self._lock, self._anchor.atomic():
            self._follow(self._anchor)
            return Snapshot(self._segments, self._tail.batches, self._sealed, self._last)

    def seal(self, now: datetime, *, events_min: int = SEAL_EVENTS) -> SealReport:
        """Move the log into segments once it holds ``events_min`` events or many batches.

        Killed anywhere, the next call does it again; no event is ever in both or in neither.
        """
        self._check_writable()
        with self._database() as db:
            return seal(db, self.directory / SEGMENTS, now, events_min)

    def damaged(self) -> tuple[str, ...]:
        """Names of segments that are missing or not what was sealed; reads every byte (G20)."""
        return sealed.damaged(self.directory / SEGMENTS, self.snapshot().segments)

    def _store(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Store batches in one durable transaction; what became of each."""
        events = [event for batch in batches for event in batch.events]
        hashes = np.concatenate([batch.hashes for batch in batches])
        now = max(batch.now for batch in batches)
        with self._lock:
            db = self._anchor
            with writing(db):
                self._follow(db)
                first = self._last + 1
                sorting = sorted_out(events, hashes, self._seen, self._events_at, first)
                for at, sequence in sorting.conflicts.items():
                    hot.quarantine(db, sequence, events[at], now)
                hot.count_repeats(db, sorting.repeated.values(), now)
                batch = sent(sorting.fresh, sorting.hashes)
                if sorting.fresh:
                    hot.append(db, first, batch, now)
            if sorting.fresh:
                self._learn(stored(batch, first, now))
        return outcomes(sorting, [len(batch.events) for batch in batches])

    def _check_writable(self) -> None:
        if self.options.read_only:
            raise Refused("the usage store was opened for reading", directory=str(self.directory))

    def _compute(self) -> Compute:
        """The engine, started when first needed."""
        if self._engine is None:
            options = self.options
            self._engine = Compute(
                self.directory,
                memory=options.memory,
                threads=options.threads,
                sql_seconds_max=options.sql_seconds_max,
            )
        return self._engine

    @contextmanager
    def _database(self) -> Iterator[Database]:
        """A connection for this thread."""
        db = open_database(self.directory / FILE, read_only=self.options.read_only)
        try:
            yield db
        finally:
            close(db)

    def _follow(self, db: Database) -> None:
        """Learn what was stored or sealed since, by whomever, in the caller's transaction."""
        directory = self.directory / SEGMENTS
        if hot.sealed_through(db) != self._sealed:
            known = {segment.name for segment in self._segments}
            self._segments = hot.segments(db)
            self._sealed = hot.sealed_through(db)
            new = [segment for segment in self._segments if segment.name not in known]
            if self.options.read_only:
                new = []
            sealed.check_whole(directory, new)
            for segment in new:
                hashes, sequences, fingerprints = sealed.marks(directory, segment)
                newer = sequences > self._last
                self._seen.add(hashes[newer], sequences[newer])
                self._seen.seal(sequences, fingerprints)
            self._tail.drop_through(self._sealed)
            if self._sealed > self._last:
                self._remembered.forget(self._sealed)
                self._last = self._sealed
        for batch in hot.batches_after(db, self._last):
            self._learn(batch)

    def _learn(self, batch: pa.RecordBatch) -> None:
        if not self.options.read_only:
            self._seen.add(batch["id_hash"].to_numpy(), batch["sequence"].to_numpy())
        self._tail.append(batch)
        self._last = batch["sequence"][-1].as_py()
        self._remembered.learn(pc.unique(batch["customer"]).to_pylist(), self._last)

    def _events_at(self, sequences: Sequence[int]) -> Mapping[int, UsageEvent]:
        found = {s: self._tail.event(s) for s in sequences if s > self._sealed}
        older = [sequence for sequence in sequences if sequence <= self._sealed]
        if older:
            found |= sealed.events_at(self.directory / SEGMENTS, self._segments, older)
        return found
