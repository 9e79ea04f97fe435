"""The JSON Schema editors use for mapping files, made from the grammar the loader reads."""

import json
from typing import Any, assert_never

from closedwon.deals.mapping.language import MAPPING
from closedwon.deals.mapping.shapes import (
    LOOKUP,
    Choice,
    Day,
    Fixed,
    FormulaText,
    Key,
    ListOf,
    Named,
    Number,
    Raw,
    Shape,
    Text,
)


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a mapping file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "closedwon mapping",
        **_of(MAPPING),
    }


def _of(shape: Shape) -> dict[str, Any]:
    match shape:
        case Text() | Choice() | Number() | Day():
            return _scalar(shape)
        case FormulaText():
            return _formula(shape)
        case Raw():
            return {}
        case ListOf() | Named() | Fixed():
            return _container(shape)
        case _:
            assert_never(shape)


def _scalar(shape: Text | Choice | Number | Day) -> dict[str, Any]:
    match shape:
        case Text(pattern=pattern):
            return {"type": "string", **({"pattern": f"^{pattern}$"} if pattern else {})}
        case Choice(words=words):
            # Editors read a plain yes or no as a boolean; the file keeps the word.
            booleans = [word == "yes" for word in words if word in ("yes", "no")]
            return {"enum": [*words, *booleans]}
        case Number():
            return {"type": "number"}
        case Day():
            return {"type": "string", "format": "date"}
        case _:
            assert_never(shape)


def _formula(shape: FormulaText) -> dict[str, Any]:
    kinds = " or ".join(kind.lower() for kind in shape.types)
    text = {
        "type": ["string", "number", "boolean"],
        "description": f"Salesforce formula giving {kinds}",
    }
    return {"anyOf": [text, _of(LOOKUP)]} if shape.or_lookup else text


def _container(shape: ListOf | Named | Fixed) -> dict[str, Any]:
    match shape:
        case ListOf(element=element, or_single=or_single):
            listed = {"type": "array", "items": _of(element)}
            return {"anyOf": [_of(element), listed]} if or_single else listed
        case Named(element=element, pattern=pattern):
            return {
                "type": "object",
                "patternProperties": {f"^{pattern}$": _of(element)},
                "additionalProperties": False,
            }
        case Fixed(keys=keys, doc=doc):
            return {
                "type": "object",
                "description": doc,
                "properties": {name: _documented(key) for name, key in keys.items()},
                "required": [name for name, key in keys.items() if key.required],
                "additionalProperties": False,
            }
        case _:
            assert_never(shape)


def _documented(key: Key) -> dict[str, Any]:
    inner = _of(key.shape)
    if "description" not in inner:
        return {"description": key.doc, **inner}
    return {**inner, "description": f"{key.doc} {inner['description']}".strip()}


def schema_text() -> str:
    """The JSON Schema as the file ``mappings/mapping.schema.json`` holds it."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
