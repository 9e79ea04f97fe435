from decimal import Decimal
from typing import Any

import httpx
import pytest

BATCH = {"Sforce-Query-Options": "batchSize=200"}


@pytest.fixture
def commits(org: Any) -> list[str]:
    """450 commits named C000 to C449."""
    with org.transaction():
        return [org.create("Commit__c", {"Name": f"C{n:03}"}, org.admin_id) for n in range(450)]


def ask(rest: httpx.Client, soql: str, **headers: str) -> Any:
    answer = rest.get("query", params={"q": soql}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_values_are_written_by_salesforces_rules(rest: httpx.Client, org: Any) -> None:
    account = org.create("Account", {"Name": "Acme"}, org.admin_id)
    fields = {"Name": "C", "Amount__c": 50000, "Account__c": account}
    commit = org.create("Commit__c", fields, org.admin_id)
    org.create("Commit__c", {"Name": "D", "Amount__c": Decimal("12345678.5")}, org.admin_id)
    soql = "SELECT Name, Amount__c, Unit__c, IsDeleted, CreatedDate, Account__r.Name FROM Commit__c ORDER BY Name"
    text = rest.get("query", params={"q": soql}).text

    assert text.startswith(
        '{"totalSize":2,"done":true,"records":[{"attributes":{"type":"Commit__c",'
    )
    assert f'"url":"/services/data/v60.0/sobjects/Commit__c/{commit}"' in text
    assert (
        '"Name":"C","Amount__c":50000.0,"Unit__c":null,"IsDeleted":false,'
        '"CreatedDate":"2024-01-01T00:00:00.000+0000","Account__r":{"attributes":{"type":"Account",'
    ) in text
    assert '"Name":"D","Amount__c":1.23456785E7,' in text
    assert text.endswith('"Account__r":null}]}')


def test_pages_follow_each_other_to_the_end(
    rest: httpx.Client, base_url: str, commits: list[str]
) -> None:
    page = ask(rest, "SELECT Id FROM Commit__c ORDER BY Name", **BATCH)
    seen = [row["Id"] for row in page["records"]]
    sizes = [len(seen)]
    while not page["done"]:
        assert page["nextRecordsUrl"].startswith("/services/data/v60.0/query/0r8")
        assert page["totalSize"] == 450
        page = rest.get(base_url + page["nextRecordsUrl"]).json()
        sizes.append(len(page["records"]))
        seen += [row["Id"] for row in page["records"]]

    assert (seen, sizes) == (commits, [200, 200, 50])
    assert "nextRecordsUrl" not in page


def test_a_last_page_that_is_full_has_no_successor(
    rest: httpx.Client, base_url: str, commits: list[str]
) -> None:
    first = ask(rest, "SELECT Id FROM Commit__c LIMIT 400", **BATCH)
    second = rest.get(base_url + first["nextRecordsUrl"]).json()

    assert (len(second["records"]), second["done"], second["totalSize"]) == (200, True, 400)
    assert "nextRecordsUrl" not in second


def test_a_page_may_be_fetched_again(rest: httpx.Client, base_url: str, commits: list[str]) -> None:
    following = base_url + ask(rest, "SELECT Id FROM Commit__c", **BATCH)["nextRecordsUrl"]

    assert rest.get(following).json() == rest.get(following).json()


def test_without_the_header_a_page_holds_two_thousand(
    rest: httpx.Client, commits: list[str]
) -> None:
    assert ask(rest, "SELECT Id FROM Commit__c")["done"] is True


@pytest.mark.parametrize("size", ["199", "2001", "many", ""])
def test_a_batch_size_out_of_range_is_refused(rest: httpx.Client, size: str) -> None:
    answer = rest.get(
        "query",
        params={"q": "SELECT Id FROM Account"},
        headers={"Sforce-Query-Options": f"batchSize={size}"},
    )

    assert answer.json()[0]["errorCode"] == "INVALID_BATCH_SIZE"


@pytest.mark.parametrize("locator", ["0r8Hs0000000009AAA-200", "x", "-1", "0r8Hs0000000001AAA-x"])
def test_an_unknown_locator_is_refused(rest: httpx.Client, locator: str) -> None:
    answer = rest.get(f"query/{locator}")

    assert (answer.status_code, answer.json()) == (
        400,
        [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}],
    )


def test_the_eleventh_cursor_drops_the_first(
    rest: httpx.Client, base_url: str, commits: list[str]
) -> None:
    pages = [ask(rest, "SELECT Id FROM Commit__c", **BATCH) for _ in range(11)]
    answers = [rest.get(base_url + page["nextRecordsUrl"]).status_code for page in pages]

    assert answers == [400] + [200] * 10


def test_query_all_shows_deleted_rows_and_its_pages_are_served_at_query(
    rest: httpx.Client, base_url: str, org: Any, commits: list[str]
) -> None:
    for commit in commits[:250]:
        org.delete("Commit__c", commit, org.admin_id)
    soql = "SELECT Id, IsDeleted FROM Commit__c WHERE IsDeleted = true"

    assert ask(rest, "SELECT Id FROM Commit__c")["totalSize"] == 200
    first = rest.get("queryAll", params={"q": soql}, headers=BATCH).json()
    assert first["totalSize"] == 250
    assert "/query/" in first["nextRecordsUrl"]
    again = first["nextRecordsUrl"].replace("/query/", "/queryAll/")
    assert rest.get(base_url + again).json() == rest.get(base_url + first["nextRecordsUrl"]).json()


def test_plus_and_percent_20_both_mean_space(rest: httpx.Client, base_url: str) -> None:
    path = f"{base_url}/services/data/v60.0/query/?q="

    assert rest.get(path + "SELECT+Id+FROM+Account").status_code == 200
    assert rest.get(path + "SELECT%20Id%20FROM%20Account").status_code == 200


def test_count_has_a_total_and_no_rows(rest: httpx.Client, commits: list[str]) -> None:
    assert ask(rest, "SELECT count() FROM Commit__c") == {
        "totalSize": 450,
        "done": True,
        "records": [],
    }


def test_a_malformed_statement_is_a_list_with_one_error(rest: httpx.Client) -> None:
    answer = rest.get("query", params={"q": "SELEC Id FROM Account"})

    assert answer.status_code == 400
    assert [sorted(error) for error in answer.json()] == [["errorCode", "message"]]
    assert answer.json()[0]["errorCode"] == "MALFORMED_QUERY"
    assert rest.get("query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_an_unknown_field_gets_the_caret_text(rest: httpx.Client) -> None:
    error = rest.get("query", params={"q": "SELECT Id,Foo FROM Account"}).json()[0]

    assert error["errorCode"] == "INVALID_FIELD"
    assert "ERROR at Row:1:Column:11\nNo such column 'Foo' on entity 'Account'." in error["message"]
