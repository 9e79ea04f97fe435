"""One exchange: whole or Transient; limits on body and time; no plain http to strangers."""

import gzip

import httpx
import pytest
import respx

from closedwon.kernel.errors import ConfigError
from closedwon.transport import Limits, Transient, open_client, send
from closedwon.transport.client import require_private

URL = "https://acme.my.salesforce.com/x"


@respx.mock
def test_any_status_is_an_answer() -> None:
    respx.get(URL).respond(503, text="<html>maintenance</html>", headers={"Retry-After": "9"})

    answer = send(open_client(), "GET", URL)

    assert (answer.status, answer.headers["retry-after"]) == (503, "9")


@respx.mock
@pytest.mark.parametrize(
    "error",
    [httpx.ConnectTimeout, httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError],
)
def test_no_whole_answer_is_transient_and_names_the_host_only(error: type[Exception]) -> None:
    respx.get(URL).mock(side_effect=error("secret-in-detail"))

    with pytest.raises(Transient, match=r"acme\.my\.salesforce\.com") as caught:
        send(open_client(), "GET", URL + "?token=hidden")

    assert "secret-in-detail" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@respx.mock
def test_a_body_over_the_cap_is_refused_even_when_it_travels_small() -> None:
    bomb = gzip.compress(b"0" * 1_000_000)
    respx.get(URL).respond(200, content=bomb, headers={"Content-Encoding": "gzip"})

    with pytest.raises(Transient):
        send(open_client(), "GET", URL, limits=Limits(body_bytes_max=10_000))


@respx.mock
def test_an_answer_that_drips_past_the_deadline_is_dropped() -> None:
    respx.get(URL).respond(200, text="slow")

    with pytest.raises(Transient):
        send(open_client(), "GET", URL, limits=Limits(total_s=-1))


def test_plain_http_goes_to_this_machine_only() -> None:
    with pytest.raises(ConfigError, match="plain http"):
        send(open_client(), "GET", "http://acme.my.salesforce.com/x")


@respx.mock
def test_a_redirect_is_an_answer_and_never_followed() -> None:
    respx.get(URL).respond(302, headers={"Location": "https://elsewhere.example/"})

    assert send(open_client(), "GET", URL).status == 302


@pytest.mark.parametrize(
    "url", ["https://login.salesforce.com", "http://127.0.0.1:8123", "http://[::1]:1"]
)
def test_hosts_that_may_see_credentials(url: str) -> None:
    assert require_private(url) == url


@pytest.mark.parametrize(
    "url", ["http://login.salesforce.com", "ftp://x", "login.salesforce.com", "https://"]
)
def test_hosts_that_may_not(url: str) -> None:
    with pytest.raises(ConfigError):
        require_private(url)
