"""Records as they read: stored values, parents by relationship, formulas and roll-ups on top."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from closedwon.devorg.field_values import NUMERIC, pointed, stamp_text
from closedwon.devorg.formula_fields import FormulaFields
from closedwon.devorg.schema import FieldDef, ObjectInfo, OrgSchema, Summary
from closedwon.devorg.storage import Storage, Stored

PARENTS_MAX = 20_000
"""Parents one reading remembers; then it starts afresh."""
HUNDRED = Decimal(100)
NAME_OBJECT = "Name"


class Record(Mapping[str, Any]):
    """One record within a reading.

    As a mapping it is what a formula sees: parents nested under their relationship name, nulls
    as None.
    """

    __slots__ = ("computed", "info", "reading", "stored")

    def __init__(self, info: ObjectInfo, stored: Stored, reading: "Reading") -> None:
        self.info = info
        self.stored = stored
        self.reading = reading
        self.computed: dict[str, Any] = {}

    @property
    def id(self) -> str:
        """18 characters."""
        return str(self.stored.values["Id"])

    def value(self, field: FieldDef) -> Any:
        """The value a query shows; computed fields are worked out once per reading."""
        if field.computed:
            if field.name not in self.computed:
                self.computed[field.name] = self.reading.compute(self, field)
            return self.computed[field.name]
        kept = self.stored.values.get(field.name)
        if kept is None and field.type == "boolean":
            return False
        return kept

    def parent(self, field: FieldDef) -> "Record | None":
        """The record a reference field points at; None when it is null or purged."""
        target = self.stored.values.get(field.name)
        if target is None:
            return None
        return self.reading.record(target)

    def __getitem__(self, name: str) -> Any:
        field = self.info.fields.get(name)
        if field is None:
            relation = self.info.parent(name)
            if relation is None:
                raise KeyError(name)
            return self.parent(relation)
        return self.value(field)

    def __iter__(self) -> Iterator[str]:
        return iter(self.info.fields)

    def __len__(self) -> int:
        return len(self.info.fields)


class Reading:
    """One consistent look at the org: remembers parents it met; ``as_of`` is the formulas' now."""

    def __init__(self, storage: Storage, formulas: FormulaFields, as_of: datetime) -> None:
        self.storage = storage
        self.schema: OrgSchema = storage.schema
        self.as_of = as_of
        self._formulas = formulas
        self._met: dict[str, Record | None] = {}

    def again(self) -> "Reading":
        """The same instant with nothing remembered, for after a write."""
        return Reading(self.storage, self._formulas, self.as_of)

    def wrap(self, stored: Stored) -> Record:
        """A record around a stored row."""
        return Record(self.storage.object_of(stored), stored, self)

    def record(self, record_id: str) -> Record | None:
        """The record with that id, deleted or not; None when there is none."""
        if record_id in self._met:
            return self._met[record_id]
        if len(self._met) >= PARENTS_MAX:
            self._met.clear()
        stored = self.storage.get(record_id)
        found = self.wrap(stored) if stored else None
        self._met[record_id] = found
        return found

    def children(
        self, object_name: str, link: FieldDef, parent_id: str, *, deleted: bool = False
    ) -> list[Record]:
        """Live records (or all) of an object whose ``link`` points at ``parent_id``."""
        rows = self.storage.linked(object_name, link, parent_id, deleted=deleted)
        return [self.wrap(stored) for stored in rows]

    def compute(self, record: Record, field: FieldDef) -> Any:
        """The value of a formula or roll-up field, typed and rounded as the field declares."""
        if field.summary is not None:
            return self._summed(record, field.summary)
        value = self._formulas.evaluate(record.info, field, record, self.as_of)
        return shown(field, value)

    def _summed(self, record: Record, summary: Summary) -> Any:
        child = self.schema.objects[summary.child]
        rows = self.children(summary.child, child.fields[summary.link], record.id)
        if summary.unless is not None:
            unless = child.fields[summary.unless]
            rows = [row for row in rows if not row.value(unless)]
        if summary.field is None:
            return pointed(Decimal(len(rows)))
        field = child.fields[summary.field]
        values = [value for row in rows if (value := row.value(field)) is not None]
        match summary.operation:
            case "MIN":
                return min(values, default=None)
            case "MAX":
                return max(values, default=None)
            case _:
                return pointed(sum(values, Decimal(0)))


def shown(field: FieldDef, value: Any) -> Any:
    """A formula's result as the field stores it: rounded half up, percents whole, ISO text."""
    match value:
        case bool() | None:
            return bool(value) if field.type == "boolean" else value
        case int() | Decimal():
            return _number(field, Decimal(value))
        case datetime():
            return stamp_text(value) if field.type == "datetime" else value.date().isoformat()
        case date():
            return value.isoformat()
        case str():
            return value or None
        case _:
            raise TypeError(f"a formula gave {type(value).__name__}")


def _number(field: FieldDef, number: Decimal) -> Decimal | int:
    whole = number * HUNDRED if field.type == "percent" else number
    if field.type not in NUMERIC:
        return int(whole)
    if field.precision:
        whole = whole.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    return pointed(whole)
