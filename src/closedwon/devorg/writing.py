"""Creating, changing and deleting records with the checks a user's write goes through."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from closedwon.devorg.derived import derive
from closedwon.devorg.errors import OrgError
from closedwon.devorg.field_values import accepted, stamp_text
from closedwon.devorg.incoming import Incoming
from closedwon.devorg.reading import Reading
from closedwon.devorg.record_ids import canonical_id, numbered_id
from closedwon.devorg.ripples import Ripples
from closedwon.devorg.schema import FieldDef, ObjectInfo
from closedwon.devorg.storage import DELETED, SYSTEM_MODSTAMP, Storage, Stored

NO_RECORD = "Provided external ID field does not exist or is not accessible: {}"


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """The writes of one user at one instant; callers hold a transaction."""

    storage: Storage
    reading: Reading
    user_id: str
    now: datetime

    @property
    def stamp(self) -> str:
        """The instant as system fields show it."""
        return stamp_text(self.now)

    def create(self, info: ObjectInfo, fields: Mapping[str, Any]) -> str:
        """Insert; see ``Org.create``."""
        given = Incoming(self.storage, info).values(fields, creating=True)
        values = {**_defaults(info), **given}
        self._check_required(info, values)
        derive(self.storage, info.name, values, given)
        self._check_unique(info, values, None)
        values["Id"] = self.next_id(info)
        self.count_names(info, values)
        if "OwnerId" in info.fields:
            values.setdefault("OwnerId", self.user_id)
        values |= {"CreatedDate": self.stamp, "CreatedById": self.user_id, DELETED: False}
        ripples = Ripples(self.storage, self.reading, info, {}, values)
        self.storage.insert(info, self._touched(values))
        ripples.spread(self.stamp, self.user_id)
        return str(values["Id"])

    def update(self, info: ObjectInfo, record_id: str, fields: Mapping[str, Any]) -> None:
        """Change; see ``Org.update``."""
        old = self.live(info, record_id)
        given = Incoming(self.storage, info).values(fields, creating=False)
        values = {**old.values, **given}
        missing = [name for name in given if values[name] is None and info.fields[name].required]
        if missing:
            raise _required(missing)
        derive(self.storage, info.name, values, given)
        self._check_unique(info, values, old)
        ripples = Ripples(self.storage, self.reading, info, old.values, values)
        self.storage.replace(info, old, self._touched(values))
        ripples.spread(self.stamp, self.user_id)

    def delete(self, info: ObjectInfo, record_id: str) -> None:
        """Soft-delete with master-detail children; see ``Org.delete``."""
        old = self.live(info, record_id)
        # The record goes first, so that its vanishing children do not re-total it.
        self._flag(info, old, deleted=True)
        for link in self.storage.schema.children[info.name]:
            child = self.storage.schema.objects[link.child]
            for row in self.storage.linked(child.name, link.field, old.values["Id"]):
                if link.field.cascade_delete:
                    self.delete(child, row.values["Id"])
                else:
                    self._clear(child, link.field, row)

    def undelete(self, info: ObjectInfo, record_id: str) -> None:
        """Bring back; see ``Org.undelete``."""
        old = self.storage.get(canonical_id(record_id))
        if old is None or not old.values[DELETED] or self.storage.object_of(old) is not info:
            raise OrgError("UNDELETE_FAILED", "Entity is not in the recycle bin")
        deleted_at = old.values[SYSTEM_MODSTAMP]
        for link in self.storage.schema.children[info.name]:
            if not link.field.cascade_delete:
                continue
            child = self.storage.schema.objects[link.child]
            rows = self.storage.linked(child.name, link.field, old.values["Id"], deleted=True)
            for row in rows:
                if row.values[DELETED] and row.values[SYSTEM_MODSTAMP] == deleted_at:
                    self.undelete(child, row.values["Id"])
        self._flag(info, old, deleted=False)
        self._restore_lookups(old.values["Id"])

    def live(self, info: ObjectInfo, record_id: str) -> Stored:
        """The record to write to; NOT_FOUND or ENTITY_IS_DELETED (404)."""
        try:
            found = self.storage.get(canonical_id(record_id))
        except OrgError as error:
            raise OrgError("NOT_FOUND", NO_RECORD.format(record_id), status=404) from error
        if found is None or self.storage.object_of(found) is not info:
            raise OrgError("NOT_FOUND", NO_RECORD.format(record_id), status=404)
        if found.values[DELETED]:
            raise OrgError("ENTITY_IS_DELETED", "entity is deleted", status=404)
        return found

    def matches(self, info: ObjectInfo, field: FieldDef, key: Any) -> tuple[str, ...]:
        """Ids of live records whose external id is ``key``."""
        value = accepted(field, key)
        if value is None:
            return ()
        rows = self.storage.linked(info.name, field, str(value))
        return tuple(str(row.values["Id"]) for row in rows)

    def next_id(self, info: ObjectInfo) -> str:
        """A new id; deterministic for the same sequence of writes."""
        return numbered_id(info.key_prefix, self.storage.count_up(f"id {info.name}"))

    def count_names(self, info: ObjectInfo, values: dict[str, Any]) -> None:
        """Fill the auto-numbers the record has no value for."""
        for field in info.numbered:
            if values.get(field.name) is None:
                number = self.storage.count_up(f"number {info.name}.{field.name}")
                values[field.name] = numbered_name(str(field.auto_number), number)

    def _touched(self, values: dict[str, Any]) -> dict[str, Any]:
        return values | {
            "LastModifiedDate": self.stamp,
            "LastModifiedById": self.user_id,
            SYSTEM_MODSTAMP: self.stamp,
        }

    def _flag(self, info: ObjectInfo, old: Stored, *, deleted: bool) -> None:
        values = self._touched({**old.values, DELETED: deleted})
        before, after = (old.values, {}) if deleted else ({}, values)
        ripples = Ripples(self.storage, self.reading, info, before, after)
        self.storage.replace(info, old, values)
        ripples.spread(self.stamp, self.user_id)

    def _clear(self, child: ObjectInfo, field: FieldDef, row: Stored) -> None:
        """Null a lookup to a deleted record, remembered for undelete; stamps stay."""
        self.storage.db.execute(
            "insert or ignore into cleared values (?, ?, ?)",
            (row.values[field.name], row.values["Id"], field.name),
        )
        self.storage.replace(child, row, {**row.values, field.name: None})

    def _restore_lookups(self, parent_id: str) -> None:
        cleared = self.storage.db.execute(
            "delete from cleared where parent = ? returning child, field", (parent_id,)
        ).fetchall()
        for child_id, name in cleared:
            row = self.storage.get(child_id)
            if row is not None and row.values.get(name) is None:
                child = self.storage.object_of(row)
                self.storage.replace(child, row, {**row.values, name: parent_id})

    def _check_required(self, info: ObjectInfo, values: Mapping[str, Any]) -> None:
        missing = [
            field.name
            for field in info.fields.values()
            if field.required and values.get(field.name) is None and field.type != "boolean"
        ]
        if missing:
            raise _required(missing)

    def _check_unique(
        self, info: ObjectInfo, values: Mapping[str, Any], old: Stored | None
    ) -> None:
        for field in info.indexed:
            value = values.get(field.name)
            if not field.unique or value is None:
                continue
            if old is not None and old.values.get(field.name) == value:
                continue
            for row in self.storage.linked(info.name, field, str(value)):
                if old is None or row.seq != old.seq:
                    text = f"{field.name} duplicates value on record with id: "
                    raise OrgError(
                        "DUPLICATE_VALUE", f"duplicate value found: {text}{row.values['Id'][:15]}"
                    )


def numbered_name(pattern: str, number: int) -> str:
    """``Q-{00000}`` and 42 -> ``Q-00042``."""
    head, _, rest = pattern.partition("{")
    zeros, _, tail = rest.partition("}")
    return f"{head}{number:0{len(zeros)}d}{tail}"


def _defaults(info: ObjectInfo) -> dict[str, Any]:
    return {
        field.name: accepted(field, field.default)
        for field in info.fields.values()
        if field.default not in (None, False) and not field.calculated
    }


def _required(missing: list[str]) -> OrgError:
    listed = ", ".join(missing)
    message = f"Required fields are missing: [{listed}]"
    return OrgError("REQUIRED_FIELD_MISSING", message, tuple(missing))
