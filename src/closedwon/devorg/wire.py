"""JSON as Salesforce writes it (salesforce.md 2.2).

Rows hold ``Decimal`` for double, currency and percent and ``int`` for int fields; a Decimal is
written like a Java double, always with a point and with an exponent from eight integer digits on.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

PLAIN_FROM = Decimal("0.001")
PLAIN_BELOW = Decimal(10_000_000)


def java_double(number: Decimal) -> str:
    """``505000.0``, ``1.2345678E7``, ``1.0E-4``; every digit of ``number`` is kept."""
    if not number:
        return "0.0"
    if PLAIN_FROM <= abs(number) < PLAIN_BELOW:
        return pointed(format(number, "f"))
    sign, digits, _ = number.as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{number.adjusted()}"


def pointed(plain: str) -> str:
    """Plain notation with exactly one point and no needless zeros: ``12`` -> ``12.0``."""
    whole, _, fraction = plain.partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def dumps(value: Any) -> str:
    """Compact JSON text of rows, answers and describes."""
    match value:
        case None | bool() | str() | int():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return java_double(value)
        case Mapping():
            inner = (f"{json.dumps(key)}:{dumps(each)}" for key, each in value.items())
            return "{" + ",".join(inner) + "}"
        case list() | tuple():
            return "[" + ",".join(map(dumps, value)) + "]"
        case _:
            raise TypeError(f"no Salesforce JSON for {type(value).__name__}")
