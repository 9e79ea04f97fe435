"""OAuth token endpoint and its neighbours (S 1.2). Errors are JSON objects, not REST lists."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from closedwon.devorg.http.assertion import AssertionRefused, subject
from closedwon.devorg.http.exchange import TEXT, Answer, Incoming
from closedwon.devorg.http.identity import LOGIN_HOSTS, Identity, same_secret
from closedwon.devorg.http.options import ConnectedApp, User
from closedwon.kernel.errors import Refused


class TokenRefused(Exception):
    """A login that failed; ``error`` and ``description`` are the wire's own words."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A grant that was accepted."""

    user: User
    app: ConnectedApp
    refresh_token: str | None = None
    """A new refresh token the client must keep from now on; None when its old one stays valid."""


Form = Mapping[str, str]
Grant = Callable[[Identity, Incoming, Form], Login]

BAD_CREDENTIALS = ("invalid_grant", "authentication failure")


def token(identity: Identity, request: Incoming) -> Answer:
    """``POST /services/oauth2/token``: one session per successful grant."""
    try:
        login = _login(identity, request)
    except TokenRefused as error:
        return _refusal(error)
    except Refused as error:
        return _refusal(TokenRefused("invalid_request", error.message))
    return Answer(body=_granted(identity, request, login), headers={"Cache-Control": "no-store"})


def revoke(identity: Identity, request: Incoming) -> Answer:
    """``POST /services/oauth2/revoke``: an access token, or a refresh token and its sessions."""
    given = request.form.get("token", "") or request.query.get("token", "")
    grant = identity.refresh_tokens.find(given)
    if grant is not None:
        identity.refresh_tokens.revoke(grant)
        identity.sessions.revoke_grant(grant.username, grant.client_id)
    elif identity.sessions.find(given) is None:
        return _refusal(TokenRefused("invalid_token", "invalid token"))
    identity.sessions.revoke(given)
    return Answer()


def userinfo(identity: Identity, request: Incoming) -> Answer:
    """``GET /services/oauth2/userinfo`` and the identity URL of a login."""
    given = bearer(request) or request.query.get("oauth_token", "")
    if not given:
        return Answer(status=403, body="Missing_OAuth_Token", media=TEXT)
    session = identity.sessions.find(given)
    if session is None:
        return Answer(status=403, body="Bad_OAuth_Token", media=TEXT)
    host = request.headers.get("host", "")
    user, instance = session.user, identity.instance_url(host)
    return Answer(
        body={
            "sub": identity.identity_url(host, user),
            "id": identity.identity_url(host, user),
            "user_id": user.id,
            "organization_id": identity.org_id,
            "preferred_username": user.username,
            "username": user.username,
            "active": user.is_active,
            "urls": {
                "rest": f"{instance}/services/data/v{{version}}/",
                "sobjects": f"{instance}/services/data/v{{version}}/sobjects/",
                "query": f"{instance}/services/data/v{{version}}/query/",
                "partner": f"{instance}/services/Soap/u/{{version}}/{identity.org_id[:15]}",
            },
        }
    )


