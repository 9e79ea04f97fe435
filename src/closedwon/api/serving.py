"""Serving the application over HTTP, in the foreground or in a thread."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, create_server, socket
from threading import Thread

import uvicorn
from starlette.types import ASGIApp

from closedwon.kernel.errors import ConfigError

STOP_S = 5
"""Longest wait for requests under way when the server stops."""
HEADER_BYTES_MAX = 65_536
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check_binding(host: str, *, has_tls: bool, insecure: bool, has_token: bool) -> None:
    """Raise ConfigError for an address that is not safe to listen at, or when nobody could call."""
    if not has_token:
        raise ConfigError("there is no API token yet; make one: closedwon token create NAME")
    if host not in LOOPBACK and not (has_tls or insecure):
        raise ConfigError(
            f"{host} can be reached from outside: give --tls-certificate and --tls-key,"
            " or --insecure when something in front encrypts"
        )


def serve(
    app: ASGIApp, listener: socket, certificate: Path | None = None, key: Path | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered. Main thread only.

    uvicorn stops at a signal and then raises it once more; that one is let go, so that the caller
    closes what it opened.
    """
    known = {kind: signal.signal(kind, _let_go) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        _server(app, certificate, key).run(sockets=[listener])
    finally:
        for kind, before in known.items():
            signal.signal(kind, before)


def _let_go(_number: int, _frame: object) -> None:
    """Nothing more to do."""


@contextmanager
def serving(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread while the context is open; yields the base URL without a last slash."""
    listener = listening(host, port)
    server = _server(app)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="api", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(2 * STOP_S)
        listener.close()


def listening(host: str, port: int) -> socket:
    """A listening socket whose connections send at once; port 0 takes a free one.

    Raises ConfigError when the port is taken or the address is not one of this machine.
    """
    try:
        listener = create_server((host, port))
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(f"cannot listen at {host}:{port}: {why}; see --port, --host") from error
    listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return listener


def _server(
    app: ASGIApp, certificate: Path | None = None, key: Path | None = None
) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http="h11",
        interface="asgi3",
        proxy_headers=False,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        timeout_graceful_shutdown=STOP_S,
        ssl_certfile=None if certificate is None else str(certificate),
        ssl_keyfile=None if key is None else str(key),
    )
    return uvicorn.Server(config)
