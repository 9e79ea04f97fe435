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


class Limits(msgspec.Struct, frozen=True):
    """Event timestamps accepted, both ends included; ``oldest`` None accepts any age."""

    oldest: datetime | None
    newest: datetime

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
    return Limits(oldest, now + FUTURE_MAX)


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
        found = len(elements) if isinstance(elements, list) else type(elements).__name__
        raise Refused(f"expected a JSON array of 1 to {BATCH_MAX} events, found {found}")
    return tuple(event_of(element, f"event {at}") for at, element in enumerate(elements))


def event_of(element: Any, place: str) -> UsageEvent:
    """One event from parsed JSON; raises Refused naming ``place`` and the field (R16)."""
    if not isinstance(element, Mapping):
        raise Refused(f"{place}: expected an object, found {type(element).__name__}")
    unknown = sorted(set(element) - set(FIELDS))
    if unknown:
        raise Refused(f"{place}: unknown field {unknown[0]!r}; expected {', '.join(FIELDS)}")
    texts = {name: _text(element, name, place) for name in FIELDS[:4]}
    properties = element.get("properties")
    if not isinstance(properties, Mapping | None):
        raise Refused(f"{place}: properties must be an object")
    try:
        timestamp = parse_instant(texts["timestamp"])
    except Refused as error:
        raise Refused(f"{place}: timestamp: {error.message}") from error
    return UsageEvent(
        transaction_id=texts["transaction_id"],
        customer_id=texts["customer_id"],
        event_type=texts["event_type"],
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


def _text(element: Mapping[str, Any], name: str, place: str) -> str:
    value = element.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(f"{place}: {name} must be text that is not empty")
    return value


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
    ahead = event.timestamp > limits.newest
    why = "more than 24 h ahead (R17)" if ahead else "older than accepted (R18)"
    return f"timestamp {wire_instant(event.timestamp)} is {why}"


def _is_text(text: object) -> bool:
    try:
        return isinstance(text, str) and b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False
