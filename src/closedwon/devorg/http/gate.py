"""The front door: logins, sessions, the call budget, and the way to the resources."""

from collections.abc import Mapping
from typing import Any

import msgspec

from closedwon.devorg.http import oauth
from closedwon.devorg.http.describe import versions
from closedwon.devorg.http.exchange import NOT_FOUND, TEXT, Answer, Incoming, failure
from closedwon.devorg.http.faults import Fault, Faults, RowLock
from closedwon.devorg.http.identity import Identity, same_secret
from closedwon.devorg.http.rest import dispatch
from closedwon.devorg.http.service import Call, Service
from closedwon.devorg.http.soap import soap
from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused

URL_BYTES_MAX = 16_384
"""Longest URL, and longest URL with headers (S 2.1)."""
BODY_BYTES_MAX = 52_428_800
"""Longest request body (S 6)."""


class Gate:
    """Answers every request that reaches the org."""

    def __init__(self, identity: Identity, service: Service) -> None:
        self.identity = identity
        self.service = service

    def answer(self, request: Incoming) -> Answer:
        """The answer to one request; nothing raises but our own broken promises."""
        too_long = _too_long(request)
        if too_long is not None:
            return too_long
        match request.segments:
            case "services", "data":
                return versions() if request.method == "GET" else NOT_FOUND
            case "services", "data", version, *path:
                return self._rest(request, version, tuple(path))
            case "devorg", "faults" if self.identity.options.admin_token:
                return self._faults(request)
            case segments:
                return self._login(request, segments)

    def _login(self, request: Incoming, segments: tuple[str, ...]) -> Answer:
        match request.method, *segments:
            case "POST", "services", "oauth2", "token":
                return oauth.token(self.identity, request)
            case (("POST" | "GET"), "services", "oauth2", "revoke"):
                return oauth.revoke(self.identity, request)
            case (("POST" | "GET"), "services", "oauth2", "userinfo"):
                return oauth.userinfo(self.identity, request)
            case "GET", "id", self.identity.org_id, _:
                return oauth.userinfo(self.identity, request)
            case "POST", "services", "Soap", "u", version, *_:
                return soap(self.identity, request, version)
            case _:
                return NOT_FOUND

    def _rest(self, request: Incoming, version: str, path: tuple[str, ...]) -> Answer:
        token = oauth.bearer(request)
        if not token:
            return failure(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = self.identity.sessions.find(token)
        if session is None:
            return failure(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if not self.service.budget.spend():
            return self._metered(
                failure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            )
        try:
            body = strict_json.loads(request.body) if request.body else None
        except Refused as error:
            return self._metered(failure(400, "JSON_PARSER_ERROR", error.message))
        call = Call(
            method=request.method,
            path=path,
            version=version.lower().removeprefix("v"),
            user_id=session.user.id,
            query=request.query,
            headers=request.headers,
            body=body,
        )
        return self._metered(dispatch(self.service, call))

    def _metered(self, answer: Answer) -> Answer:
        """With ``Sforce-Limit-Info``, which stands on every authenticated answer."""
        headers = {**answer.headers, "Sforce-Limit-Info": self.service.budget.header}
        return msgspec.structs.replace(answer, headers=headers)

    def _faults(self, request: Incoming) -> Answer:
        """``/devorg/faults``: GET lists, POST plans one fault or row lock, DELETE clears."""
        if not same_secret(self.identity.options.admin_token, oauth.bearer(request)):
            return Answer(status=401, body="admin token expected", media=TEXT)
        faults = self.service.faults
        if request.method == "DELETE":
            faults.clear()
        if request.method == "POST":
            try:
                _plan(faults, strict_json.loads(request.body))
            except (Refused, msgspec.ValidationError) as error:
                return Answer(status=400, body=str(error), media=TEXT)
        planned: Mapping[str, Any] = {
            "faults": msgspec.to_builtins(faults.planned()),
            "row_locks": msgspec.to_builtins(faults.locks()),
            "requests": faults.requests,
        }
        return Answer(body=planned)


def _plan(faults: Faults, wanted: Any) -> None:
    if isinstance(wanted, dict) and "key" in wanted:
        lock = msgspec.convert(wanted, RowLock)
        faults.lock_row(lock.key, lock.times)
    else:
        faults.plan(msgspec.convert(wanted, Fault))


def _too_long(request: Incoming) -> Answer | None:
    if request.url_bytes > URL_BYTES_MAX:
        return Answer(status=414, body="URI Too Long", media=TEXT)
    headers = sum(len(name) + len(value) for name, value in request.headers.items())
    if request.url_bytes + headers > URL_BYTES_MAX:
        return Answer(status=431, body="Request Header Fields Too Large", media=TEXT)
    if len(request.body) > BODY_BYTES_MAX:
        return Answer(status=413, body="Content Too Large", media=TEXT)
    return None
