"""Types, values and the scope of a formula, and the arithmetic they are computed in.

Inside the evaluator a blank is always None: an empty text is blank and never ``""``, an empty list
is ``()``, and a boolean that has no value counts as false.
"""

import decimal
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from closedwon.kernel.exact import CONTEXT

TEXT_RESULT_MAX = 200_000
"""Longest text a formula may build, in characters; SUBSTITUTE inside SUBSTITUTE doubles."""

ARITHMETIC = decimal.Context(
    prec=CONTEXT.prec,
    rounding=CONTEXT.rounding,
    Emax=99,
    Emin=-99,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
"""The kernel's 40 digits (R3); a result of 1E+100 or more is an error, not a huge number."""

Value = Decimal | str | date | datetime | bool | tuple[str, ...] | None
Record = Mapping[str, Any]
"""A record as Salesforce sends it: numbers Decimal or int, dates ISO text, parents as ``X__r``."""


class ValueType(StrEnum):
    """What a formula can result in; NULL only for formulas that are always blank."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    LIST = "list of text"
    NULL = "blank"


class Scope(msgspec.Struct, frozen=True):
    """What a formula may read beside its record.

    ``as_of`` (aware) is the answer to AS_OF(), NOW() and TODAY(); ``children`` holds
    the rows of each collection in their order; ``names`` the values of the names given to
    ``compile_formula``.
    """

    as_of: datetime | None = None
    children: Mapping[str, Sequence[Record]] = {}
    names: Mapping[str, Value] = {}


Run = Callable[[Record, Scope], Any]
"""A compiled expression."""


def raw(value: Value) -> Any:
    """``value`` as Salesforce JSON carries it: dates as ISO text, a list joined by ``;``."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return ";".join(value) or None
    return value
