"""Everything that stopped, deals and pushed rows and customers, and letting it go on (D9, G13)."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from closedwon.engine import Engine
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.parked import ParkedRow
from closedwon.store.line.release import release
from closedwon.store.problems import BillingProblem

PROBLEM_FIX = "Correct what the message names, then release the customer; it is tried again anyway."


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """One open reason; ``subject`` is an opportunity, the key of a pushed row or a customer."""

    subject: str
    code: str
    field: str
    place: str
    message: str
    fix: str
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    retry_at: datetime | None


def stopped(store: LineStore, engine: Engine) -> Iterator[Stopped]:
    """Every open reason, oldest first, those of the line before those of billing."""
    yield from (_of_row(row) for row in store.parked.open())
    yield from (_of_problem(problem) for problem in engine.problems())


def let_go(store: LineStore, engine: Engine, subject: str, by: str, now: datetime) -> str:
    """Let a deal, row or customer try again; the step it goes on with.

    Raises NotFound when nothing of that name is parked.
    """
    with writing(store.db):
        if engine.release_problem(subject, now, by):
            return "finalize"
        return release(store, subject, by, now)


def _of_row(row: ParkedRow) -> Stopped:
    return Stopped(
        subject=row.subject,
        code=row.code,
        field=row.field,
        place=row.place,
        message=row.message,
        fix=row.fix,
        attempts=row.attempts,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        retry_at=row.retry_at,
    )


def _of_problem(problem: BillingProblem) -> Stopped:
    return Stopped(
        subject=problem.customer_id,
        code=problem.code,
        field="",
        place="",
        message=f"the customer cannot be billed: {problem.message}",
        fix=PROBLEM_FIX,
        attempts=problem.attempts,
        first_seen_at=problem.first_at,
        last_seen_at=problem.last_at,
        retry_at=problem.retry_at,
    )
