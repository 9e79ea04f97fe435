"""sweep: compare every deal we know with every deal the CRM shows (salesforce.md 7.5).

The guarantee behind the poll (G2): it finds rows that became visible after the overlap, deals that
vanished, and gives deals nobody touched a fresh read, because formula fields change unstamped.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from closedwon.ports import Crm
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow, Outcome

REREAD_MAX = 500
"""Untouched deals re-read per sweep, longest unread first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Reads the CRM's ids; marks deals to read again."""

    store: LineStore
    crm: Crm
    root: str
    """Name of the deal object, whose watermark says since when rows are ours to find."""
    reread_after: timedelta = timedelta(days=7)
    name: str = "sweep"

    def run(self, now: datetime) -> StepReport:
        """Mark what the poll cannot have seen; does nothing before the first poll or backfill."""
        mark = self.store.watermarks.read(self.root)
        if mark is None:
            return StepReport(step=self.name, notes=("nothing was polled yet",))
        visible = dict(self.crm.visible())
        known = {row.opportunity_id: row for row in self.store.deals.all()}
        missed = [
            deal_id
            for deal_id, stamp in visible.items()
            if deal_id not in known and mark.started_at <= stamp < mark.until
        ]
        vanished = [
            row.opportunity_id
            for row in known.values()
            if row.opportunity_id not in visible and row.outcome is not Outcome.EXCLUDED
        ]
        moved = [
            deal_id
            for deal_id, stamp in visible.items()
            if deal_id in known and _is_behind(known[deal_id], stamp)
        ]
        stale = [row.opportunity_id for row in self._stale(known, visible, now)]
        chosen = dict.fromkeys([*missed, *vanished, *moved, *stale])
        idle = [i for i in chosen if i not in known or known[i].waits_for is None]
        with writing(self.store.db):
            self.store.deals.mark(idle, now)
        notes = (f"missed={len(missed)} vanished={len(vanished)} moved={len(moved)}",)
        unchanged = len(visible) - len(missed) - len(moved)
        return StepReport(step=self.name, done=len(idle), unchanged=unchanged, notes=notes)

    def _stale(
        self, known: dict[str, DealRow], visible: dict[str, datetime], now: datetime
    ) -> list[DealRow]:
        old = [
            row
            for row in known.values()
            if row.opportunity_id in visible
            and row.read_at is not None
            and row.read_at < now - self.reread_after
        ]
        old.sort(key=lambda row: (row.read_at or row.seen_at, row.opportunity_id))
        return old[:REREAD_MAX]


def _is_behind(row: DealRow, stamp: datetime) -> bool:
    """Whether the CRM changed the deal after we read it, or shows one we had excluded."""
    if row.outcome is Outcome.EXCLUDED:
        return row.read_at is None or stamp > row.read_at
    return row.read_at is not None and stamp > row.read_at
