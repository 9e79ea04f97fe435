"""Our share of the org's API pool: stop before people and other programs feel us (G16, F032)."""

import re
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from closedwon.kernel.errors import LimitReached
from closedwon.ports import ApiUsage

DAY = timedelta(hours=24)
LIMIT_INFO = re.compile(r"(?:^|[\s;,])api-usage=(\d+)/(\d+)")


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the org's 24-hour pool we may use; whole percent."""

    stop_at_used_percent: int = 80
    """Used by anyone: from here on we leave the rest to the others."""
    own_percent: int = 50
    """Used by us."""
    look_again: timedelta = timedelta(minutes=10)
    """After stopping, one call is let through this often to see whether the pool recovered."""


class Budget:
    """Counts calls and reads Sforce-Limit-Info; safe to use from several threads."""

    def __init__(self, share: Share, clock: Callable[[], datetime]) -> None:
        self._share = share
        self._clock = clock
        self._lock = threading.Lock()
        self._used = 0
        self._allowed = 0
        self._ours = 0
        self._by_hour: Counter[datetime] = Counter()
        self._refused = False
        self._asked_at: datetime | None = None

    def take(self) -> None:
        """Count one call about to be made; raises LimitReached when our share is spent."""
        with self._lock:
            now = self._clock()
            reason = self._spent(now)
            if reason and self._asked_at and now - self._asked_at < self._share.look_again:
                again = self._asked_at + self._share.look_again
                raise LimitReached(reason, next_look=again.isoformat(timespec="seconds"))
            self._asked_at = now
            self._refused = False
            self._ours += 1
            self._by_hour[now.replace(minute=0, second=0, microsecond=0)] += 1

    def note(self, limit_info: str) -> None:
        """Remember a Sforce-Limit-Info header; anything else is ignored."""
        found = LIMIT_INFO.search(limit_info)
        if found:
            with self._lock:
                self._used, self._allowed = int(found[1]), int(found[2])

    def refused(self) -> None:
        """Remember that Salesforce itself said the pool is empty."""
        with self._lock:
            self._refused = True

    def usage(self) -> ApiUsage:
        """What the last answer said; zeros before the first one."""
        with self._lock:
            return ApiUsage(used=self._used, allowed=self._allowed, ours=self._ours)

    def _spent(self, now: datetime) -> str:
        """Why no further call is made, or ``""``."""
        if self._refused:
            return "Salesforce refuses calls: its API limit is reached"
        if not self._allowed:
            return ""
        if self._used * 100 >= self._allowed * self._share.stop_at_used_percent:
            return f"the org used {self._used} of {self._allowed} API calls"
        for hour in [hour for hour in self._by_hour if hour <= now - DAY]:
            del self._by_hour[hour]
        ours = self._by_hour.total()
        if ours * 100 >= self._allowed * self._share.own_percent:
            return f"we used {ours} of {self._allowed} API calls, our share"
        return ""
