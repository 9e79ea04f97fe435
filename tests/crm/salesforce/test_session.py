"""Calls: exact numbers, one login per expiry, retries by class, the org's own clock."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from closedwon.crm.salesforce.budget import Share
from closedwon.crm.salesforce.errors import LocatorLost
from closedwon.kernel.errors import (
    AuthFailed,
    ClosedwonError,
    LimitReached,
    Refused,
    RetryLater,
)
from closedwon.transport import Transient
from crm.salesforce.org import BASE, EXPIRED, HOST, ORG, Org

OK = httpx.Response(200, json={"ok": True})
URL = f"{BASE}/limits"


@respx.mock
def test_numbers_are_exact_and_the_token_is_sent() -> None:
    route = respx.get(URL).respond(text='{"a":0.1,"b":7}')

    body = Org().session.get("limits").body

    assert body == {"a": Decimal("0.1"), "b": 7}
    assert route.calls.last.request.headers["authorization"] == f"Bearer {ORG[:15]}!token1"
    assert "x-prettyprint" not in route.calls.last.request.headers


@respx.mock
def test_an_expired_session_is_renewed_once_and_the_call_repeated() -> None:
    org = Org()
    route = respx.get(URL).mock(side_effect=[OK, EXPIRED, OK])
    org.session.get("limits")
    org.clock.at += timedelta(hours=3)

    assert org.session.get("limits").body == {"ok": True}
    assert org.logins.count == 2
    assert route.calls.last.request.headers["authorization"].endswith("!token2")


@respx.mock
def test_a_session_refused_right_after_login_is_an_auth_failure() -> None:
    org = Org()
    org.tokens.current()
    org.clock.at += timedelta(hours=3)
    route = respx.get(URL).mock(side_effect=[EXPIRED] * 9)

    with pytest.raises(AuthFailed):
        org.session.get("limits")
    assert (org.logins.count, route.call_count) == (2, 2)


@respx.mock
@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectTimeout("t"),
        httpx.ReadTimeout("t"),
        httpx.ConnectError("t"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(500, text="<html>"),
        httpx.Response(503, headers={"Retry-After": "3"}),
        httpx.Response(429),
        httpx.Response(200, text='{"records":['),
        httpx.Response(200, text='{"a":NaN}'),
        httpx.Response(200, text='{"a":1,"a":2}'),
        httpx.Response(400, json=[{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "m"}]),
    ],
)  # fmt: skip
def test_weather_is_waited_out(trouble: Any) -> None:
    org = Org()
    respx.get(URL).mock(side_effect=[trouble, trouble, OK])

    assert org.session.get("limits").body == {"ok": True}
    assert len(org.clock.slept) == 2


@respx.mock
def test_weather_that_lasts_becomes_a_later_try() -> None:
    org = Org()
    route = respx.get(URL).respond(503)

    with pytest.raises(RetryLater):
        org.session.get("limits")
    assert route.call_count == org.patience.attempts_max
    assert org.logins.count == 1


@respx.mock
@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(400, json=[{"errorCode": "MALFORMED_QUERY", "message": "m"}]), Refused),
        (httpx.Response(403, json=[{"errorCode": "INSUFFICIENT_ACCESS", "message": "m"}]), AuthFailed),
        (httpx.Response(403, json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]), LimitReached),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example"}), Refused),
    ],
)  # fmt: skip
def test_what_waiting_does_not_cure_is_raised_at_once(
    response: httpx.Response, kind: type[ClosedwonError]
) -> None:
    org = Org()
    route = respx.get(URL).mock(return_value=response)

    with pytest.raises(kind):
        org.session.get("limits")
    assert (route.call_count, org.clock.slept) == (1, [])


@respx.mock
def test_after_the_limit_no_further_call_leaves() -> None:
    org = Org()
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    route = respx.get(URL).respond(403, json=body)

    for _ in range(3):
        with pytest.raises(LimitReached):
            org.session.get("limits")
    assert route.call_count == 1


@respx.mock
def test_others_using_the_pool_make_us_stop() -> None:
    org = Org(Share(stop_at_used_percent=80))
    route = respx.get(URL).respond(json={}, headers={"Sforce-Limit-Info": "api-usage=95/100"})
    org.session.get("limits")

    with pytest.raises(LimitReached):
        org.session.get("limits")
    assert route.call_count == 1
    assert org.session.usage().used == 95


@respx.mock
def test_the_clock_is_the_orgs_and_costs_no_api_call() -> None:
    org = Org()
    respx.get(f"{HOST}/services/data/").respond(
        json=[], headers={"Date": "Fri, 01 Mar 2024 11:58:30 GMT"}
    )

    assert org.session.server_now() == datetime(2024, 3, 1, 11, 58, 30, tzinfo=UTC)
    assert org.session.usage().ours == 0


@respx.mock
@pytest.mark.parametrize(
    "answer", [{"json": []}, {"json": [], "headers": {"Date": "noon"}}, {"status_code": 503}]
)
def test_without_a_date_there_is_no_clock(answer: dict[str, Any]) -> None:
    respx.get(f"{HOST}/services/data/").respond(**answer)

    with pytest.raises(Transient):
        Org().session.server_now()


@respx.mock
def test_reads_together_travel_in_one_composite_call() -> None:
    org = Org()
    parts = [{"body": {"n": n}, "httpStatusCode": 200, "referenceId": f"q{n}"} for n in (0, 1)]
    route = respx.post(f"{BASE}/composite").respond(json={"compositeResponse": parts})

    replies = org.session.read_together({"q0": "/services/data/v60.0/a", "q1": "/b"})

    assert [reply.body for reply in replies.values()] == [{"n": 0}, {"n": 1}]
    assert b'"url":"/services/data/v60.0/a"' in route.calls.last.request.content


@respx.mock
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"compositeResponse": []}, Transient),
        ({"compositeResponse": [{"body": {}, "httpStatusCode": 200, "referenceId": "other"}]}, Transient),
        ({"compositeResponse": None}, Transient),
        ([], Transient),
        ({"compositeResponse": [{"body": [{"errorCode": "INVALID_FIELD", "message": "m"}], "httpStatusCode": 400, "referenceId": "q0"}]}, Refused),
        ({"compositeResponse": [{"body": [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "m"}], "httpStatusCode": 400, "referenceId": "q0"}]}, LocatorLost),
    ],
)  # fmt: skip
def test_a_composite_answer_to_something_else_is_lost(answer: Any, kind: type[Exception]) -> None:
    respx.post(f"{BASE}/composite").respond(json=answer)

    with pytest.raises(kind):
        Org().session.read_together({"q0": "/x"})


def test_a_next_page_of_another_version_is_not_followed() -> None:
    with pytest.raises(LocatorLost):
        Org().session.get("/services/data/v12.0/query/0r8x-2000")
