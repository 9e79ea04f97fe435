"""Storing data sets as they are: given ids and stamps stay, nothing is rounded or triggered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from closedwon.devorg.derived import derive
from closedwon.devorg.errors import OrgError
from closedwon.devorg.field_values import Parse, parser
from closedwon.devorg.record_ids import canonical_id
from closedwon.devorg.schema import FieldDef, ObjectInfo
from closedwon.devorg.storage import DELETED, SYSTEM_MODSTAMP, Storage
from closedwon.devorg.writing import Writer

ATTRIBUTES = "attributes"


class Loader:
    """Loads records within one transaction; ``writer`` gives missing ids, numbers and stamps."""

    def __init__(self, storage: Storage, writer: Writer) -> None:
        self._storage = storage
        self._writer = writer

    def load(self, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
        """Store all; returns how many. Raises INVALID_TYPE or INVALID_FIELD for unknown names."""
        total = 0
        for name, rows in records.items():
            info = self._storage.schema.find(name)
            if info is None:
                raise OrgError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
            total += self._load_object(info, rows)
        for name in records:
            if name.lower() == "opportunitylineitem":
                self._settle_opportunities(records[name])
        return total

    def _load_object(self, info: ObjectInfo, rows: Sequence[Mapping[str, Any]]) -> int:
        code = self._storage.object_code(info.name)
        (present,) = self._storage.db.execute(
            "select exists(select 1 from record where object = ?)", (code,)
        ).fetchone()
        records = self._prepared(info, rows)
        if present:
            records = self._replaced(info, records)
        self._storage.insert_many(info, records)
        return len(rows)

    def _prepared(
        self, info: ObjectInfo, rows: Iterable[Mapping[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        fields = _Fields(info)
        for row in rows:
            values: dict[str, Any] = {}
            for name, value in row.items():
                stored = fields.get(name)
                if stored is not None and value is not None and value != "":
                    field, parse = stored
                    kept = parse(field, value)
                    if kept != "":
                        values[field.name] = kept
            yield self._completed(info, values)

    def _completed(self, info: ObjectInfo, values: dict[str, Any]) -> dict[str, Any]:
        """``values`` with id, stamps and what a save would have derived, where they are missing."""
        writer = self._writer
        if "Id" not in values:
            values["Id"] = writer.next_id(info)
        stamp = values.get(SYSTEM_MODSTAMP) or values.get("LastModifiedDate") or writer.stamp
        values.setdefault(SYSTEM_MODSTAMP, stamp)
        values.setdefault("LastModifiedDate", stamp)
        values.setdefault("CreatedDate", values["LastModifiedDate"])
        values.setdefault("CreatedById", writer.user_id)
        values.setdefault("LastModifiedById", writer.user_id)
        values.setdefault(DELETED, False)
        if "OwnerId" in info.fields:
            values.setdefault("OwnerId", writer.user_id)
        writer.count_names(info, values)
        if _underived(info.name, values):
            derive(self._storage, info.name, values, dict(values))
        return values

    def _replaced(
        self, info: ObjectInfo, records: Iterable[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        """Records that are new; those whose id is there already replace it."""
        for values in records:
            old = self._storage.get(values["Id"])
            if old is None:
                yield values
            else:
                self._storage.replace(info, old, values)

    def _settle_opportunities(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Opportunities that came without HasOpportunityLineItem have products after all."""
        opportunity = self._storage.schema.objects["Opportunity"]
        parents = {row.get("OpportunityId") for row in lines}
        for parent_id in sorted(canonical_id(each) for each in parents if each):
            old = self._storage.get(parent_id)
            if old is not None and "HasOpportunityLineItem" not in old.values:
                values = {**old.values, "HasOpportunityLineItem": True}
                self._storage.replace(opportunity, old, values)


class _Fields:
    """Names of incoming fields, in any case, to the fields that are stored; resolved once."""

    def __init__(self, info: ObjectInfo) -> None:
        self._info = info
        self._known: dict[str, tuple[FieldDef, Parse] | None] = {ATTRIBUTES: None}

    def get(self, name: str) -> tuple[FieldDef, Parse] | None:
        """The stored field and its parser; None for ``attributes`` and computed fields."""
        if name not in self._known:
            field = self._info.field(name)
            if field is None:
                message = f"No such column '{name}' on sobject of type {self._info.name}"
                raise OrgError("INVALID_FIELD", message, (name,))
            self._known[name] = None if field.computed else (field, parser(field))
        return self._known[name]


def _underived(object_name: str, values: Mapping[str, Any]) -> bool:
    return (
        (object_name == "Opportunity" and "StageName" in values and "IsWon" not in values)
        or (object_name in ("Contract", "Order") and "StatusCode" not in values)
        or (object_name in ("User", "Contact") and "Name" not in values)
    )
