"""simple-salesforce, unmodified, through our httpx client."""

from decimal import Decimal

import httpx
import pytest
import requests
import respx
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceRefusedRequest

from closedwon.transport import open_client, session_over

BASE = "https://acme.my.salesforce.com"


def salesforce() -> Salesforce:
    return Salesforce(
        session_id="00D!token",
        instance_url=BASE,
        session=session_over(open_client()),
        parse_float=Decimal,
    )


@respx.mock
def test_simple_salesforce_queries_through_httpx() -> None:
    route = respx.get(url__startswith=f"{BASE}/services/data/v59.0/query/").respond(
        json={"totalSize": 1, "done": True, "records": [{"Amount": 1.5}]}
    )

    rows = salesforce().query("SELECT Amount FROM Opportunity")["records"]

    assert rows[0]["Amount"] == Decimal("1.5")
    assert route.calls.last.request.headers["Authorization"] == "Bearer 00D!token"
    assert route.calls.last.request.url.params["q"] == "SELECT Amount FROM Opportunity"


@respx.mock
def test_compressed_answers_are_decoded_once() -> None:
    import gzip

    body = gzip.compress(b'{"DailyApiRequests":{"Max":5,"Remaining":4}}')
    respx.get(f"{BASE}/services/data/v59.0/limits/").respond(
        content=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
    )

    assert salesforce().limits()["DailyApiRequests"]["Remaining"] == 4


@respx.mock
def test_errors_keep_status_and_body() -> None:
    respx.get(f"{BASE}/services/data/v59.0/limits/").respond(
        403,
        json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
    )

    with pytest.raises(SalesforceRefusedRequest) as caught:
        salesforce().limits()

    assert caught.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


@respx.mock
@pytest.mark.parametrize(
    ("inner", "outer"),
    [(httpx.ReadTimeout, requests.Timeout), (httpx.ConnectError, requests.ConnectionError)],
)
def test_transport_errors_become_the_ones_requests_users_expect(
    inner: type[Exception], outer: type[Exception]
) -> None:
    respx.get(f"{BASE}/services/data/v59.0/limits/").mock(side_effect=inner("cut"))

    with pytest.raises(outer):
        salesforce().limits()


@respx.mock
def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    respx.get(f"{BASE}/a").respond(302, headers={"Location": "https://elsewhere.example/"})
    respx.get(f"{BASE}/b").respond(200, headers={"Set-Cookie": "BrowserId=x"})
    session = session_over(open_client())

    with pytest.raises(requests.TooManyRedirects):
        session.get(f"{BASE}/a")
    session.get(f"{BASE}/b")

    assert not list(session.cookies)
