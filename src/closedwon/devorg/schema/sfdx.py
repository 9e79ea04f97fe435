"""SFDX source (``salesforce/``) read into objects and fields, so that it is the one definition."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse

from closedwon.devorg.schema.builtin import first_fields, name_field, system_fields
from closedwon.devorg.schema.metadata import DESCRIBE_TYPES, Declared, described
from closedwon.devorg.schema.types import FieldDef, ObjectInfo
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.ids import digest

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
OBJECT_SUFFIX = ".object-meta.xml"
FIELD_SUFFIX = ".field-meta.xml"
PREFIXES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KNOWN_PREFIXES = {"Payment_Installment__c": "a2T"}
"""The prefix our InfraX records were made with; other objects get one from their name."""
PREFIX_FIRST = "a"


def with_source(objects: Mapping[str, ObjectInfo], source: Path) -> dict[str, ObjectInfo]:
    """``objects`` with the custom objects and fields of an SFDX project.

    ``source`` is the project folder (with sfdx-project.json) or any folder above ``objects/``.
    """
    found = dict(objects)
    folders = sorted(path for path in source.glob("**/objects/*") if path.is_dir())
    if not folders:
        raise ConfigError("no SFDX objects folder here", directory=str(source))
    for folder in folders:
        declared = folder / f"{folder.name}{OBJECT_SUFFIX}"
        if declared.exists():
            found[folder.name] = _object(_xml(declared), folder.name, found)
        if folder.name not in found:
            raise ConfigError("fields of an object the org does not have", directory=str(folder))
        found[folder.name] = _extended(found[folder.name], tuple(_fields(folder)))
    return found


def _object(root: Element, name: str, known: Mapping[str, ObjectInfo]) -> ObjectInfo:
    label = _text(root, "label") or name
    naming = root.find(f"{NAMESPACE}nameField")
    pattern = None if naming is None else _text(naming, "displayFormat")
    name_label = "Name" if naming is None else _text(naming, "label") or "Name"
    fields = [*first_fields(), name_field(name_label, pattern), *system_fields(owned=True)]
    return ObjectInfo(
        name=name,
        label=label,
        label_plural=_text(root, "pluralLabel") or f"{label}s",
        key_prefix=KNOWN_PREFIXES.get(name) or _prefix(name, known),
        fields={field.name: field for field in fields},
        custom=True,
    )


def _extended(info: ObjectInfo, added: tuple[FieldDef, ...]) -> ObjectInfo:
    """The object with more fields, before the system fields; a detail has no owner of its own."""
    detail = any(field.cascade_delete and field.custom for field in added)
    own = {name: field for name, field in info.fields.items() if not _is_system(name)}
    rest = {name: field for name, field in info.fields.items() if _is_system(name)}
    if detail and info.custom:
        rest.pop("OwnerId", None)
    fields = own | {field.name: field for field in added} | rest
    return msgspec.structs.replace(info, fields=fields)


def _is_system(name: str) -> bool:
    return name in ("OwnerId", "SystemModstamp") or name.startswith(("Created", "LastModified"))


def _fields(folder: Path) -> Iterator[FieldDef]:
    for path in sorted((folder / "fields").glob(f"*{FIELD_SUFFIX}")):
        root = _xml(path)
        name = _text(root, "fullName")
        if not name or path.name != f"{name}{FIELD_SUFFIX}" or not name.isidentifier():
            raise ConfigError("fullName and file name differ", file=str(path), found=str(name))
        yield described(_declared(root, name, path))


def _declared(root: Element, name: str, path: Path) -> Declared:
    kind = _text(root, "type") or ""
    if kind not in DESCRIBE_TYPES:
        known = ", ".join(DESCRIBE_TYPES)
        raise ConfigError("unknown field type", file=str(path), found=kind, expected=known)
    target = _text(root, "referenceTo")
    return Declared(
        name=name,
        label=_text(root, "label") or name,
        type=kind,
        length=_number(root, "length", path),
        precision=_number(root, "precision", path) or 0,
        scale=_number(root, "scale", path) or 0,
        required=_flag(root, "required") or kind == "MasterDetail",
        unique=_flag(root, "unique"),
        external_id=_flag(root, "externalId"),
        case_sensitive=_flag(root, "caseSensitive"),
        reference_to=(target,) if target else (),
        children=_text(root, "relationshipName"),
        values=_values(root),
        restricted=any(each.text == "true" for each in root.iter(f"{NAMESPACE}restricted")),
        default=_default(root, kind),
        formula=_text(root, "formula"),
        blank_as_zero=_text(root, "formulaTreatBlanksAs") != "BlankAsBlank",
        display_format=_text(root, "displayFormat"),
    )


def _values(root: Element) -> tuple[str, ...]:
    found = root.findall(f"{NAMESPACE}valueSet/{NAMESPACE}valueSetDefinition/{NAMESPACE}value")
    return tuple(_text(each, "fullName") or "" for each in found)


def _default(root: Element, kind: str) -> str | bool | None:
    """A checkbox's or text's default, or the picklist value marked as the default."""
    if kind == "Checkbox":
        return _text(root, "defaultValue") == "true"
    marked = [each for each in root.iter(f"{NAMESPACE}value") if _flag(each, "default")]
    return _text(marked[0], "fullName") if marked else _text(root, "defaultValue")


def _prefix(name: str, known: Mapping[str, ObjectInfo]) -> str:
    """A free key prefix that depends on the name alone as long as no two names collide."""
    taken = {info.key_prefix for info in known.values()} | set(KNOWN_PREFIXES.values())
    free = [f"{PREFIX_FIRST}{a}{b}" for a in PREFIXES[1:] for b in PREFIXES]
    first = int(digest(name.encode())[:8], 16)
    numbers = ((first + step) % len(free) for step in range(len(free)))
    return next(free[number] for number in numbers if free[number] not in taken)


def _xml(path: Path) -> Element:
    try:
        root = parse(path).getroot()
    except (ParseError, DefusedXmlException) as error:
        raise ConfigError(f"not metadata XML: {error}", file=str(path)) from error
    if root is None:
        raise ConfigError("empty metadata file", file=str(path))
    return root


def _text(root: Element, tag: str) -> str | None:
    found = root.findtext(f"{NAMESPACE}{tag}")
    return found.strip() if found and found.strip() else None


def _flag(root: Element, tag: str) -> bool:
    return _text(root, tag) == "true"


def _number(root: Element, tag: str, path: Path) -> int | None:
    text = _text(root, tag)
    if text is None:
        return None
    if not text.isdigit():
        raise ConfigError(f"{tag} is not a whole number", file=str(path), found=text)
    return int(text)
