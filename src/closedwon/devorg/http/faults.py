"""Failures on demand: what a real org does on its bad days, at a moment the test chooses."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from threading import Lock
from typing import Literal

import msgspec

FaultKind = Literal["answer", "drop_before", "drop_after", "slow", "expire_sessions"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to the next ``times`` requests that match ``method`` and ``path``.

    ``answer`` refuses with ``status`` and ``code`` before anything is done; ``drop_before`` and
    ``drop_after`` cut the connection without an answer, before or after the effect; ``slow``
    waits ``delay_ms``; ``expire_sessions`` ends every session just before the request.
    """

    kind: FaultKind
    path: str = "*"
    """Shell pattern over the decoded path, ``*`` crosses slashes: ``*/composite/*``."""
    method: str = "*"
    times: int = 1
    status: int = 503
    code: str = "SERVER_UNAVAILABLE"
    message: str = "The server is temporarily unavailable. Please try again later."
    page: str | None = None
    """HTML to answer instead of the JSON error: maintenance pages are not JSON (S 2.7)."""
    delay_ms: int = 0


class RowLock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next ``times`` writes that touch ``key`` fail with UNABLE_TO_LOCK_ROW.

    ``key`` is a record id or any text value the written row holds: its external id, a parent.
    """

    key: str
    times: int = 1


class Faults:
    """Planned failures, taken in the order planned. Usable in-process or over ``/devorg/faults``.

    ``requests`` counts what arrived at the org, failed or not, for tests of retry and cost.
    """

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._locks: dict[str, int] = {}
        self._lock = Lock()
        self.requests = 0

    def plan(self, fault: Fault) -> None:
        """Add one failure behind those already planned."""
        with self._lock:
            self._planned.append(fault)

    def lock_row(self, key: str, times: int = 1) -> None:
        """Fail the next ``times`` writes that touch ``key``."""
        with self._lock:
            self._locks[key] = times

    def clear(self) -> None:
        """Forget everything planned."""
        with self._lock:
            self._planned.clear()
            self._locks.clear()

    def take(self, method: str, path: str) -> dict[FaultKind, Fault]:
        """What hits this request, at most one failure of each kind; each take uses it once."""
        hit: dict[FaultKind, Fault] = {}
        with self._lock:
            self.requests += 1
            for at, fault in enumerate(self._planned):
                if fault.kind not in hit and _matches(fault, method, path):
                    hit[fault.kind] = fault
                    self._planned[at] = msgspec.structs.replace(fault, times=fault.times - 1)
            self._planned = [fault for fault in self._planned if fault.times > 0]
        return hit

    def locked(self, keys: Iterable[object]) -> str | None:
        """Which of ``keys`` is locked for this write, None for none; a hit uses the lock once."""
        with self._lock:
            if not self._locks:
                return None
            for key in keys:
                if isinstance(key, str) and self._locks.get(key, 0) > 0:
                    self._locks[key] -= 1
                    return key
        return None

    def planned(self) -> tuple[Fault, ...]:
        """Failures that have not happened yet, in order."""
        with self._lock:
            return tuple(self._planned)

    def locks(self) -> tuple[RowLock, ...]:
        """Row locks that have not been hit yet."""
        with self._lock:
            return tuple(RowLock(key=key, times=n) for key, n in self._locks.items() if n > 0)


def _matches(fault: Fault, method: str, path: str) -> bool:
    return fault.method in ("*", method) and fnmatchcase(path, fault.path)
