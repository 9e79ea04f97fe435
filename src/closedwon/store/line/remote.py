"""What was asked of a remote billing system, and what our ids are called there (D5, G15).

sent -> unknown | refused | done -> noted. ``sent`` is committed before the call: whoever finds a
row in it, or in ``unknown``, looks the effect up on the remote before asking again. ``noted`` says
that the remote's ids of what was made are kept, ``applied_at`` that our own copy followed. A call
that carries a plan out keeps the plan, so that what has begun is finished whatever comes between.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlite_utils import Database

from closedwon.kernel.errors import Conflict
from closedwon.kernel.instant import format_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import Cell, change, insert, listing, select, upsert

ERROR_CHARS_MAX = 500
"""What a remote says about a refusal is cut to this."""


class CallState(StrEnum):
    """Where a call stands."""

    SENT = "sent"
    """Under way, or the process ended while it was: its outcome is unknown."""
    UNKNOWN = "unknown"
    """No answer came that says what happened."""
    REFUSED = "refused"
    """The remote said no and did nothing."""
    DONE = "done"
    """The remote has it."""
    NOTED = "noted"
    """Done, and the ids it has there are kept."""


class RemoteCall(msgspec.Struct, frozen=True, kw_only=True):
    """One effect on the remote; ``id`` follows from what it is for."""

    id: str
    state: CallState
    answers: int
    """Answers so far that a remote may repeat for the same Idempotency-Key (R8)."""
    remote_id: str
    """Of what was made or edited; empty until it is done."""
    plan: str
    """The plan it carries out, as text; empty for what plans only prepare."""
    is_applied: bool

    @property
    def is_open(self) -> bool:
        """Whether nobody knows yet what came of it."""
        return self.state in (CallState.SENT, CallState.UNKNOWN)

    @property
    def is_done(self) -> bool:
        """Whether the remote has it."""
        return self.state in (CallState.DONE, CallState.NOTED)


@migrations()
def m080_remote(db: Database) -> None:
    """Calls are never deleted; what one is for never changes, and what is done stays done."""
    create(
        db,
        "create table remote_call ("
        " remote text not null, id text not null, subject text not null, plan text not null,"
        " request_hash text not null, state text not null"
        " check (state in ('sent', 'unknown', 'refused', 'done', 'noted')),"
        " answers integer not null check (answers >= 0), remote_id text not null,"
        " last_error text not null, sent_at text not null, settled_at text, applied_at text,"
        " check ((state in ('done', 'noted')) = (remote_id <> '')),"
        " check (applied_at is null or state = 'noted'),"
        " primary key (remote, id)) strict",
        "create index remote_call_begun on remote_call (remote, sent_at)"
        " where plan <> '' and applied_at is null and state <> 'refused'",
        "create trigger remote_call_is_fixed before update on remote_call when not ("
        " new.remote is old.remote and new.id is old.id and new.subject is old.subject"
        " and (old.state not in ('done', 'noted') or new.state in ('done', 'noted')))"
        " begin select raise(abort, 'a call that is done stays done'); end",
        "create trigger remote_call_never_goes before delete on remote_call"
        " begin select raise(abort, 'remote_call rows are never deleted'); end",
        "create table remote_id ("
        " remote text not null, kind text not null, our_id text not null,"
        " remote_id text not null, primary key (remote, kind, our_id)) strict",
        "create unique index remote_id_there on remote_id (remote, kind, remote_id)",
    )


class RemoteBook:
    """Calls to one remote and its ids; commands join the caller's transaction."""

    def __init__(self, db: Database, remote: str) -> None:
        self.db = db
        self._remote = remote

    def find(self, call_id: str) -> RemoteCall | None:
        """One call; None when it was never made."""
        found = self._select("id = :id", id=call_id)
        return found[0] if found else None

    def begun(self) -> tuple[RemoteCall, ...]:
        """Calls that carry out a plan our copy does not have, oldest first; not refused ones."""
        return self._select("plan <> '' and applied_at is null and state <> 'refused'")

    def open_on(self, subject: str) -> tuple[RemoteCall, ...]:
        """Those of them about one contract."""
        return self._select(
            "subject = :subject and plan <> '' and applied_at is null and state <> 'refused'",
            subject=subject,
        )

    def intend(
        self, call_id: str, subject: str, plan: str, request_hash: str, now: datetime
    ) -> None:
        """Note that the call is about to be made; commit before making it."""
        known = self.find(call_id)
        cells: dict[str, Cell] = {
            "remote": self._remote,
            "id": call_id,
            "subject": subject,
            "plan": plan,
            "request_hash": request_hash,
            "state": CallState.SENT.value,
            "answers": 0 if known is None else known.answers,
            "remote_id": "",
            "last_error": "",
            "sent_at": format_instant(now),
            "settled_at": None,
            "applied_at": None,
        }
        upsert(self.db, "remote_call", ["remote", "id"], [cells])

    def unknown(self, call_id: str, error: str, *, answered: bool) -> None:
        """No answer says what happened; ``answered`` when one came that would be repeated."""
        self._settle(call_id, CallState.UNKNOWN, None, error, answers=int(answered))

    def refused(self, call_id: str, error: str, now: datetime) -> None:
        """The remote did nothing and said why."""
        self._settle(call_id, CallState.REFUSED, now, error, answers=1)

    def done(self, call_id: str, remote_id: str, now: datetime) -> None:
        """The remote has it, under this id."""
        self._settle(call_id, CallState.DONE, now, "", remote_id=remote_id)

    def noted(self, call_id: str) -> None:
        """The ids of what it made are kept."""
        self._set(call_id, "state = 'noted'")

    def applied(self, call_ids: Iterable[str], now: datetime) -> None:
        """Our own copy has it too; call it in the transaction that makes it so."""
        for call_id in call_ids:
            self._set(call_id, "applied_at = :at", at=format_instant(now))

    def there(self, kind: str, our_id: str) -> str | None:
        """What the remote calls a thing of ours; None when it is not known there."""
        rows = select(
            self.db,
            "select remote_id from remote_id"
            " where remote = :remote and kind = :kind and our_id = :id",
            remote=self._remote,
            kind=kind,
            id=our_id,
        )
        return str(rows[0]["remote_id"]) if rows else None

    def known(self, kind: str, remote_ids: Iterable[str]) -> dict[str, str]:
        """Our ids of those of ``remote_ids`` that are ours, by remote id."""
        rows = select(
            self.db,
            "select our_id, remote_id from remote_id where remote = :remote and kind = :kind"
            " and remote_id in (select value from json_each(:ids))",
            remote=self._remote,
            kind=kind,
            ids=listing(remote_ids),
        )
        return {str(row["remote_id"]): str(row["our_id"]) for row in rows}

    def keep(self, kind: str, ids: Mapping[str, str]) -> None:
        """Remember remote ids by ours; an override that was replaced has a new one.

        Raises Conflict when a remote id is already another thing of ours.
        """
        held = self.known(kind, ids.values())
        for our_id, remote_id in ids.items():
            if held.get(remote_id, our_id) != our_id:
                raise Conflict(
                    f"the target's {kind} is another one of ours already",
                    there=remote_id,
                    ours=held[remote_id],
                )
            change(
                self.db,
                "delete from remote_id where remote = :remote and kind = :kind and our_id = :id",
                remote=self._remote,
                kind=kind,
                id=our_id,
            )
            row = {"remote": self._remote, "kind": kind, "our_id": our_id, "remote_id": remote_id}
            insert(self.db, "remote_id", [row])

    def _settle(
        self,
        call_id: str,
        state: CallState,
        now: datetime | None,
        error: str,
        *,
        answers: int = 0,
        remote_id: str = "",
    ) -> None:
        self._set(
            call_id,
            "state = :state, settled_at = :at, last_error = :error, remote_id = :there,"
            " answers = answers + :answers",
            state=state.value,
            at=None if now is None else format_instant(now),
            error=error[:ERROR_CHARS_MAX],
            there=remote_id,
            answers=answers,
        )

    def _set(self, call_id: str, slots: str, **cells: Cell) -> None:
        sql = f"update remote_call set {slots} where remote = :remote and id = :id"  # noqa: S608 ours
        change(self.db, sql, remote=self._remote, id=call_id, **cells)

    def _select(self, where: str, **cells: Cell) -> tuple[RemoteCall, ...]:
        sql = (
            "select id, state, answers, remote_id, plan, applied_at is not null as is_applied"  # noqa: S608 ours
            f" from remote_call where remote = :remote and {where} order by sent_at, id"
        )
        rows: list[dict[str, Any]] = select(self.db, sql, remote=self._remote, **cells)
        return tuple(
            msgspec.convert({**row, "is_applied": bool(row["is_applied"])}, RemoteCall)
            for row in rows
        )
