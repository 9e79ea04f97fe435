"""What each step did, for status, metrics and support; never part of a content hash."""

from collections.abc import Mapping
from datetime import datetime

from sqlite_utils import Database

from closedwon.kernel import strict_json
from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.step import StepReport
from closedwon.store.rows import Row, change, insert, select

RUNS_KEPT = 20_000


class RunLog:
    """The last RUNS_KEPT runs of all steps."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def record(self, report: StepReport, now: datetime, error: str = "") -> None:
        """Add one run and drop the oldest beyond RUNS_KEPT."""
        row: Row = {
            "step": report.step,
            "at": format_instant(now),
            "done": report.done,
            "unchanged": report.unchanged,
            "parked": report.parked,
            "waiting": report.waiting,
            "notes": strict_json.dumps(list(report.notes)),
            "error": error,
        }
        insert(self._db, "run_log", [row])
        change(
            self._db,
            "delete from run_log where id <= (select max(id) from run_log) - :kept",
            kept=RUNS_KEPT,
        )

    def last(self) -> Mapping[str, tuple[datetime, StepReport, str]]:
        """(instant, report, error) of the newest run by step."""
        rows = select(
            self._db,
            "select * from run_log where id in (select max(id) from run_log group by step)"
            " order by id",
        )
        return {
            row["step"]: (
                parse_instant(row["at"]),
                StepReport(
                    step=row["step"],
                    done=row["done"],
                    unchanged=row["unchanged"],
                    parked=row["parked"],
                    waiting=row["waiting"],
                    notes=tuple(strict_json.loads(row["notes"])),
                ),
                row["error"],
            )
            for row in rows
        }
