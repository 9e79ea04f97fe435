"""Backfills: which stretch of history was asked for, and how far it came."""

from datetime import date, datetime

import msgspec
from sqlite_utils import Database

from closedwon.kernel.instant import format_instant
from closedwon.store.rows import change, insert, select


class BackfillRow(msgspec.Struct, frozen=True, kw_only=True):
    """Deals closed in ``[since, until)``; ``listed`` is None until all of them are marked."""

    id: int
    since: date
    until: date
    started_at: datetime
    listed: int | None
    finished_at: datetime | None


class Backfills:
    """At most one is unfinished: starting another one gives the earlier one up."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def unfinished(self) -> BackfillRow | None:
        """The one that can be resumed; None when the last one finished."""
        rows = select(self._db, "select * from backfill where id = (select max(id) from backfill)")
        found = [msgspec.convert(row, BackfillRow, strict=False) for row in rows]
        return found[0] if found and found[0].finished_at is None else None

    def start(self, since: date, until: date, now: datetime) -> None:
        """A new one."""
        row = {"since": since.isoformat(), "until": until.isoformat()}
        insert(self._db, "backfill", [{**row, "started_at": format_instant(now)}])

    def listed(self, deals: int) -> None:
        """Every deal of the stretch is marked; from here on it can be resumed without asking."""
        change(
            self._db,
            "update backfill set listed = :deals where id = (select max(id) from backfill)",
            deals=deals,
        )

    def finished(self, now: datetime) -> None:
        """Nothing of it waits any more."""
        change(
            self._db,
            "update backfill set finished_at = :at where id = (select max(id) from backfill)",
            at=format_instant(now),
        )
