"""Effects that leave the process: intended before the call, settled after it (D5, G15, R278).

waiting -> sent -> done | waiting (again later) | given_up. ``sent`` is committed before the call
with one attempt more; whoever finds a row in it knows that a call was made whose outcome was never
learnt, and asks or repeats under the same id. A row is never deleted.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlite_utils import Database

from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import Row, change, insert_new, listing, select

ERROR_CHARS_MAX = 500
"""What a remote says about its failure is cut to this."""


class EffectState(StrEnum):
    """Where an effect stands."""

    WAITING = "waiting"
    SENT = "sent"
    """A call is under way, or was when the process ended: its outcome is unknown."""
    DONE = "done"
    GIVEN_UP = "given_up"
    """Refused for good or tried for too long; only a person lets it go on."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One effect; ``id`` is the key the receiver drops repeats by."""

    id: str
    kind: str
    """Who carries it out: ``webhook``, ``invoice``."""
    target: str
    """Name of the endpoint or provider; where it is and its secret stay in the settings."""
    payload: str
    created_at: datetime
    trying_since: datetime
    """When it was created, or last released by a person; how long it is tried counts from here."""
    due_at: datetime
    state: EffectState
    attempts: int
    """Calls made, unknown outcomes included."""
    last_error: str
    settled_at: datetime | None
    """When it became done or given up."""


@migrations()
def m031_outbox(db: Database) -> None:
    """What an effect is never changes, and what is done stays done."""
    fixed = ("id", "kind", "target", "payload", "created_at")
    same = " and ".join(f"new.{column} is old.{column}" for column in fixed)
    create(
        db,
        "create table outbox ("
        " id text primary key, kind text not null, target text not null, payload text not null,"
        " created_at text not null, trying_since text not null, due_at text not null,"
        " state text not null check (state in ('waiting', 'sent', 'done', 'given_up')),"
        " attempts integer not null check (attempts >= 0), last_error text not null,"
        " settled_at text,"
        " check ((state in ('done', 'given_up')) = (settled_at is not null)),"
        " check (state = 'waiting' or attempts > 0)) strict",
        "create index outbox_open on outbox (due_at, id) where state in ('waiting', 'sent')",
        "create index outbox_given_up on outbox (id) where state = 'given_up'",
        "create trigger outbox_is_fixed before update on outbox when not ("
        f" {same} and old.state <> 'done')"
        " begin select raise(abort, 'what an effect is never changes'); end",
        "create trigger outbox_never_goes before delete on outbox"
        " begin select raise(abort, 'outbox rows are never deleted'); end",
    )


class Outbox:
    """Effects by id, and those that are due."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, effect_id: str, kind: str, target: str, payload: str, now: datetime) -> bool:
        """Store an intent, due at once; False when there is one with this id.

        Call it in the transaction of what causes the effect, so that both happen or neither.
        """
        row: Row = {
            "id": effect_id,
            "kind": kind,
            "target": target,
            "payload": payload,
            "created_at": format_instant(now),
            "trying_since": format_instant(now),
            "due_at": format_instant(now),
            "state": EffectState.WAITING,
            "attempts": 0,
            "last_error": "",
            "settled_at": None,
        }
        return bool(insert_new(self._db, "outbox", [row]))

    def due(
        self, kind: str, targets: Iterable[str], now: datetime, limit: int
    ) -> tuple[Effect, ...]:
        """Open effects of ``kind`` to those ``targets`` due by ``now``, longest due first.

        Ones whose outcome is unknown are among them.
        """
        return _effects(
            select(
                self._db,
                "select * from outbox where state in ('waiting', 'sent') and kind = :kind"
                " and due_at <= :now and target in (select value from json_each(:targets))"
                " order by due_at, id limit :limit",
                kind=kind,
                targets=listing(targets),
                now=format_instant(now),
                limit=limit,
            )
        )

    def intend(self, effect: Effect) -> None:
        """Note that the call is about to be made; commit before making it."""
        change(
            self._db,
            "update outbox set state = 'sent', attempts = attempts + 1 where id = :id",
            id=effect.id,
        )

    def done(self, effect_id: str, now: datetime) -> None:
        """The receiver has it."""
        self._settle(effect_id, EffectState.DONE, "", now)

    def retry(self, effect_id: str, due_at: datetime, error: str) -> None:
        """It did not arrive, or nobody knows; try again at ``due_at``."""
        change(
            self._db,
            "update outbox set state = 'waiting', due_at = :due, last_error = :error"
            " where id = :id",
            due=format_instant(due_at),
            error=error[:ERROR_CHARS_MAX],
            id=effect_id,
        )

    def give_up(self, effect_id: str, error: str, now: datetime) -> None:
        """It was refused for good, or tried for too long."""
        self._settle(effect_id, EffectState.GIVEN_UP, error, now)

    def release(self, effect_id: str, now: datetime) -> bool:
        """Let one that was given up go on; False when it was not."""
        return bool(
            change(
                self._db,
                "update outbox set state = 'waiting', due_at = :now, trying_since = :now,"
                " settled_at = null"
                " where id = :id and state = 'given_up'",
                now=format_instant(now),
                id=effect_id,
            )
        )

    def get(self, effect_id: str) -> Effect | None:
        """One effect, None when there is none."""
        found = _effects(select(self._db, "select * from outbox where id = :id", id=effect_id))
        return found[0] if found else None

    def all(self, state: EffectState | None = None, limit: int = 1000) -> tuple[Effect, ...]:
        """Effects, newest first; in one ``state`` when given."""
        return _effects(
            select(
                self._db,
                "select * from outbox where (:state is null or state = :state)"
                " order by created_at desc, id limit :limit",
                state=state,
                limit=limit,
            )
        )

    def counts(self) -> dict[str, int]:
        """How many effects are in each state; states without any are left out."""
        rows = select(self._db, "select state, count(*) as n from outbox group by state")
        return {row["state"]: int(row["n"]) for row in rows}

    def _settle(self, effect_id: str, state: EffectState, error: str, now: datetime) -> None:
        change(
            self._db,
            "update outbox set state = :state, last_error = :error, settled_at = :now"
            " where id = :id",
            state=state,
            error=error[:ERROR_CHARS_MAX],
            now=format_instant(now),
            id=effect_id,
        )


def _effects(rows: list[dict[str, Any]]) -> tuple[Effect, ...]:
    return tuple(
        Effect(
            id=row["id"],
            kind=row["kind"],
            target=row["target"],
            payload=row["payload"],
            created_at=parse_instant(row["created_at"]),
            trying_since=parse_instant(row["trying_since"]),
            due_at=parse_instant(row["due_at"]),
            state=EffectState(row["state"]),
            attempts=row["attempts"],
            last_error=row["last_error"],
            settled_at=None if row["settled_at"] is None else parse_instant(row["settled_at"]),
        )
        for row in rows
    )
