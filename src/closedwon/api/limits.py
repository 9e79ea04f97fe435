"""Limits of size, depth and rate (reliability.md 5.2)."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import anyio.from_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from closedwon.api.answers import TooMany, TooSlow
from closedwon.kernel.errors import Refused

BODY_BYTES_MAX = 16 * 1024 * 1024
BODY_SECONDS_MAX = 30.0
"""How long a body may take to arrive; its request holds a thread meanwhile."""
DEPTH_MAX = 20
"""Nesting of a body; the deepest one of the wire needs 8."""
CLIENTS_MAX = 10_000
"""Clients whose rate is remembered; a name beyond begins anew."""


def check_depth(found: Any, left: int = DEPTH_MAX) -> None:
    """Raise Refused for JSON nested deeper than DEPTH_MAX."""
    if left < 0:
        raise Refused(f"body: nested deeper than {DEPTH_MAX}")
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list):
        for inner in found:
            check_depth(inner, left - 1)


def whole_body(request: Request) -> bytes:
    """The body, from a thread of the server; raises TooSlow when it does not arrive in time."""
    try:
        return anyio.from_thread.run(asyncio.wait_for, request.body(), BODY_SECONDS_MAX)
    except TimeoutError as error:
        raise TooSlow(f"the body did not arrive within {BODY_SECONDS_MAX:g} s") from error


class RateLimit:
    """So many requests a second by client, with bursts of one second; 0 lets everything through."""

    def __init__(self, per_second: int, ticks: Callable[[], float]) -> None:
        self._per_second = per_second
        self._ticks = ticks
        """Seconds that only go forward."""
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, client: str) -> None:
        """One request of ``client``; raises TooMany."""
        if not self._per_second:
            return
        most, at = float(self._per_second), self._ticks()
        with self._lock:
            left, since = self._left.get(client, (most, at))
            left = min(most, left + (at - since) * most)
            if len(self._left) >= CLIENTS_MAX:
                self._left.clear()
            self._left[client] = (left - 1 if left >= 1 else left, at)
        if left < 1:
            raise TooMany(f"more than {self._per_second} requests a second")


class SizeLimit:
    """Turns bodies away by their length before they are read; one without a length is refused.

    Paths that are ``streamed`` count what arrives themselves.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        refuse: Callable[[int, str], ASGIApp],
        streamed: Collection[str] = (),
    ) -> None:
        self._app = app
        self._most = most
        self._streamed = streamed
        self._refuse = refuse

    def __call__(self, connection: Connection, receive: Receive, send: Send) -> Awaitable[None]:
        """ASGI."""
        return self._chosen(connection)(connection, receive, send)

    def _chosen(self, connection: Connection) -> ASGIApp:
        if connection["type"] != "http" or connection["path"] in self._streamed:
            return self._app
        headers = dict(connection["headers"])
        if b"transfer-encoding" in headers:
            return self._refuse(411, "send the body with a Content-Length")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._most:
            return self._refuse(413, f"a body has at most {self._most} bytes")
        return self._app
