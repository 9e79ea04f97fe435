"""Lifecycle moments of contracts, kept in order of time so that what falls due is found (R279)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlite_utils import Database

from closedwon.billing.notifications.moments import Moment
from closedwon.billing.notifications.offsets import OffsetNotification
from closedwon.kernel.instant import DAY, format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import Row, change, decoded, encoded, insert, select, upsert

LATE_MAX = DAY
"""A moment that had passed by more than this when it was recorded is not told (backfills)."""


@migrations()
def m042_moments(db: Database) -> None:
    """``moment`` is derived from contracts and edits; ``moment_source`` says from which."""
    create(
        db,
        "create table moment ("
        " id text primary key, contract_id text not null references contract (id),"
        " type text not null, at text not null, recorded_at text not null,"
        " is_late integer not null, content text not null) strict",
        "create index moment_at on moment (at)",
        "create index moment_recorded on moment (recorded_at)",
        "create index moment_contract on moment (contract_id)",
        "create table moment_source ("
        " contract_id text primary key references contract (id), digest text not null,"
        " edits integer not null, fresh_until text) strict",
        "create table moment_told ("
        " singleton integer primary key check (singleton = 1), until text not null) strict",
        "create table offset_notification ("
        " id text primary key, content text not null, archived_at text) strict",
    )


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What moments of a contract were made from."""

    digest: str
    edits: int
    edited_at: datetime
    """When the last edit was recorded."""
    fresh_until: datetime | None
    """When generators will have more children; None when nothing comes by itself."""


class Moments:
    """What happens to contracts when, and who wants to hear of it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def stale(self, now: datetime, limit: int) -> tuple[tuple[str, int], ...]:
        """Contracts whose moments are behind: (contract id, edits taken so far), oldest first."""
        rows = select(
            self._db,
            "select c.id, coalesce(s.edits, 0) as edits from contract c"
            " left join moment_source s on s.contract_id = c.id"
            " where s.digest is null or s.digest <> c.digest or s.fresh_until <= :now"
            " order by c.created_at, c.id limit :limit",
            now=format_instant(now),
            limit=limit,
        )
        return tuple((row["id"], row["edits"]) for row in rows)

    def put(
        self,
        contract_id: str,
        scheduled: Sequence[Moment],
        acted: Iterable[Moment],
        source: Source,
    ) -> None:
        """Replace the scheduled moments of a contract and add what edits did.

        A moment that is there already keeps when it was recorded, unless its instant moved. One
        that had passed by more than LATE_MAX when it was recorded is late: nobody is told.
        """
        listed = [*scheduled, *acted]
        known = self._recorded(contract_id)
        self._drop(known.keys() - {moment.id for moment in listed})
        stamp = format_instant(source.edited_at)
        oldest = format_instant(source.edited_at - LATE_MAX)
        rows: list[Row] = []
        for moment in listed:
            at = format_instant(moment.at)
            before_at, before = known.get(moment.id, ("", stamp))
            recorded = before if before_at == at else stamp
            rows.append(
                {
                    "id": moment.id,
                    "contract_id": contract_id,
                    "type": moment.type,
                    "at": at,
                    "recorded_at": recorded,
                    "is_late": int(recorded == stamp and at < oldest),
                    "content": encoded(moment),
                }
            )
        upsert(self._db, "moment", ("id",), rows)
        fresh = source.fresh_until
        row: Row = {
            "contract_id": contract_id,
            "digest": source.digest,
            "edits": source.edits,
            "fresh_until": None if fresh is None else format_instant(fresh),
        }
        upsert(self._db, "moment_source", ("contract_id",), [row])

    def _recorded(self, contract_id: str) -> dict[str, tuple[str, str]]:
        """(instant, recorded at) of a contract's moments by id."""
        rows = select(
            self._db,
            "select id, at, recorded_at from moment where contract_id = :id",
            id=contract_id,
        )
        return {row["id"]: (row["at"], row["recorded_at"]) for row in rows}

    def _drop(self, moment_ids: Iterable[str]) -> None:
        """Forget starts and ends that are off; what an edit did stays."""
        for moment_id in moment_ids:
            change(
                self._db,
                "delete from moment where id = :id and (type like '%.start' or type like '%.end')",
                id=moment_id,
            )

    def between(self, after: datetime, until: datetime) -> tuple[Moment, ...]:
        """Moments in (after, until], earlier ones that were recorded then, and no late ones."""
        rows = select(
            self._db,
            "select content from moment where not is_late and at > :after and at <= :until"
            " union select content from moment"
            " where not is_late and recorded_at > :after and recorded_at <= :until"
            " and at <= :until",
            after=format_instant(after),
            until=format_instant(until),
        )
        found = (decoded(row["content"], Moment) for row in rows)
        return tuple(sorted(found, key=lambda moment: (moment.at, moment.id)))

    def of_type(self, kind: str, after: datetime, until: datetime) -> tuple[Moment, ...]:
        """Moments of one type in (after, until]."""
        rows = select(
            self._db,
            "select content from moment"
            " where type = :kind and not is_late and at > :after and at <= :until"
            " order by at, id",
            kind=kind,
            after=format_instant(after),
            until=format_instant(until),
        )
        return tuple(decoded(row["content"], Moment) for row in rows)

    def told_until(self) -> datetime | None:
        """Up to when everything was told; None before the first time."""
        rows = select(self._db, "select until from moment_told")
        return parse_instant(rows[0]["until"]) if rows else None

    def set_told(self, until: datetime) -> None:
        """Everything up to ``until`` was told."""
        row: Row = {"singleton": 1, "until": format_instant(until)}
        upsert(self._db, "moment_told", ("singleton",), [row])

    def add_offset(self, offset: OffsetNotification) -> None:
        """Store a new offset notification."""
        row: Row = {"id": offset.id, "content": encoded(offset), "archived_at": None}
        insert(self._db, "offset_notification", [row])

    def put_offset(self, offset: OffsetNotification) -> None:
        """Replace an offset notification."""
        archived = offset.archived_at
        row: Row = {
            "id": offset.id,
            "content": encoded(offset),
            "archived_at": None if archived is None else format_instant(archived),
        }
        upsert(self._db, "offset_notification", ("id",), [row])

    def offsets(self) -> tuple[OffsetNotification, ...]:
        """Offset notifications by id, archived ones too."""
        rows = select(self._db, "select content from offset_notification order by id")
        return tuple(decoded(row["content"], OffsetNotification) for row in rows)
