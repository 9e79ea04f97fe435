"""A channel: one place effects go to, what one call came to, and when the next one is made."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from closedwon.kernel.ids import digest
from closedwon.store.events import Event
from closedwon.store.outbox import Effect

RETRY_FIRST = timedelta(seconds=10)
"""Longest wait before the second try; it doubles from there."""
RETRY_LONGEST = timedelta(minutes=15)
RETRY_FOR = timedelta(hours=48)
"""After this an effect is given up, visibly (R278)."""
DOUBLINGS_MAX = 16
JITTER_STEPS = 1 << 16


class ExternalStatus(StrEnum):
    """What became of an invoice at its provider (metronome.md 2.10, R292, R294)."""

    DRAFT = "DRAFT"
    FINALIZED = "FINALIZED"
    PAID = "PAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"
    VOID = "VOID"
    DELETED = "DELETED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    INVALID_REQUEST_ERROR = "INVALID_REQUEST_ERROR"
    SKIPPED = "SKIPPED"
    SENT = "SENT"
    QUEUED = "QUEUED"


class Verdict(StrEnum):
    """What a call means for its effect."""

    DONE = "done"
    AGAIN = "again"
    """Not arrived, or nobody knows; the same id is tried again."""
    REFUSED = "refused"
    """Wrong as it stands; trying again would change nothing."""
    TOO_LATE = "too_late"
    """Tried for RETRY_FOR; whether it ever arrived nobody knows."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one call came to; texts never hold secrets."""

    verdict: Verdict
    error: str = ""
    retry_after_s: int = 0
    """How long the receiver asks us to wait at least."""
    is_away: bool = False
    """The receiver as a whole does not answer; the rest for it waits for the next run."""
    external_status: ExternalStatus | None = None
    external_id: str | None = None
    """The provider's own id of the invoice."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel makes of an event; ``id`` follows from facts, so that none is made twice."""

    id: str
    payload: str


class Channel(Protocol):
    """One target of the outbox."""

    @property
    def name(self) -> str:
        """The target's name in the outbox."""
        ...

    @property
    def kind(self) -> str:
        """The kind of its effects."""
        ...

    @property
    def listens_to(self) -> tuple[str, ...]:
        """Types of events it wants; all when empty."""
        ...

    def intent(self, event: Event) -> Intent | None:
        """What to do about an event; None for nothing. Reads the store, calls nobody."""
        ...

    def send(self, effect: Effect) -> Outcome:
        """Make the call. May be repeated with the same effect after a crash."""
        ...

    def settled(self, effect: Effect, outcome: Outcome, now: datetime) -> None:
        """Write what the channel itself keeps, in the transaction that settles the effect."""
        ...


def next_try(effect: Effect, outcome: Outcome, now: datetime) -> datetime | None:
    """When to try again; None when it has been tried for RETRY_FOR (R278).

    Waits double from RETRY_FIRST to RETRY_LONGEST, each shortened by up to half by a jitter that
    follows from id and attempt. A receiver that asks for more gets it, up to RETRY_LONGEST. The
    last try falls on the end of RETRY_FOR.
    """
    end = effect.trying_since + RETRY_FOR
    if now >= end:
        return None
    attempt = effect.attempts + 1
    doublings = min(attempt - 1, DOUBLINGS_MAX)
    longest = min(RETRY_FIRST * (1 << doublings), RETRY_LONGEST)
    wait = longest - longest / 2 * jitter(effect.id, attempt) / JITTER_STEPS
    asked = min(timedelta(seconds=outcome.retry_after_s), RETRY_LONGEST)
    return min(now + max(wait, asked), end)


def jitter(effect_id: str, attempt: int) -> int:
    """In 0..JITTER_STEPS-1, spread evenly over ids and attempts, always the same for one."""
    return int(digest(f"{effect_id}/{attempt}".encode())[:4], 16)
