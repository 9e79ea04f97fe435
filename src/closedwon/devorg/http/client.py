"""Unmodified Salesforce clients insist on https and salesforce.com; this brings them here.

simple-salesforce takes a ``requests`` session: hand it ``redirecting_session(base_url)``.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

SALESFORCE = ".salesforce.com"


class RedirectingAdapter(HTTPAdapter):
    """A transport that sends what is meant for Salesforce, or for the org's own host, to it.

    The org sees the original name in the Host header, as it would behind a proxy.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._target = urlsplit(base_url)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - the library's signature
        timeout: Any = None,
        verify: Any = True,  # noqa: FBT002 - the library's signature
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send ``request`` to the org; raises requests' InvalidURL for any other host."""
        meant = urlsplit(str(request.url))
        if meant.netloc != self._target.netloc and not (meant.hostname or "").endswith(SALESFORCE):
            raise requests.exceptions.InvalidURL(f"not a Salesforce host: {meant.netloc}")
        request.headers.setdefault("Host", meant.netloc)
        request.url = urlunsplit(
            meant._replace(scheme=self._target.scheme, netloc=self._target.netloc)
        )
        del proxies
        return super().send(request, stream, timeout, verify, cert, proxies=None)


def redirecting_session(base_url: str) -> requests.Session:
    """A session that reaches the org at ``base_url`` under every salesforce.com name."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, RedirectingAdapter(base_url))
    return session
