"""Updates of named schedules, appended and never changed (metronome.md 2.3)."""

from collections.abc import Mapping
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


@migrations()
def m074_named_schedule_properties(db: Database) -> None:
    """``properties`` is canonical JSON; with the name it says which schedule it is."""
    create(
        db,
        "alter table named_schedule_update add column properties text not null default '{}'",
    )


class NamedSchedules:
    """Updates by owner and name."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def append(
        self,
        owner: tuple[str, str],
        name: tuple[str, Mapping[str, str]],
        segment: NamedSegment,
        author: tuple[str, datetime],
    ) -> None:
        """Store one more update of an owner's schedule; ``name`` comes with its properties."""
        kind, owner_id = owner
        called, properties = name
        by, at = author
        insert(
            self._db,
            "named_schedule_update",
            [
                {
                    "owner_kind": kind,
                    "owner_id": owner_id,
                    "name": called,
                    "properties": canonical_dumps(dict(properties)),
                    "starting_at": format_instant(segment.window.start),
                    "ending_before": instant_or_none(segment.window.end),
                    "value": canonical_dumps(segment.value),
                    "at": format_instant(at),
                    "by": by,
                }
            ],
        )

    def updates(
        self, kind: str, owner_id: str, name: tuple[str, Mapping[str, str]]
    ) -> tuple[NamedSegment, ...]:
        """Updates of one schedule, oldest first."""
        called, properties = name
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
                " and owner_id = :id and name = :name and properties = :properties"
                " order by position",
                kind=kind,
                id=owner_id,
                name=called,
                properties=canonical_dumps(dict(properties)),
            )
        )

    def names(self, kind: str, owner_id: str) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """Names of an owner's schedules, each with its properties, in order."""
        return tuple(
            (row["name"], loads(row["properties"]))
            for row in select(
                self._db,
                "select distinct name, properties from named_schedule_update"
                " where owner_kind = :kind and owner_id = :id order by name, properties",
                kind=kind,
                id=owner_id,
            )
        )
