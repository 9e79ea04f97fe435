"""The ASGI application: Starlette routes that hand every request to the gate."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as PlainRoute
from starlette.types import ASGIApp

from closedwon.api.answers import CODE, TooLarge, TooSlow, Unsupported, failed, told
from closedwon.api.call import SECONDS_MAX, Answer, Ingest, Route
from closedwon.api.clock import ManualClock
from closedwon.api.embedded import PAGES, Page, answer_page, page_failed
from closedwon.api.gate import PLAIN, Door, Gate, Incoming
from closedwon.api.limits import BODY_BYTES_MAX, RateLimit, SizeLimit, whole_body
from closedwon.api.openapi import document
from closedwon.api.resources import ROUTES, clock_routes
from closedwon.api.stream import Streams
from closedwon.api.workers import Workers
from closedwon.deals.mapping.worth import Worth
from closedwon.deals.types import Deal
from closedwon.kernel.errors import ClosedwonError
from closedwon.store.tokens import Scope, Token
from closedwon.usage.options import BACKDATING_DAYS

JSON = "application/json"
log = structlog.get_logger("closedwon.api")
READY_S = 2.0
"""How long a probe waits for a worker."""


def unmapped(_deal: Deal) -> Worth:
    """For a server without a CRM."""
    raise Unsupported("this server has no mapping to value deals with")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an application is made of, besides its engines."""

    token: Callable[[str], Token | None]
    """The token of a secret as it is now; from any thread."""
    ingest: Ingest
    clock: Callable[[], datetime]
    """A ``ManualClock`` opens ``POST /closedwon/clock``."""
    new_id: Callable[[], str]
    new_secret: Callable[[], str]
    ticks: Callable[[], float]
    """Seconds that only go forward, for the rate limit."""
    worth_of: Callable[[Deal], Worth] = unmapped
    """What the CRM says a deal is worth; raises Unsupported where there is no mapping."""
    backdating_days: int | None = BACKDATING_DAYS
    """Oldest usage accepted, in days; None takes any (R18)."""
    environment: str = "sandbox"
    is_halted: Callable[[], bool] = lambda: False
    """Whether the server gave up billing; then it is not ready."""
    requests_per_second: int = 0
    """By token; 0 sets no limit."""
    address: str = ""
    """Base URL callers reach the server at; empty for the one each request came to."""
    seller: str = ""
    """Printed on invoices; lines end with a newline."""
    body_bytes_max: int = BODY_BYTES_MAX


def application(workers: Workers, options: Options) -> ASGIApp:
    """The wire over ``workers``; the caller closes them after the server."""
    door = Door(
        token=options.token,
        ingest=options.ingest,
        backdating_days=options.backdating_days,
        clock=options.clock,
        new_id=options.new_id,
        new_secret=options.new_secret,
        worth_of=options.worth_of,
        environment=options.environment,
        rate=RateLimit(options.requests_per_second, options.ticks),
        address=options.address.rstrip("/"),
        seller=options.seller,
    )
    gate, streams = Gate(door), Streams(options.ticks)
    routes = ROUTES
    if isinstance(options.clock, ManualClock):
        routes = (*routes, *clock_routes(options.clock))
    plain = [*_probes(workers, options.is_halted), *_pages(workers, door)]
    for route in (*routes, _described(routes)):
        endpoint = (
            _streamed(gate, streams, route, options.new_id)
            if route.is_streamed
            else _endpoint(gate, workers, route, options.new_id)
        )
        plain.append(_plain(route.path, endpoint, route.method, route.name))
    app = Starlette(routes=plain, exception_handlers={HTTPException: _unrouted, TooSlow: _too_slow})
    streamed = {route.path for route in routes if route.is_streamed}
    return SizeLimit(app, options.body_bytes_max, _refusal, streamed)


def _described(routes: tuple[Route, ...]) -> Route:
    """GET /openapi.json; made when it is first asked for, as that takes longer than starting."""
    made = cache(lambda: document(routes))
    return Route(
        method="GET",
        path="/openapi.json",
        scope=Scope.READ,
        do=lambda _call, _body: made(),
        is_stored=False,
    )


def _endpoint(
    gate: Gate, workers: Workers, route: Route, new_id: Callable[[], str]
) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        incoming = _incoming(request, new_id())
        if not route.needs_engine and incoming.key is None:
            answer = gate.answer_directly(route, incoming, nullcontext(incoming.body))
            return _told(answer, route.label, incoming.request_id)
        try:
            answer = workers.run(
                lambda engine: gate.answer(engine, route, incoming), route.seconds_max
            )
        except ClosedwonError as error:
            answer = failed(error, incoming.path)
        return _told(answer, route.label, incoming.request_id)

    return endpoint


