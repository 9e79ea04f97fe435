"""The body of a write: names resolved, values checked, lookups by external id followed."""

from collections.abc import Mapping
from typing import Any

from closedwon.devorg.errors import OrgError
from closedwon.devorg.field_values import accepted
from closedwon.devorg.schema import FieldDef, ObjectInfo
from closedwon.devorg.storage import DELETED, Storage

ATTRIBUTES = "attributes"
FIELDS_MAX = 1_000


class Incoming:
    """Reads the fields of one object's writes."""

    def __init__(self, storage: Storage, info: ObjectInfo) -> None:
        self._storage = storage
        self._info = info

    def values(self, fields: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
        """Canonical field name -> stored value, null included; raises OrgError per field."""
        if len(fields) > FIELDS_MAX:
            raise OrgError("INVALID_FIELD", f"more than {FIELDS_MAX} fields in one record")
        found: dict[str, Any] = {}
        for name, value in fields.items():
            if name.lower() == ATTRIBUTES:
                continue
            field = self._info.field(name)
            if isinstance(value, Mapping):
                field, target = self._by_external_id(name, value)
            elif field is None:
                raise self._unknown(name)
            else:
                target = accepted(field, value)
            self._check_writable(field, creating=creating)
            if field.reference_to and target is not None:
                self._check_target(field, target)
            found[field.name] = target
        return found

    def _by_external_id(self, name: str, given: Mapping[str, Any]) -> tuple[FieldDef, str]:
        """``"Account__r": {"Key__c": "x"}``: the reference field and the record it means."""
        field = self._info.parent(name)
        if field is None:
            raise self._unknown(name)
        keys = [(key, value) for key, value in given.items() if key.lower() != ATTRIBUTES]
        if len(keys) != 1:
            message = f"{name} must name exactly one external id field"
            raise OrgError("INVALID_FIELD", message, (name,))
        key, value = keys[0]
        target = self._storage.schema.find(field.reference_to[0])
        key_field = None if target is None else target.field(key)
        if (
            target is None
            or key_field is None
            or not (key_field.external_id or key_field.type == "id")
        ):
            message = f"{key} is not an External ID field of {field.reference_to[0]}"
            raise OrgError("INVALID_FIELD", message, (name,))
        return field, self._only_match(target, key_field, value)

    def _only_match(self, target: ObjectInfo, key_field: FieldDef, value: Any) -> str:
        key = accepted(key_field, value)
        if key_field.type == "id" and key is not None:
            return str(key)
        rows = [] if key is None else self._storage.linked(target.name, key_field, str(key))
        if len(rows) == 1:
            return str(rows[0].values["Id"])
        if rows:
            ids = tuple(str(row.values["Id"]) for row in rows)
            message = f"more than one record found for external id field: [{', '.join(ids)}]"
            raise OrgError("INVALID_FIELD", message, (key_field.name,), ids=ids)
        where = f"field {key_field.name} in entity {target.name}"
        message = f"Foreign key external ID: {value} not found for {where}"
        raise OrgError("INVALID_FIELD", message)

    def _check_writable(self, field: FieldDef, *, creating: bool) -> None:
        if field.type == "id":
            message = "The Id field should not be specified in the sobject data."
            raise OrgError("INVALID_FIELD", message, (field.name,))
        if not (field.createable if creating else field.updateable):
            message = (
                f"Unable to create/update fields: {field.name}. Please check the security "
                "settings of this field and verify that it is read/write for your profile or "
                "permission set."
            )
            raise OrgError("INVALID_FIELD", message, (field.name,))

    def _check_target(self, field: FieldDef, target_id: str) -> None:
        objects = self._storage.schema.objects
        expected = [objects[name].key_prefix for name in field.reference_to if name in objects]
        if not target_id.startswith(tuple(expected)):
            message = f"{field.label}: id value of incorrect type: {target_id}"
            raise OrgError("MALFORMED_ID", message, (field.name,))
        found = self._storage.get(target_id)
        if found is None or found.values[DELETED]:
            message = f"invalid cross reference id: {target_id}"
            raise OrgError("INVALID_CROSS_REFERENCE_KEY", message, (field.name,))

    def _unknown(self, name: str) -> OrgError:
        message = f"No such column '{name}' on sobject of type {self._info.name}"
        return OrgError("INVALID_FIELD", message, (name,))
