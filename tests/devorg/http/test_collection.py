from typing import Any

import httpx

from closedwon.devorg.http import Faults

PATH = "composite/sobjects"
UPSERT = "composite/sobjects/Commit__c/Key__c"
ROLLED_BACK = {
    "success": False,
    "errors": [
        {
            "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "message": "Record rolled back because not all records were valid and the request was"
            " using AllOrNone header",
            "fields": [],
        }
    ],
}


def row(kind: str = "Commit__c", **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": kind}, **fields}


def send(rest: httpx.Client, method: str, path: str, records: list[Any], **more: Any) -> Any:
    answer = rest.request(method, path, json={"records": records, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes(results: list[Any]) -> list[str | None]:
    return [None if result["success"] else result["errors"][0]["statusCode"] for result in results]


def test_rows_succeed_and_fail_one_by_one_in_the_order_sent(rest: httpx.Client, org: Any) -> None:
    results = send(rest, "POST", PATH, [row(Name="A"), row(), row("Account", Name="B")])

    assert codes(results) == [None, "REQUIRED_FIELD_MISSING", None]
    assert results[0] == {"id": results[0]["id"], "success": True, "errors": []}
    assert results[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    assert (org.count("Commit__c"), org.count("Account")) == (1, 1)


def test_all_or_none_undoes_the_innocent_rows(rest: httpx.Client, org: Any) -> None:
    results = send(rest, "POST", PATH, [row(Name="A"), row(), row(Name="B")], allOrNone=True)

    assert codes(results)[1] == "REQUIRED_FIELD_MISSING"
    assert [results[0], results[2]] == [ROLLED_BACK, ROLLED_BACK]
    assert org.count("Commit__c") == 0


def test_upserts_say_which_were_created(rest: httpx.Client, org: Any) -> None:
    records = [row(key__c="1", Name="A"), row(Key__c="2", Name="B")]
    first = send(rest, "PATCH", UPSERT, records)
    second = send(rest, "PATCH", UPSERT, records)

    assert [result["created"] for result in first] == [True, True]
    assert second == [
        {"id": result["id"], "success": True, "errors": [], "created": False} for result in first
    ]


def test_one_key_twice_in_a_call_fails_both_rows_and_only_them(
    rest: httpx.Client, org: Any
) -> None:
    results = send(
        rest,
        "PATCH",
        UPSERT,
        [
            row(Key__c="x", Name="A"),
            row(Key__c="y", Name="B"),
            row(Key__c="X", Name="C"),
            row(Name="D"),
        ],
    )

    assert codes(results) == ["DUPLICATE_VALUE", None, "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert results[0]["errors"][0]["message"] == "Duplicate external id specified: x"
    assert org.count("Commit__c") == 1


def test_upserting_by_id_without_an_id_inserts(rest: httpx.Client, org: Any) -> None:
    known = org.create("Commit__c", {"Name": "A"}, org.admin_id)
    results = send(
        rest,
        "PATCH",
        "composite/sobjects/Commit__c/Id",
        [row(Id=None, Name="B"), row(Id=known, Name="C")],
    )

    assert [result["created"] for result in results] == [True, False]
    assert org.retrieve("Commit__c", known)["Name"] == "C"


def test_updates_take_the_id_in_any_case_and_once_per_call(rest: httpx.Client, org: Any) -> None:
    one, two = (org.create("Commit__c", {"Name": name}, org.admin_id) for name in "AB")
    results = send(
        rest,
        "PATCH",
        PATH,
        [row(id=one, Name="C"), row(Id=two, Name="D"), row(id=two[:15], Name="E"), row(Name="F")],
    )

    assert codes(results) == [None, "DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert results[0] == {"id": one, "success": True, "errors": []}
    assert org.retrieve("Commit__c", one)["Name"] == "C"


def test_deletes_take_ids_of_mixed_types(rest: httpx.Client, org: Any) -> None:
    commit = org.create("Commit__c", {"Name": "A"}, org.admin_id)
    account = org.create("Account", {"Name": "B"}, org.admin_id)
    answer = rest.delete(
        PATH, params={"ids": f"{commit},{account},{commit},zzz", "allOrNone": "false"}
    )

    assert codes(answer.json()) == [None, None, "ENTITY_IS_DELETED", "MALFORMED_ID"]
    assert (org.count("Commit__c"), org.count("Account")) == (0, 0)


def test_all_or_none_deletes_restore_what_was_deleted(rest: httpx.Client, org: Any) -> None:
    commit = org.create("Commit__c", {"Name": "A"}, org.admin_id)
    answer = rest.delete(PATH, params={"ids": f"{commit},zzz", "allOrNone": "true"})

    assert answer.json()[0] == ROLLED_BACK
    assert org.count("Commit__c") == 1


def test_reads_return_null_for_what_is_missing(rest: httpx.Client, org: Any) -> None:
    commit = org.create("Commit__c", {"Name": "A"}, org.admin_id)
    gone = org.create("Commit__c", {"Name": "B"}, org.admin_id)
    org.delete("Commit__c", gone, org.admin_id)
    got = rest.get(
        f"{PATH}/Commit__c", params={"ids": f"{commit},{gone}", "fields": "Id,Name"}
    ).json()
    posted = rest.post(
        f"{PATH}/Commit__c", json={"ids": [commit, gone], "fields": ["Id", "Name"]}
    ).json()

    assert got == posted
    assert (got[0]["Name"], got[1]) == ("A", None)


def test_limits_refuse_the_whole_call(rest: httpx.Client, org: Any) -> None:
    many = rest.post(PATH, json={"records": [row(Name="A")] * 201})
    mixed = [row("Account" if n % 2 else "Commit__c", Name="A") for n in range(11)]
    chunks = rest.post(PATH, json={"records": mixed})

    for answer in (many, chunks):
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    assert org.count("Commit__c") == 0
    assert codes(send(rest, "POST", PATH, mixed[:10])) == [None] * 10


def test_a_locked_row_fails_alone(rest: httpx.Client, faults: Faults) -> None:
    faults.lock_row("2", times=1)
    records = [row(Key__c=str(n), Name="A") for n in range(4)]

    assert codes(send(rest, "PATCH", UPSERT, records)) == [None, None, "UNABLE_TO_LOCK_ROW", None]
    assert codes(send(rest, "PATCH", UPSERT, records)) == [None] * 4


def test_one_call_costs_one_api_request(rest: httpx.Client) -> None:
    answer = rest.post(PATH, json={"records": [row(Name="A")] * 200})

    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/15000"
