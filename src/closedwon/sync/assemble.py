"""assemble: read each changed deal as a whole; a deal that says the same goes no further."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import assert_never

from closedwon.deals.types import Deal, Finding
from closedwon.ports import Crm, Gone, Unready
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow, Outcome

BATCH_MAX = 200
STORED_TOGETHER = 50
"""Deals read before they are stored; a kill has at most these read again."""
FRESH_READS_MAX = 100
"""Reads in a row that may find a deal just saved; several passes of one run count each."""
RETRY_AFTER = timedelta(minutes=30)
"""A deal parked because it never became readable is tried again this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assemble:
    """Reads deals that wait for it from the CRM; writes their content."""

    store: LineStore
    crm: Crm
    mapping_versions: tuple[str, ...]
    """Versions of the loaded mappings; deals settled under any other one are read again."""
    reads_max: int = 10
    """Unready reads in a row before a person is told."""
    batch_max: int = BATCH_MAX
    name: str = "assemble"

    def run(self, now: datetime) -> StepReport:
        """One batch; reads happen outside of a transaction, outcomes commit chunk by chunk."""
        self._requeue(now)
        counts: Counter[str] = Counter()
        rows = {
            row.opportunity_id: row for row in self.store.deals.waiting(self.name, self.batch_max)
        }
        if rows:
            clock = self.crm.server_now()
            won = self.crm.matching(list(rows))
            wanted = [deal_id for deal_id, row in rows.items() if self._is_ours(row, won)]
            with writing(self.store.db):
                for deal_id in rows.keys() - set(wanted):
                    self.store.deals.forgotten(rows[deal_id])
                    counts["unchanged"] += 1
            read = iter(self.crm.deals(wanted, clock))
            while chunk := list(islice(read, STORED_TOGETHER)):
                with writing(self.store.db):
                    for found in chunk:
                        counts[self._settle(rows[found.opportunity_id], found, now)] += 1
        return StepReport(
            step=self.name,
            done=counts["done"],
            unchanged=counts["unchanged"],
            parked=counts["parked"],
            waiting=counts["waiting"],
        )

    def _is_ours(self, row: DealRow, won: frozenset[str]) -> bool:
        """Whether the deal matches the trigger, or did when it was read before."""
        return row.opportunity_id in won or row.fingerprint is not None

    def _requeue(self, now: datetime) -> None:
        """Deals settled under another mapping, and unreadable ones whose time has come."""
        with writing(self.store.db):
            outdated = self.store.deals.outdated(self.mapping_versions)
            self.store.deals.mark(outdated, now, forced=True)
            due = [row for row in self.store.parked.due(now, BATCH_MAX) if row.step == self.name]
            idle = [
                row.subject for row in due if self.store.deals.get(row.subject).waits_for is None
            ]
            self.store.deals.mark(idle, now)

    def _settle(self, row: DealRow, found: Deal | Unready | Gone, now: datetime) -> str:
        match found:
            case Unready():
                return self._unready(row, found, now)
            case Gone():
                return self._gone(row, found, now)
            case Deal():
                if self._says_the_same(row, found):
                    self.store.deals.unchanged(row, now)
                    return "unchanged"
                name = str(found.record.get("Name") or "")
                self.store.deals.assembled(row, found, name, now)
                return "done"
            case _:
                assert_never(found)

    def _says_the_same(self, row: DealRow, deal: Deal) -> bool:
        if row.fingerprint != deal.fingerprint or row.forced:
            return False
        if row.outcome is Outcome.PROVISIONED:
            return True
        open_rows = self.store.parked.open(row.opportunity_id)
        return row.outcome is Outcome.PARKED and all(p.step != self.name for p in open_rows)

    def _unready(self, row: DealRow, found: Unready, now: datetime) -> str:
        reads_max = max(self.reads_max, FRESH_READS_MAX) if found.is_fresh else self.reads_max
        if row.reads + 1 < reads_max:
            self.store.deals.unready(row, found.reason, now)
            return "waiting"
        finding = Finding(
            code="deal_not_ready",
            message=f"the deal cannot be read as a whole, after {_times(row.reads + 1)}:"
            f" {found.reason}",
            fix="Finish saving or calculating the quote in Salesforce; it is read again by itself.",
            record_id=row.opportunity_id,
        )
        return self._park(row, finding, now, retry_at=now + RETRY_AFTER)

    def _gone(self, row: DealRow, found: Gone, now: datetime) -> str:
        if row.provisioned_at is None:
            self.store.parked.resolve(row.opportunity_id, now)
            self.store.plans.supersede(row.opportunity_id)
            reason = "deleted before it was provisioned" if found.deleted else "not visible"
            self.store.deals.excluded(row, reason, now)
            return "done"
        if found.deleted:
            finding = Finding(
                code="deal_deleted",
                message="the opportunity was deleted after it was provisioned; billing goes on",
                fix="Undelete the opportunity, or end the contract and then release the deal.",
                record_id=row.opportunity_id,
            )
        else:
            finding = Finding(
                code="deal_not_visible",
                message="the opportunity can no longer be read; billing goes on",
                fix="Check the integration user's sharing and object permissions.",
                record_id=row.opportunity_id,
            )
        return self._park(row, finding, now)

    def _park(
        self, row: DealRow, finding: Finding, now: datetime, retry_at: datetime | None = None
    ) -> str:
        known = self.store.parked.open(row.opportunity_id)
        deal_id = row.opportunity_id
        self.store.parked.park(
            self.name, deal_id, [finding], now, opportunity_id=deal_id, retry_at=retry_at
        )
        self.store.deals.parked(row, now)
        return "unchanged" if [p.code for p in known] == [finding.code] else "parked"


def _times(reads: int) -> str:
    return "one read" if reads == 1 else f"{reads} reads in a row"
