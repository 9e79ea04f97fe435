"""Offset notifications: so long before or after a system event (R280)."""

import re
from datetime import datetime, timedelta

import msgspec

from closedwon.kernel.errors import Refused

DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?"
)
OFFSET_MAX = timedelta(days=366 * 5)

TYPES = frozenset(
    {
        *(f"contract.{what}" for what in ("create", "edit", "archive", "start", "end")),
        *(
            f"{kind}.{what}"
            for kind in ("commit", "credit")
            for what in ("create", "edit", "archive", "segment.start", "segment.end")
        ),
    }
)
"""Every system event there is (R279)."""


class OffsetNotification(msgspec.Struct, frozen=True, kw_only=True):
    """Tells of every event of a type, ``offset`` after it; before it when negative."""

    id: str
    name: str
    type: str
    offset: str
    """ISO 8601 with a sign: P3D after, -P7D before, PT12H."""
    is_enabled: bool = True
    uniqueness_key: str | None = None
    since: datetime
    """When it was created or last edited: what fell due earlier is never told."""
    created_at: datetime | None = None
    """None where nobody noted it: ``since`` is the nearest that is known."""
    created_by: str = "api"
    archived_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise Refused("no such system event", found=self.type)
        duration(self.offset)


def duration(text: str) -> timedelta:
    """Weeks, days, hours and minutes; raises Refused for anything else, months included."""
    found = DURATION.fullmatch(text)
    given = {} if found is None else found.groupdict()
    parts = {name: int(size) for name, size in given.items() if size and size.isdigit()}
    if not parts:
        raise Refused(f"not a duration: {text!r}; expected P3D, -P7D or PT12H")
    length = timedelta(**parts)
    if length > OFFSET_MAX:
        raise Refused(f"an offset is at most {OFFSET_MAX.days} days", found=text)
    return -length if given["sign"] == "-" else length
