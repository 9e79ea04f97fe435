"""JWT bearer assertions: RS256 verified against the app's registered certificate (S 1.2)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from closedwon.devorg.http.identity import LOGIN_HOSTS, Identity
from closedwon.devorg.http.options import ConnectedApp
from closedwon.kernel.errors import ConfigError

LIFE_MAX = timedelta(minutes=5)
"""``exp`` may lie at most this far ahead."""


class AssertionRefused(Exception):
    """An assertion that proves nothing; ``error`` and ``description`` are the wire's own words."""

    def __init__(self, description: str, error: str = "invalid_grant") -> None:
        super().__init__(description)
        self.error = error
        self.description = description


def subject(identity: Identity, assertion: str, host: str) -> tuple[ConnectedApp, str]:
    """The app that signed ``assertion`` and the username it names.

    The signature is checked before any other claim counts. Raises AssertionRefused.
    """
    issuer = _claims_unverified(assertion).get("iss")
    app = identity.accounts.app(issuer) if isinstance(issuer, str) else None
    if app is None:
        raise AssertionRefused("client identifier invalid", "invalid_client_id")
    if app.public_key is None:
        raise AssertionRefused("invalid assertion")
    claims = _verified(assertion, public_key(app.public_key))
    expires_at = _expiry(claims.get("exp"))
    now = identity.clock()
    if not now < expires_at <= now + LIFE_MAX:
        raise AssertionRefused("invalid assertion")
    accepted = {*identity.options.audiences, *_own_audiences(identity, host)}
    if claims.get("aud") not in accepted:
        raise AssertionRefused("audience is invalid")
    username = claims.get("sub")
    if not isinstance(username, str):
        raise AssertionRefused("invalid assertion")
    return app, username


def public_key(pem: str) -> RSAPublicKey:
    """The RSA key in a PEM certificate or public key; raises ConfigError when there is none."""
    key: object
    try:
        if "BEGIN CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        else:
            key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("a connected app's public key is not a PEM certificate or key") from error
    if not isinstance(key, RSAPublicKey):
        raise ConfigError("a connected app's public key is not an RSA key")
    return key


def _own_audiences(identity: Identity, host: str) -> set[str]:
    hosts = (*LOGIN_HOSTS, identity.options.my_domain)
    return {*(f"https://{known}" for known in hosts), f"http://{host}", f"https://{host}"}


def _claims_unverified(assertion: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(assertion, options={"verify_signature": False}))
    except jwt.InvalidTokenError as error:
        raise AssertionRefused("invalid assertion") from error


def _verified(assertion: str, key: RSAPublicKey) -> dict[str, Any]:
    """The claims, signature checked; instants are checked by the org's clock, not the machine's."""
    unchecked = ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
    options: Any = {f"verify_{claim}": False for claim in unchecked}
    try:
        return dict(jwt.decode(assertion, key, algorithms=["RS256"], options=options))
    except jwt.InvalidTokenError as error:
        raise AssertionRefused("invalid assertion") from error


def _expiry(claim: object) -> datetime:
    """``exp`` as a number or, as simple-salesforce sends it, as text."""
    try:
        return datetime.fromtimestamp(int(str(claim)), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise AssertionRefused("invalid assertion") from error
