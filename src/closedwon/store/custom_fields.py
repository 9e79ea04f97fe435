"""Custom field keys and values; the one place where current values live (R364, R365)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlite_utils import Database

from closedwon.kernel.instant import format_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import change, insert, listing, select, upsert


@migrations()
def m003_custom_fields(db: Database) -> None:
    """A key that enforces uniqueness copies that into its values, where an index sees it."""
    create(
        db,
        "create table custom_field_key ("
        " entity text not null, key text not null check (key <> ''),"
        " enforces_uniqueness integer not null check (enforces_uniqueness in (0, 1)),"
        " created_at text not null, primary key (entity, key)) strict",
        "create table custom_field_value ("
        " entity text not null, entity_id text not null, key text not null,"
        " value text not null check (length(value) <= 200),"
        " is_unique integer not null check (is_unique in (0, 1)),"
        " primary key (entity, entity_id, key),"
        " foreign key (entity, key) references custom_field_key (entity, key)) strict",
        "create unique index custom_field_value_unique"
        " on custom_field_value (entity, key, value) where is_unique = 1",
    )


class CustomFields:
    """Keys per entity kind and the values of each entity."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def keys(self, entity: str) -> dict[str, bool]:
        """Known keys of an entity kind; True where values must be unique."""
        return {
            row["key"]: bool(row["enforces_uniqueness"])
            for row in select(
                self._db,
                "select key, enforces_uniqueness from custom_field_key"
                " where entity = :entity order by key",
                entity=entity,
            )
        }

    def add_key(self, entity: str, key: str, *, enforce_uniqueness: bool, now: datetime) -> None:
        """Store a new key."""
        insert(
            self._db,
            "custom_field_key",
            [
                {
                    "entity": entity,
                    "key": key,
                    "enforces_uniqueness": int(enforce_uniqueness),
                    "created_at": format_instant(now),
                }
            ],
        )

    def remove_key(self, entity: str, key: str) -> None:
        """Forget a key and every value it has."""
        for table in ("custom_field_value", "custom_field_key"):
            change(
                self._db,
                f"delete from {table} where entity = :entity and key = :key",  # noqa: S608 ours
                entity=entity,
                key=key,
            )

    def delete(self, entity: str, entity_id: str, keys: Iterable[str]) -> int:
        """Forget values of one entity; returns how many there were."""
        return change(
            self._db,
            "delete from custom_field_value where entity = :entity and entity_id = :id"
            " and key in (select value from json_each(:keys))",
            entity=entity,
            id=entity_id,
            keys=listing(keys),
        )

    def set(self, entity: str, entity_id: str, fields: Mapping[str, str]) -> None:
        """Set values; keys not named keep theirs."""
        keys = self.keys(entity)
        upsert(
            self._db,
            "custom_field_value",
            ("entity", "entity_id", "key"),
            [
                {
                    "entity": entity,
                    "entity_id": entity_id,
                    "key": key,
                    "value": value,
                    "is_unique": int(keys[key]),
                }
                for key, value in fields.items()
            ],
        )

    def holder(self, entity: str, key: str, value: str) -> str | None:
        """Id of an entity with that value, the first one set."""
        rows = select(
            self._db,
            "select entity_id from custom_field_value"
            " where entity = :entity and key = :key and value = :value order by rowid limit 1",
            entity=entity,
            key=key,
            value=value,
        )
        return str(rows[0]["entity_id"]) if rows else None

    def of(self, entity: str, entity_ids: Iterable[str]) -> dict[str, dict[str, str]]:
        """Values by entity id, then key; entities without any are left out."""
        found: dict[str, dict[str, str]] = {}
        for row in select(
            self._db,
            "select entity_id, key, value from custom_field_value where entity = :entity"
            " and entity_id in (select value from json_each(:ids)) order by entity_id, key",
            entity=entity,
            ids=listing(entity_ids),
        ):
            found.setdefault(row["entity_id"], {})[row["key"]] = row["value"]
        return found
