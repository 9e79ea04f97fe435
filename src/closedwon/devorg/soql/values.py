"""Literals bound to the field they are compared with: typed, or a range of days."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from closedwon.devorg.errors import OrgError
from closedwon.devorg.field_values import NUMERIC
from closedwon.devorg.schema import FieldDef
from closedwon.devorg.soql.date_literals import day_range
from closedwon.devorg.soql.syntax import Kind, Literal
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import exact
from closedwon.kernel.ids import id18

MIDNIGHT = "T00:00:00.000+0000"
ID_TYPES = frozenset({"id", "reference"})
ORDERED = ("<", ">", "<=", ">=")
QUOTED = {Kind.STRING}


class Span(NamedTuple):
    """``[start, end)`` in the stored text form of the field: what a date literal means."""

    start: str
    end: str


Bound = str | Decimal | bool | Span | None


def bound(field: FieldDef, literal: Literal, now: datetime) -> Bound:
    """The literal as a value of the field; None for null and for the empty text.

    Raises OrgError INVALID_FIELD when the literal is of another type than the field.
    """
    if literal.kind is Kind.NULL:
        return None
    match field.type:
        case "boolean":
            return _expect(field, literal, "boolean", Kind.BOOLEAN).text == "true"
        case "date" | "datetime":
            return _moment(field, literal, now)
        case "double" | "currency" | "percent" | "int":
            return _number(_expect(field, literal, field.type, Kind.NUMBER))
        case "id" | "reference":
            text = _expect(field, literal, "string", Kind.STRING).text
            return _id(field, text) if text else None
        case _:
            return _expect(field, literal, "string", Kind.STRING).text or None


def is_text(field: FieldDef) -> bool:
    """Whether the field compares as text without regard to case."""
    return field.type not in NUMERIC | ID_TYPES | {"int", "boolean", "date", "datetime"}


def _expect(field: FieldDef, literal: Literal, kind: str, allowed: Kind) -> Literal:
    if literal.kind is not allowed:
        raise _wrong_kind(field, kind, quoted=allowed in QUOTED)
    return literal


def _wrong_kind(field: FieldDef, kind: str, *, quoted: bool) -> OrgError:
    how = "should be enclosed in quotes" if quoted else "should not be enclosed in quotes"
    message = f"value of filter criterion for field '{field.name}' must be of type {kind} and {how}"
    return OrgError("INVALID_FIELD", message)


def _number(literal: Literal) -> Decimal:
    try:
        return exact(literal.text)
    except Refused as error:
        raise OrgError("MALFORMED_QUERY", f"For input string: '{literal.text[:40]}'") from error


def _moment(field: FieldDef, literal: Literal, now: datetime) -> Bound:
    shown = "dateTime" if field.type == "datetime" else "date"
    midnight = MIDNIGHT if field.type == "datetime" else ""
    if literal.kind is Kind.DATE_LITERAL:
        days = day_range(literal.text, literal.count, now.astimezone(UTC).date())
        if days is None:
            raise OrgError("MALFORMED_QUERY", f"unexpected token: '{literal.text}'")
        return Span(*(f"{day.isoformat()}{midnight}" for day in days))
    if literal.kind is not (Kind.DATETIME if field.type == "datetime" else Kind.DATE):
        raise _wrong_kind(field, shown, quoted=False)
    try:
        instant = datetime.fromisoformat(literal.text.upper())
    except ValueError as error:
        message = f"line 1:1 invalid date: {literal.text}"
        raise OrgError("MALFORMED_QUERY", message) from error
    if field.type == "date":
        return instant.date().isoformat()
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "+0000")


def _id(field: FieldDef, text: str) -> str:
    try:
        return id18(text[:15]) if len(text) in (15, 18) else id18(text)
    except Refused as error:
        message = f"invalid ID field: {text[:40]}"
        raise OrgError("INVALID_QUERY_FILTER_OPERATOR", message, (field.name,)) from error
