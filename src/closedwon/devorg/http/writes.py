"""The four row writes. Every write of every resource goes through here, past planned row locks."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from closedwon.devorg.answers import Upserted
from closedwon.devorg.errors import OrgError
from closedwon.devorg.http.service import Service

Fields = Mapping[str, Any]


class Key(NamedTuple):
    """Which record an upsert means; ``key`` None with the field ``Id`` means a new one."""

    object_name: str
    field: str
    key: str | None


def create(service: Service, user_id: str, object_name: str, fields: Fields) -> str:
    """Insert a record and return its id."""
    _unlocked(service, None, fields)
    return service.org.create(object_name, fields, user_id)


def update(
    service: Service, user_id: str, object_name: str, record_id: str, fields: Fields
) -> None:
    """Change the fields given."""
    _unlocked(service, record_id, fields)
    service.org.update(object_name, record_id, fields, user_id)


def upsert(
    service: Service, user_id: str, key: Key, fields: Fields, *, update_only: bool = False
) -> Upserted:
    """Update the record of that key, else insert it."""
    _unlocked(service, key.key, fields)
    return service.org.upsert(
        key.object_name, key.field, key.key, fields, user_id, update_only=update_only
    )


def delete(service: Service, user_id: str, object_name: str, record_id: str) -> None:
    """Soft-delete a record."""
    _unlocked(service, record_id, {})
    service.org.delete(object_name, record_id, user_id)


def atomically(service: Service, work: Callable[[], bool]) -> bool:
    """Run ``work`` in one transaction that is kept when it returns True, and undone otherwise."""
    try:
        with service.org.transaction():
            _keep(work())
    except _Undone:
        return False
    return True


class _Undone(Exception):
    """Leaves a transaction whose work is not wanted."""


def _keep(wanted: object) -> None:
    if not wanted:
        raise _Undone


def _unlocked(service: Service, key: str | None, fields: Fields) -> None:
    """Raises OrgError UNABLE_TO_LOCK_ROW when a planned lock covers the row or a parent."""
    held = service.faults.locked((key, *fields.values()))
    if held is not None:
        raise OrgError(
            "UNABLE_TO_LOCK_ROW",
            f"unable to obtain exclusive access to this record or 1 records: {held}",
        )
