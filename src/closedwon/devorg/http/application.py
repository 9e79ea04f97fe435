"""The ASGI shell: reads a request whole, asks the gate in a worker thread, writes the answer."""

from asyncio import sleep
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from closedwon.devorg.http.exchange import HTML, Answer, Incoming, failure, http_date, split_query
from closedwon.devorg.http.faults import Fault, FaultKind, Faults
from closedwon.devorg.http.gate import Gate
from closedwon.devorg.http.identity import Identity
from closedwon.devorg.http.options import Accounts, Options
from closedwon.devorg.http.service import Service
from closedwon.devorg.http.sessions import Clock
from closedwon.devorg.org import Org

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

Planned = dict[FaultKind, Fault]
Endpoint = Callable[[Request], Awaitable[Response]]


class Cut(Response):
    """Breaks the connection off instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut through the server's seam; under another server, fail as a broken connection."""
        del send
        cut = scope.get("state", {}).get("cut")
        if cut is None:
            raise ConnectionResetError("the connection was cut by a planned fault")
        cut()
        while (await receive())["type"] != "http.disconnect":
            pass


def application(
    org: Org,
    accounts: Accounts,
    clock: Clock,
    options: Options | None = None,
    faults: Faults | None = None,
) -> Starlette:
    """The org as an ASGI application.

    ``clock`` gives the org's now (UTC, aware): sessions expire, the ``Date`` header reads and calls
    are counted by it. Sessions, cursors and the call count live as long as the application.
    """
    options = options or Options()
    faults = faults if faults is not None else Faults()
    identity = Identity(accounts, options, clock, org.organization_id)
    gate = Gate(identity, Service(org, options, clock, faults))
    return Starlette(routes=[Route("/{path:path}", _endpoint(gate, faults), methods=METHODS)])


def _endpoint(gate: Gate, faults: Faults) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        incoming = await _incoming(request)
        planned = faults.take(incoming.method, "/" + "/".join(incoming.segments))
        delay_ms = gate.identity.options.latency_ms
        delay_ms += planned["slow"].delay_ms if "slow" in planned else 0
        if delay_ms:
            await sleep(delay_ms / 1000)
        if "expire_sessions" in planned:
            gate.identity.sessions.expire_all()
        if "drop_before" in planned:
            return Cut()
        answer = _planned_answer(planned)
        if answer is None:
            answer = await run_in_threadpool(gate.answer, incoming)
        if "drop_after" in planned:
            return Cut()
        return _response(answer, http_date(gate.identity.clock()))

    return endpoint


async def _incoming(request: Request) -> Incoming:
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query = request.scope["query_string"].decode("latin-1")
    return Incoming(
        method=request.method,
        path=raw.decode("latin-1").partition("?")[0],
        query=split_query(query),
        headers=dict(request.headers),
        body=await request.body(),
        url_bytes=len(raw) + len(query),
    )


def _planned_answer(planned: Planned) -> Answer | None:
    fault = planned.get("answer")
    if fault is None:
        return None
    if fault.page is not None:
        return Answer(status=fault.status, body=fault.page, media=HTML)
    return failure(fault.status, fault.code, fault.message)


def _response(answer: Answer, date: str) -> Response:
    headers = {**answer.headers, "Date": date, "Vary": "Accept-Encoding"}
    has_body = answer.body is not None
    return Response(
        answer.content,
        answer.status,
        headers,
        media_type=answer.media if has_body else None,
    )
