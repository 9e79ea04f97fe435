"""The front door: every request is let in, limited, parsed, done once and answered here."""

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from closedwon.api.answers import (
    INTERNAL,
    Forbidden,
    Internal,
    WrongMedia,
    answered,
    failed,
    replayed,
    told,
)
from closedwon.api.call import Answer, Call, Ingest, Intake, Route
from closedwon.api.limits import RateLimit, check_depth
from closedwon.api.model import Malformed, parsed
from closedwon.api.paging import asked_in
from closedwon.deals.mapping.worth import Worth
from closedwon.deals.types import Deal
from closedwon.engine import Engine
from closedwon.kernel import strict_json
from closedwon.kernel.errors import AuthFailed, ClosedwonError, Refused
from closedwon.store.database import writing
from closedwon.store.idempotency import Answer as Kept
from closedwon.store.tokens import Token

KEY_LENGTH_MAX = 255
KEY_PATTERN = r"^[!-~](?:[ -~]{0,253}[!-~])?$"
"""Of an Idempotency-Key: visible ASCII, with spaces inside."""
PAGE_FIELDS = ("limit", "next_page")
PLAIN = "identity"
"""The Content-Encoding of what is not packed."""
CODING_MAX = 40
"""Characters of one that are quoted."""
CORRELATION = "webhook_notification_id"
"""A parameter of several reads that means nothing here (metronome.md 2.1)."""

