"""JSON without surprises: exact numbers, no NaN, no duplicate keys, no lone surrogates."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import canonical, exact
from closedwon.kernel.ids import digest

DEPTH_MAX = 100
_PLAIN = json.JSONEncoder(ensure_ascii=False).encode
"""Texts, integers and the three words; ``json.dumps`` would make an encoder for each of them."""


def loads(text: str | bytes) -> Any:
    """Parse JSON; every number is a Decimal or an int. Raises Refused on anything doubtful."""
    try:
        found = json.loads(
            text, parse_float=exact, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except UnicodeDecodeError as error:
        raise Refused("not JSON: not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON: {error}") from error
    if not _is_text(found):
        raise Refused("JSON text holds NUL or half a character")
    return found


def dumps(value: Any) -> str:
    """Compact JSON in the given key order; a Decimal is written as an exact number."""
    parts: list[str] = []
    _write(value, parts, 0)
    return "".join(parts)


def canonical_dumps(value: Any) -> str:
    """Like ``dumps`` with sorted keys: equal values give equal text."""
    return dumps(_sorted(value))


def kind_of(value: Any) -> str:
    """What JSON calls a parsed value, with its article: ``an object``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "an array"
        case _:
            return "a number"


def fingerprint(value: Any) -> str:
    """SHA-256 of the canonical text."""
    return digest(canonical_dumps(value).encode())


def _refuse(constant: str) -> NoReturn:
    raise Refused(f"JSON number {constant} is not allowed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Refused(f"JSON key {key!r} appears twice")
        if not (_is_text(key) and _is_text(value)):
            raise Refused(f"JSON text near key {key!a} holds NUL or half a character")
        found[key] = value
    return found


def _is_text(value: Any) -> bool:
    """Whether a text, or each in a list, is sound; objects were looked at when they ended."""
    if isinstance(value, list):
        return all(map(_is_text, value))
    if not isinstance(value, str):
        return True
    if "\x00" in value:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(element) for element in value]
    return value


def _write(value: Any, parts: list[str], depth: int) -> None:
    if depth > DEPTH_MAX:
        raise Refused(f"JSON deeper than {DEPTH_MAX}")
    match value:
        case None | bool() | str() | int():
            parts.append(_PLAIN(value))
        case Decimal():
            parts.append(canonical(value))
        case Mapping():
            for at, (key, inner) in enumerate(value.items()):
                parts.append(("," if at else "{") + _PLAIN(key) + ":")
                _write(inner, parts, depth + 1)
            parts.append("}" if value else "{}")
        case list() | tuple():
            for at, inner in enumerate(value):
                parts.append("," if at else "[")
                _write(inner, parts, depth + 1)
            parts.append("]" if value else "[]")
        case _:
            raise TypeError(f"no exact JSON for {type(value).__name__}")
