"""A local Salesforce org: records in one SQLite file (or memory), SOQL, CRUD, describe."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from closedwon.devorg.answers import QueryAnswer, Upserted
from closedwon.devorg.schema import OrgSchema

API_VERSION = "60.0"


class Org:
    """Thread-safe: every call takes the org's one lock. Errors are ``OrgError``.

    Names of objects and fields are case-insensitive on input, canonical on output; ids may have
    15 or 18 characters on input and have 18 on output.
    """

    schema: OrgSchema
    admin_id: str
    """18-character id of the user every org has."""
    organization_id: str

    @classmethod
    def open(cls, path: str | Path, schema: OrgSchema, clock: Callable[[], datetime]) -> Self:
        """Open or create the org at ``path`` (``:memory:`` for one that is forgotten).

        ``clock`` is read once per transaction; stamps are its whole seconds in UTC.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; the org cannot be used afterwards."""
        raise NotImplementedError

    def query(
        self, soql: str, all_rows: bool = False, *, api_version: str = API_VERSION
    ) -> QueryAnswer:
        """Answer a SOQL statement; ``all_rows`` (queryAll) includes soft-deleted rows.

        ``api_version`` only shows in the ``attributes.url`` of the rows. Raises OrgError
        MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE, ... with Salesforce's caret text.
        """
        raise NotImplementedError

    def create(self, object_name: str, fields: Mapping[str, Any], user_id: str) -> str:
        """Insert a record and return its 18-character id. ``attributes`` in ``fields`` is ignored.

        A lookup may name its target by external id: ``{"Account__r": {"Key__c": "x"}}``.
        """
        raise NotImplementedError

    def update(
        self, object_name: str, record_id: str, fields: Mapping[str, Any], user_id: str
    ) -> None:
        """Change only the fields given; None clears. Raises NOT_FOUND, ENTITY_IS_DELETED (404)."""
        raise NotImplementedError

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
        raise NotImplementedError

    def delete(self, object_name: str, record_id: str, user_id: str) -> None:
        """Soft-delete a record and its master-detail children; lookups to it are cleared."""
        raise NotImplementedError

    def undelete(self, object_name: str, record_id: str, user_id: str) -> None:
        """Bring back a record, the children deleted with it and the lookups that were cleared."""
        raise NotImplementedError

    def retrieve(
        self,
        object_name: str,
        record_id: str,
        fields: Sequence[str] | None = None,
        *,
        api_version: str = API_VERSION,
    ) -> dict[str, Any]:
        """The flat record with all fields, or those asked for; NOT_FOUND when absent or deleted."""
        raise NotImplementedError

    def find(self, object_name: str, key_field: str, key: str) -> tuple[str, ...]:
        """Ids of the live records whose external id field equals ``key``."""
        raise NotImplementedError

    def count(self, object_name: str) -> int:
        """Number of live records of one object."""
        raise NotImplementedError

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens or nothing does; nests; one clock reading for all of it."""
        raise NotImplementedError
        yield

    def load_records(self, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
        """Store records as they are: given Ids and stamps stay, no triggers, no rounding.

        Returns how many were stored. A record with an Id that is there already replaces it.
        """
        raise NotImplementedError

    def import_prodly(self, directory: Path) -> dict[str, int]:
        """Import a folder of Prodly CSV exports; returns rows per object."""
        raise NotImplementedError

    def describe(self, object_name: str) -> dict[str, Any]:
        """Body of ``GET /sobjects/X/describe`` (salesforce.md 2.6); NOT_FOUND when unknown."""
        raise NotImplementedError

    def describe_global(self) -> dict[str, Any]:
        """Body of ``GET /sobjects``."""
        raise NotImplementedError