def bearer(request: Incoming) -> str:
    """The access token of ``Authorization: Bearer X`` or ``OAuth X``; empty when there is none."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.casefold() in ("bearer", "oauth") else ""


def _login(identity: Identity, request: Incoming) -> Login:
    form = request.form
    grant = GRANTS.get(form.get("grant_type", ""))
    if grant is None:
        raise TokenRefused("unsupported_grant_type", "grant type not supported")
    login = grant(identity, request, form)
    if not identity.sessions.may_log_in(login.user):
        raise TokenRefused("rate_limit_exceeded", "login rate exceeded")
    return login


def _granted(identity: Identity, request: Incoming, login: Login) -> dict[str, Any]:
    host = request.headers.get("host", "")
    issued_at = str(int(identity.clock().timestamp() * 1000))
    identity_url = identity.identity_url(host, login.user)
    seal = hmac.new(
        login.app.client_secret.encode(), (identity_url + issued_at).encode(), hashlib.sha256
    )
    body = {
        "access_token": identity.sessions.open(login.user, login.app.client_id),
        "signature": base64.b64encode(seal.digest()).decode(),
        "scope": "api refresh_token",
        "instance_url": identity.instance_url(host),
        "id": identity_url,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }
    if login.refresh_token is not None:
        body["refresh_token"] = login.refresh_token
    return body


def _by_client_credentials(identity: Identity, request: Incoming, form: Form) -> Login:
    if request.headers.get("host", "").partition(":")[0] in LOGIN_HOSTS:
        raise TokenRefused("invalid_grant", "request not supported on this domain")
    app = _app(identity, request, form)
    if app.run_as is None:
        raise TokenRefused("invalid_grant", "no client credentials user enabled")
    return Login(user=_active(identity, app.run_as), app=app)


def _by_assertion(identity: Identity, request: Incoming, form: Form) -> Login:
    try:
        app, username = subject(identity, form.get("assertion", ""), request.headers["host"])
    except AssertionRefused as error:
        raise TokenRefused(error.error, error.description) from error
    if not app.is_approved:
        raise TokenRefused("invalid_grant", "user hasn't approved this consumer")
    return Login(user=_active(identity, username), app=app)


def _by_password(identity: Identity, request: Incoming, form: Form) -> Login:
    app = _app(identity, request, form)
    if not identity.options.allows_password_grant:
        raise TokenRefused(*BAD_CREDENTIALS)
    user = identity.user_by_password(form.get("username", ""), form.get("password", ""))
    if user is None:
        raise TokenRefused(*BAD_CREDENTIALS)
    return Login(user=user, app=app)


def _by_refresh_token(identity: Identity, request: Incoming, form: Form) -> Login:
    client_id, client_secret = _credentials(request, form)
    app = identity.accounts.app(client_id)
    if app is None:
        raise TokenRefused("invalid_client_id", "client identifier invalid")
    if client_secret and not same_secret(app.client_secret, client_secret):
        raise TokenRefused("invalid_client", "invalid client credentials", 401)
    grant = identity.refresh_tokens.find(form.get("refresh_token", ""))
    if grant is None or grant.client_id != app.client_id:
        raise TokenRefused("invalid_grant", "expired access/refresh token")
    user = _active(identity, grant.username)
    if not app.rotates_refresh_tokens:
        return Login(user=user, app=app)
    return Login(user=user, app=app, refresh_token=identity.refresh_tokens.rotate(grant).token)


GRANTS: Final[Mapping[str, Grant]] = {
    "client_credentials": _by_client_credentials,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _by_assertion,
    "password": _by_password,
    "refresh_token": _by_refresh_token,
}


def _active(identity: Identity, username: str) -> User:
    user = identity.accounts.user(username)
    if user is None:
        raise TokenRefused("invalid_grant", "user hasn't approved this consumer")
    if not user.is_active:
        raise TokenRefused("invalid_grant", "inactive user")
    return user


def _app(identity: Identity, request: Incoming, form: Form) -> ConnectedApp:
    client_id, client_secret = _credentials(request, form)
    app = identity.app_by_secret(client_id, client_secret)
    if app is not None:
        return app
    if identity.accounts.app(client_id) is None:
        raise TokenRefused("invalid_client_id", "client identifier invalid")
    raise TokenRefused("invalid_client", "invalid client credentials", 401)


def _credentials(request: Incoming, form: Form) -> tuple[str, str]:
    """Client id and secret from the Basic header, else from the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, client_secret = (
            base64.b64decode(encoded, validate=True).decode().partition(":")
        )
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TokenRefused("invalid_client", "invalid client credentials", 401) from error
    return client_id, client_secret


def _refusal(error: TokenRefused) -> Answer:
    return Answer(
        status=error.status,
        body={"error": error.error, "error_description": error.description},
        headers={"Cache-Control": "no-store"},
    )
