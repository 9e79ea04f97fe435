"""Paths resolved against a schema, and closures that read them from records.

Reading turns Salesforce JSON (S 2.2) into values: whole and fractional numbers into Decimal, ISO
text into date or datetime, the empty text into blank, a missing checkbox into false. A field that
the record does not carry is blank. A float is refused: it is not exact.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from closedwon.formula.place import EvaluationError, FormulaError, Spot, nearest
from closedwon.formula.schema import FieldInfo, Schema
from closedwon.formula.values import ARITHMETIC, Record, Run, Scope, ValueType
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import id18
from closedwon.kernel.instant import parse_instant

HOPS_MAX = 5
"""Most relationships in one path: what one SOQL statement can select (S 3.1)."""

TYPES: Final = (
    dict.fromkeys(("int", "long", "double", "currency", "percent"), ValueType.NUMBER)
    | dict.fromkeys(
        ("string", "textarea", "picklist", "multipicklist", "combobox", "email", "phone", "url",
         "encryptedstring", "id", "reference"),
        ValueType.TEXT,
    )
    | {"boolean": ValueType.BOOLEAN, "date": ValueType.DATE, "datetime": ValueType.DATETIME}
)  # fmt: skip
"""Salesforce field type -> formula type; a field of another type cannot be used."""

IDS: Final = ("id", "reference")


class Blanks(msgspec.Struct, frozen=True):
    """How number fields are read; the defaults are those of mapping expressions."""

    number: Decimal | None = None
    """What a blank number field counts as: None stays blank, zero as "treat blanks as zeroes"."""
    percent_shift: int = 0
    """-2 reads percents as Salesforce's formula engine does: 10.0 (10 %) as 0.10."""


def field_at(schema: Schema, root: str, path: str) -> FieldInfo | None:
    """The field a dotted ``path`` from object ``root`` names; None when there is none."""
    objects: tuple[str, ...] = (root,)
    *relations, name = path.split(".")
    for relation in relations:
        objects = _targets(schema, objects, relation)
    return next((schema[at][name] for at in objects if name in schema.get(at, {})), None)


def resolved(schema: Schema, root: str, path: tuple[str, ...], spot: Spot) -> FieldInfo:
    """The field at ``path``; raises FormulaError that names the part that is wrong."""
    objects: tuple[str, ...] = (root,)
    if len(path) > HOPS_MAX + 1:
        raise spot.fault("the path is too long", expected=f"{HOPS_MAX} relationships at most")
    offset = spot.offset
    for relation in path[:-1]:
        targets = _targets(schema, objects, relation)
        if not targets:
            raise _no_relation(schema, objects, relation, Spot(spot.text, spot.start, offset))
        objects = targets
        offset += len(relation) + 1
    for name in objects:
        if path[-1] in schema[name]:
            return schema[name][path[-1]]
    known = [field for name in objects for field in schema[name]]
    raise Spot(spot.text, spot.start, offset).fault(
        f"{' or '.join(objects)} has no field {path[-1]}", nearest=nearest(path[-1], known)
    )


def _targets(schema: Schema, objects: tuple[str, ...], relation: str) -> tuple[str, ...]:
    """Described objects that ``relation`` leads to; several when it is polymorphic."""
    found = [
        target
        for name in objects
        for field in schema.get(name, {}).values()
        if _relation_of(field) == relation
        for target in field.reference_to
        if target in schema
    ]
    return tuple(dict.fromkeys(found))


def _relation_of(field: FieldInfo) -> str | None:
    if field.relationship_name is None and field.reference_to and field.name.endswith("__c"):
        return field.name[:-1] + "r"
    return field.relationship_name


def _no_relation(
    schema: Schema, objects: tuple[str, ...], relation: str, spot: Spot
) -> FormulaError:
    fields = [field for name in objects for field in schema[name].values()]
    leads_to = [
        to for field in fields if _relation_of(field) == relation for to in field.reference_to
    ]
    if leads_to:
        return spot.fault(f"{relation} leads to {' or '.join(leads_to)}, which is not described")
    known = [name for field in fields if (name := _relation_of(field))]
    return spot.fault(
        f"{' or '.join(objects)} has no relationship {relation}",
        nearest=nearest(relation, known),
    )


def reader(field: FieldInfo, path: tuple[str, ...], blanks: Blanks, spot: Spot) -> Run:
    """A closure that reads ``path`` from a record as the type of ``field``."""
    written = ".".join(path)
    match TYPES.get(field.type):
        case ValueType.NUMBER if field.type == "percent" and blanks.percent_shift:
            return _typed(path, _shifted(_number, blanks.percent_shift), blanks.number, spot)
        case ValueType.NUMBER:
            slow = _typed(path, _number, blanks.number, spot)
            return slow if len(path) > 1 else _quick_number(path[0], slow)
        case ValueType.TEXT:
            return _typed(path, _id if field.type in IDS else _text, None, spot)
        case ValueType.BOOLEAN:
            return _typed(path, _boolean, False, spot)
        case ValueType.DATE:
            return _typed(path, _date, None, spot)
        case ValueType.DATETIME:
            return _typed(path, _datetime, None, spot)
        case _:
            raise spot.fault(f"{written} is of type {field.type}, which formulas cannot use")


def _typed(path: tuple[str, ...], convert: Callable[[Any], Any], blank: Any, spot: Spot) -> Run:
    """Reads ``path``; ``convert`` turns a value that is there, ``blank`` stands for none."""
    *parents, name = path

    def own(record: Record, _scope: Scope) -> Any:
        value = record.get(name)
        if value is None:
            return blank
        try:
            return convert(value)
        except (TypeError, ValueError, Refused) as error:
            raise _misfit(path, value, str(error), spot) from error

    def parental(record: Record, scope: Scope) -> Any:
        holder: Any = record
        for parent in parents:
            holder = holder.get(parent)
            if holder is None:
                return blank
            if not isinstance(holder, Mapping):
                raise _misfit(path, holder, f"expected a parent record at {parent}", spot)
        return own(holder, scope)

    return parental if parents else own


def _quick_number(name: str, slow: Run) -> Run:
    """The commonest read, a Decimal of the record itself, without detours."""

    def run(record: Record, scope: Scope) -> Any:
        value = record.get(name)
        return value if value.__class__ is Decimal else slow(record, scope)

    return run


def _misfit(path: tuple[str, ...], value: Any, why: str, spot: Spot) -> EvaluationError:
    return spot.stop(f"{'.'.join(path)} holds {str(value)[:80]!r}; {why}")


def _number(value: Any) -> Decimal:
    if value.__class__ is Decimal:
        return value
    if value.__class__ is int:
        return Decimal(value)
    raise TypeError("expected an exact number")


def _shifted(convert: Callable[[Any], Decimal], digits: int) -> Callable[[Any], Decimal]:
    return lambda value: convert(value).scaleb(digits, ARITHMETIC)


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value or None


def _id(value: Any) -> str | None:
    return same_id(value) if isinstance(value, str) and value else _text(value)


def same_id(text: str | None) -> str | None:
    """The 18-character form of a 15-character id; any other text as it is."""
    if text is None or len(text) != 15:
        return text
    try:
        return id18(text)
    except Refused:
        return text


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def _date(value: Any) -> date | None:
    if value == "":
        return None
    if not isinstance(value, str) or len(value) != 10:
        raise TypeError("expected a date like 2024-01-31")
    return date.fromisoformat(value)


def _datetime(value: Any) -> datetime | None:
    return None if value == "" else parse_instant(value)
