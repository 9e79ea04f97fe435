"""Answers to requests that came with an Idempotency-Key, replayed to the same request (R8, G12)."""

from datetime import datetime, timedelta

import msgspec
from sqlite_utils import Database

from closedwon.kernel.errors import Conflict
from closedwon.kernel.instant import format_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import Row, change, insert, select

KEPT = timedelta(days=35)
"""Longer than the 24 hours promised: a client that comes back after a month is answered, too."""

FORGOTTEN_MAX = 100
"""Old answers dropped for each one that is kept."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a request was answered with, errors included."""

    status: int
    body: str


@migrations()
def m071_idempotency(db: Database) -> None:
    """A key belongs to whoever uses it; an answer is kept once work on it began."""
    create(
        db,
        "create table idempotent_answer ("
        " scope text not null, key text not null check (length(key) between 1 and 255),"
        " fingerprint text not null, status integer not null, body text not null,"
        " at text not null, primary key (scope, key)) strict, without rowid",
        "create index idempotent_answer_at on idempotent_answer (at)",
    )


class IdempotentAnswers:
    """One answer per scope and key."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def replay(self, scope: str, key: str, fingerprint: str) -> Answer | None:
        """The answer kept for this very request; None when the key is new.

        ``scope`` is client and environment, ``fingerprint`` a digest over method, path and
        canonical body. Raises Conflict when the key came with another request.
        """
        rows = select(
            self._db,
            "select fingerprint, status, body from idempotent_answer"
            " where scope = :scope and key = :key",
            scope=scope,
            key=key,
        )
        if not rows:
            return None
        if rows[0]["fingerprint"] != fingerprint:
            raise Conflict("this Idempotency-Key was used for another request (R8)", key=key)
        return Answer(status=rows[0]["status"], body=rows[0]["body"])

    def keep(self, scope: str, key: str, fingerprint: str, answer: Answer, now: datetime) -> None:
        """Keep an answer, in the transaction of what it answers; validation errors are not kept.

        Some that are too old go, so that there are never many more than there were requests lately.
        """
        self.forget(now)
        row: Row = {
            "scope": scope,
            "key": key,
            "fingerprint": fingerprint,
            "status": answer.status,
            "body": answer.body,
            "at": format_instant(now),
        }
        insert(self._db, "idempotent_answer", [row])

    def forget(self, now: datetime) -> int:
        """Drop answers older than KEPT, at most FORGOTTEN_MAX of them; how many."""
        return change(
            self._db,
            "delete from idempotent_answer where (scope, key) in (select scope, key"
            " from idempotent_answer where at < :oldest order by at limit :most)",
            oldest=format_instant(now - KEPT),
            most=FORGOTTEN_MAX,
        )
