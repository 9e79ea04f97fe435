from collections.abc import Callable
from typing import Any

import httpx
import pytest

from closedwon.devorg.http import Options, application, running

EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_an_idle_session_expires_by_the_clock_of_the_org(rest: httpx.Client, clock: Any) -> None:
    clock.forward(seconds=7199)
    assert rest.get("limits/").status_code == 200
    clock.forward(seconds=7200)
    answer = rest.get("limits/")

    assert (answer.status_code, answer.json()) == (401, EXPIRED)
    assert "Sforce-Limit-Info" not in answer.headers


def test_a_revoked_session_and_a_made_up_one_look_alike(
    rest: httpx.Client, http: httpx.Client
) -> None:
    token = rest.headers["Authorization"].removeprefix("Bearer ")
    http.post("/services/oauth2/revoke", data={"token": token})

    assert (rest.get("limits").status_code, rest.get("limits").json()) == (401, EXPIRED)
    rest.headers["Authorization"] = "Bearer 00D!made.up"
    assert rest.get("limits").json() == EXPIRED


def test_a_missing_header_is_told_from_an_expired_session(http: httpx.Client) -> None:
    answer = http.get("/services/data/v60.0/limits")

    assert answer.status_code == 401
    assert answer.json() == [{"message": "INVALID_HEADER_TYPE", "errorCode": "INVALID_AUTH_HEADER"}]


def test_oauth_is_accepted_as_scheme(rest: httpx.Client) -> None:
    rest.headers["Authorization"] = rest.headers["Authorization"].replace("Bearer", "OAuth")

    assert rest.get("limits").status_code == 200


def test_every_authenticated_answer_counts_and_says_so(rest: httpx.Client) -> None:
    assert rest.get("limits").headers["Sforce-Limit-Info"] == "api-usage=1/15000"
    assert rest.get("nowhere").headers["Sforce-Limit-Info"] == "api-usage=2/15000"
    assert rest.get("limits").json()["DailyApiRequests"] == {"Max": 15000, "Remaining": 14997}


def test_calls_beyond_the_limit_are_refused(org: Any, accounts: Any, clock: Any) -> None:
    options = Options(api_calls_max=1)
    form = {"grant_type": "client_credentials", "client_id": "meter", "client_secret": "s3cret"}
    with (
        running(application(org, accounts, clock, options)) as base_url,
        httpx.Client(base_url=base_url) as client,
    ):
        client.headers["Authorization"] = (
            "Bearer " + client.post("/services/oauth2/token", data=form).json()["access_token"]
        )
        assert client.get("/services/data/v60.0/limits").status_code == 200
        answer = client.get("/services/data/v60.0/limits")

    assert answer.status_code == 403
    assert answer.json() == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/1"


def test_the_date_header_is_the_clock_of_the_org(rest: httpx.Client, clock: Any) -> None:
    assert rest.get("limits").headers["Date"] == "Mon, 01 Jan 2024 00:00:00 GMT"
    clock.forward(days=366, seconds=1.9)
    assert rest.get("limits").headers.get_list("Date") == ["Wed, 01 Jan 2025 00:00:01 GMT"]


def test_versions_need_no_login_and_ascend(http: httpx.Client) -> None:
    told = http.get("/services/data/").json()

    assert told[-5] == {"label": "Spring '25", "url": "/services/data/v63.0", "version": "63.0"}
    assert [told[-7]["label"], told[-3]["label"], told[-1]["label"]] == [
        "Summer '24",
        "Winter '26",
        "Summer '26",
    ]


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("v60.0", 200, None),
        ("v30.0", 410, "UNSUPPORTED_API_VERSION"),
        ("v99.0", 404, "NOT_FOUND"),
        ("vx", 404, "NOT_FOUND"),
        ("v60", 404, "NOT_FOUND"),
    ],
)
def test_old_and_unknown_versions_are_refused(
    rest: httpx.Client, base_url: str, version: str, status: int, code: str | None
) -> None:
    answer = rest.get(f"{base_url}/services/data/{version}")

    assert answer.status_code == status
    if code is not None:
        assert answer.json()[0]["errorCode"] == code


def test_paths_ignore_case_and_needless_slashes(rest: httpx.Client, base_url: str) -> None:
    assert rest.get(f"{base_url}//services/data/v60.0//LIMITS/").status_code == 200


def test_unknown_resources_and_wrong_methods(rest: httpx.Client) -> None:
    assert rest.get("nowhere").json() == [
        {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}
    ]
    answer = rest.put("limits")
    assert answer.status_code == 405
    assert answer.json() == [
        {
            "message": "HTTP Method 'PUT' not allowed. Allowed are GET",
            "errorCode": "METHOD_NOT_ALLOWED",
        }
    ]


def test_a_body_that_is_not_json_is_refused(rest: httpx.Client) -> None:
    answer = rest.post("sobjects/Account", content=b"{oops")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_too_long_a_url_and_too_long_headers_are_told_apart(rest: httpx.Client) -> None:
    assert rest.get("query", params={"q": "x" * 16_400}).status_code == 414
    assert (
        rest.get("query", params={"q": "x" * 8_000}, headers={"X-Long": "y" * 9_000}).status_code
        == 431
    )


def test_faults_can_be_planned_over_http_with_the_admin_token(
    http: httpx.Client, log_in: Callable[[], str]
) -> None:
    admin = {"Authorization": "Bearer root"}
    fault = {
        "kind": "answer",
        "path": "*/limits",
        "status": 500,
        "code": "UNKNOWN_EXCEPTION",
        "message": "boom",
    }

    assert http.get("/devorg/faults").status_code == 401
    assert http.post("/devorg/faults", json={"kind": "surprise"}, headers=admin).status_code == 400
    assert http.post("/devorg/faults", json={"key": "001x"}, headers=admin).json()["row_locks"] == [
        {"key": "001x", "times": 1}
    ]
    assert http.post("/devorg/faults", json=fault, headers=admin).status_code == 200
    session = {"Authorization": f"Bearer {log_in()}"}
    answer = http.get("/services/data/v60.0/limits", headers=session)
    assert (answer.status_code, answer.json()) == (
        500,
        [{"message": "boom", "errorCode": "UNKNOWN_EXCEPTION"}],
    )
    assert http.get("/services/data/v60.0/limits", headers=session).status_code == 200
    assert http.delete("/devorg/faults", headers=admin).json()["row_locks"] == []


def test_without_an_admin_token_there_is_no_such_route(org: Any, accounts: Any, clock: Any) -> None:
    with running(application(org, accounts, clock)) as base_url:
        answer = httpx.get(f"{base_url}/devorg/faults", headers={"Authorization": "Bearer x"})

    assert answer.status_code == 404
