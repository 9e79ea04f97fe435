"""Customers whose bill cannot be made as things stand; the others go on (G13)."""

from datetime import datetime, timedelta

import msgspec
from sqlite_utils import Database

from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import change, select, upsert

RETRY_FIRST = timedelta(minutes=15)
RETRY_LONGEST = timedelta(hours=24)


class BillingProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a customer is parked; ``retry_at`` is when the next finalize tries again."""

    customer_id: str
    code: str
    message: str
    attempts: int
    first_at: datetime
    last_at: datetime
    retry_at: datetime


@migrations()
def m006_billing_problems(db: Database) -> None:
    """At most one problem per customer."""
    create(
        db,
        "create table billing_problem ("
        " customer_id text primary key references customer (id), code text not null,"
        " message text not null, attempts integer not null check (attempts >= 1),"
        " first_at text not null, last_at text not null, retry_at text not null) strict",
    )


class BillingProblems:
    """Parked customers, with backoff and a way out."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def park(self, customer_id: str, code: str, message: str, now: datetime) -> BillingProblem:
        """Record a failed attempt; each one doubles the wait, up to RETRY_LONGEST."""
        known = self.get(customer_id)
        attempts = 1 if known is None else known.attempts + 1
        wait = min(RETRY_FIRST * 2 ** min(attempts - 1, 10), RETRY_LONGEST)
        problem = BillingProblem(
            customer_id=customer_id,
            code=code,
            message=message,
            attempts=attempts,
            first_at=now if known is None else known.first_at,
            last_at=now,
            retry_at=now + wait,
        )
        row: dict[str, str | int | None] = {
            "customer_id": customer_id,
            "code": code,
            "message": message,
            "attempts": attempts,
            "first_at": format_instant(problem.first_at),
            "last_at": format_instant(problem.last_at),
            "retry_at": format_instant(problem.retry_at),
        }
        upsert(self._db, "billing_problem", ("customer_id",), [row])
        return problem

    def release(self, customer_id: str) -> bool:
        """Forget the problem, so that the next finalize tries; False when there was none."""
        return bool(
            change(self._db, "delete from billing_problem where customer_id = :id", id=customer_id)
        )

    def get(self, customer_id: str) -> BillingProblem | None:
        """The customer's problem, None when it has none."""
        return next((p for p in self.all() if p.customer_id == customer_id), None)

    def all(self) -> tuple[BillingProblem, ...]:
        """Every problem, oldest first."""
        return tuple(
            BillingProblem(
                customer_id=row["customer_id"],
                code=row["code"],
                message=row["message"],
                attempts=row["attempts"],
                first_at=parse_instant(row["first_at"]),
                last_at=parse_instant(row["last_at"]),
                retry_at=parse_instant(row["retry_at"]),
            )
            for row in select(
                self._db, "select * from billing_problem order by first_at, customer_id"
            )
        )