log = structlog.get_logger("closedwon.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One request as it came, whole."""

    path: str
    params: Mapping[str, str]
    """What stands in the path where the route has names."""
    query: Mapping[str, str]
    body: bytes
    token: str
    """What follows ``Bearer``; empty without one."""
    key: str | None
    """Idempotency-Key."""
    request_id: str
    address: str
    """Base URL the request came to, without a last slash."""
    coding: str = PLAIN
    """Content-Encoding of the body, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the gate needs beside an engine."""

    token: Callable[[str], Token | None]
    """The token of a secret as it is now, revoked or not; from any thread."""
    ingest: Ingest
    backdating_days: int | None
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    new_secret: Callable[[], str]
    worth_of: Callable[[Deal], Worth]
    environment: str
    rate: RateLimit
    address: str
    """Base URL callers reach this server at; empty for the one each request came to."""
    seller: str

    def call(self, engine: Engine, incoming: Incoming, by: str) -> Call:
        """A call by ``by``, without query and page."""
        return Call(
            engine=engine,
            ingest=self.ingest,
            backdating_days=self.backdating_days,
            worth_of=self.worth_of,
            now=self.clock(),
            by=by,
            new_id=self.new_id,
            new_secret=self.new_secret,
            address=self.address or incoming.address,
            seller=self.seller,
            path=incoming.params,
        )


class Gate:
    """Answers requests; one for all workers, so that writers take turns."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._writing = threading.Lock()

    def answer(self, engine: Engine, route: Route, incoming: Incoming) -> Answer:
        """The answer to one request; nothing raises."""
        try:
            token = self._let_in(route, incoming)
            _check_coding(route, incoming)
            parsed_body = _body(route, incoming)
            call = self._call(engine, route, incoming, token)
            _check_key(incoming.key)
            if incoming.key is not None and route.keeps_answers:
                return self._once(call, route, incoming, parsed_body)
            return self._done(call, route, parsed_body, incoming)
        except ClosedwonError as error:
            return self._failed(error, incoming)
        except Exception as error:  # noqa: BLE001 logged in full, told to nobody
            return _crashed(error, incoming)

    def answer_directly(
        self, route: Route, incoming: Incoming, body: AbstractContextManager[Any]
    ) -> Answer:
        """The same without an engine, from any thread, for routes that need none.

        ``body`` is entered once the token is known to be good.
        """
        try:
            self._let_in(route, incoming)
            _check_coding(route, incoming)
            intake = Intake(
                ingest=self._door.ingest,
                backdating_days=self._door.backdating_days,
                now=self._door.clock(),
            )
            parsed(route.query, _query(incoming), "query")
            with body as found:
                return answered(route.do(intake, found))
        except ClosedwonError as error:
            return self._failed(error, incoming)
        except Exception as error:  # noqa: BLE001 logged in full, told to nobody
            return _crashed(error, incoming)

    def _let_in(self, route: Route, incoming: Incoming) -> Token:
        """The token; raises AuthFailed, Forbidden, TooMany."""
        token = self._door.token(incoming.token) if incoming.token else None
        if token is None or token.revoked_at is not None:
            raise AuthFailed("the bearer token is missing or wrong")
        if not token.allows(route.scope):
            raise Forbidden(f"this token has no scope {route.scope.value!r}")
        self._door.rate.take(token.name)
        return token

    def _call(self, engine: Engine, route: Route, incoming: Incoming, token: Token) -> Call:
        call, query = self._door.call(engine, incoming, token.name), _query(incoming)
        if route.is_paged:
            call = replace(call, page=asked_in(query, route.page_default))
            query = {name: text for name, text in query.items() if name not in PAGE_FIELDS}
        return replace(call, query=parsed(route.query, query, "query"))

    def _done(self, call: Call, route: Route, body: Any, incoming: Incoming) -> Answer:
        if not route.is_stored:
            return answered(route.do(call, body))
        if not route.writes:
            with call.engine.db.atomic():
                return answered(route.do(call, body))
        with self._writing, writing(call.engine.db):
            return self._tried(call, route, body, incoming)

    def _tried(self, call: Call, route: Route, body: Any, incoming: Incoming) -> Answer:
        """A refusal is an answer too: the record of it is committed, what was begun is not."""
        try:
            return answered(route.do(call, body))
        except Refused as error:
            return self._failed(error, incoming)

    def _once(self, call: Call, route: Route, incoming: Incoming, body: Any) -> Answer:
        """The answer kept for this key, or the answer now, kept with what it did (R8, G12)."""
        key, path = incoming.key or "", incoming.path
        content = strict_json.loads(incoming.body) if incoming.body else None
        print_ = strict_json.fingerprint([route.method, path, dict(incoming.query), content])
        scope = f"{self._door.environment}:{call.by}"
        answers = call.engine.stores.answers
        with self._writing:
            with writing(call.engine.db):
                kept = answers.replay(scope, key, print_)
                if kept is not None:
                    return replayed(kept.status, kept.body)
            try:
                with writing(call.engine.db):
                    answer = self._tried(call, route, body, incoming)
                    made = Kept(status=answer.status, body=answer.body)
                    answers.keep(scope, key, print_, made, call.now)
                    return answer
            except ClosedwonError as error:
                answer = self._failed(error, incoming)
                if answer.status != 500:  # Said before work began, or to be tried again.
                    return answer
            except Exception as error:  # noqa: BLE001 same; and kept, because work began (R8)
                answer = _crashed(error, incoming)
            with writing(call.engine.db):
                made = Kept(status=answer.status, body=answer.body)
                answers.keep(scope, key, print_, made, call.now)
            return answer

    def _failed(self, error: ClosedwonError, incoming: Incoming) -> Answer:
        answer = failed(error, incoming.path)
        if answer.status == 500:
            log.error("request failed", request_id=incoming.request_id, error=str(error))
        return answer


def _query(incoming: Incoming) -> dict[str, str]:
    return {name: text for name, text in incoming.query.items() if name != CORRELATION}


def _body(route: Route, incoming: Incoming) -> Any:
    """The body as the route wants it; raises Refused."""
    if route.is_raw:
        return incoming.body
    if route.body is None:
        return None
    try:
        found = strict_json.loads(incoming.body or b"{}")
        check_depth(found)
    except Refused as error:
        raise Malformed(error.message) from error
    return parsed(route.body, found, "body")


def _check_coding(route: Route, incoming: Incoming) -> None:
    """A stream looks itself; raises WrongMedia."""
    if incoming.coding != PLAIN and not route.is_streamed and route.method != "GET":
        raise WrongMedia(f"Content-Encoding: expected none, found {incoming.coding[:CODING_MAX]}")


def _check_key(key: str | None) -> None:
    if key is not None and not re.fullmatch(KEY_PATTERN, key):
        raise Malformed(f"Idempotency-Key: expected 1 to {KEY_LENGTH_MAX} printable characters")


def _crashed(error: Exception, incoming: Incoming) -> Answer:
    log.error("request failed", request_id=incoming.request_id, path=incoming.path, exc_info=error)
    return told(500, INTERNAL, incoming.path, Internal.code)
