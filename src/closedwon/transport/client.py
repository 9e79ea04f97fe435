"""httpx clients with a limit on every wait and every body (F009-F012, F023)."""

import ipaddress
import time
from collections.abc import Callable, Mapping

import httpx
import msgspec

from closedwon.kernel.errors import ConfigError
from closedwon.transport.retry import Transient

AGENT = "closedwon"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one remote may cost us; seconds and bytes."""

    connect_s: float = 10
    read_s: float = 125
    """Silence between two pieces; above Salesforce's own 120 s limit on a query."""
    total_s: float = 300
    """Whole exchange, so that one byte every five seconds does not hold a thread."""
    body_bytes_max: int = 256 * 1024 * 1024
    """After decompression."""
    connections_max: int = 10


LIMITS = Limits()


class Answer(msgspec.Struct, frozen=True):
    """A whole response: decoded body, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def open_client(limits: Limits = LIMITS) -> httpx.Client:
    """Client that follows no redirect and refuses plain HTTP outside loopback (ConfigError)."""
    return httpx.Client(
        timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s),
        limits=httpx.Limits(max_connections=limits.connections_max),
        follow_redirects=False,
        headers={"User-Agent": AGENT},
        event_hooks={"request": [_refuse_plain]},
        mounts={"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None},
    )


def send(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | str | None = None,
    limits: Limits = LIMITS,
) -> Answer:
    """One exchange; any status is an answer. Raises Transient when none came whole."""
    try:
        return exchange(client, method, url, headers=headers, content=content, limits=limits)
    except httpx.RequestError as error:
        raise Transient(f"no whole answer: {type(error).__name__}", host=host_of(url)) from error


def exchange(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | str | None = None,
    limits: Limits = LIMITS,
) -> Answer:
    """Like ``send``, with httpx's own errors."""
    with client.stream(method, url, headers=headers, content=content) as response:
        body = _body(response, limits, time.monotonic)
        return Answer(response.status_code, dict(response.headers), body)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine by name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Host of ``url``, for messages; a URL may hold secrets, its host does not."""
    return httpx.URL(url).host


def require_private(url: str) -> str:
    """``url`` itself; raises ConfigError unless it is https, or http to this machine."""
    try:
        target = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError("not a URL; expected https://host") from error
    private = target.scheme == "https" or (target.scheme == "http" and is_loopback(target.host))
    if not (private and target.host):
        raise ConfigError(
            "credentials travel over https only (plain http: loopback only)",
            host=target.host,
        )
    return url


def _refuse_plain(request: httpx.Request) -> None:
    if not (request.url.scheme == "https" or is_loopback(request.url.host)):
        raise ConfigError("plain http is refused outside loopback", host=request.url.host)


def _body(response: httpx.Response, limits: Limits, clock: Callable[[], float]) -> bytes:
    pieces: list[bytes] = []
    size = 0
    deadline = clock() + limits.total_s
    for piece in response.iter_bytes():
        size += len(piece)
        if size > limits.body_bytes_max:
            raise httpx.ReadError(f"body over {limits.body_bytes_max} bytes")
        if clock() > deadline:
            raise httpx.ReadTimeout(f"answer took over {limits.total_s} s")
        pieces.append(piece)
    return b"".join(pieces)
