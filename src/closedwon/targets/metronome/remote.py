"""One call to the remote: the wire's answers sorted by what we do about them.

2xx is an answer; 401 and 403 are AuthFailed; 408, 425, 429 and 5xx are Transient, with the wait
the remote asks for; 501 and every other 4xx are Refused with the remote's own words.
``x-should-retry`` has the last word on whether a call may be repeated (metronome.md 2.12).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from closedwon.kernel import strict_json
from closedwon.kernel.errors import AuthFailed, Conflict, NotFound, Refused, RetryLater
from closedwon.transport import Answer, Limits, Patience, Transient, retry_after_s, send

LIMITS = Limits(read_s=65, total_s=120, body_bytes_max=64 * 1024 * 1024)
AGAIN = frozenset({408, 425, 429})
TEXT_CHARS_MAX = 300
"""What the remote says about a refusal is cut to this."""
PAGES_MAX = 1000


class Unanswered(Transient):
    """Nobody knows whether the remote did it."""

    answered: bool = False
    """Whether an answer came that the remote would repeat for the same Idempotency-Key (R8)."""


class Stubborn(RetryLater):
    """The remote failed and asked not to be asked again now; the next run looks first."""


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """Where the remote is and how long to be patient with it."""

    client: httpx.Client
    url: str
    """Base address without a slash at its end."""
    token: str
    patience: Patience

    def __repr__(self) -> str:
        """Without the token."""
        return f"Remote({self.url})"

    def write(self, path: str, body: Any, key: str) -> Any:
        """POST once under an Idempotency-Key; the answer's JSON.

        Raises Unanswered when the outcome is unknown, Refused (Conflict, NotFound) or AuthFailed
        when the remote did nothing.
        """
        content = strict_json.dumps(body)
        return self._once("POST", path, content, {"Idempotency-Key": key})

    def set(self, path: str, body: Any, key: str) -> Any:
        """POST what says the same however often it is said; repeated with patience."""
        return self._patiently(lambda: self.write(path, body, key))

    def ask(self, path: str, body: Any) -> Any:
        """POST that only reads: the answer, which has ``data``; patiently, then RetryLater."""
        content = strict_json.dumps(body)
        return self._patiently(lambda: _found(self._once("POST", path, content, {}), path))

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """GET: the answer, which has ``data``; repeated with patience, then RetryLater."""
        asked = f"{path}?{urlencode(query)}" if query else path
        return self._patiently(lambda: _found(self._once("GET", asked, None, {}), path))

    def pages(self, path: str, body: Any | None, **query: str) -> Iterator[dict[str, Any]]:
        """Rows of every page; ``body`` None is a GET. The cursor goes in the query (2.1)."""
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            asked = {"limit": "100", **query, **({} if cursor is None else {"next_page": cursor})}
            page = (
                self.get(path, asked)
                if body is None
                else self.ask(f"{path}?{urlencode(asked)}", body)
            )
            yield from page["data"]
            cursor = page.get("next_page")
            if not cursor:
                return
        raise Refused(f"the target's {path} has more than {PAGES_MAX} pages")

    def _patiently(self, call: Callable[[], Any]) -> Any:
        try:
            return self.patience.run(call)
        except Transient as error:
            raise RetryLater(error.message, **error.facts) from error

    def _once(self, method: str, path: str, content: str | None, headers: Mapping[str, str]) -> Any:
        given = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **headers}
        if content is not None:
            given["Content-Type"] = "application/json"
        try:
            answer = send(
                self.client,
                method,
                self.url + path,
                headers=given,
                content=None if content is None else content.encode(),
                limits=LIMITS,
            )
        except Transient as error:
            raise Unanswered(f"the target did not answer: {error.message}") from error
        return _read(answer, path.partition("?")[0])


def _read(answer: Answer, path: str) -> Any:
    """The JSON of a good answer; raises what the others mean."""
    status = answer.status
    if 200 <= status < 300:
        try:
            return strict_json.loads(answer.body) if answer.body.strip() else {}
        except Refused as error:
            raise Unanswered(f"the target's answer to {path} is not JSON") from error
    told = _told(answer, path)
    retry = answer.headers.get("x-should-retry", "").strip().lower()
    if status in (401, 403):
        raise AuthFailed(f"the target refused our token or its scope: {told}", status=status)
    is_weather = status in AGAIN or (status >= 500 and status != 501)
    if is_weather and retry == "false":
        raise Stubborn(f"the target failed and wants no repetition: {told}", status=status)
    if is_weather or retry == "true" or (status == 409 and "retry-after" in answer.headers):
        away = Unanswered(f"the target is not able now: {told}", status=status)
        away.answered = status == 500
        raise away.after(retry_after_s(answer.headers))
    if status == 404:
        raise NotFound(told, status=status)
    if status == 409:
        raise Conflict(told, status=status)
    raise Refused(told, status=status)


def _found(answer: Any, path: str) -> Any:
    """The answer to a question; one without ``data`` is not the target's own."""
    if not (isinstance(answer, Mapping) and "data" in answer):
        raise Unanswered(f"the target's answer to {path.partition('?')[0]} has no data in it")
    return answer


def _told(answer: Answer, path: str) -> str:
    """The remote's own words, v2 with their code; never a whole body (it may repeat ours)."""
    try:
        found = strict_json.loads(answer.body)
    except Refused:
        found = {}
    said = found if isinstance(found, Mapping) else {}
    code, message = said.get("code"), said.get("message")
    words = str(message)[:TEXT_CHARS_MAX] if message else f"status {answer.status}"
    return f"{path}: {f'[{code}] ' if code else ''}{words}"
