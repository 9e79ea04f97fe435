"""From the words of metadata (Text, Lookup, Currency(16,2), ...) to described fields."""

from decimal import Decimal

import msgspec

from closedwon.devorg.schema.types import FieldDef, Picklist

TEXT_LENGTH = 255
LONG_LENGTH = 32_768

DESCRIBE_TYPES = {
    "Text": "string",
    "AutoNumber": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Html": "textarea",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Lookup": "reference",
    "MasterDetail": "reference",
    "Checkbox": "boolean",
    "Number": "double",
    "Int": "int",
    "Currency": "currency",
    "Percent": "percent",
    "Summary": "currency",
    "Date": "date",
    "DateTime": "datetime",
    "Phone": "phone",
    "Email": "email",
    "Url": "url",
    "AnyType": "anyType",
}
"""Metadata type -> describe type; ``Int`` and ``AnyType`` are our own words."""

LENGTHS = {
    "TextArea": TEXT_LENGTH,
    "LongTextArea": LONG_LENGTH,
    "Html": LONG_LENGTH,
    "MultiselectPicklist": 4099,
    "AutoNumber": 30,
    "Phone": 40,
    "Email": 80,
    "Url": TEXT_LENGTH,
    "Text": TEXT_LENGTH,
    "Picklist": TEXT_LENGTH,
    "AnyType": TEXT_LENGTH,
}


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A field as a metadata file or our table of facts declares it."""

    name: str
    label: str
    type: str
    """One of DESCRIBE_TYPES."""
    length: int | None = None
    precision: int = 0
    scale: int = 0
    required: bool = False
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    read_only: bool = False
    calculated: bool = False
    cascade: bool = False
    """A standard parent whose deletion takes this record along."""
    polymorphic: bool = False
    reference_to: tuple[str, ...] = ()
    children: str | None = None
    """Child relationship name, as declared: custom ones without ``__r``."""
    values: tuple[str, ...] = ()
    restricted: bool = False
    default: str | bool | Decimal | None = None
    display_format: str | None = None
    formula: str | None = None
    blank_as_zero: bool = True


def described(declared: Declared, *, namespace: str = "") -> FieldDef:
    """The field as describe tells it; ``namespace`` prefixes its child relationship."""
    kind = declared.type
    calculated = declared.calculated or declared.formula is not None or kind == "Summary"
    read_only = declared.read_only or calculated or kind == "AutoNumber"
    checkbox = kind == "Checkbox"
    return FieldDef(
        name=declared.name,
        label=declared.label,
        type=DESCRIBE_TYPES[kind],
        length=_length(declared),
        precision=declared.precision,
        scale=declared.scale,
        nillable=not (declared.required or checkbox),
        required=declared.required and not read_only,
        unique=declared.unique,
        case_sensitive=declared.case_sensitive,
        external_id=declared.external_id,
        createable=not read_only,
        updateable=not read_only,
        reference_to=declared.reference_to,
        relationship_name=_relationship(declared),
        child_relationship=_children(declared, namespace),
        cascade_delete=kind == "MasterDetail" or declared.cascade,
        polymorphic=declared.polymorphic,
        picklist=_picklist(declared) if "icklist" in kind else None,
        auto_number=declared.display_format,
        html=kind == "Html",
        default=(declared.default or False) if checkbox else declared.default,
        calculated=calculated,
        formula=declared.formula,
        blank_as_zero=declared.blank_as_zero,
    )


def _picklist(declared: Declared) -> Picklist:
    default = declared.default if isinstance(declared.default, str) else None
    return Picklist(declared.values, declared.restricted, default)


def _length(declared: Declared) -> int:
    if declared.reference_to:
        return 18
    return declared.length or LENGTHS.get(declared.type, 0)


def _relationship(declared: Declared) -> str | None:
    """``AccountId`` -> ``Account``, ``SBQQ__Quote__c`` -> ``SBQQ__Quote__r``."""
    if not declared.reference_to:
        return None
    if declared.name.endswith("__c"):
        return f"{declared.name[:-1]}r"
    return declared.name.removesuffix("Id")


def _children(declared: Declared, namespace: str) -> str | None:
    if not declared.children:
        return None
    if not declared.name.endswith("__c"):
        return declared.children
    return f"{namespace}{declared.children}__r"
