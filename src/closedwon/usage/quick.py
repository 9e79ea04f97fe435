"""Plain events out of JSON at the speed of C; whatever is doubtful is left to ``strict_json``.

Most senders write events without escapes, with texts and whole numbers as properties. Those decode
into the same events as the strict parser makes, and nothing else does: an unknown field, another
type or bad UTF-8 stops the decoder, and a key that stands twice would leave a text uncounted.
"""

from collections.abc import Sequence
from typing import cast

import msgspec

from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import parse_instant
from closedwon.usage.types import UsageEvent

INTEGER_MAX = 10**18
"""Longer numbers are read, or refused, the strict way."""
TEXT = frozenset({str})
QUOTES = 2
FIELD_QUOTES = 4 * 2 * QUOTES
"""Quotation marks of the four fields every event has, and of their values."""


class _Sent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    transaction_id: str
    customer_id: str
    event_type: str
    timestamp: str
    properties: dict[str, str | int | bool | None] | msgspec.UnsetType = msgspec.UNSET


_ONE = msgspec.json.Decoder(_Sent)
_MANY = msgspec.json.Decoder(list[_Sent])


def plain_event(line: bytes) -> UsageEvent | None:
    """The event of one JSON object; None when only the strict parser can tell."""
    try:
        found = _events([_ONE.decode(line)], line) if b"\\" not in line else None
    except (msgspec.MsgspecError, UnicodeDecodeError, Refused):
        return None
    return None if found is None else found[0]


def plain_events(body: bytes) -> tuple[UsageEvent, ...] | None:
    """The events of a JSON array; None when only the strict parser can tell."""
    try:
        return _events(_MANY.decode(body), body) if b"\\" not in body else None
    except (msgspec.MsgspecError, UnicodeDecodeError, Refused):
        return None


def _events(sent: Sequence[_Sent], text: bytes) -> tuple[UsageEvent, ...] | None:
    quotes = 0
    events: list[UsageEvent] = []
    for one in sent:
        properties = one.properties
        if properties is msgspec.UNSET:
            texts: dict[str, str] = {}
            quotes += FIELD_QUOTES
        else:
            found = _texts(properties)
            if found is None:
                return None
            texts, quoted = found
            quotes += FIELD_QUOTES + QUOTES * (1 + len(properties) + quoted)
        if not (one.transaction_id and one.customer_id and one.event_type):
            return None
        event = UsageEvent(
            transaction_id=one.transaction_id,
            customer_id=one.customer_id,
            event_type=one.event_type,
            timestamp=parse_instant(one.timestamp),
            properties=texts,
        )
        events.append(event)
    return tuple(events) if text.count(b'"') == quotes else None


def _texts(
    properties: dict[str, str | int | bool | None],
) -> tuple[dict[str, str], int] | None:
    """As ``validate.property_texts``, and how many were texts; None for a number that is long."""
    if TEXT.issuperset(map(type, properties.values())):
        return cast("dict[str, str]", properties), len(properties)
    texts: dict[str, str] = {}
    quoted = 0
    for name, value in properties.items():
        if isinstance(value, str):
            texts[name] = value
            quoted += 1
        elif isinstance(value, bool):
            texts[name] = "true" if value else "false"
        elif value is not None:
            if not -INTEGER_MAX < value < INTEGER_MAX:
                return None
            texts[name] = str(value)
    return texts, quoted
