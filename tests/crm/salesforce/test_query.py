"""Pages: counted, checked, restarted by keyset; never "no more rows" by mistake (G3)."""

from typing import Any

import httpx
import pytest
import respx

from closedwon.crm.salesforce.errors import LocatorLost
from closedwon.crm.salesforce.query import Queries
from closedwon.crm.salesforce.soql import STAMP, Select
from closedwon.kernel.errors import RetryLater
from crm.salesforce.org import BASE, EXPIRED, Org, an_id, page, row

IDS = [an_id(number) for number in range(6)]
ROWS = [row("Opportunity", id_) for id_ in IDS]
SELECT = Select(object_name="Opportunity", fields=("Id", STAMP), where="IsWon = true")
LOST = httpx.Response(400, json=[{"errorCode": "INVALID_QUERY_LOCATOR", "message": "gone"}])


def first_page(**answer: Any) -> respx.Route:
    return respx.get(url__startswith=f"{BASE}/query?").respond(**answer)


def next_page(locator: str, *answers: Any) -> respx.Route:
    return respx.get(f"{BASE}/query/{locator}").mock(side_effect=list(answers))


def answer(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def read(org: Org | None = None, select: Select = SELECT) -> list[str]:
    return [found["Id"] for found in Queries((org or Org()).session).rows(select)]


@respx.mock
def test_pages_are_followed_to_the_end() -> None:
    first_page(json=page(ROWS[:2], total=6, more="x-2"))
    next_page("x-2", answer(page(ROWS[2:4], total=6, more="x-4")))
    next_page("x-4", answer(page(ROWS[4:], total=6)))

    assert read() == IDS


@respx.mock
def test_a_session_that_expires_between_pages_repeats_the_page() -> None:
    org = Org()
    org.tokens.current()
    org.clock.at = org.clock.at.replace(hour=18)
    first_page(json=page(ROWS[:2], total=6, more="x-2"))
    next_page("x-2", EXPIRED, answer(page(ROWS[2:], total=6)))

    assert read(org) == IDS
    assert org.logins.count == 2


@respx.mock
def test_attributes_are_left_out_of_rows_and_parents() -> None:
    parent = {"attributes": {"type": "Account"}, "Name": "Alpha"}
    first_page(json=page([row("opportunity", IDS[0], Account=parent, Owner=None)]))

    with_parent = Select(
        object_name="Opportunity", fields=("Account.Name", "Owner.Name"), where="Id != null"
    )
    (found,) = Queries(Org().session).rows(with_parent)

    assert found["Account"] == {"Name": "Alpha"}
    assert found["Owner"] is None
    assert "attributes" not in found


@respx.mock
def test_a_dead_cursor_goes_on_after_the_last_row_read() -> None:
    queries: list[str] = []

    def answered(request: httpx.Request) -> httpx.Response:
        queries.append(request.url.params["q"])
        rest = page(ROWS[2:]) if len(queries) == 2 else page(ROWS[:2], total=6, more="x-2")
        return answer(rest)

    respx.get(url__startswith=f"{BASE}/query?").mock(side_effect=answered)
    next_page("x-2", LOST)
    by_stamp = Select(
        object_name="Opportunity", fields=("Id", STAMP), where="IsWon = true", keys=(STAMP, "Id")
    )

    assert read(select=by_stamp) == IDS
    assert queries[1].endswith(
        "WHERE (IsWon = true) AND ((SystemModstamp > 2024-03-01T11:00:00Z) OR "
        f"(SystemModstamp = 2024-03-01T11:00:00Z AND Id > '{IDS[1]}')) ORDER BY SystemModstamp, Id"
    )


@respx.mock
def test_cursors_that_keep_dying_are_left_for_later() -> None:
    first_page(json=page(ROWS[:2], total=6, more="x-2"))
    respx.get(f"{BASE}/query/x-2").mock(return_value=LOST)

    with pytest.raises(RetryLater):
        read()


@respx.mock
def test_a_query_in_another_order_starts_again_from_its_first_row() -> None:
    by_name = Select(object_name="Opportunity", fields=("Id",), where="x = 1", keys=("Name", "Id"))
    first_page(json=page(ROWS[:2], total=6, more="x-2"))
    next_page("x-2", LOST, answer(page(ROWS[2:], total=6)))

    with pytest.raises(LocatorLost):
        read(select=by_name)
    next_page("x-2", LOST, answer(page(ROWS[2:], total=6)))
    (found,) = Queries(Org().session).together([by_name])
    assert [r["Id"] for r in found] == IDS


@respx.mock
@pytest.mark.parametrize(
    "body",
    [
        [],
        "ok",
        {},
        {"totalSize": 1, "done": True, "records": None},
        {"totalSize": "1", "done": True, "records": []},
        {"totalSize": 1, "done": True},
        {**page(ROWS), "done": True, "nextRecordsUrl": "/services/data/v60.0/query/x"},
        {**page(ROWS), "done": False},
        page(ROWS[:5], total=6),
        page([ROWS[0], ROWS[0]]),
        page([row("Account", IDS[0])]),
        page([{"attributes": {"type": "Opportunity"}}]),
        page(["row"]),  # type: ignore[list-item]
    ],
)
def test_what_is_not_a_whole_page_is_never_no_rows(body: Any) -> None:
    first_page(json=body)

    with pytest.raises(RetryLater):
        read()


@respx.mock
@pytest.mark.parametrize("second", [ROWS[:2], ROWS[4:], ROWS[2:3]])
def test_repeated_skipped_and_cut_pages_are_noticed(second: list[dict[str, Any]]) -> None:
    first_page(json=page(ROWS[:2], total=4, more="x-2"))
    next_page(
        "x-2", answer(page(second, total=4)) if second != ROWS[4:] else answer(page([], total=4))
    )

    with pytest.raises(RetryLater):
        read()


@respx.mock
def test_long_queries_travel_in_a_body() -> None:
    long = Select(object_name="Opportunity", fields=("Id",), where="Name = '" + "x" * 13_000 + "'")
    part = {"body": page(ROWS), "httpStatusCode": 200, "referenceId": "q0"}
    respx.post(f"{BASE}/composite").respond(json={"compositeResponse": [part]})

    assert read(select=long) == IDS


@respx.mock
def test_seven_queries_cost_two_calls() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        import json

        asked = json.loads(request.content)["compositeRequest"]
        parts = [
            {"body": page(ROWS[:1]), "httpStatusCode": 200, "referenceId": q["referenceId"]}
            for q in asked
        ]
        return answer({"compositeResponse": parts})

    route = respx.post(f"{BASE}/composite").mock(side_effect=answered)

    found = Queries(Org().session).together([SELECT] * 7)

    assert [len(rows) for rows in found] == [1] * 7
    assert route.call_count == 2
