import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from closedwon.devorg.http import Options, application, running

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN = "/services/oauth2/token"


@pytest.fixture
def assertion(private_key: RSAPrivateKey, clock: Any) -> Callable[..., str]:
    """A valid assertion, but for the claims given."""

    def signed(key: RSAPrivateKey = private_key, algorithm: str = "RS256", **claims: Any) -> str:
        valid = {
            "iss": "meter",
            "sub": "ada@acme.test",
            "aud": "https://login.salesforce.com",
            "exp": int((clock.now + timedelta(minutes=3)).timestamp()),
        }
        return jwt.encode({**valid, **claims}, key, algorithm=algorithm)

    return signed


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert set(body) == {"error", "error_description"}
    return answer.status_code, body["error"], body["error_description"]


def client_credentials(**form: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": "meter",
        "client_secret": "s3cret",
        **form,
    }


def test_client_credentials_answer_as_salesforce_does(
    http: httpx.Client, org: Any, base_url: str
) -> None:
    answer = http.post(TOKEN, data=client_credentials())
    body = answer.json()

    assert answer.status_code == 200
    assert list(body) == [
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
    ]
    assert body["access_token"].startswith(f"{org.organization_id[:15]}!")
    assert body["instance_url"] == base_url
    assert body["id"].endswith(f"/id/{org.organization_id}/{org.admin_id}")
    assert body["issued_at"] == "1704067200000"
    sealed = hmac.new(b"s3cret", (body["id"] + body["issued_at"]).encode(), hashlib.sha256).digest()
    assert base64.b64decode(body["signature"]) == sealed


def test_client_credentials_in_the_basic_header_and_under_my_domain(http: httpx.Client) -> None:
    answer = http.post(
        TOKEN,
        data={"grant_type": "client_credentials"},
        auth=("meter", "s3cret"),
        headers={"Host": "acme.my.salesforce.com"},
    )

    assert answer.json()["instance_url"] == "https://acme.my.salesforce.com"
    assert answer.json()["id"].startswith("https://login.salesforce.com/id/")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", "invalid client credentials")),
        ({"client_secret": ""}, (401, "invalid_client", "invalid client credentials")),
        ({"client_id": "nobody"}, (400, "invalid_client_id", "client identifier invalid")),
        (
            {"client_id": "turner", "client_secret": "t"},
            (400, "invalid_grant", "no client credentials user enabled"),
        ),
        ({"grant_type": "device"}, (400, "unsupported_grant_type", "grant type not supported")),
    ],
)
def test_wrong_clients_are_refused_with_an_object(
    http: httpx.Client, form: dict[str, str], expected: Any
) -> None:
    assert refusal(http.post(TOKEN, data=client_credentials(**form))) == expected


def test_client_credentials_do_not_work_on_the_login_host(http: httpx.Client) -> None:
    answer = http.post(TOKEN, data=client_credentials(), headers={"Host": "login.salesforce.com"})

    assert refusal(answer) == (400, "invalid_grant", "request not supported on this domain")


@pytest.mark.parametrize("as_text", [False, True])
def test_a_signed_assertion_logs_in(
    http: httpx.Client,
    assertion: Callable[..., str],
    org: Any,
    clock: Any,
    as_text: bool,  # noqa: FBT001 - a column of the table
) -> None:
    expires = int((clock.now + timedelta(minutes=3)).timestamp())
    signed = assertion(exp=str(expires) if as_text else expires)
    body = http.post(TOKEN, data={"grant_type": JWT_BEARER, "assertion": signed}).json()

    assert body["id"].endswith(org.admin_id)
    assert "refresh_token" not in body


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"iss": "nobody"}, (400, "invalid_client_id", "client identifier invalid")),
        ({"iss": "turner"}, (400, "invalid_grant", "invalid assertion")),
        ({"iss": "stranger"}, (400, "invalid_grant", "user hasn't approved this consumer")),
        ({"aud": "https://evil.example"}, (400, "invalid_grant", "audience is invalid")),
        ({"sub": "nobody@acme.test"}, (400, "invalid_grant", "user hasn't approved this consumer")),
        ({"sub": "gone@acme.test"}, (400, "invalid_grant", "inactive user")),
        ({"sub": 7}, (400, "invalid_grant", "invalid assertion")),
        ({"exp": 1704067200}, (400, "invalid_grant", "invalid assertion")),
        ({"exp": 1704067200 + 301}, (400, "invalid_grant", "invalid assertion")),
        ({"exp": "soon"}, (400, "invalid_grant", "invalid assertion")),
    ],
)
def test_assertions_with_wrong_claims_are_refused(
    http: httpx.Client, assertion: Callable[..., str], claims: Any, expected: Any
) -> None:
    answer = http.post(TOKEN, data={"grant_type": JWT_BEARER, "assertion": assertion(**claims)})

    assert refusal(answer) == expected


