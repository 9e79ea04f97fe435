"""Calls to one org: authenticated, counted, retried by class, errors translated.

Every call offered here may be repeated: reads, and upserts keyed by external id.
"""

import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from closedwon.crm.salesforce.auth import Token
from closedwon.crm.salesforce.budget import Budget
from closedwon.crm.salesforce.errors import LocatorLost, SessionExpired, error_for
from closedwon.crm.salesforce.exact_json import loads
from closedwon.crm.salesforce.tokens import Tokens
from closedwon.kernel import strict_json
from closedwon.kernel.errors import AuthFailed, LimitReached, Refused
from closedwon.ports import ApiUsage
from closedwon.transport import Patience, Transient
from closedwon.transport.retry import http_date

API_VERSION = "60.0"
UNCHANGED = 304
UNSAFE = re.compile(r"[^A-Za-z0-9_.,'()-]+")


class Reply(msgspec.Struct, frozen=True):
    """A successful answer: parsed JSON (None when empty) and lower-case headers."""

    body: Any
    headers: Mapping[str, str]


def _quoted(soql: str) -> str:
    """``soql`` for a URL; what IN lists are made of needs no escape, and they are long."""
    return UNSAFE.sub(lambda found: quote(found[0], safe=""), soql)


class Rest(Salesforce):
    """simple-salesforce for one token: the instance's own scheme, exact numbers, compact JSON."""

    def __init__(self, token: Token, http: requests.Session, version: str) -> None:
        super().__init__(
            session_id=token.access,
            instance_url=token.instance_url,
            session=http,
            version=version,
        )
        self.base_url = f"{token.instance_url}/services/data/v{version}/"
        del self.headers["X-PrettyPrint"]

    def parse_result_to_json(self, result: requests.Response) -> Any:
        """Strictly parsed body; a page that is not whole JSON is lost, not empty (F013)."""
        try:
            return loads(result.content)
        except Refused as error:
            raise Transient(f"the answer is not sound JSON: {error.message}"[:200]) from error


class Session:
    """simple-salesforce over our HTTP client, one login per expiry; several threads may call."""

    def __init__(
        self,
        http: requests.Session,
        tokens: Tokens,
        patience: Patience,
        budget: Budget,
        *,
        version: str = API_VERSION,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._patience = patience
        self._budget = budget
        self._prefix = f"/services/data/v{version}/"
        self._version = version
        self._last = threading.local()
        self._lock = threading.Lock()
        self._rest: tuple[Token, Rest] | None = None
        http.hooks["response"].append(self._note)

    def org_id(self) -> str:
        """18-character id of the org we are logged in to."""
        return self._tokens.current().org_id

    def server_now(self) -> datetime:
        """The org's clock from the Date header of a fresh answer, whole seconds, UTC.

        Asks for the list of API versions, which needs no session and costs no API call.
        """
        return self._patience.run(self._date)

    def usage(self) -> ApiUsage:
        """API calls used and allowed, as of the last answer."""
        return self._budget.usage()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Read ``path`` (below ``/services/data/vNN.N/``, or as ``nextRecordsUrl`` gives it)."""
        return self._call("GET", path, None, headers)

    def query_path(self, soql: str, *, all_rows: bool) -> str:
        """Path of a query, for ``get`` or for a composite subrequest."""
        return f"{self._prefix}{'queryAll' if all_rows else 'query'}?q={_quoted(soql)}"

    def read_together(self, paths: Mapping[str, str]) -> Mapping[str, Reply]:
        """Read up to five queries in one API call; replies by the name each path was given.

        A failed read raises its own error, with its name.
        """
        wanted = [
            {"method": "GET", "url": path, "referenceId": name} for name, path in paths.items()
        ]
        body = strict_json.dumps({"allOrNone": False, "compositeRequest": wanted})
        return self._patience.run(lambda: self._composite(body, tuple(paths)))

    def upsert(self, path: str, body: Any) -> Reply:
        """PATCH ``path``; the caller vouches that it is keyed by external id."""
        return self._call("PATCH", path, strict_json.dumps(body), None)

    def _date(self) -> datetime:
        url = self._tokens.current().instance_url + "/services/data/"
        try:
            answer = self._http.get(url)
        except requests.RequestException as error:
            raise Transient(f"Salesforce did not answer: {type(error).__name__}") from error
        instant = http_date(answer.headers.get("Date", ""))
        if answer.status_code != 200 or instant is None:
            raise Transient("Salesforce did not say what time it is", status=answer.status_code)
        return instant.astimezone(UTC)

    def _composite(self, body: str, names: tuple[str, ...]) -> Mapping[str, Reply]:
        answer = self._authenticated("POST", "composite", body, None).body
        parts = answer.get("compositeResponse") if isinstance(answer, dict) else None
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise Transient("a composite answer without its parts")
        if [part.get("referenceId") for part in parts] != list(names):
            raise Transient("a composite answer to other questions")
        for part in parts:
            status = part.get("httpStatusCode")
            if not isinstance(status, int) or status >= 300:
                raise error_for(int(status or 500), part.get("body"), str(part["referenceId"]))
        return {part["referenceId"]: Reply(part.get("body"), {}) for part in parts}

    def _call(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str] | None
    ) -> Reply:
        return self._patience.run(lambda: self._authenticated(method, path, body, headers))

    def _authenticated(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str] | None
    ) -> Reply:
        token = self._tokens.current()
        try:
            return self._once(token, method, path, body, headers)
        except SessionExpired:
            token = self._tokens.renewed(token)
        try:
            return self._once(token, method, path, body, headers)
        except SessionExpired as error:
            raise AuthFailed("the session is refused right after a login", path=path) from error

    def _once(
        self,
        token: Token,
        method: str,
        path: str,
        body: str | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        self._budget.take()
        self._last.headers = {}
        try:
            answer = self._rest_for(token).restful(
                self._below(path), method=method, data=body, headers=dict(headers or {})
            )
        except SalesforceError as error:
            if error.status == UNCHANGED:
                return Reply(None, self._last.headers)
            raise self._translated(error, path) from error
        except requests.TooManyRedirects as error:
            raise Refused("Salesforce redirects; not followed with credentials") from error
        except requests.RequestException as error:
            raise Transient(f"Salesforce did not answer: {type(error).__name__}") from error
        return Reply(answer, self._last.headers)

    def _translated(self, error: SalesforceError, path: str) -> Exception:
        what = path.partition("?")[0].removeprefix(self._prefix)
        translated = error_for(error.status, error.content, what, self._last.headers)
        if isinstance(translated, LimitReached):
            self._budget.refused()
        return translated

    def _rest_for(self, token: Token) -> Rest:
        with self._lock:
            if self._rest is None or self._rest[0] is not token:
                self._rest = (token, Rest(token, self._http, self._version))
            return self._rest[1]

    def _below(self, path: str) -> str:
        if not path.startswith("/"):
            return path
        if not path.startswith(self._prefix):
            raise LocatorLost("a nextRecordsUrl of another API version", found=path[:60])
        return path.removeprefix(self._prefix)

    def _note(self, response: requests.Response, **_options: object) -> None:
        self._last.headers = {name.lower(): text for name, text in response.headers.items()}
        self._budget.note(response.headers.get("Sforce-Limit-Info", ""))
