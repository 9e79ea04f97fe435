"""When and how long to retry: by error class, bounded in attempts and in total wait (G16, G24).

Only calls that may be repeated are given to ``Patience``: reads, and writes keyed by external id.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Self, TypeVar

import msgspec
import tenacity

from closedwon.kernel.errors import RetryLater

T = TypeVar("T")


class Transient(RetryLater):
    """Worth another attempt at once: no answer, a 5xx, a lock, a cut page."""

    retry_after_s: float | None = None
    """How long the remote asks us to wait; None when it does not say."""

    def after(self, retry_after_s: float | None) -> Self:
        """This failure, with the wait the remote asks for."""
        self.retry_after_s = retry_after_s
        return self


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how long to wait for something transient; ``sleep`` takes seconds."""

    sleep: Callable[[float], None]
    attempts_max: int = 5
    wait_first_s: float = 0.5
    wait_max_s: float = 30
    wait_total_max_s: float = 120

    def run(self, call: Callable[[], T]) -> T:
        """Answer of ``call``, repeated while it raises Transient; then that Transient is raised.

        Waits double from ``wait_first_s`` with jitter; the remote's Retry-After is honoured, and
        when it asks for more than is left of ``wait_total_max_s`` we give up at once.
        """
        retrying = tenacity.Retrying(
            sleep=self.sleep,
            stop=self._gives_up,
            wait=self._wait_s,
            retry=tenacity.retry_if_exception_type(Transient),
            reraise=True,
        )
        return retrying(call)

    def _wait_s(self, state: tenacity.RetryCallState) -> float:
        doubling = tenacity.wait_exponential(multiplier=self.wait_first_s, max=self.wait_max_s)
        jittered = doubling + tenacity.wait_random(0, self.wait_first_s)
        asked = state.outcome.exception() if state.outcome else None
        at_least = asked.retry_after_s if isinstance(asked, Transient) else None
        return max(jittered(state), at_least or 0)

    def _gives_up(self, state: tenacity.RetryCallState) -> bool:
        waited_s = state.idle_for + state.upcoming_sleep
        return state.attempt_number >= self.attempts_max or waited_s > self.wait_total_max_s


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds the remote asks us to wait; None when it does not say, or says nonsense (F005).

    ``headers`` have lower-case names. An HTTP date is read against the answer's own Date.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    until, now = http_date(text), http_date(headers.get("date", ""))
    if until is None or now is None or until < now:
        return None
    return (until - now).total_seconds()


def http_date(text: str) -> datetime | None:
    """Instant of an HTTP date; None when it is not one or has no zone."""
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None
