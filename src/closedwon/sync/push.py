"""push: send Salesforce the rows that differ, keyed, in chunks, parents first (salesforce.md 10.2).

The intent is stored before the call and its outcome after it. An unknown outcome is settled by
sending the same key again: an upsert by external id cannot make a second row (G1, G15).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from closedwon.deals.types import Finding
from closedwon.finance.figures.row import KEY_FIELD
from closedwon.kernel.errors import NotFound, RetryLater
from closedwon.kernel.instant import wire_instant
from closedwon.ports import Crm, RowResult
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.push_rows import PushRow

CHUNK_MAX = 200
CHUNKS_MAX = 500
ATTEMPTS_MAX = 5
"""Runs a retryable refusal may take before a person is told."""
RETRY_FIRST = timedelta(hours=1)
RETRY_LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Reads rows wanted in Salesforce; upserts them and writes what it acknowledged."""

    store: LineStore
    crm: Crm
    name: str = "push"

    def run(self, now: datetime) -> StepReport:
        """Send what differs; a refused row stops only the rows that refer to it (G13, G14)."""
        self._retry_due(now)
        counts: Counter[str] = Counter()
        tried: set[str] = set()
        notes: list[str] = []
        for _ in range(CHUNKS_MAX):
            rows = self.store.pushes.waiting(CHUNK_MAX, tried)
            if not rows:
                break
            tried.update(row.key for row in rows)
            orphans = self.store.pushes.orphans(rows)
            rows = tuple(row for row in rows if row.key not in orphans)
            if not rows:
                continue
            try:
                results = self._send(rows, now, counts)
            except NotFound as error:
                notes.append(f"{error}; is the salesforce/ package deployed?")
                continue
            with writing(self.store.db):
                for row, result in zip(rows, results, strict=True):
                    counts[self._settle(row, result, now)] += 1
        if counts["unknown"]:
            notes.append(f"{counts['unknown']} rows sent again after an unknown outcome")
        return StepReport(
            step=self.name,
            done=counts["done"],
            parked=counts["parked"],
            waiting=self.store.pushes.count_waiting(),
            notes=tuple(notes),
        )

    def _send(
        self, rows: Sequence[PushRow], now: datetime, counts: Counter[str]
    ) -> tuple[RowResult, ...]:
        with writing(self.store.db):
            counts["unknown"] += self.store.pushes.intend(rows, now)
        try:
            return self._upserted(rows, now)
        except (RetryLater, NotFound):
            with writing(self.store.db):
                self.store.pushes.unknown(rows)
            raise

    def _upserted(self, rows: Sequence[PushRow], now: datetime) -> tuple[RowResult, ...]:
        payloads = [_payload(row, now) for row in rows]
        results = self.crm.upsert(rows[0].object_name, KEY_FIELD, payloads)
        if len(results) != len(rows):
            raise RetryLater("Salesforce answered for other rows than were sent (F057)")
        return results

    def _settle(self, row: PushRow, result: RowResult, now: datetime) -> str:
        if result.ok:
            self.store.pushes.pushed(row, result.id, now)
            self.store.parked.resolve(row.key, now)
            return "done"
        attempts = row.attempts + 1
        if result.retryable and attempts < ATTEMPTS_MAX:
            self.store.pushes.failed(row, now, parked=False)
            return "waiting"
        self.store.pushes.failed(row, now, parked=True)
        finding = Finding(
            code=f"push_{result.code.lower()}",
            message=f"Salesforce refused {row.object_name} {row.key}: {result.message}",
            fix="Correct the field, rule or permission in Salesforce; it is sent again by itself.",
            record_id=row.key,
            field=", ".join(result.fields),
        )
        wait = min(RETRY_FIRST * 2 ** min(row.attempts, 10), RETRY_LONGEST)
        self.store.parked.park(
            self.name,
            row.key,
            [finding],
            now,
            opportunity_id=row.opportunity_id,
            retry_at=now + wait,
        )
        return "parked"

    def _retry_due(self, now: datetime) -> None:
        with writing(self.store.db):
            for parked in self.store.parked.due(now, CHUNK_MAX):
                if parked.step == self.name:
                    self.store.pushes.retry(parked.subject)


def _payload(row: PushRow, now: datetime) -> dict[str, Any]:
    stamps = {"Synced_At__c": wire_instant(now), "Sync_Hash__c": row.wanted_hash}
    return {KEY_FIELD: row.key, **row.fields, **row.extra, **stamps}
