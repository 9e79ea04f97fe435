from typing import Any

import httpx
import pytest

from closedwon.devorg.http import Fault, Faults, Options, application, running


def test_a_dropped_request_may_or_may_not_have_happened(
    rest: httpx.Client, faults: Faults, org: Any
) -> None:
    faults.plan(Fault(kind="drop_before", path="*/sobjects/Account"))
    with pytest.raises(httpx.RemoteProtocolError):
        rest.post("sobjects/Account", json={"Name": "A"})
    assert org.count("Account") == 0

    faults.plan(Fault(kind="drop_after", path="*/sobjects/Account"))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        rest.post("sobjects/Account", json={"Name": "A"})
    assert org.count("Account") == 1

    assert rest.post("sobjects/Account", json={"Name": "A"}).status_code == 201


def test_a_slow_answer_runs_into_the_callers_timeout(rest: httpx.Client, faults: Faults) -> None:
    faults.plan(Fault(kind="slow", delay_ms=300))
    with pytest.raises(httpx.ReadTimeout):
        rest.get("limits", timeout=0.05)

    assert rest.get("limits", timeout=5).status_code == 200


def test_a_maintenance_page_is_not_json(rest: httpx.Client, faults: Faults) -> None:
    faults.plan(Fault(kind="answer", page="<html>Down for maintenance</html>"))
    answer = rest.get("limits")

    assert (answer.status_code, answer.text) == (503, "<html>Down for maintenance</html>")
    assert answer.headers["Content-Type"] == "text/html;charset=UTF-8"


def test_sessions_can_be_ended_at_a_chosen_request(rest: httpx.Client, faults: Faults) -> None:
    faults.plan(Fault(kind="expire_sessions", path="*/query"))

    assert rest.get("limits").status_code == 200
    assert rest.get("query", params={"q": "SELECT Id FROM Account"}).json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]


def test_latency_is_added_to_every_request(org: Any, accounts: Any, clock: Any) -> None:
    options = Options(latency_ms=80)
    with (
        running(application(org, accounts, clock, options)) as base_url,
        httpx.Client(base_url=base_url) as client,
    ):
        times = [client.get("/services/data").elapsed.total_seconds() for _ in range(2)]

    assert min(times) >= 0.08


def test_json_answers_say_so_and_empty_ones_have_no_type(rest: httpx.Client, org: Any) -> None:
    account = org.create("Account", {"Name": "A"}, org.admin_id)

    assert rest.get("limits").headers["Content-Type"] == "application/json;charset=UTF-8"
    assert "Content-Type" not in rest.delete(f"sobjects/Account/{account}").headers


def test_a_server_stops_cleanly_and_frees_its_port(org: Any, accounts: Any, clock: Any) -> None:
    app = application(org, accounts, clock)
    with running(app) as base_url:
        assert httpx.get(f"{base_url}/services/data").status_code == 200
    port = int(base_url.rsplit(":", 1)[1])
    with running(app, port=port) as again:
        assert httpx.get(f"{again}/services/data").status_code == 200
