"""Parked rows: what stopped, why, where and what to do about it (D9, G13)."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlite_utils import Database

from closedwon.deals.types import Finding
from closedwon.kernel.instant import format_instant
from closedwon.store.rows import Row, change, insert, instant_or_none, select


class ParkedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One open or settled reason. ``subject`` is an opportunity id, or the key of a pushed row."""

    id: int
    step: str
    subject: str
    opportunity_id: str | None
    code: str
    record_id: str
    field: str
    place: str
    message: str
    fix: str
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    retry_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    resolved_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it still stops its subject."""
        return self.resolved_at is None


class ParkedRows:
    """Each subject's reasons; one open row per (step, code, record, field, place)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def park(
        self,
        step: str,
        subject: str,
        findings: Sequence[Finding],
        now: datetime,
        *,
        opportunity_id: str | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        """Make ``findings`` the open reasons of ``subject``; earlier ones not among them close."""
        attempts = self._attempts(subject)
        self.resolve(subject, now)
        for identity, finding in {_identity(step, f): f for f in findings}.items():
            count, first = attempts.get(identity, (0, format_instant(now)))
            row: Row = {
                "step": step,
                "subject": subject,
                "opportunity_id": opportunity_id,
                "code": finding.code,
                "record_id": finding.record_id,
                "field": finding.field,
                "place": finding.place,
                "message": finding.message,
                "fix": finding.fix,
                "attempts": count + 1,
                "first_seen_at": first,
                "last_seen_at": format_instant(now),
                "retry_at": instant_or_none(retry_at),
            }
            insert(self._db, "parked", [row])

    def open(self, subject: str | None = None) -> tuple[ParkedRow, ...]:
        """Reasons that stop ``subject``, or anything; oldest first."""
        return _rows(
            select(
                self._db,
                "select * from parked where resolved_at is null"
                " and (:subject is null or subject = :subject) order by first_seen_at, id",
                subject=subject,
            )
        )

    def history(self, subject: str) -> tuple[ParkedRow, ...]:
        """Every reason a subject ever had, oldest first."""
        return _rows(
            select(
                self._db,
                "select * from parked where subject = :subject order by id",
                subject=subject,
            )
        )

    def due(self, now: datetime, limit: int) -> tuple[ParkedRow, ...]:
        """Open reasons whose time to try again has come."""
        return _rows(
            select(
                self._db,
                "select * from parked where resolved_at is null and retry_at <= :now"
                " order by retry_at, id limit :limit",
                now=format_instant(now),
                limit=limit,
            )
        )

    def resolve(self, subject: str, now: datetime) -> int:
        """The reasons no longer hold; returns how many were open."""
        return change(
            self._db,
            "update parked set resolved_at = :at where subject = :subject and resolved_at is null",
            at=format_instant(now),
            subject=subject,
        )

    def release(self, subject: str, by: str, now: datetime) -> int:
        """A person lets the subject try again; returns how many reasons were open."""
        return change(
            self._db,
            "update parked set resolved_at = :at, released_at = :at, released_by = :by"
            " where subject = :subject and resolved_at is null",
            at=format_instant(now),
            by=by,
            subject=subject,
        )

    def _attempts(self, subject: str) -> dict[tuple[str, ...], tuple[int, str]]:
        """(attempts, first seen) by identity, of open rows and of rows that only tried again."""
        return {
            (row.step, row.code, row.record_id, row.field, row.place): (
                row.attempts,
                format_instant(row.first_seen_at),
            )
            for row in self.history(subject)
        }


def _identity(step: str, finding: Finding) -> tuple[str, ...]:
    return (step, finding.code, finding.record_id, finding.field, finding.place)


def _rows(found: list[dict[str, str | int | None]]) -> tuple[ParkedRow, ...]:
    return tuple(msgspec.convert(cells, ParkedRow) for cells in found)
