"""requests over httpx, so that simple-salesforce has our timeouts and limits, and respx sees it."""

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx
import requests
from requests.adapters import BaseAdapter

from closedwon.transport.client import LIMITS, Answer, Limits, exchange

DECODED = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that no longer describe a body already decoded."""


class HttpxAdapter(BaseAdapter):
    """A requests transport that sends through ``client``."""

    def __init__(self, client: httpx.Client, limits: Limits) -> None:
        super().__init__()
        self._client = client
        self._limits = limits

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **_options: Any
    ) -> requests.Response:
        """Send one request; the options requests passes along are ours to decide, not its."""
        try:
            answer = exchange(
                self._client,
                str(request.method),
                str(request.url),
                headers=dict(request.headers),
                content=request.body,
                limits=self._limits,
            )
        except httpx.TimeoutException as error:
            raise requests.Timeout(type(error).__name__, request=request) from error
        except httpx.RequestError as error:
            raise requests.ConnectionError(type(error).__name__, request=request) from error
        return _as_requests(answer, request)

    def close(self) -> None:
        """Leave the client to who opened it."""


def session_over(client: httpx.Client, limits: Limits = LIMITS) -> requests.Session:
    """A requests session that sends through ``client``: no redirects followed, no cookies kept."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HttpxAdapter(client, limits)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _as_requests(answer: Answer, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(
        {name: text for name, text in answer.headers.items() if name not in DECODED}
    )
    response._content = answer.body  # noqa: SLF001 - how requests holds a body already read
    response.url = str(request.url)
    response.request = request
    response.encoding = "utf-8"
    return response
