"""Texts and lists of texts. Positions count from 1; searches mind upper and lower case."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from closedwon.formula.code import Call, Code, Function, lifted, simple, whole
from closedwon.formula.fields import same_id
from closedwon.formula.values import TEXT_RESULT_MAX, Record, Run, Scope, ValueType
from closedwon.kernel.exact import ZERO, canonical, exact

NUMBER, TEXT, LIST, BOOLEAN = ValueType.NUMBER, ValueType.TEXT, ValueType.LIST, ValueType.BOOLEAN
ONE = Decimal(1)


def _written(value: Any) -> str:
    """``value`` as text: plain numbers, ISO dates, datetimes in UTC like Salesforce's TEXT."""
    if isinstance(value, Decimal):
        return canonical(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(" ", "seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _text(call: Call) -> Code:
    run = call.typed(0, NUMBER, TEXT, ValueType.DATE, ValueType.DATETIME)
    return call.code(TEXT, lifted(_written, (run,), call.spot))


def _value(text: str) -> Decimal:
    return exact(text.strip())


def _left(text: str, count: Decimal) -> str | None:
    return text[: max(whole(count), 0)] or None


def _right(text: str, count: Decimal) -> str | None:
    return text[max(len(text) - max(whole(count), 0), 0) :] or None


def _middle(text: str, start: Decimal, count: Decimal) -> str | None:
    first = max(whole(start), 1) - 1
    return text[first : first + max(whole(count), 0)] or None


def _found_at(call: Call) -> Code:
    runs = tuple(call.typed(at, (TEXT, TEXT, NUMBER)[at]) for at in range(len(call.arguments)))

    def position(wanted: str, text: str, start: Decimal = ONE) -> Decimal:
        return Decimal(text.find(wanted, max(whole(start), 1) - 1) + 1)

    return _answered(call, NUMBER, lifted(position, runs, call.spot), ZERO)


def _answered(call: Call, result: ValueType, run: Run, blank: object) -> Code:
    """A call that answers ``blank`` where an argument is blank."""

    def answered(record: Record, scope: Scope) -> object:
        value = run(record, scope)
        return blank if value is None else value

    return call.code(result, answered)


def _length(call: Call) -> Code:
    run = lifted(lambda text: Decimal(len(text)), (call.typed(0, TEXT),), call.spot)
    return _answered(call, NUMBER, run, ZERO)


def _contains(call: Call) -> Code:
    runs = (call.typed(0, TEXT), call.typed(1, TEXT))
    run = lifted(lambda text, wanted: wanted in text, runs, call.spot)
    return _answered(call, BOOLEAN, run, False)


def _begins(call: Call) -> Code:
    runs = (call.typed(0, TEXT), call.typed(1, TEXT))
    run = lifted(lambda text, wanted: text.startswith(wanted), runs, call.spot)
    return _answered(call, BOOLEAN, run, False)


def _includes(call: Call) -> Code:
    """One of the values of a multi-select picklist (``a;b``) or of a list."""
    chosen = call.typed(0, TEXT, LIST)
    wanted = call.typed(1, TEXT)

    def within(values: str | tuple[str, ...], value: str) -> bool:
        return value in (values.split(";") if isinstance(values, str) else values)

    return _answered(call, BOOLEAN, lifted(within, (chosen, wanted), call.spot), False)


def _substitute(call: Call) -> Code:
    text_run, old_run, new_run = (call.typed(at, TEXT) for at in range(3))

    def run(record: Record, scope: Scope) -> str | None:
        text, old = text_run(record, scope), old_run(record, scope)
        new = new_run(record, scope) or ""
        if text is None or old is None:
            return text  # type: ignore[no-any-return]
        if len(text) + text.count(old) * (len(new) - len(old)) > TEXT_RESULT_MAX:
            raise call.spot.stop(f"a text of more than {TEXT_RESULT_MAX} characters")
        return text.replace(old, new) or None

    return call.code(TEXT, run)


def _split(call: Call) -> Code:
    """The parts of a text between separators, trimmed, without empty ones."""
    runs = (call.typed(0, TEXT), call.typed(1, TEXT))

    def parts(text: str, separator: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in text.split(separator) if part.strip())

    return _answered(call, LIST, lifted(parts, runs, call.spot), ())


def _case_safe_id(call: Call) -> Code:
    run = lifted(same_id, (call.typed(0, TEXT),), call.spot)
    return Code(type=TEXT, run=run, spot=call.spot, is_id=True)


FUNCTIONS = (
    Function(name="TEXT", usage="TEXT(value)", least=1, most=1, build=_text),
    simple("VALUE(text)", (TEXT,), NUMBER, _value),
    simple("UPPER(text)", (TEXT,), TEXT, str.upper),
    simple("LOWER(text)", (TEXT,), TEXT, str.lower),
    simple("TRIM(text)", (TEXT,), TEXT, lambda text: text.strip() or None),
    simple("LEFT(text, count)", (TEXT, NUMBER), TEXT, _left),
    simple("RIGHT(text, count)", (TEXT, NUMBER), TEXT, _right),
    simple("MID(text, start, count)", (TEXT, NUMBER, NUMBER), TEXT, _middle),
    Function(name="LEN", usage="LEN(text)", least=1, most=1, build=_length),
    Function(name="FIND", usage="FIND(wanted, text [, start])", least=2, most=3, build=_found_at),
    Function(name="CONTAINS", usage="CONTAINS(text, wanted)", least=2, most=2, build=_contains),
    Function(name="BEGINS", usage="BEGINS(text, wanted)", least=2, most=2, build=_begins),
    Function(name="INCLUDES", usage="INCLUDES(values, wanted)", least=2, most=2, build=_includes),
    Function(
        name="SUBSTITUTE", usage="SUBSTITUTE(text, old, new)", least=3, most=3, build=_substitute
    ),
    Function(name="SPLIT", usage="SPLIT(text, separator)", least=2, most=2, build=_split),
    Function(name="CASESAFEID", usage="CASESAFEID(id)", least=1, most=1, build=_case_safe_id),
)
