"""What happened, as webhooks tell it: append-only, each event once (R277-R280, R293).

Whoever wants to hear of events is a listener and reads on from its own position, so that nothing is
missed while it is away and nothing that happened before it was configured is sent (R102).
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlite_utils import Database

from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import Row, change, insert_new, listing, select


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event; ``body`` is the JSON text every receiver gets, byte for byte."""

    position: int
    """Counts from 1 in the order of commits."""
    id: str
    """What receivers drop repeats by (R278)."""
    type: str
    body: str
    at: datetime


@migrations()
def m030_events(db: Database) -> None:
    """An id is told once, whoever emits it again."""
    create(
        db,
        "create table event ("
        " position integer primary key, id text not null unique, type text not null"
        " check (type <> ''), body text not null, at text not null) strict",
        "create index event_at on event (at)",
        *append_only("event"),
        "create table listener ("
        " name text primary key, read_to integer not null check (read_to >= 0),"
        " since text not null) strict",
    )


class Events:
    """The log of events and how far each listener has read it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, event_id: str, kind: str, body: str, now: datetime) -> bool:
        """Append an event; False when one with this id is there already."""
        row: Row = {"id": event_id, "type": kind, "body": body, "at": format_instant(now)}
        return bool(insert_new(self._db, "event", [row]))

    def after(self, position: int, limit: int, kinds: Iterable[str] = ()) -> tuple[Event, ...]:
        """Events above ``position``, oldest first; of those ``kinds`` only, all when empty."""
        wanted = listing(kinds)
        return tuple(
            msgspec.convert({**row, "at": parse_instant(row["at"])}, Event)
            for row in select(
                self._db,
                "select position, id, type, body, at from event where position > :position"
                " and (:kinds = '[]' or type in (select value from json_each(:kinds)))"
                " order by position limit :limit",
                position=position,
                kinds=wanted,
                limit=limit,
            )
        )

    def read_to(self, listener: str, now: datetime) -> int:
        """Position the listener has read to; a new one begins with what happens from ``now`` on."""
        known = select(self._db, "select read_to from listener where name = :name", name=listener)
        if known:
            return int(known[0]["read_to"])
        since = format_instant(now)
        past = select(
            self._db,
            "select coalesce(max(position), 0) as last from event where at < :since",
            since=since,
        )
        row: Row = {"name": listener, "read_to": int(past[0]["last"]), "since": since}
        insert_new(self._db, "listener", [row])
        return int(past[0]["last"])

    def advance(self, listener: str, position: int) -> None:
        """The listener has taken everything up to ``position``; it never goes back."""
        change(
            self._db,
            "update listener set read_to = max(read_to, :position) where name = :name",
            position=position,
            name=listener,
        )
