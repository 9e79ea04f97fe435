"""What an event must look like before it is stored (R15-R18).

Only its own timestamp says which period it belongs to (R19); usage for a period that is final is
stored all the same, for breakdowns and regeneration (R20). A correction in an open period is an
event with a negative value and a new transaction id (R26).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import parse_instant, wire_instant
from closedwon.usage.quick import plain_events
from closedwon.usage.types import Rejection, UsageEvent

BATCH_MAX = 100
ID_MAX = 128
FUTURE_MAX = timedelta(hours=24)
FIELDS = ("transaction_id", "customer_id", "event_type", "timestamp", "properties")
REQUIRED = FIELDS[:4]


class Limits(msgspec.Struct, frozen=True):
    """Event timestamps accepted, both ends included; ``oldest`` None accepts any age."""

    oldest: datetime | None
    newest: datetime
    days: int | None = None
    """How far back ``oldest`` lies."""

    def cover(self, first: datetime, last: datetime) -> bool:
        """Whether both instants are accepted, ``first`` being the older."""
        return last <= self.newest and (self.oldest is None or first >= self.oldest)


class Screened(msgspec.Struct, frozen=True):
    """Events that may be stored, and why the others may not; ``place`` is an index."""

    events: Sequence[UsageEvent]
    rejected: tuple[Rejection, ...]
    positions: Sequence[int]
    """Where ``events`` stood."""


def limits_at(now: datetime, backdating_days: int | None) -> Limits:
    """What is accepted at ``now``: 24 h ahead (R17), ``backdating_days`` back (R18)."""
    oldest = None if backdating_days is None else now - timedelta(days=backdating_days)
    return Limits(oldest, now + FUTURE_MAX, backdating_days)


def screened(events: Sequence[UsageEvent], limits: Limits) -> Screened:
    """Split ``events``; one bad event never stops the others (G13)."""
    if _all_pass(events, limits):
        return Screened(events, (), range(len(events)))
    kept: list[UsageEvent] = []
    positions: list[int] = []
    rejected: list[Rejection] = []
    for at, event in enumerate(events):
        fault = _fault(event, limits)
        if fault is None:
            kept.append(event)
            positions.append(at)
        else:
            rejected.append(Rejection(place=str(at), code="usage_invalid", message=fault))
    return Screened(kept, tuple(rejected), positions)


def parse_batch(body: str | bytes, limits: Limits) -> tuple[UsageEvent, ...]:
    """The events of one API call; raises Refused naming the element, then none counts (R15)."""
    events = plain_events(body) if isinstance(body, bytes) else None
    if events is None or not 1 <= len(events) <= BATCH_MAX:
        events = _strictly(body)
    faults = screened(events, limits).rejected
    if faults:
        raise Refused(f"event {faults[0].place}: {faults[0].message}", rejected=len(faults))
    return events


def _strictly(body: str | bytes) -> tuple[UsageEvent, ...]:
    elements = strict_json.loads(body)
    if not isinstance(elements, list) or not 1 <= len(elements) <= BATCH_MAX:
        is_array = isinstance(elements, list)
        found = len(elements) if is_array else strict_json.kind_of(elements)
        raise Refused(f"expected a JSON array of 1 to {BATCH_MAX} events, found {found}")
    return tuple(event_of(element, f"event {at}") for at, element in enumerate(elements))


def event_of(element: Any, place: str = "") -> UsageEvent:
    """One event from parsed JSON; raises Refused naming ``place`` and every wrong field (R16)."""
    at = place and f"{place}: "
    if not isinstance(element, Mapping):
        raise Refused(f"{at}expected an object, found {strict_json.kind_of(element)}")
    unknown = sorted(set(element) - set(FIELDS))
    if unknown:
        raise Refused(f"{at}unknown field {unknown[0]!r}; expected {', '.join(FIELDS)}")
    faults = [fault for name in REQUIRED if (fault := _text_fault(element, name))]
    properties = element.get("properties")
    if not isinstance(properties, Mapping | None):
        faults.append("properties must be an object")
    if faults:
        raise Refused(f"{at}{'; '.join(faults)}")
    try:
        timestamp = parse_instant(element["timestamp"])
    except Refused as error:
        raise Refused(f"{at}timestamp: {error.message}") from error
    return UsageEvent(
        transaction_id=element["transaction_id"],
        customer_id=element["customer_id"],
        event_type=element["event_type"],
        timestamp=timestamp,
        properties=property_texts(properties or {}),
    )


def property_texts(properties: Mapping[str, Any]) -> dict[str, str]:
    """Property values as text: text as sent, numbers in canonical decimal form, null left out."""
    return {name: property_text(value) for name, value in properties.items() if value is not None}


def property_text(value: Any) -> str:
    """One property value as text; raises Refused for a float, which is not exact (D4)."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return canonical(Decimal(value))
        case Mapping() | list() | tuple():
            return strict_json.canonical_dumps(value)
        case _:
            raise Refused(f"no exact text for a property of type {type(value).__name__}")


def _text_fault(element: Mapping[str, Any], name: str) -> str | None:
    """What is wrong with a field that every event has."""
    if name not in element:
        return f"{name}: required"
    value = element[name]
    is_good = isinstance(value, str) and value
    return None if is_good else f"{name} must be text that is not empty"


def _all_pass(events: Sequence[UsageEvent], limits: Limits) -> bool:
    """Whether no event needs a second look; a few passes at the speed of C."""
    ids = [event.transaction_id for event in events]
    required = [*ids, *[e.customer_id for e in events], *[e.event_type for e in events]]
    try:
        stamps = [event.timestamp for event in events]
        in_time = not stamps or limits.cover(min(stamps), max(stamps))
        names = [name for event in events for name in event.properties]
        values = [value for event in events for value in event.properties.values()]
        is_text = _is_text("".join([*required, *names, *values]))
    except TypeError:  # No zone, or a value that is not text; the slow pass names it.
        return False
    return in_time and is_text and all(required) and max(map(len, ids), default=1) <= ID_MAX


def _fault(event: UsageEvent, limits: Limits) -> str | None:
    texts = (event.transaction_id, event.customer_id, event.event_type)
    if not all(texts):
        return "transaction_id, customer_id and event_type must not be empty (R16)"
    if len(event.transaction_id) > ID_MAX:
        return f"transaction_id is longer than {ID_MAX} characters (R16)"
    if not all(map(_is_text, (*texts, *event.properties, *event.properties.values()))):
        return "text is missing or holds NUL or half a character"
    if event.timestamp.tzinfo is None:
        return "timestamp needs its zone (R16)"
    if limits.cover(event.timestamp, event.timestamp):
        return None
    return f"timestamp {wire_instant(event.timestamp)} is {_out_of_time(event, limits)}"


def _out_of_time(event: UsageEvent, limits: Limits) -> str:
    if limits.oldest is None or event.timestamp > limits.newest:
        return f"more than 24 h ahead (R17); the newest accepted is {wire_instant(limits.newest)}"
    back = "" if limits.days is None else f"more than {limits.days} days back, "
    return f"{back}older than accepted (R18); the oldest is {wire_instant(limits.oldest)}"


def _is_text(text: object) -> bool:
    try:
        return isinstance(text, str) and b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False
