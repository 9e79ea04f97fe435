"""Who did what, chained by hash so that an edit, removal or truncation shows (R363, G25)."""

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlite_utils import Database

from closedwon.kernel.ids import digest
from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.kernel.strict_json import canonical_dumps
from closedwon.store.migrations import append_only, create, migrations
from closedwon.store.rows import insert, select


class Outcome(StrEnum):
    """How the command ended."""

    SUCCESS = "success"
    FAILURE = "failure"


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One mutating command; ``detail`` holds the error of a failure."""

    position: int
    at: datetime
    by: str
    action: str
    resource_type: str
    resource_id: str
    outcome: Outcome
    detail: str
    hash: str
    """SHA-256 over this row and the hash before it."""


@migrations()
def m009_audit(db: Database) -> None:
    """Append-only; positions have no gaps."""
    create(
        db,
        "create table audit ("
        " position integer primary key check (position >= 1), at text not null,"
        " by text not null, action text not null, resource_type text not null,"
        " resource_id text not null,"
        " outcome text not null check (outcome in ('success', 'failure')),"
        " detail text not null, hash text not null unique) strict",
        *append_only("audit"),
    )


class Audit:
    """The chain of audit rows."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def append(
        self,
        action: str,
        resource: tuple[str, str],
        *,
        by: str,
        now: datetime,
        failure: str | None = None,
    ) -> None:
        """Record a command on ``resource`` (type, id); ``failure`` is its error, if it failed."""
        last = select(self._db, "select position, hash from audit order by position desc limit 1")
        row: dict[str, str | int | None] = {
            "position": last[0]["position"] + 1 if last else 1,
            "at": format_instant(now),
            "by": by,
            "action": action,
            "resource_type": resource[0],
            "resource_id": resource[1],
            "outcome": Outcome.SUCCESS if failure is None else Outcome.FAILURE,
            "detail": failure or "",
        }
        row["hash"] = _chained(last[0]["hash"] if last else "", row)
        insert(self._db, "audit", [row])

    def rows(
        self, after: int = 0, limit: int = 1000, resource_id: str | None = None
    ) -> tuple[AuditRow, ...]:
        """Rows with a position above ``after``, oldest first; of one resource only, when given."""
        return tuple(
            msgspec.convert({**row, "at": parse_instant(row["at"])}, AuditRow)
            for row in select(
                self._db,
                "select * from audit where position > :after"
                " and (:resource is null or resource_id = :resource)"
                " order by position limit :limit",
                after=after,
                limit=limit,
                resource=resource_id,
            )
        )

    def head(self) -> tuple[int, str]:
        """Position and hash of the newest row; keep it elsewhere to notice truncation."""
        rows = select(self._db, "select position, hash from audit order by position desc limit 1")
        return (int(rows[0]["position"]), str(rows[0]["hash"])) if rows else (0, "")

    def broken_at(self) -> int | None:
        """First position whose hash does not follow from the rows before; None when sound."""
        previous, expected = "", 1
        for row in select(self._db, "select * from audit order by position"):
            found = row.pop("hash")
            if row["position"] != expected or found != _chained(previous, row):
                return expected
            previous, expected = found, expected + 1
        return None


def _chained(previous: str, row: dict[str, str | int | None]) -> str:
    return digest(f"{previous}\n{canonical_dumps(row)}".encode())
