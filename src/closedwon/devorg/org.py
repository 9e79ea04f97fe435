"""A local Salesforce org: records in one SQLite file (or memory), SOQL, CRUD, describe."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from closedwon.devorg import describe
from closedwon.devorg.answers import QueryAnswer, Upserted
from closedwon.devorg.base_records import ADMIN_ID, ORGANIZATION_ID, base_records
from closedwon.devorg.errors import OrgError
from closedwon.devorg.formula_fields import FormulaFields
from closedwon.devorg.loading import Loader
from closedwon.devorg.prodly import prodly_records
from closedwon.devorg.reading import Reading, Record
from closedwon.devorg.record_ids import canonical_id
from closedwon.devorg.schema import FieldDef, ObjectInfo, OrgSchema
from closedwon.devorg.soql.run import Runner
from closedwon.devorg.storage import Storage
from closedwon.devorg.writing import NO_RECORD, Writer

API_VERSION = "60.0"
NOT_THERE = "The requested resource does not exist"


class Org:
    """Thread-safe: every call takes the org's one lock. Errors are ``OrgError``.

    Names of objects and fields are case-insensitive on input, canonical on output; ids may have
    15 or 18 characters on input and have 18 on output.
    """

    admin_id = ADMIN_ID
    """18-character id of the user every org has."""
    organization_id = ORGANIZATION_ID

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        self.schema = storage.schema
        self._storage = storage
        self._clock = clock
        self._formulas = FormulaFields(storage.schema)
        self._now: datetime | None = None

    @classmethod
    def open(cls, path: str | Path, schema: OrgSchema, clock: Callable[[], datetime]) -> Self:
        """Open or create the org at ``path`` (``:memory:`` for one that is forgotten).

        ``clock`` is read once per transaction; stamps are its whole seconds in UTC.
        """
        org = cls(Storage(path, schema), clock)
        if not org.count("Organization"):
            org.load_records(base_records())
        return org

    def close(self) -> None:
        """Close the file; the org cannot be used afterwards."""
        self._storage.close()

    def query(
        self,
        soql: str,
        all_rows: bool = False,  # noqa: FBT001, FBT002 - the agreed interface
        *,
        api_version: str = API_VERSION,
    ) -> QueryAnswer:
        """Answer a SOQL statement; ``all_rows`` (queryAll) includes soft-deleted rows.

        ``api_version`` only shows in the ``attributes.url`` of the rows. Raises OrgError
        MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE, ... with Salesforce's caret text.
        """
        with self._storage.lock:
            runner = Runner(
                reading=self._reading(),
                renew=self._reading,
                api_version=api_version,
                all_rows=all_rows,
            )
            return runner.answer(soql)

    def create(self, object_name: str, fields: Mapping[str, Any], user_id: str) -> str:
        """Insert a record and return its 18-character id. ``attributes`` in ``fields`` is ignored.

        A lookup may name its target by external id: ``{"Account__r": {"Key__c": "x"}}``.
        """
        with self._writing(user_id) as writer:
            return writer.create(self._writable(object_name), fields)

    def update(
        self, object_name: str, record_id: str, fields: Mapping[str, Any], user_id: str
    ) -> None:
        """Change only the fields given; None clears. Raises NOT_FOUND, ENTITY_IS_DELETED (404)."""
        with self._writing(user_id) as writer:
            writer.update(self._writable(object_name), record_id, fields)

    def upsert(
        self,
        object_name: str,
        key_field: str,
        key: str | None,
        fields: Mapping[str, Any],
        user_id: str,
        *,
        update_only: bool = False,
    ) -> Upserted:
        """Update the one record whose external id (or ``Id``) is ``key``, else insert it.

        Several matches raise an OrgError with status 300 and their ``ids``; no match with
        ``update_only`` raises NOT_FOUND; ``key_field`` "Id" with key None inserts.
        """
        info = self._writable(object_name)
        field = self._key_field(info, key_field)
        if any(name.lower() == field.name.lower() for name in fields):
            message = f"The {field.name} field should not be specified in the sobject data."
            raise OrgError("INVALID_FIELD", message, (field.name,))
        with self._writing(user_id) as writer:
            if field.type == "id":
                found: tuple[str, ...] = (key,) if key else ()
            else:
                found = writer.matches(info, field, key)
            if len(found) > 1:
                message = f"more than one record found for external id field: [{', '.join(found)}]"
                raise OrgError("DUPLICATE_EXTERNAL_ID", message, (field.name,), 300, found)
            if found:
                writer.update(info, found[0], fields)
                return Upserted(id=canonical_id(found[0]), created=False)
            if update_only:
                raise OrgError("NOT_FOUND", NOT_THERE, status=404)
            given = fields if field.type == "id" else {**fields, field.name: key}
            return Upserted(id=writer.create(info, given), created=True)

    def delete(self, object_name: str, record_id: str, user_id: str) -> None:
        """Soft-delete a record and its master-detail children; lookups to it are cleared."""
        with self._writing(user_id) as writer:
            writer.delete(self._writable(object_name), record_id)

    def undelete(self, object_name: str, record_id: str, user_id: str) -> None:
        """Bring back a record, the children deleted with it and the lookups that were cleared."""
        with self._writing(user_id) as writer:
            writer.undelete(self._writable(object_name), record_id)

    def retrieve(
        self,
        object_name: str,
        record_id: str,
        fields: Sequence[str] | None = None,
        *,
        api_version: str = API_VERSION,
    ) -> dict[str, Any]:
        """The flat record with all fields, or those asked for.

        Raises NOT_FOUND when it is absent or of another object, ENTITY_IS_DELETED (404).
        """
        info = self.schema.object(object_name)
        chosen = [self._field(info, name) for name in fields or info.fields]
        with self._storage.lock:
            record = self._live(info, record_id)
            at = f"/services/data/v{api_version}/sobjects/{info.name}/{record.id}"
            shown = {"attributes": {"type": info.name, "url": at}}
            return shown | {field.name: record.value(field) for field in chosen}

    def find(self, object_name: str, key_field: str, key: str) -> tuple[str, ...]:
        """Ids of the live records whose external id field equals ``key``."""
        info = self.schema.object(object_name)
        field = self._key_field(info, key_field)
        with self._storage.lock:
            if field.type == "id":
                return (self._live(info, key).id,)
            return self._writer(self.admin_id).matches(info, field, key)

    def count(self, object_name: str) -> int:
        """Number of live records of one object."""
        code = self._storage.object_code(self.schema.object(object_name).name)
        with self._storage.lock:
            (found,) = self._storage.db.execute(
                "select count(*) from record where object = ? and is_deleted = 0", (code,)
            ).fetchone()
        return int(found)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens or nothing does; nests; one clock reading for all of it."""
        with self._storage.lock:
            outermost = self._now is None
            if outermost:
                self._now = self._clock().astimezone(UTC).replace(microsecond=0)
            try:
                with self._storage.transaction():
                    yield
            finally:
                if outermost:
                    self._now = None

    def load_records(self, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
        """Store records as they are: given Ids and stamps stay, no triggers, no rounding.

        Returns how many were stored. A record with an Id that is there already replaces it;
        values of formula and roll-up fields are ignored, because reading works them out.
        """
        with self._writing(self.admin_id) as writer:
            return Loader(self._storage, writer).load(records)

    def import_prodly(self, directory: Path) -> dict[str, int]:
        """Import a folder of Prodly CSV exports; returns rows per object."""
        with self._writing(self.admin_id) as writer:
            records = prodly_records(Path(directory), self.schema, writer.next_id)
            Loader(self._storage, writer).load(records)
        return {name: len(rows) for name, rows in records.items()}

    def describe(self, object_name: str, *, api_version: str = API_VERSION) -> dict[str, Any]:
        """Body of ``GET /sobjects/X/describe`` (salesforce.md 2.6); NOT_FOUND when unknown."""
        return describe.object_body(self.schema, self.schema.object(object_name), api_version)

    def describe_global(self, *, api_version: str = API_VERSION) -> dict[str, Any]:
        """Body of ``GET /sobjects``."""
        return describe.global_body(self.schema, api_version)

    @contextmanager
    def _writing(self, user_id: str) -> Iterator[Writer]:
        with self.transaction():
            yield self._writer(user_id)

    def _writer(self, user_id: str) -> Writer:
        reading = self._reading()
        return Writer(storage=self._storage, reading=reading, user_id=user_id, now=reading.as_of)

    def _reading(self) -> Reading:
        return Reading(self._storage, self._formulas, self._now or self._clock())

    def _live(self, info: ObjectInfo, record_id: str) -> Record:
        writer = self._writer(self.admin_id)
        return self._reading().wrap(writer.live(info, record_id))

    def _writable(self, object_name: str) -> ObjectInfo:
        info = self.schema.object(object_name)
        if not info.key_prefix or info.name.endswith("History"):
            message = f"entity type {info.name} does not support create"
            raise OrgError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
        return info

    def _field(self, info: ObjectInfo, name: str) -> FieldDef:
        field = info.field(name)
        if field is None:
            message = f"No such column '{name}' on sobject of type {info.name}"
            raise OrgError("INVALID_FIELD", message, (name,))
        return field

    def _key_field(self, info: ObjectInfo, name: str) -> FieldDef:
        field = info.field(name)
        if field is None or not (field.external_id or field.type == "id"):
            raise OrgError("NOT_FOUND", NO_RECORD.format(name), status=404)
        return field
