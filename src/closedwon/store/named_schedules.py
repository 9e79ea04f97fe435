"""Updates of named schedules, appended and never changed (metronome.md 2.3)."""

from datetime import datetime

from sqlite_utils import Database

from closedwon.billing.contracts.named_schedules import NamedSegment
from closedwon.kernel.instant import Interval, format_instant, parse_instant
from closedwon.kernel.strict_json import canonical_dumps, loads
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import insert, instant_or_none, select


@migrations()
def m042_named_schedules(db: Database) -> None:
    """``value`` is JSON text; ``position`` is the order of updates."""
    create(
        db,
        "create table named_schedule_update ("
        " position integer primary key, owner_kind text not null, owner_id text not null,"
        " name text not null check (name <> ''), starting_at text not null, ending_before text,"
        " value text not null, at text not null, by text not null) strict",
        "create index named_schedule_owner on named_schedule_update (owner_kind, owner_id, name)",
        *append_only("named_schedule_update"),
    )


class NamedSchedules:
    """Updates by owner and name."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def append(
        self,
        owner: tuple[str, str],
        name: str,
        segment: NamedSegment,
        author: tuple[str, datetime],
    ) -> None:
        """Store one more update of an owner's schedule."""
        kind, owner_id = owner
        by, at = author
        insert(
            self._db,
            "named_schedule_update",
            [
                {
                    "owner_kind": kind,
                    "owner_id": owner_id,
                    "name": name,
                    "starting_at": format_instant(segment.window.start),
                    "ending_before": instant_or_none(segment.window.end),
                    "value": canonical_dumps(segment.value),
                    "at": format_instant(at),
                    "by": by,
                }
            ],
        )

    def updates(self, kind: str, owner_id: str, name: str) -> tuple[NamedSegment, ...]:
        """Updates of one schedule, oldest first."""
        return tuple(
            NamedSegment(
                window=Interval(
                    parse_instant(row["starting_at"]),
                    None if row["ending_before"] is None else parse_instant(row["ending_before"]),
                ),
                value=loads(row["value"]),
            )
            for row in select(
                self._db,
                "select * from named_schedule_update where owner_kind = :kind"
                " and owner_id = :id and name = :name order by position",
                kind=kind,
                id=owner_id,
                name=name,
            )
        )

    def names(self, kind: str, owner_id: str) -> tuple[str, ...]:
        """Names of an owner's schedules."""
        return tuple(
            row["name"]
            for row in select(
                self._db,
                "select distinct name from named_schedule_update where owner_kind = :kind"
                " and owner_id = :id order by name",
                kind=kind,
                id=owner_id,
            )
        )
