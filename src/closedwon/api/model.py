"""Models of what comes in: pydantic in strict mode over exactly parsed JSON, and field kinds.

Numbers are Decimals (never a float, never text), instants become UTC datetimes, words of an
enumeration may come in any case (metronome.md 2.1), and a field nobody knows is refused.
"""

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import core_schema

from closedwon.kernel.errors import ClosedwonError, Refused
from closedwon.kernel.exact import exact
from closedwon.kernel.instant import FAR_FUTURE, parse_instant, wire_instant

PROBLEMS_MAX = 5
"""Faults of a body named in one answer."""
NUMBER_MAX = 10**20
"""Largest number of a body, either side of zero."""
DIGITS_MAX = 30
"""Digits a number of a body may have, and places after its point."""
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
"""Instants of the wire lie from here to FAR_FUTURE, so that calendar steps never leave time."""

WORDS: Mapping[str, str] = {
    "bool_type": "expected true or false",
    "dict_type": "expected an object",
    "extra_forbidden": "unknown field",
    "frozen_set_type": "expected an array",
    "greater_than_equal": "expected at least {ge}",
    "invalid_key": "expected text as its name",
    "less_than_equal": "expected at most {le}",
    "list_type": "expected an array",
    "missing": "required",
    "model_attributes_type": "expected an object",
    "model_type": "expected an object",
    "set_type": "expected an array",
    "string_pattern_mismatch": "expected text that matches {pattern}",
    "string_too_long": "expected at most {max_length}, found {found}",
    "string_too_short": "expected at least {min_length}, found {found}",
    "string_type": "expected text",
    "too_long": "expected at most {max_length}, found {found}",
    "too_short": "expected at least {min_length}, found {found}",
    "tuple_type": "expected an array",
}
"""What pydantic calls a fault -> what we say."""

M = TypeVar("M", bound="Wire")
T = TypeVar("T")


class Malformed(Refused):
    """What was sent does not have the form that the OpenAPI document says."""

    code: ClassVar[str] = "invalid_request"


class Wire(BaseModel):
    """Base of every model of the wire."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class NoQuery(Wire):
    """A query string with nothing in it."""


class Id(Wire):
    """``{"id": ...}``."""

    id: str


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("expected a JSON number")  # noqa: TRY004 pydantic wants ValueError
    number = _faulty(exact, str(value))
    if abs(number) > NUMBER_MAX:
        raise ValueError(f"expected a number between -{NUMBER_MAX} and {NUMBER_MAX}")
    return number


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("expected an instant like 2024-01-01T00:00:00Z")  # noqa: TRY004 same
    instant = _faulty(parse_instant, value)
    if not EARLIEST <= instant < FAR_FUTURE:
        first, end = wire_instant(EARLIEST), wire_instant(FAR_FUTURE)
        raise ValueError(f"expected an instant from {first} until before {end}")
    return instant


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
    WithJsonSchema({"type": "number", "minimum": -NUMBER_MAX, "maximum": NUMBER_MAX}),
]
"""An exact number."""


@dataclass(frozen=True, slots=True)
class whole:  # noqa: N801 stands in annotations beside ``word`` and ``one_of``
    """Reads a whole number between two, both included; also when written as 2.0."""

    least: int
    most: int

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        bounded = core_schema.int_schema(ge=self.least, le=self.most)
        return core_schema.no_info_before_validator_function(_whole, bounded)


WHOLE_MAX = 10**9
Whole = Annotated[int, whole(-WHOLE_MAX, WHOLE_MAX)]
"""A whole number."""
Days = Annotated[int, whole(0, 36_500)]
"""Payment terms."""
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


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Reads one of some words in any case; the document lists them as they stand here."""

    known: Mapping[str, Any]
    """Word in upper case -> what it is read as, a text."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, _core: Any, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": [str(one) for one in self.known.values()]}

    def _read(self, value: Any) -> Any:
        if isinstance(value, str) and value.upper() in self.known:
            return self.known[value.upper()]
        raise ValueError(f"expected one of {', '.join(map(str, self.known.values()))}")


def word(kind: type[StrEnum], *members: StrEnum) -> Words:
    """Reads a member of ``kind``, or one of ``members``, by its value in any case."""
    return Words({member.value.upper(): member for member in members or kind})


def one_of(*words: str) -> Words:
    """Reads one of ``words`` in any case, as it stands here."""
    return Words({one.upper(): one for one in words})


def renamed(given: Mapping[Any, str]) -> BeforeValidator:
    """Before one of: words that are other spellings, in upper case -> the word meant."""

    def read(value: Any) -> Any:
        return given.get(value.upper(), value) if isinstance(value, str) else value

    return BeforeValidator(read)


def parsed(kind: type[M], found: Any, where: str) -> M:
    """``found`` as ``kind``; raises Malformed naming the path of each fault, inside ``where``."""
    if not isinstance(found, Mapping):
        raise Malformed(f"{where}: expected an object")
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        told = [f"{_path(fault['loc']) or where}: {_said(fault)}" for fault in faults]
        more = len(told) - PROBLEMS_MAX
        told[PROBLEMS_MAX:] = [f"and {more} more"] if more > 0 else []
        raise Malformed("; ".join(told)) from error


def _path(place: tuple[int | str, ...]) -> str:
    return ".".join(map(str, place))


def _said(fault: Any) -> str:
    """A fault that pydantic found, in words of ours; it never quotes what was sent."""
    text = WORDS.get(fault["type"])
    if text is None:
        return str(fault["msg"]).removeprefix("Value error, ")
    limits = {name: _counted(one, fault["type"]) for name, one in fault.get("ctx", {}).items()}
    sent = fault["input"]
    return text.format(**limits, found=len(sent) if isinstance(sent, Sized) else 0)


def _counted(limit: Any, fault: str) -> str:
    """``1 element``; a number that is no length as it is."""
    unit = {"string": "character", "too": "element"}.get(fault.partition("_")[0])
    if unit is None or not isinstance(limit, int):
        return str(limit)
    return f"{limit} {unit}" + ("" if limit == 1 else "s")
