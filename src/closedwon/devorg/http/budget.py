"""API calls used in the rolling day, and the limits resource (S 2.4, S 6)."""

from collections import deque
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from closedwon.devorg.http.sessions import Clock

DAY = timedelta(days=1)
OTHER_LIMITS = {
    "ConcurrentAsyncGetReportInstances": 200,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DataStorageMB": 1_024,
    "FileStorageMB": 1_024,
    "HourlyODataCallout": 1_000,
}
"""Allowances of resources that the dev org does not meter: nothing of them is ever used."""


class Budget:
    """Counts calls by minute over a rolling day of the org's clock."""

    def __init__(self, clock: Clock, calls_max: int) -> None:
        self._clock = clock
        self._calls_max = calls_max
        self._minutes: deque[tuple[datetime, int]] = deque()
        self._used = 0
        self._lock = Lock()

    def spend(self) -> bool:
        """Count one call; False, and nothing counted, when the day's calls are spent."""
        minute = self._clock().replace(second=0, microsecond=0)
        with self._lock:
            self._forget(minute)
            if self._used >= self._calls_max:
                return False
            if self._minutes and self._minutes[-1][0] == minute:
                self._minutes[-1] = (minute, self._minutes[-1][1] + 1)
            else:
                self._minutes.append((minute, 1))
            self._used += 1
            return True

    @property
    def header(self) -> str:
        """Value of ``Sforce-Limit-Info``."""
        return f"api-usage={self._used}/{self._calls_max}"

    def limits(self) -> dict[str, Any]:
        """Body of ``/limits``."""
        listed = {name: {"Max": most, "Remaining": most} for name, most in OTHER_LIMITS.items()}
        listed["DailyApiRequests"] = {
            "Max": self._calls_max,
            "Remaining": self._calls_max - self._used,
        }
        return dict(sorted(listed.items()))

    def _forget(self, minute: datetime) -> None:
        while self._minutes and self._minutes[0][0] <= minute - DAY:
            self._used -= self._minutes.popleft()[1]
