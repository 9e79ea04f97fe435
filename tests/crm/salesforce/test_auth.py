"""Logging in: four ways, clear refusals, no secret in any message."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from closedwon.crm.salesforce.auth import (
    ClientCredentials,
    Grant,
    JwtBearer,
    Password,
    RefreshToken,
)
from closedwon.kernel.errors import AuthFailed, ClosedwonError, ConfigError, RetryLater
from crm.salesforce.org import CLIENT, HOST, NOON, ORG

LOGIN = "https://login.salesforce.com"
TOKEN_URL = f"{LOGIN}/services/oauth2/token"
SECRET = "s3cr3t-value"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
ANSWER = {
    "access_token": "00DHs0000012345!AQ",
    "instance_url": HOST,
    "id": f"{LOGIN}/id/{ORG}/005Hs00000AbCdEIAV",
    "token_type": "Bearer",
    "issued_at": "1704067200000",
}
SOAP_URL = f"{LOGIN}/services/Soap/u/59.0"
SOAP_ANSWER = (
    '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>'
    f"<serverUrl>{HOST}/services/Soap/u/59.0/00DHs0000012345</serverUrl>"
    "<sessionId>00DHs0000012345!AQ</sessionId></result></loginResponse></soapenv:Body></soapenv:Envelope>"
)
SOAP_FAULT = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault">'
    "<soapenv:Body><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>text</sf:exceptionMessage>"
    "</soapenv:Body></soapenv:Envelope>"
)


def client_credentials() -> Grant:
    return ClientCredentials(CLIENT, LOGIN, "key", SECRET)


def refresh(keep: Callable[[str], None] = print) -> RefreshToken:
    return RefreshToken(CLIENT, LOGIN, "key", SECRET, keep=keep)


def password() -> Grant:
    return Password(CLIENT, LOGIN, "ada@acme.test", SECRET, "TOK")


def form(route: respx.Route) -> dict[str, list[str]]:
    return parse_qs(route.calls.last.request.content.decode())


@respx.mock
def test_client_credentials_go_in_the_header() -> None:
    route = respx.post(TOKEN_URL).respond(json=ANSWER)

    token = client_credentials()(NOON)

    assert (token.access, token.instance_url, token.org_id) == (ANSWER["access_token"], HOST, ORG)
    assert route.calls.last.request.headers["authorization"].startswith("Basic ")
    assert form(route) == {"grant_type": ["client_credentials"]}


@respx.mock
def test_a_jwt_is_signed_for_the_login_host_and_expires_in_three_minutes() -> None:
    route = respx.post(TOKEN_URL).respond(json=ANSWER)
    now = datetime(2099, 1, 1, tzinfo=UTC)

    JwtBearer(CLIENT, LOGIN, "key", "ada@acme.test", PEM)(now)

    claims = jwt.decode(form(route)["assertion"][0], KEY.public_key(), ["RS256"], audience=LOGIN)
    assert (claims["iss"], claims["sub"]) == ("key", "ada@acme.test")
    assert claims["exp"] == int(now.timestamp()) + 180


def test_a_key_that_is_no_rsa_key_is_a_config_error() -> None:
    with pytest.raises(ConfigError):
        JwtBearer(CLIENT, LOGIN, "key", "ada@acme.test", b"nonsense")


@respx.mock
def test_a_rotated_refresh_token_is_kept_before_it_is_used() -> None:
    kept: list[str] = []
    route = respx.post(TOKEN_URL).respond(json={**ANSWER, "refresh_token": "next"})
    grant = refresh(kept.append)

    grant(NOON)
    assert kept == ["next"]
    grant(NOON)

    assert form(route)["refresh_token"] == ["next"]
    assert kept == ["next"]


@respx.mock
def test_password_login_speaks_soap() -> None:
    route = respx.post(SOAP_URL).respond(text=SOAP_ANSWER)

    token = password()(NOON)

    assert (token.access, token.instance_url, token.org_id) == ("00DHs0000012345!AQ", HOST, ORG)
    assert f"{SECRET}TOK".encode() in route.calls.last.request.content


@respx.mock
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "authentication failure"},
            AuthFailed,
        ),
        (401, {"error": "invalid_client", "error_description": "invalid client"}, AuthFailed),
        (400, {"error": "rate_limit_exceeded"}, RetryLater),
        (503, {"error": "unavailable"}, RetryLater),
        (200, ["odd"], RetryLater),
        (200, {"access_token": "x"}, AuthFailed),
        (200, {**ANSWER, "id": "https://login.salesforce.com/nothing"}, AuthFailed),
        (200, {**ANSWER, "instance_url": "https://acme.lightning.force.com"}, ConfigError),
        (200, {**ANSWER, "instance_url": "http://acme.my.salesforce.com"}, ConfigError),
    ],
)
def test_oauth_refusals_are_told_from_trouble(
    status: int, body: Any, kind: type[ClosedwonError]
) -> None:
    respx.post(TOKEN_URL).respond(status, json=body)

    for grant in (client_credentials(), refresh()):
        with pytest.raises(kind) as caught:
            grant(NOON)
        assert SECRET not in str(caught.value)


@respx.mock
def test_a_login_page_instead_of_json_is_trouble() -> None:
    respx.post(TOKEN_URL).respond(200, text="<html>maintenance</html>")

    with pytest.raises(RetryLater):
        client_credentials()(NOON)


@respx.mock
@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(500, text=SOAP_FAULT.format(code="INVALID_LOGIN")), AuthFailed),
        (httpx.Response(500, text=SOAP_FAULT.format(code="SERVER_UNAVAILABLE")), RetryLater),
        (httpx.Response(503, text="<html><br></html>"), RetryLater),
        (httpx.Response(200, text="not xml"), RetryLater),
        (httpx.ReadTimeout("slow"), RetryLater),
    ],
)
def test_soap_refusals_are_told_from_trouble(response: Any, kind: type[ClosedwonError]) -> None:
    respx.post(SOAP_URL).mock(side_effect=[response])

    with pytest.raises(kind) as caught:
        password()(NOON)

    assert SECRET not in str(caught.value)


def test_credentials_are_not_sent_over_plain_http_to_strangers() -> None:
    for grant in (ClientCredentials, Password):
        with pytest.raises(ConfigError):
            grant(CLIENT, "http://login.salesforce.com", "key", SECRET)


@respx.mock
def test_loopback_instances_keep_plain_http() -> None:
    respx.post("http://127.0.0.1:8123/services/Soap/u/59.0").respond(
        text=SOAP_ANSWER.replace(HOST, "http://127.0.0.1:8123")
    )

    token = Password(CLIENT, "http://127.0.0.1:8123", "ada@acme.test", SECRET)(NOON)

    assert token.instance_url == "http://127.0.0.1:8123"


@respx.mock
def test_a_token_never_shows_its_secret() -> None:
    respx.post(TOKEN_URL).respond(json=ANSWER)

    assert "!AQ" not in repr(client_credentials()(NOON))
