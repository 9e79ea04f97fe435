"""How far each CRM object was read, and which org this state belongs to (G3, F027)."""

from datetime import datetime

import msgspec
from sqlite_utils import Database

from closedwon.kernel.errors import ConfigError, InvariantBroken
from closedwon.kernel.instant import format_instant, parse_instant, wire_instant
from closedwon.store.rows import Row, insert, select, upsert


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of ``object_name`` stamped in ``[started_at, until)`` were read; the CRM's clock."""

    object_name: str
    started_at: datetime
    until: datetime


class Watermarks:
    """Written in the transaction that stores the rows they speak of."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def read(self, object_name: str) -> Watermark | None:
        """The watermark of an object; None before its first window."""
        for row in select(
            self._db, "select * from watermark where object_name = :name", name=object_name
        ):
            return Watermark(
                object_name=object_name,
                started_at=parse_instant(row["started_at"]),
                until=parse_instant(row["until"]),
            )
        return None

    def all(self) -> tuple[Watermark, ...]:
        """Every watermark by object name."""
        names = select(self._db, "select object_name from watermark order by object_name")
        found = (self.read(row["object_name"]) for row in names)
        return tuple(mark for mark in found if mark is not None)

    def advance(self, object_name: str, since: datetime, until: datetime) -> None:
        """Move forward to ``until``; raises InvariantBroken when that would step back."""
        known = self.read(object_name)
        if known is not None and until < known.until:
            raise InvariantBroken(
                "a watermark must not step back",
                object=object_name,
                known=wire_instant(known.until),
                asked=wire_instant(until),
            )
        row: Row = {
            "object_name": object_name,
            "started_at": format_instant(known.started_at if known else since),
            "until": format_instant(until),
        }
        upsert(self._db, "watermark", ["object_name"], [row])

    def pin_org(self, org_id: str, now: datetime) -> None:
        """Remember the org on first sight; raises ConfigError for any other one (F027)."""
        for row in select(self._db, "select org_id from org_pin"):
            if row["org_id"] != org_id:
                raise ConfigError(
                    "this state belongs to another Salesforce org; use its own state_dir",
                    expected=row["org_id"],
                    found=org_id,
                )
            return
        pin: Row = {"only_one": 1, "org_id": org_id, "pinned_at": format_instant(now)}
        insert(self._db, "org_pin", [pin])

    def org_id(self) -> str | None:
        """The pinned org; None before the first contact."""
        for row in select(self._db, "select org_id from org_pin"):
            return str(row["org_id"])
        return None