def _streamed(
    gate: Gate, streams: Streams, route: Route, new_id: Callable[[], str]
) -> Callable[[Request], Response]:
    """An Idempotency-Key changes nothing here: what is repeated is told by transaction ids."""

    def endpoint(request: Request) -> Response:
        incoming = _incoming(request, new_id(), reads_body=False)
        body = streams.parts(request, route.media)
        answer = gate.answer_directly(route, incoming, body)
        return _told(answer, route.label, incoming.request_id)

    return endpoint


def _incoming(request: Request, request_id: str, *, reads_body: bool = True) -> Incoming:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    has_body = reads_body and request.method != "GET"
    body = whole_body(request) if has_body else b""
    return Incoming(
        path=request.url.path,
        params=request.path_params,
        query=dict(request.query_params),
        body=body,
        token=token.strip() if kind.lower() == "bearer" else "",
        key=request.headers.get("idempotency-key"),
        request_id=request_id,
        address=str(request.base_url).rstrip("/"),
        coding=request.headers.get("content-encoding", PLAIN).strip().lower() or PLAIN,
    )


def _told(answer: Answer, label: str, request_id: str) -> Response:
    """The response; one that is refused is logged by its route, with nothing that was sent."""
    if answer.status >= 400 and answer.status != 500:  # The gate logs those with their cause.
        code = answer.headers.get(CODE, "")
        log.info(
            "request refused", request_id=request_id, route=label, status=answer.status, code=code
        )
    return _response(answer, request_id)


def _response(answer: Answer, request_id: str) -> Response:
    headers = {**answer.headers, "X-Request-Id": request_id, "Cache-Control": "no-store"}
    return Response(answer.document or answer.body, answer.status, headers, JSON)


def _probes(workers: Workers, is_halted: Callable[[], bool]) -> list[PlainRoute]:
    def healthz(_request: Request) -> Response:
        return Response('{"status":"ok"}', media_type=JSON)

    def readyz(_request: Request) -> Response:
        try:
            workers.run(lambda engine: engine.stores.catalogue.revision(), READY_S)
        except Exception:  # noqa: BLE001 whatever it is, it is not ready; the log has it
            return Response('{"status":"not ready"}', 503, media_type=JSON)
        if is_halted():
            return Response('{"status":"billing halted; see the log"}', 503, media_type=JSON)
        return Response('{"status":"ok"}', media_type=JSON)

    return [
        _plain("/healthz", healthz, "GET", "healthz"),
        _plain("/readyz", readyz, "GET", "readyz"),
    ]


def _plain(
    path: str, endpoint: Callable[[Request], Response], method: str, name: str
) -> PlainRoute:
    """A route of one method; the gate parses and checks."""
    route = PlainRoute(path, endpoint, methods=[method], name=name)
    route.methods = {method}  # And not HEAD beside GET.
    return route


def _pages(workers: Workers, door: Door) -> list[PlainRoute]:
    """Pages a browser opens without a token: the key is in the path."""

    def shown(page: Page) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            incoming = _incoming(request, door.new_id())
            try:
                answer = workers.run(
                    lambda engine: answer_page(door, engine, page, incoming), SECONDS_MAX
                )
            except ClosedwonError as error:
                answer = page_failed(error)
            return _response(answer, incoming.request_id)

        return endpoint

    return [_plain(page.path, shown(page), "GET", page.do.__name__) for page in PAGES]


def _unrouted(request: Request, error: Exception) -> Response:
    """No such path, or not with this method: then Allow says with which."""
    path = request.url.path
    if not isinstance(error, HTTPException) or error.status_code == 404:
        answer = told(404, "no such path", path, code="no_such_path")
    else:
        answer = told(405, "not with this method", path, code="method_not_allowed")
    headers = dict(answer.headers)
    if answer.status == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return Response(answer.body, answer.status, headers, JSON)


def _methods(request: Request) -> list[str]:
    """Methods of the routes with this path; ``/archive`` is a verb before it is an id."""
    fitting = [
        route
        for route in request.app.routes
        if isinstance(route, PlainRoute) and route.path_regex.match(request.url.path)
    ]
    meant = min(fitting, key=lambda route: len(route.param_convertors)).path
    return sorted({name for one in fitting if one.path == meant for name in one.methods or ()})


def _too_slow(request: Request, error: Exception) -> Response:
    """A body that did not arrive."""
    answer = failed(error if isinstance(error, TooSlow) else TooSlow(""), request.url.path)
    return Response(answer.body, answer.status, dict(answer.headers), JSON)


def _refusal(status: int, message: str) -> ASGIApp:
    answer = told(status, message, "", code="length_required" if status == 411 else TooLarge.code)
    headers = {**answer.headers, "Connection": "close"}
    return partial(Response(answer.body, status, headers, JSON))
