"""``/healthz``, ``/readyz`` and ``/metrics`` for probes; nothing in them is secret.

With a token, all but ``/healthz`` ask for it. Without one they only answer on loopback.
"""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import create_server
from threading import Thread

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from closedwon.kernel.errors import ConfigError

STOP_S = 2
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def application(
    complaints: Callable[[], list[str]], registry: CollectorRegistry, token: str = ""
) -> Starlette:
    """The ASGI application; ``complaints`` says why the daemon is not ready."""

    def refused(request: Request) -> Response | None:
        given = request.headers.get("authorization", "").encode()
        if not token or hmac.compare_digest(given, f"Bearer {token}".encode()):
            return None
        return JSONResponse({"message": "the token is missing or wrong"}, status_code=401)

    def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def readyz(request: Request) -> Response:
        if (answer := refused(request)) is not None:
            return answer
        found = complaints()
        body = {"status": "not ready" if found else "ok", "reasons": found}
        return JSONResponse(body, status_code=503 if found else 200)

    def metrics(request: Request) -> Response:
        if (answer := refused(request)) is not None:
            return answer
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Starlette(routes=routes)


def check_binding(host: str, token: str) -> None:
    """Raise ConfigError for an address others can reach without a token to let them in."""
    if host not in LOOPBACK and not token:
        raise ConfigError(
            f"http_host {host} can be reached from outside: set http_token too, or use 127.0.0.1"
        )


@contextmanager
def serving(app: Starlette, host: str, port: int) -> Iterator[int]:
    """Serve in a thread while the context is open; yields the port, a free one for 0."""
    listener = create_server((host, port))
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOP_S,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="health", daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(2 * STOP_S)
        listener.close()
