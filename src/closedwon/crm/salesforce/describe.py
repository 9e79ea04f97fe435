"""Fields of objects as the org describes them, asked for again only when they changed."""

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from closedwon.crm.salesforce.session import Session
from closedwon.formula.schema import FieldInfo
from closedwon.kernel.errors import RetryLater

Fields = Mapping[str, FieldInfo]


class Describe:
    """Describes through ``session``; an unchanged object costs a 304 without a body."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, Fields]] = {}

    def fields(self, object_name: str) -> Fields:
        """Fields of ``object_name`` by name; raises NotFound for one missing or not readable."""
        with self._lock:
            modified, known = self._known.get(object_name, ("", None))
        headers = {"If-Modified-Since": modified} if modified else {}
        reply = self._session.get(f"sobjects/{object_name}/describe", headers)
        if reply.body is None and known is not None:
            return known
        fields = _fields(reply.body, object_name)
        with self._lock:
            self._known[object_name] = (reply.headers.get("last-modified", ""), fields)
        return fields


def _fields(body: Any, object_name: str) -> Fields:
    listed = body.get("fields") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        raise RetryLater("a describe without fields", object=object_name)
    fields = [_field(field) for field in listed]
    return MappingProxyType({field.name: field for field in fields})


def _field(field: Mapping[str, Any]) -> FieldInfo:
    choices = field.get("picklistValues") or ()
    return FieldInfo(
        name=field["name"],
        type=field["type"],
        reference_to=tuple(field.get("referenceTo") or ()),
        relationship_name=field.get("relationshipName"),
        calculated=field.get("calculated") is True,
        picklist_values=tuple(c["value"] for c in choices if c.get("active") is not False),
    )
