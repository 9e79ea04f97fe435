"""Ways to log in to Salesforce; each answers with a Token (salesforce.md 1.2, 1.3)."""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode
from xml.parsers.expat import ExpatError

import httpx
import jwt
import msgspec
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin

from closedwon.crm.salesforce.errors import faults
from closedwon.kernel import strict_json
from closedwon.kernel.errors import AuthFailed, ConfigError, Refused, RetryLater
from closedwon.kernel.ids import id18
from closedwon.transport import send, session_over
from closedwon.transport.client import host_of, is_loopback, require_private

ASSERTION_LIFE = timedelta(minutes=3)
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
WEATHER = (
    "SERVER_UNAVAILABLE",
    "UNKNOWN_EXCEPTION",
    "REQUEST_LIMIT_EXCEEDED",
    "rate_limit_exceeded",
    "server_error",
    "temporarily_unavailable",
)


class Token(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """A session: ``access`` is secret, ``instance_url`` is where its API lives."""

    access: str
    instance_url: str
    org_id: str
    """18 characters."""

    def __repr__(self) -> str:
        return f"Token(org_id={self.org_id!r}, instance_url={self.instance_url!r})"


class Grant(Protocol):
    """One way to log in.

    Raises AuthFailed when refused, RetryLater (or Transient) when the login host is away.
    """

    def __call__(self, now: datetime) -> Token:
        """Log in once."""
        ...


class ClientCredentials:
    """OAuth client credentials; ``login_url`` is the org's My Domain."""

    def __init__(self, client: httpx.Client, login_url: str, key: str, secret: str) -> None:
        self._client = client
        self._url = require_private(login_url).rstrip("/") + TOKEN_PATH
        self._basic = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()

    def __call__(self, now: datetime) -> Token:  # noqa: ARG002 - other grants need the time
        """Log in once."""
        form = {"grant_type": "client_credentials"}
        return _token_of(_asked(self._client, self._url, form, {"Authorization": self._basic}))


class JwtBearer:
    """OAuth JWT bearer, RS256; the private key is read once, here."""

    def __init__(
        self,
        client: httpx.Client,
        login_url: str,
        key: str,
        username: str,
        private_key_pem: bytes,
        *,
        audience: str = "",
    ) -> None:
        self._client = client
        self._base = require_private(login_url).rstrip("/")
        self._claims = {"iss": key, "sub": username, "aud": audience or self._base}
        self._private_key = _rsa(private_key_pem)

    def __call__(self, now: datetime) -> Token:
        """Log in once; the assertion expires three minutes after ``now``."""
        claims = {**self._claims, "exp": int((now + ASSERTION_LIFE).timestamp())}
        assertion = jwt.encode(claims, self._private_key, algorithm="RS256")
        form = {"grant_type": JWT_BEARER, "assertion": assertion}
        return _token_of(_asked(self._client, self._base + TOKEN_PATH, form))


class RefreshToken:
    """OAuth refresh token; ``keep`` stores a rotated one before it is used for the first time."""

    def __init__(
        self,
        client: httpx.Client,
        login_url: str,
        key: str,
        refresh_token: str,
        *,
        secret: str = "",
        keep: Callable[[str], None],
    ) -> None:
        self._client = client
        self._url = require_private(login_url).rstrip("/") + TOKEN_PATH
        self._form = {"grant_type": "refresh_token", "client_id": key}
        if secret:
            self._form["client_secret"] = secret
        self._refresh_token = refresh_token
        self._keep = keep

    def __call__(self, now: datetime) -> Token:  # noqa: ARG002 - other grants need the time
        """Log in once."""
        form = {**self._form, "refresh_token": self._refresh_token}
        answer = _asked(self._client, self._url, form)
        rotated = answer.get("refresh_token")
        if isinstance(rotated, str) and rotated != self._refresh_token:
            self._keep(rotated)
            self._refresh_token = rotated
        return _token_of(answer)


class Password:
    """SOAP login with username, password and security token, as simple-salesforce does it."""

    def __init__(
        self, client: httpx.Client, login_url: str, username: str, password: str, token: str = ""
    ) -> None:
        self._session = session_over(client)
        self._login_url = require_private(login_url).rstrip("/")
        self._username = username
        self._password = password
        self._token = token

    def __call__(self, now: datetime) -> Token:  # noqa: ARG002 - other grants need the time
        """Log in once."""
        try:
            access, host = SalesforceLogin(
                username=self._username,
                password=self._password,
                security_token=self._token,
                session=self._session,
                scratch_url=self._login_url,
            )
        except (requests.RequestException, ExpatError) as error:
            raise RetryLater("the login host did not answer", host=self._host()) from error
        except SalesforceAuthenticationFailed as error:
            if error.code in WEATHER or not str(error.code or "").isupper():
                raise RetryLater("the login host has trouble", host=self._host()) from error
            text = f"login refused: {error.code}"
            raise AuthFailed(text, host=self._host()) from None  # The cause may repeat the request.
        name = httpx.URL(f"https://{host}").host
        plain = self._login_url.startswith("http://") and is_loopback(name)
        return Token(
            access, f"{'http' if plain else 'https'}://{host}", id18(access.partition("!")[0])
        )

    def _host(self) -> str:
        return host_of(self._login_url)


def _rsa(pem: bytes) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError("the JWT key must be an unencrypted RSA private key in PEM form")
    return key


def _asked(
    client: httpx.Client,
    url: str,
    form: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Body of a successful token answer."""
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = send(client, "POST", url, headers={**sent, **(headers or {})}, content=urlencode(form))
    host = host_of(url)
    try:
        body = strict_json.loads(answer.body)
    except Refused as error:
        raise RetryLater("the login host has trouble", host=host, status=answer.status) from error
    if answer.status != 200 or not isinstance(body, dict):
        raise _refusal(answer.status, body, host)
    return body


def _refusal(status: int, body: Any, host: str) -> AuthFailed | RetryLater:
    fault = faults(body)[0]
    if status >= 500 or status == 429 or fault.code in WEATHER or not fault.code:
        return RetryLater("the login host has trouble", host=host, status=status)
    return AuthFailed(f"login refused: {fault.code}: {fault.message}"[:200], host=host)


def _token_of(body: Mapping[str, Any]) -> Token:
    access, url, identity = (body.get(name) for name in ("access_token", "instance_url", "id"))
    if not (isinstance(access, str) and isinstance(url, str) and isinstance(identity, str)):
        raise AuthFailed("the login answer lacks access_token, instance_url or id")
    if host_of(url).endswith(".lightning.force.com"):
        raise ConfigError("instance_url is the user interface, not the API", host=host_of(url))
    found = re.search(r"/id/(\w{15,18})/", identity)
    if not found:
        raise AuthFailed("the login answer does not name its org")
    return Token(access, require_private(url).rstrip("/"), id18(found[1]))
