"""``/healthz``, ``/readyz`` and ``/metrics`` for probes; nothing in them is secret."""

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

STOP_S = 2


def application(complaints: Callable[[], list[str]], registry: CollectorRegistry) -> Starlette:
    """The ASGI application; ``complaints`` says why the daemon is not ready."""

    def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def readyz(_request: Request) -> Response:
        found = complaints()
        body = {"status": "not ready" if found else "ok", "reasons": found}
        return JSONResponse(body, status_code=503 if found else 200)

    def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Starlette(routes=routes)


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
