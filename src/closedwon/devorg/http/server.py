"""Serving an application over HTTP, in the foreground or in a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import IPPROTO_TCP, TCP_NODELAY, create_server, socket
from threading import Thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

STOP_S = 5
"""Longest wait for requests under way when a server stops."""
HEADER_BYTES_MAX = 65_536


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 that lets the application break its connection off, through ``scope["state"]``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, "cut": self.cut}

    def cut(self) -> None:
        """Close at once; nothing buffered is sent."""
        self.transport.abort()


def serve(app: ASGIApp, host: str = "127.0.0.1", port: int = 8765) -> None:
    """Serve until SIGINT or SIGTERM."""
    _server(app).run(sockets=[listening(host, port)])


@contextmanager
def running(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread while the context is open; yields the base URL without a last slash.

    Port 0 takes a free one. Leaving waits for requests under way.
    """
    listener = listening(host, port)
    server = _server(app)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="devorg", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{_port(listener)}"
    finally:
        server.should_exit = True
        thread.join(2 * STOP_S)
        listener.close()


def listening(host: str, port: int) -> socket:
    """A listening socket whose connections send at once.

    They inherit that from it; asyncio sets it only where the protocol number is given, and without
    it every small answer waits some 40 ms for an acknowledgement.
    """
    listener = create_server((host, port))
    listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return listener


def _server(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        timeout_graceful_shutdown=STOP_S,
    )
    return uvicorn.Server(config)


def _port(listener: socket) -> int:
    return int(listener.getsockname()[1])
