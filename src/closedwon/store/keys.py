"""Uniqueness keys by namespace (R7)."""

from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from closedwon.kernel.instant import format_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import change, insert, select


class Namespace(StrEnum):
    """Keys are unique within one of these."""

    CONTRACT = "contract"
    CONTRACT_EDIT = "contract_edit"
    COMMIT = "commit"
    MANUAL_ENTRY = "manual_entry"
    PACKAGE = "package"
    ALERT = "alert"
    OFFSET = "offset_notification"


@migrations()
def m004_uniqueness_keys(db: Database) -> None:
    """A key is never freed by archiving (R7)."""
    create(
        db,
        "create table uniqueness_key ("
        " namespace text not null, key text not null check (length(key) between 1 and 128),"
        " resource_id text not null, created_at text not null,"
        " primary key (namespace, key)) strict",
    )


class UniquenessKeys:
    """Who holds which key."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def holder(self, namespace: Namespace, key: str) -> str | None:
        """Id of the resource that used the key."""
        rows = select(
            self._db,
            "select resource_id from uniqueness_key where namespace = :namespace and key = :key",
            namespace=namespace,
            key=key,
        )
        return str(rows[0]["resource_id"]) if rows else None

    def take(self, namespace: Namespace, key: str, resource_id: str, now: datetime) -> None:
        """Use a key that is free."""
        insert(
            self._db,
            "uniqueness_key",
            [
                {
                    "namespace": namespace.value,
                    "key": key,
                    "resource_id": resource_id,
                    "created_at": format_instant(now),
                }
            ],
        )

    def release(self, namespace: Namespace, key: str) -> None:
        """Free a key; only alerts and grants ever do (R7)."""
        change(
            self._db,
            "delete from uniqueness_key where namespace = :namespace and key = :key",
            namespace=namespace,
            key=key,
        )
