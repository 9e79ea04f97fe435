from typing import Any

import httpx
import pytest

BASE = "/services/data/v60.0"


def call(method: str, path: str, reference: str, body: Any = None) -> dict[str, Any]:
    made = {"method": method, "url": f"{BASE}/{path}", "referenceId": reference}
    return made if body is None else {**made, "body": body}


def send(rest: httpx.Client, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Answers by reference id."""
    answer = rest.post("composite", json={"compositeRequest": list(calls), **more})
    assert answer.status_code == 200, answer.text
    told = answer.json()["compositeResponse"]
    assert [each["referenceId"] for each in told] == [each["referenceId"] for each in calls]
    return {each.pop("referenceId"): each for each in told}


def query(soql: str, reference: str) -> dict[str, Any]:
    return call("GET", "query?q=" + soql.replace(" ", "+"), reference)


def test_later_calls_refer_to_earlier_answers(rest: httpx.Client, org: Any) -> None:
    told = send(
        rest,
        call("POST", "sobjects/Account", "account", {"Name": "Acme & Co"}),
        call(
            "POST",
            "sobjects/Commit__c",
            "commit",
            {"Name": "of @{account.id}", "Account__c": "@{account.id}"},
        ),
        call("GET", "sobjects/Commit__c/@{commit.id}?fields=Name,Account__c", "read"),
        query("SELECT Id, Name FROM Account WHERE Id = '@{account.id}'", "query"),
        call(
            "PATCH",
            "sobjects/Commit__c/@{commit.id}",
            "rename",
            {"Name": "@{query.records[0].Name}"},
        ),
    )

    again = send(
        rest,
        query("SELECT Name FROM Account", "names"),
        query("SELECT Id FROM Account WHERE Name = '@{names.records[0].Name}'", "found"),
    )
    assert again["found"]["body"]["totalSize"] == 1
    account, commit = told["account"]["body"]["id"], told["commit"]["body"]["id"]
    assert told["account"] == {
        "body": {"id": account, "success": True, "errors": []},
        "httpHeaders": {"Location": f"{BASE}/sobjects/Account/{account}"},
        "httpStatusCode": 201,
    }
    assert told["read"]["body"]["Name"] == f"of {account}"
    assert told["rename"] == {"body": None, "httpHeaders": {}, "httpStatusCode": 204}
    record = org.retrieve("Commit__c", commit)
    assert (record["Name"], record["Account__c"]) == ("Acme & Co", account)


def test_a_failure_halts_only_the_calls_that_refer_to_it(rest: httpx.Client, org: Any) -> None:
    told = send(
        rest,
        call("POST", "sobjects/Account", "bad", {}),
        call("POST", "sobjects/Commit__c", "needs", {"Name": "A", "Account__c": "@{bad.id}"}),
        call("POST", "sobjects/Commit__c", "free", {"Name": "B"}),
    )

    assert [each["httpStatusCode"] for each in told.values()] == [400, 400, 201]
    assert told["bad"]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert told["needs"]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.count("Commit__c") == 1


def test_all_or_none_undoes_every_call(rest: httpx.Client, org: Any) -> None:
    told = send(
        rest,
        call("POST", "sobjects/Account", "good", {"Name": "Acme"}),
        call("POST", "sobjects/Account", "bad", {}),
        call("POST", "sobjects/Account", "later", {"Name": "Later"}),
        allOrNone=True,
    )
    halted = {
        "body": [
            {
                "message": "The transaction was rolled back since another operation in the same transaction failed.",
                "errorCode": "PROCESSING_HALTED",
            }
        ],
        "httpHeaders": {},
        "httpStatusCode": 400,
    }

    assert told["good"] == told["later"] == halted
    assert told["bad"]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert org.count("Account") == 0


@pytest.mark.parametrize(
    ("outer", "inner", "left", "undone"),
    [(False, False, 2, 0), (False, True, 1, 1), (True, False, 0, 1), (True, True, 0, 1)],
)
def test_the_outer_all_or_none_overrules_that_of_a_collection(
    rest: httpx.Client, org: Any, outer: Any, inner: Any, left: int, undone: int
) -> None:
    records = [
        {"attributes": {"type": "Account"}, "Name": "A"},
        {"attributes": {"type": "Account"}},
    ]
    collection = call(
        "POST", "composite/sobjects", "rows", {"allOrNone": inner, "records": records}
    )

    told = send(
        rest, call("POST", "sobjects/Account", "one", {"Name": "B"}), collection, allOrNone=outer
    )

    codes = [error["statusCode"] for row in told["rows"]["body"] for error in row["errors"]]
    assert org.count("Account") == left
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK"] * undone + ["REQUIRED_FIELD_MISSING"]
    assert told["one"]["httpStatusCode"] == (400 if outer else 201)


def test_unknown_objects_answer_inside_as_outside(rest: httpx.Client) -> None:
    told = send(rest, call("GET", "sobjects/Nope__c/describe", "nope"))

    assert told["nope"] == {
        "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
        "httpHeaders": {},
        "httpStatusCode": 404,
    }


def test_a_conditional_describe_answers_304_inside(rest: httpx.Client) -> None:
    asked = call("GET", "sobjects/Account/describe", "d")
    asked["httpHeaders"] = {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}

    assert send(rest, asked)["d"]["httpStatusCode"] == 304


@pytest.mark.parametrize(
    "calls",
    [
        [call("GET", "limits", f"r{n}") for n in range(26)],
        [query("SELECT Id FROM Account", f"r{n}") for n in range(5)]
        + [call("POST", "composite/sobjects", "c", {"records": []})],
        [call("GET", "limits", "same"), call("GET", "limits", "same")],
        [{"method": "GET", "url": f"{BASE}/limits"}],
    ],
    ids=["26 calls", "6 queries and collections", "a reference twice", "no reference"],
)
def test_too_much_or_malformed_is_refused_as_a_whole(rest: httpx.Client, calls: Any) -> None:
    assert rest.post("composite", json={"compositeRequest": calls}).status_code == 400


def test_one_composite_costs_one_api_request(rest: httpx.Client) -> None:
    answer = rest.post(
        "composite", json={"compositeRequest": [call("GET", "limits", f"r{n}") for n in range(25)]}
    )

    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/15000"


def test_a_batch_runs_independent_calls(rest: httpx.Client, org: Any) -> None:
    wanted = [
        {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "Acme"}},
        {"method": "GET", "url": "v60.0/sobjects/Nope__c"},
        {"method": "GET", "url": "v60.0/limits"},
    ]
    told = rest.post("composite/batch", json={"batchRequests": wanted}).json()
    halted = rest.post(
        "composite/batch", json={"batchRequests": wanted, "haltOnError": True}
    ).json()

    assert told["hasErrors"] is True
    assert [each["statusCode"] for each in told["results"]] == [201, 404, 200]
    assert [each["statusCode"] for each in halted["results"]] == [201, 404, 412]
    assert halted["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert org.count("Account") == 2