def test_only_the_registered_key_and_rs256_are_believed(
    http: httpx.Client, assertion: Callable[..., str]
) -> None:
    stolen = assertion(key=generate_private_key(public_exponent=65537, key_size=2048))
    other_algorithm = assertion(algorithm="RS512")
    unsigned = jwt.encode({"iss": "meter", "sub": "ada@acme.test"}, "", algorithm="none")

    for forged in (stolen, other_algorithm, unsigned, "not.a.jwt", ""):
        answer = http.post(TOKEN, data={"grant_type": JWT_BEARER, "assertion": forged})
        assert refusal(answer) == (400, "invalid_grant", "invalid assertion")


def test_a_refresh_token_opens_session_after_session(http: httpx.Client) -> None:
    form = {"grant_type": "refresh_token", "client_id": "meter", "refresh_token": "keep"}
    first, second = http.post(TOKEN, data=form).json(), http.post(TOKEN, data=form).json()

    assert first["access_token"] != second["access_token"]
    assert "refresh_token" not in first


def test_a_rotating_refresh_token_works_once(http: httpx.Client) -> None:
    form = {"grant_type": "refresh_token", "client_id": "turner", "refresh_token": "turn"}
    fresh = http.post(TOKEN, data=form).json()["refresh_token"]

    assert refusal(http.post(TOKEN, data=form)) == (
        400,
        "invalid_grant",
        "expired access/refresh token",
    )
    assert http.post(TOKEN, data={**form, "refresh_token": fresh}).status_code == 200


def test_a_refresh_token_of_another_app_is_refused(http: httpx.Client) -> None:
    form = {"grant_type": "refresh_token", "client_id": "turner", "refresh_token": "keep"}

    assert refusal(http.post(TOKEN, data=form)) == (
        400,
        "invalid_grant",
        "expired access/refresh token",
    )


def test_the_password_grant_is_blocked_by_default(http: httpx.Client) -> None:
    form = client_credentials(grant_type="password", username="ada@acme.test", password="<p&ss>TOK")

    assert refusal(http.post(TOKEN, data=form)) == (400, "invalid_grant", "authentication failure")


def test_a_revoked_refresh_token_takes_its_sessions_along(http: httpx.Client) -> None:
    form = {"grant_type": "refresh_token", "client_id": "meter", "refresh_token": "keep"}
    token = http.post(TOKEN, data=form).json()["access_token"]

    assert http.post("/services/oauth2/revoke", data={"token": "keep"}).status_code == 200
    assert refusal(http.post(TOKEN, data=form)) == (
        400,
        "invalid_grant",
        "expired access/refresh token",
    )
    answer = http.get("/services/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.text) == (403, "Bad_OAuth_Token")


def test_the_identity_endpoints_know_the_user(
    http: httpx.Client, log_in: Callable[[], str], org: Any
) -> None:
    token = log_in()
    told = http.get(
        "/services/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"}
    ).json()
    same = http.get(
        f"/id/{org.organization_id}/{org.admin_id}", params={"oauth_token": token}
    ).json()

    assert told == same
    assert (told["user_id"], told["organization_id"]) == (org.admin_id, org.organization_id)
    assert http.get("/services/oauth2/userinfo").text == "Missing_OAuth_Token"


def test_too_many_logins_in_an_hour_are_refused(org: Any, accounts: Any, clock: Any) -> None:
    options = Options(logins_max=1)
    with (
        running(application(org, accounts, clock, options)) as base_url,
        httpx.Client(base_url=base_url) as client,
    ):
        answers = [client.post(TOKEN, data=client_credentials()) for _ in range(2)]

    assert answers[0].status_code == 200
    assert refusal(answers[1]) == (400, "rate_limit_exceeded", "login rate exceeded")


def test_no_answer_repeats_a_secret(http: httpx.Client) -> None:
    for form in (
        {"client_secret": "hush-wrong"},
        {"grant_type": "password", "password": "hush-wrong"},
    ):
        assert "hush" not in http.post(TOKEN, data=client_credentials(**form)).text
