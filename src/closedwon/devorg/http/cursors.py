"""Query results behind ``nextRecordsUrl`` (S 2.3)."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import msgspec

from closedwon.devorg.http.sessions import Clock
from closedwon.kernel.ids import id18

CURSOR_LIFE = timedelta(days=2)
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Row = Mapping[str, Any]


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """One kept result. ``page`` is the batch size its first page was cut by."""

    locator: str
    user_id: str
    rows: Sequence[Row]
    total: int
    page: int
    opened_at: datetime


class Cursors:
    """Kept results by locator; each user has few, and the oldest is dropped for a new one."""

    def __init__(self, clock: Clock, cursors_max: int) -> None:
        self._clock = clock
        self._cursors_max = cursors_max
        self._kept: OrderedDict[str, Cursor] = OrderedDict()
        self._opened = 0
        self._lock = Lock()

    def keep(self, user_id: str, rows: Sequence[Row], total: int, page: int) -> Cursor:
        """Keep ``rows`` for later pages."""
        now = self._clock()
        with self._lock:
            self._drop_old(user_id, now)
            self._opened += 1
            cursor = Cursor(
                locator=id18(f"0r8Hs{_base62(self._opened):0>10}"),
                user_id=user_id,
                rows=rows,
                total=total,
                page=page,
                opened_at=now,
            )
            self._kept[cursor.locator] = cursor
            return cursor

    def find(self, user_id: str, locator: str) -> Cursor | None:
        """The kept result; None when it expired, was dropped or belongs to another user."""
        with self._lock:
            cursor = self._kept.get(locator)
            if cursor is None or cursor.user_id != user_id:
                return None
            if self._clock() - cursor.opened_at > CURSOR_LIFE:
                del self._kept[locator]
                return None
            return cursor

    def _drop_old(self, user_id: str, now: datetime) -> None:
        for cursor in list(self._kept.values()):
            if now - cursor.opened_at > CURSOR_LIFE:
                del self._kept[cursor.locator]
        own = [cursor for cursor in self._kept.values() if cursor.user_id == user_id]
        for oldest in own[: max(0, len(own) - self._cursors_max + 1)]:
            del self._kept[oldest.locator]


def _base62(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text
