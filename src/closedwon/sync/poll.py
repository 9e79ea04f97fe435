"""poll: which CRM rows changed, and which deals are therefore to be read again.

Salesforce stamps a row when it is written but shows it at commit, so every window reaches back by
``overlap``; rows seen before cost nothing (salesforce.md 7.1, reliability.md finding 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from closedwon.deals.source import DealSource
from closedwon.kernel import strict_json
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.instant import wire_instant
from closedwon.ports import ChangedRow, Crm, Window
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore

WINDOWS_MAX = 600
"""Windows read in one run; with the default length about fifty years."""
CLOCK_STEP_MAX = timedelta(hours=1)
"""A watermark further ahead of the CRM's clock than this is a damaged state (F038)."""


class PollOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Times of the CRM's own clock (salesforce.md 7.1)."""

    start_from: datetime | None = None
    """Where the first window begins; None refuses a first poll, history is never implied."""
    overlap: timedelta = timedelta(minutes=10)
    settle: timedelta = timedelta(seconds=60)
    """Rows younger than this are left for the next run."""
    window_max: timedelta = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """Reads the CRM's changes; writes crm_record, watermark and the deals to read again."""

    store: LineStore
    crm: Crm
    source: DealSource
    options: PollOptions
    name: str = "poll"

    def run(self, now: datetime) -> StepReport:
        """Read window after window up to the CRM's clock minus ``settle``.

        Rows and watermark of a window commit together (G3); killed between, the window is read
        again. Raises ConfigError on a first run without a start, or for another org.
        """
        with writing(self.store.db):
            self.store.watermarks.pin_org(self.crm.org_id(), now)
        clock = self.crm.server_now()
        done = unchanged = new = 0
        for turn in range(WINDOWS_MAX):
            windows = self._windows(clock, overlapping=turn == 0)
            if not windows:
                break
            rows = list(self.crm.changes(windows))
            with writing(self.store.db):
                fresh = [row for row in rows if self._is_fresh(row, now)]
                new += self.store.deals.mark(
                    (deal_id for row in fresh for deal_id in row.opportunity_ids), now
                )
                for window in windows:
                    self.store.watermarks.advance(window.object_name, window.since, window.until)
            done += len(fresh)
            unchanged += len(rows) - len(fresh)
        notes = (f"{new} deals seen for the first time",) if new else ()
        return StepReport(step=self.name, done=done, unchanged=unchanged, notes=notes)

    def _objects(self) -> tuple[str, ...]:
        children = (child.object_name for child in self.source.children)
        return tuple(dict.fromkeys((self.source.root, *children)))

    def _windows(self, clock: datetime, *, overlapping: bool) -> Sequence[Window]:
        """Next window per object; later turns of a run only catch up with new time."""
        found = []
        for name in self._objects():
            mark = self.store.watermarks.read(name)
            if mark is not None and mark.until > clock + CLOCK_STEP_MAX:
                raise ConfigError(
                    "the watermark lies ahead of the CRM's clock; was an old backup restored?",
                    object=name,
                    watermark=wire_instant(mark.until),
                    clock=wire_instant(clock),
                )
            start = self._start() if mark is None else mark.until
            until = max(start, min(clock - self.options.settle, start + self.options.window_max))
            if overlapping or until > start:
                since = (
                    start if mark is None else max(mark.started_at, start - self.options.overlap)
                )
                found.append(Window(object_name=name, since=since, until=until))
        return found

    def _start(self) -> datetime:
        if self.options.start_from is None:
            raise ConfigError(
                "the first poll needs to know where to begin: set go_live (CLOSEDWON_GO_LIVE),"
                " or bring history in with `closedwon backfill --from ... --to ...`"
            )
        return self.options.start_from

    def _is_fresh(self, row: ChangedRow, now: datetime) -> bool:
        version = (row.modstamp, row.deleted, strict_json.fingerprint(row.record))
        if not self.store.records.is_new(row.object_name, row.id, version):
            return False
        self.store.records.seen(row.object_name, row.id, version, now)
        return True
