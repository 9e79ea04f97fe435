"""Models of what comes in: pydantic in strict mode over exactly parsed JSON, and field kinds.

Numbers are Decimals (never a float, never text), instants become UTC datetimes, words of an
enumeration may come in any case (metronome.md 2.1), and a field nobody knows is refused.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from closedwon.kernel.errors import ClosedwonError, Refused
from closedwon.kernel.exact import exact
from closedwon.kernel.instant import parse_instant

PROBLEMS_MAX = 5
"""Faults of a body named in one answer."""

M = TypeVar("M", bound="Wire")
T = TypeVar("T")


class Wire(BaseModel):
    """Base of every model of the wire."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class NoQuery(Wire):
    """A query string with nothing in it."""


class Id(Wire):
    """``{"id": ...}``."""

    id: str


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("expected a JSON number")  # noqa: TRY004 pydantic wants ValueError
    return _faulty(exact, str(value))


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("expected an instant like 2024-01-01T00:00:00Z")  # noqa: TRY004 same
    return _faulty(parse_instant, value)


def _whole(value: Any) -> int:
    number = _number(value)
    if number != number.to_integral_value():
        raise ValueError("expected a whole number")
    return int(number)


def _faulty(read: Callable[[str], T], text: str) -> T:
    """``read(text)``; what it refuses is a fault of the field."""
    try:
        return read(text)
    except ClosedwonError as error:
        raise ValueError(error.message) from error


Number = Annotated[
    Decimal,
    BeforeValidator(_number),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
"""An exact number."""
Whole = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "integer"})]
"""A whole number, also when written as 2.0."""
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An RFC 3339 instant with its zone, kept in UTC (R1)."""
Key = Annotated[str, Field(min_length=1, max_length=128)]
"""A uniqueness key, transaction id or alias (Appendix E)."""
Texts = dict[str, str]
"""Custom fields and group values."""


def word(kind: type[StrEnum]) -> BeforeValidator:
    """Reads a member of ``kind`` by its value, in any case."""
    members = {member.value.upper(): member for member in kind}

    def read(value: Any) -> StrEnum:
        if isinstance(value, str) and value.upper() in members:
            return members[value.upper()]
        expected = ", ".join(member.value for member in kind)
        raise ValueError(f"expected one of {expected}")

    return BeforeValidator(read)


def one_of(*words: str) -> BeforeValidator:
    """Reads one of ``words`` in any case, as it stands here."""
    known = {one.upper(): one for one in words}

    def read(value: Any) -> str:
        if isinstance(value, str) and value.upper() in known:
            return known[value.upper()]
        raise ValueError(f"expected one of {', '.join(words)}")

    return BeforeValidator(read)


def renamed(given: Mapping[Any, str]) -> BeforeValidator:
    """Before one of: words that are other spellings, in upper case -> the word meant."""

    def read(value: Any) -> Any:
        return given.get(value.upper(), value) if isinstance(value, str) else value

    return BeforeValidator(read)


def parsed(kind: type[M], found: Any, where: str) -> M:
    """``found`` as ``kind``; raises Refused naming the path of each fault, inside ``where``."""
    if not isinstance(found, Mapping):
        raise Refused(f"{where}: expected an object")
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        told = [f"{_path(fault['loc']) or where}: {_said(fault)}" for fault in faults]
        more = len(told) - PROBLEMS_MAX
        told[PROBLEMS_MAX:] = [f"and {more} more"] if more > 0 else []
        raise Refused("; ".join(told)) from error


def _path(place: tuple[int | str, ...]) -> str:
    return ".".join(map(str, place))


def _said(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "unknown field"
    if fault["type"] == "missing":
        return "required"
    return str(fault["msg"]).removeprefix("Value error, ")
