"""Objects every org of ours has: standard ones and the SBQQ package, from two tables of facts.

``objects.csv``: name_format is the auto-number pattern of Name, empty for a text Name, and
name_label ``-`` says that Name stands in fields.csv or does not exist. ``fields.csv``: an empty
object repeats the one above, an empty label follows from the name, size is ``length`` or
``precision.scale``, flags are letters (see FLAGS).
"""

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import msgspec

from closedwon.devorg.schema.formulas import BLANK_AS_BLANK, FORMULAS, SUMMARIES
from closedwon.devorg.schema.metadata import Declared, described
from closedwon.devorg.schema.types import FieldDef, ObjectInfo

NAMESPACE = "SBQQ__"
FLAGS = {
    "r": "required",
    "u": "unique",
    "x": "external_id",
    "c": "calculated",
    "o": "read_only",
    "d": "cascade",
}
NAME_LENGTH = 80

_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@cache
def builtin_objects() -> dict[str, ObjectInfo]:
    """Standard and SBQQ objects by name."""
    declared = _declared_fields()
    return {
        row["object"]: _object(row, declared.get(row["object"], [])) for row in _rows("objects")
    }


def system_fields(*, owned: bool) -> list[FieldDef]:
    """Fields the org itself fills, in describe order after the object's own."""
    stamped = [
        _system("CreatedDate", "Created Date", "DateTime"),
        _system("CreatedById", "Created By ID", "Lookup", reference_to=("User",)),
        _system("LastModifiedDate", "Last Modified Date", "DateTime"),
        _system("LastModifiedById", "Last Modified By ID", "Lookup", reference_to=("User",)),
        _system("SystemModstamp", "System Modstamp", "DateTime"),
    ]
    owner = Declared(
        name="OwnerId", label="Owner ID", type="Lookup", reference_to=("User",), polymorphic=True
    )
    owner_field = msgspec.structs.replace(described(owner), nillable=False)
    return [owner_field, *stamped] if owned else stamped


def first_fields() -> list[FieldDef]:
    """Id and IsDeleted, which come before all others."""
    record_id = _system("Id", "Record ID", "Text", length=18)
    deleted = _system("IsDeleted", "Deleted", "Checkbox")
    return [msgspec.structs.replace(record_id, type="id"), deleted]


def name_field(label: str, display_format: str | None) -> FieldDef:
    """The Name of a custom object: text, or a number the org counts."""
    kind = "AutoNumber" if display_format else "Text"
    return described(
        Declared(
            name="Name",
            label=label,
            type=kind,
            length=NAME_LENGTH,
            required=not display_format,
            display_format=display_format,
        )
    )


def _object(row: dict[str, str], declared: list[Declared]) -> ObjectInfo:
    name = row["object"]
    own = [] if row["name_label"] == "-" else [name_field(row["name_label"], row["name_format"])]
    own += [_worked_out(name, described(each, namespace=NAMESPACE)) for each in declared]
    fields = [*first_fields(), *own, *system_fields(owned=row["owner"] == "o")]
    return ObjectInfo(
        name=name,
        label=row["label"],
        label_plural=row["plural"],
        key_prefix=row["prefix"],
        fields={field.name: field for field in fields},
        custom=name.endswith("__c"),
    )


def _worked_out(object_name: str, field: FieldDef) -> FieldDef:
    """``field`` with the formula or roll-up we know for it."""
    key = f"{object_name}.{field.name}"
    if key in FORMULAS:
        blank_as_zero = key not in BLANK_AS_BLANK
        return msgspec.structs.replace(field, formula=FORMULAS[key], blank_as_zero=blank_as_zero)
    if key in SUMMARIES:
        summary = SUMMARIES[key]
        kind = "double" if summary.operation == "COUNT" else "currency"
        return msgspec.structs.replace(field, summary=summary, type=kind)
    return field


def _declared_fields() -> dict[str, list[Declared]]:
    found: dict[str, list[Declared]] = {}
    current = ""
    for row in _rows("fields"):
        current = row["object"] or current
        found.setdefault(current, []).append(_declared(row))
    return found


def _declared(row: dict[str, str]) -> Declared:
    name, kind, default = row["field"], row["type"], row["default"]
    precision, _, scale = row["size"].partition(".")
    sized = bool(scale)
    declared = Declared(
        name=name,
        label=row["label"] or _label(name),
        type=kind,
        length=int(row["size"]) if row["size"] and not sized else None,
        precision=int(precision) if sized else 0,
        scale=int(scale or 0),
        reference_to=(row["reference"],) if row["reference"] else (),
        children=row["children"] or None,
        values=tuple(filter(None, row["values"].split(";"))),
        default=(default == "true") if kind == "Checkbox" else _default(default, kind),
        display_format=default if kind == "AutoNumber" else None,
    )
    return msgspec.structs.replace(declared, **{FLAGS[letter]: True for letter in row["flags"]})


def _default(text: str, kind: str) -> str | None:
    return text if text and kind != "AutoNumber" else None


def _label(name: str) -> str:
    plain = name.removeprefix(NAMESPACE).removesuffix("__c")
    plain = plain.removesuffix("Id") if not name.endswith("__c") and name != "Id" else plain
    return _CAPITALS.sub(" ", plain.replace("_", " "))


def _system(
    name: str,
    label: str,
    kind: str,
    *,
    length: int | None = None,
    reference_to: tuple[str, ...] = (),
) -> FieldDef:
    declared = Declared(
        name=name,
        label=label,
        type=kind,
        length=length,
        required=True,
        read_only=True,
        reference_to=reference_to,
    )
    return described(declared)


def _rows(table: str) -> Iterator[dict[str, str]]:
    text = files("closedwon.devorg.schema").joinpath(f"{table}.csv").read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
