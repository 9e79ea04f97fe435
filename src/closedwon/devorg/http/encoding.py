"""JSON as Salesforce writes it (S 2.2): a Decimal always has a point, and Java's exponent form.

Digits are exact; nothing passes through a float. Encoding is native code, because pages of rows
are what this org mostly sends.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

PLAIN_FROM = Decimal("0.001")
PLAIN_BELOW = Decimal(10_000_000)
"""Numbers outside are written with an exponent."""

_ENCODER = msgspec.json.Encoder()
_PLAIN = (str, int, type(None))


def encoded(value: Any) -> bytes:
    """``value`` (mappings, sequences, text, int, bool, Decimal, None) as UTF-8 JSON."""
    return _ENCODER.encode(_prepared(value))


def java_number(number: Decimal) -> str:
    """``50000`` -> ``50000.0``, ``12345678`` -> ``1.2345678E7``, ``0.0001`` -> ``1.0E-4``."""
    if not number:
        return "0.0"
    if PLAIN_FROM <= abs(number) < PLAIN_BELOW:
        whole, _, fraction = format(number, "f").partition(".")
        return f"{whole}.{fraction.rstrip('0') or '0'}"
    sign, digits, _ = number.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{number.adjusted()}"


def _prepared(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Decimal):
        return msgspec.Raw(java_number(value).encode())
    if isinstance(value, Mapping):
        return {
            key: inner if isinstance(inner, _PLAIN) else _prepared(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_prepared(inner) for inner in value]
    raise TypeError(f"no exact JSON for {type(value).__name__}")
