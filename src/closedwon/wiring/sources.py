"""Randomness, for what must not be guessed or derived: ids of what callers create, secrets."""

import secrets
import threading
import time
import uuid
from collections.abc import Callable

from closedwon.store.tokens import secret_of

SECRET_BYTES = 32
RANDOM_BITS = 74
STEP_BITS = 32
"""Room left between two ids of one millisecond, so that one does not tell the next."""
LOW_BITS = 62
VERSION, VARIANT = 7, 0b10


class Ids:
    """UUIDs whose order is the order they were made in (R13; RFC 9562, version 7).

    What is made at one instant of a clock that stands still is then processed in that order, too,
    where nothing else tells which goes first (R14).
    """

    def __init__(self, nanoseconds: Callable[[], int]) -> None:
        self._nanoseconds = nanoseconds
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """The next one, from any thread; later than every one before."""
        milliseconds = self._nanoseconds() // 1_000_000
        made = milliseconds << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
        with self._lock:
            if made <= self._last:
                made = self._last + 1 + secrets.randbits(STEP_BITS)
            self._last = made
        high, low = made >> LOW_BITS, made & (1 << LOW_BITS) - 1
        stamped = (high >> 12) << 16 | VERSION << 12 | high & 0xFFF
        return str(uuid.UUID(int=stamped << 64 | VARIANT << LOW_BITS | low))


new_id = Ids(time.time_ns)
"""An id for an object an API caller creates."""


def new_secret() -> str:
    """A new API token."""
    return secret_of(secrets.token_bytes(SECRET_BYTES))
