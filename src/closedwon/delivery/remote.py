"""One JSON call to a provider's API, and what a refusal of it means."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from closedwon.delivery.channel import Outcome, Verdict
from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused
from closedwon.transport import Answer, Limits, Transient, retry_after_s, send

LIMITS = Limits(connect_s=10, read_s=30, total_s=45, body_bytes_max=1024 * 1024)
TRY_AGAIN = frozenset({401, 403, 408, 409, 425, 429})
"""Credentials to be corrected in the settings, or a limit: what is sent is not at fault."""
TOLD_CHARS_MAX = 200


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Status and JSON object of an answer; an empty object when it is no JSON."""

    status: int
    content: Mapping[str, Any]
    answer: Answer

    @property
    def is_good(self) -> bool:
        """2xx."""
        return 200 <= self.status <= 299


def call(
    client: httpx.Client, method: str, url: str, headers: Mapping[str, str], content: bytes
) -> Reply | Outcome:
    """The reply, or the outcome when there was none."""
    try:
        answer = send(client, method, url, headers=headers, content=content, limits=LIMITS)
    except Transient as error:
        return Outcome(verdict=Verdict.AGAIN, error=error.message, is_away=True)
    try:
        found = strict_json.loads(answer.body) if answer.body else {}
    except Refused:
        found = {}
    kept = found if isinstance(found, dict) else {}
    return Reply(status=answer.status, content=kept, answer=answer)


def failed(who: str, reply: Reply) -> Outcome:
    """AGAIN for what may pass by itself, REFUSED for the rest; tells the provider's own words."""
    told = str(reply.content.get("message", ""))[:TOLD_CHARS_MAX]
    error = f"{who} answered {reply.status}: {told}".rstrip(": ")
    if reply.status in TRY_AGAIN or reply.status >= 500:
        return Outcome(
            verdict=Verdict.AGAIN,
            error=error,
            retry_after_s=int(retry_after_s(reply.answer.headers) or 0),
            is_away=True,
        )
    return Outcome(verdict=Verdict.REFUSED, error=error)
