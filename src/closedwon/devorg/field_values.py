"""What a field takes and how it keeps it (salesforce.md 2.2, 2.7).

Stored: text, bool, int for int fields, Decimal with a point for other numbers, dates as
``2024-01-31``, datetimes as ``2024-01-31T00:00:00.000+0000``. ``accepted`` is strict and rounds to
scale, as for a user's write; ``parser`` keeps what a package or an export already stored.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from closedwon.devorg.errors import OrgError
from closedwon.devorg.record_ids import canonical_id
from closedwon.devorg.schema import FieldDef
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import exact

PLAIN_DIGITS = 15
"""Decimals up to this size need no further check; larger ones go through the strict reader."""
TENTH = Decimal("0.1")
INT_MAX = 2**31 - 1
NUMERIC = frozenset({"double", "currency", "percent"})
Parse = Callable[[FieldDef, Any], Any]

SHOWN_MAX = 80
"""Longest piece of a refused value that an error repeats."""


def accepted(field: FieldDef, value: Any) -> Any:
    """``value`` from a request as the store keeps it; None and blank text mean null."""
    kept = _parsed(field, value)
    if kept is None:
        return None
    match field.type:
        case "double" | "currency" | "percent":
            return _in_range(field, kept)
        case "picklist" | "multipicklist":
            return _in_picklist(field, kept)
        case _:
            return _not_too_long(field, kept)


def parser(field: FieldDef) -> Parse:
    """Types a value from a data set, neither rounding nor cutting it nor checking its range.

    The value given is neither None nor blank text; a bulk load looks the function up once.
    """
    return _PARSERS.get(field.type, _text)


def stamp_text(instant: datetime) -> str:
    """An instant as Salesforce shows it; whole seconds, as system stamps have."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def pointed(number: Decimal) -> Decimal:
    """The same number with at least one digit after the point."""
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < 0:
        return number
    return number.quantize(TENTH)


def _parsed(field: FieldDef, value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return parser(field)(field, value)


def _text(field: FieldDef, value: Any) -> str:
    if isinstance(value, str):
        return _clean(field, value.rstrip())
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise _wrong_type(field, value)


def _clean(field: FieldDef, text: str) -> str:
    if "\x00" in text or not (text.isascii() or _is_whole(text)):
        raise _wrong_type(field, ascii(text))
    return text


def _is_whole(text: str) -> bool:
    """Whether no character is half of a surrogate pair."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _anything(field: FieldDef, value: Any) -> Any:
    if isinstance(value, Decimal):
        return pointed(value)
    return value if isinstance(value, bool | int) else _text(field, value)


def _boolean(field: FieldDef, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _wrong_type(field, value)


def _number(field: FieldDef, value: Any) -> Decimal:
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < PLAIN_DIGITS:
        return pointed(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise _wrong_type(field, value)
    try:
        return pointed(exact(str(value)))
    except Refused as error:
        raise _wrong_type(field, value) from error


def _whole(field: FieldDef, value: Any) -> int:
    number = _number(field, value)
    if number != number.to_integral_value():
        raise _wrong_type(field, value)
    if abs(number) > INT_MAX:
        raise _out_of_range(field, number)
    return int(number)


def _date(field: FieldDef, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(field, value)
    day = value[:10] if "T" in value else value
    try:
        plain = date.fromisoformat(day).isoformat()
    except ValueError as error:
        raise _wrong_type(field, value) from error
    if plain != day:
        raise _wrong_type(field, value)
    return plain


def _datetime(field: FieldDef, value: Any) -> str:
    if not isinstance(value, str) or "T" not in value:
        raise _wrong_type(field, value)
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise _wrong_type(field, value) from error
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "+0000")


def _reference(field: FieldDef, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(field, value)
    try:
        return canonical_id(value)
    except OrgError as error:
        text = f"{field.label}: id value of incorrect type: {value[:SHOWN_MAX]}"
        raise OrgError("MALFORMED_ID", text, (field.name,)) from error


_PARSERS: dict[str, Parse] = {
    "boolean": _boolean,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _whole,
    "date": _date,
    "datetime": _datetime,
    "reference": _reference,
    "id": _reference,
    "anyType": _anything,
}


def _in_range(field: FieldDef, number: Decimal) -> Decimal:
    """Extra decimals are rounded half up; too many digits before the point are refused."""
    if not field.precision:
        return number
    rounded = number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    if rounded and rounded.adjusted() >= field.precision - field.scale:
        raise _out_of_range(field, number)
    return pointed(rounded)


def _in_picklist(field: FieldDef, value: str) -> Any:
    known = field.picklist
    if known is None or not known.restricted:
        return _not_too_long(field, value)
    given = value.split(";") if field.type == "multipicklist" else [value]
    for each in given:
        if each not in known.values:
            text = f"{field.label}: bad value for restricted picklist field: {each[:SHOWN_MAX]}"
            raise OrgError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, (field.name,))
    return value


def _not_too_long(field: FieldDef, value: Any) -> Any:
    if isinstance(value, str) and 0 < field.length < len(value):
        shown = value[:SHOWN_MAX]
        text = f"{field.label}: data value too large: {shown} (max length={field.length})"
        raise OrgError("STRING_TOO_LONG", text, (field.name,))
    return value


def _wrong_type(field: FieldDef, value: Any) -> OrgError:
    text = f"{field.label}: value not of required type: {str(value)[:SHOWN_MAX]}"
    return OrgError("INVALID_TYPE_ON_FIELD_IN_RECORD", text, (field.name,))


def _out_of_range(field: FieldDef, number: Decimal) -> OrgError:
    text = f"{field.label}: value outside of valid range on numeric field: {number}"
    return OrgError("NUMBER_OUTSIDE_VALID_RANGE", text, (field.name,))
