"""What Salesforce should hold and what it was sent: wanted against pushed, by hash (G4, G15)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from closedwon.finance.figures.row import WantedRow
from closedwon.kernel import strict_json
from closedwon.kernel.instant import format_instant
from closedwon.store.rows import Row, change, listing, select, upsert


class PushRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stored row that waits to be sent."""

    key: str
    object_name: str
    position: int
    opportunity_id: str | None
    fields: Mapping[str, Any]
    extra: Mapping[str, Any]
    wanted_hash: str
    pushed_hash: str | None
    attempts: int


class PushRows:
    """Rows wanted in Salesforce and the intents of the calls that write them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def want(self, rows: Iterable[WantedRow], now: datetime) -> int:
        """Set what Salesforce should hold; returns how many rows changed."""
        return sum(self._want(row, now) for row in rows)

    def _want(self, row: WantedRow, now: datetime) -> bool:
        content = strict_json.canonical_dumps(row.fields)
        wanted_hash = strict_json.fingerprint(row.fields)
        known = select(self._db, "select wanted_hash from push_row where key = :key", key=row.key)
        if known and known[0]["wanted_hash"] == wanted_hash:
            return False
        cells: Row = {
            "key": row.key,
            "object_name": row.object_name,
            "position": row.position,
            "opportunity_id": row.opportunity_id,
            "content": content,
            "extra": strict_json.canonical_dumps(row.extra),
            "wanted_hash": wanted_hash,
            "wanted_at": format_instant(now),
            "attempts": 0,
            "parked": 0,
        }
        upsert(self._db, "push_row", ["key"], [cells])
        return True

    def waiting(self, limit: int, done: Iterable[str] = ()) -> tuple[PushRow, ...]:
        """Rows to send of one object, parents first, without the keys in ``done``."""
        skip = listing(sorted(done))
        rows = select(
            self._db,
            "select * from push_row where (pushed_hash is null or pushed_hash != wanted_hash)"
            " and parked = 0 and key not in (select value from json_each(:skip))"
            " order by position, key limit :limit",
            skip=skip,
            limit=limit,
        )
        found = [_row(row) for row in rows]
        return tuple(row for row in found if row.object_name == found[0].object_name)

    def count_waiting(self) -> int:
        """Rows Salesforce does not hold yet as wanted, parked ones left out."""
        return int(
            select(
                self._db,
                "select count(*) as n from push_row where parked = 0"
                " and (pushed_hash is null or pushed_hash != wanted_hash)",
            )[0]["n"]
        )

    def intend(self, rows: Sequence[PushRow], now: datetime) -> int:
        """Note what is about to be sent, before the call (reliability.md finding 1).

        Returns how many of the keys had a call whose outcome was never learnt; sending the same
        key again is their look-up, since an upsert by external id cannot make a second row (G15).
        """
        unknown = 0
        for row in rows:
            open_before = select(
                self._db,
                "select 1 as one from intent where key = :key and state in ('sent', 'unknown')",
                key=row.key,
            )
            unknown += len(open_before)
            cells: Row = {
                "key": row.key,
                "request_hash": row.wanted_hash,
                "state": "sent",
                "sent_at": format_instant(now),
                "settled_at": None,
            }
            upsert(self._db, "intent", ["key"], [cells])
        return unknown

    def unknown(self, rows: Sequence[PushRow]) -> None:
        """The call ended without an answer we can trust."""
        for row in rows:
            change(self._db, "update intent set state = 'unknown' where key = :key", key=row.key)

    def pushed(self, row: PushRow, record_id: str | None, now: datetime) -> None:
        """Salesforce acknowledged the row."""
        at = format_instant(now)
        change(
            self._db,
            "update push_row set pushed_hash = :hash, pushed_at = :at, attempts = 0, parked = 0,"
            " record_id = coalesce(:record, record_id) where key = :key",
            hash=row.wanted_hash,
            at=at,
            record=record_id,
            key=row.key,
        )
        self._settle(row, "done", at)

    def failed(self, row: PushRow, now: datetime, *, parked: bool) -> None:
        """Salesforce refused the row; a parked one waits for a change or a person."""
        change(
            self._db,
            "update push_row set attempts = attempts + 1, parked = :parked where key = :key",
            parked=int(parked),
            key=row.key,
        )
        self._settle(row, "refused", format_instant(now))

    def orphans(self, rows: Sequence[PushRow]) -> frozenset[str]:
        """Keys of those ``rows`` whose parent Salesforce does not have yet."""
        parents = {row.key: _parents(row) for row in rows}
        wanted = {key for keys in parents.values() for key in keys}
        known = select(
            self._db,
            "select key from push_row where pushed_hash is not null"
            " and key in (select value from json_each(:keys))",
            keys=listing(sorted(wanted)),
        )
        missing = wanted - {row["key"] for row in known}
        return frozenset(key for key, above in parents.items() if above & missing)

    def knows(self, key: str) -> bool:
        """Whether the row was ever wanted."""
        return bool(select(self._db, "select 1 as one from push_row where key = :key", key=key))

    def resend(self, key: str) -> bool:
        """Forget that ``key`` was pushed, and that it was parked; False when unknown."""
        forgotten = change(
            self._db,
            "update push_row set pushed_hash = null, parked = 0, attempts = 0 where key = :key",
            key=key,
        )
        return bool(forgotten)

    def retry(self, key: str) -> None:
        """Let a parked row be sent again; its attempts are kept."""
        change(self._db, "update push_row set parked = 0 where key = :key", key=key)

    def _settle(self, row: PushRow, state: str, at: str) -> None:
        change(
            self._db,
            "update intent set state = :state, settled_at = :at where key = :key",
            state=state,
            at=at,
            key=row.key,
        )


def _parents(row: PushRow) -> set[str]:
    """External ids the row refers to (``Contract__r: {Key__c: ...}``)."""
    return {
        str(key)
        for value in row.fields.values()
        if isinstance(value, Mapping)
        for key in value.values()
    }


def _row(cells: dict[str, Any]) -> PushRow:
    return PushRow(
        key=cells["key"],
        object_name=cells["object_name"],
        position=cells["position"],
        opportunity_id=cells["opportunity_id"],
        fields=strict_json.loads(cells["content"]),
        extra=strict_json.loads(cells["extra"]),
        wanted_hash=cells["wanted_hash"],
        pushed_hash=cells["pushed_hash"],
        attempts=cells["attempts"],
    )
