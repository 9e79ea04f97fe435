"""Webhook endpoints: every event to every one of them, signed, at least once (R277, R278)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from closedwon.delivery.channel import Intent, Outcome, Verdict
from closedwon.delivery.signing import signed_headers
from closedwon.kernel.ids import derive
from closedwon.store.events import Event
from closedwon.store.outbox import Effect
from closedwon.transport import Answer, Limits, Transient, retry_after_s, send

KIND = "webhook"
LIMITS = Limits(connect_s=5, read_s=10, total_s=15, body_bytes_max=64 * 1024)
"""What one call to an endpoint may cost us; its answer's body is not used."""
ACCEPTED_MAX = 299
"""Any status above is retried (R278)."""
BUSY = frozenset({429, 502, 503, 504})
"""The endpoint as a whole is busy or away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel:
    """One endpoint; ``clock`` is read per call, since a signature is good for five minutes."""

    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    client: httpx.Client = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    kind: str = KIND
    listens_to: tuple[str, ...] = ()

    def intent(self, event: Event) -> Intent:
        """The event as it is; its id is what the endpoint drops repeats by."""
        return Intent(id=derive("webhook", event.id, self.name), payload=event.body)

    def send(self, effect: Effect) -> Outcome:
        """One signed POST; redirects are not followed."""
        return post_signed(self.client, self.url, self.secret, effect.payload, self.clock())

    def settled(self, effect: Effect, outcome: Outcome, now: datetime) -> None:
        """Nothing is kept but the effect itself."""


def post_signed(
    client: httpx.Client, url: str, secret: str, payload: str, now: datetime
) -> Outcome:
    """POST ``payload`` signed at ``now``; what came of it. Errors name the host only."""
    body = payload.encode()
    headers = signed_headers(secret, body, now)
    try:
        answer = send(client, "POST", url, headers=headers, content=body, limits=LIMITS)
    except Transient as error:
        return Outcome(verdict=Verdict.AGAIN, error=error.message, is_away=True)
    return outcome_of(answer)


def outcome_of(answer: Answer) -> Outcome:
    """2xx is done, everything above is tried again (R278)."""
    if answer.status <= ACCEPTED_MAX:
        return Outcome(verdict=Verdict.DONE)
    return Outcome(
        verdict=Verdict.AGAIN,
        error=f"answered {answer.status}",
        retry_after_s=int(retry_after_s(answer.headers) or 0),
        is_away=answer.status in BUSY,
    )
