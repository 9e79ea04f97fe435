"""Which version of each polled CRM row was seen, so that overlap costs nothing (G4, F016)."""

from datetime import datetime

from sqlite_utils import Database

from closedwon.kernel.instant import format_instant
from closedwon.store.rows import Row, select, upsert


class CrmRecords:
    """One row per CRM record: its newest stamp and content hash."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def is_new(self, object_name: str, record_id: str, version: tuple[datetime, bool, str]) -> bool:
        """Whether this (stamp, deleted, hash) differs from the one seen last."""
        modstamp, deleted, content_hash = version
        known = select(
            self._db,
            "select modstamp, deleted, hash from crm_record where object_name = :name and id = :id",
            name=object_name,
            id=record_id,
        )
        wanted = {"modstamp": format_instant(modstamp), "deleted": int(deleted)}
        return known != [{**wanted, "hash": content_hash}]

    def seen(
        self,
        object_name: str,
        record_id: str,
        version: tuple[datetime, bool, str],
        now: datetime,
    ) -> None:
        """Remember the version; an older one arriving late replaces it as well (F017)."""
        modstamp, deleted, content_hash = version
        row: Row = {
            "object_name": object_name,
            "id": record_id,
            "modstamp": format_instant(modstamp),
            "deleted": int(deleted),
            "hash": content_hash,
            "seen_at": format_instant(now),
        }
        upsert(self._db, "crm_record", ["object_name", "id"], [row])

    def count(self) -> int:
        """How many CRM records were ever seen."""
        return int(select(self._db, "select count(*) as n from crm_record")[0]["n"])
