from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from closedwon.devorg.http import Faults

OK = {"success": True, "errors": []}


@pytest.fixture
def commit(org: Any) -> Callable[..., str]:
    def create(**fields: Any) -> str:
        return str(org.create("Commit__c", {"Name": "C", **fields}, org.admin_id))

    return create


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert list(answer.json()[0])[:2] in (["message", "errorCode"], ["errorCode", "message"])
    return answer.status_code, answer.json()[0]["errorCode"]


def test_a_record_lives_from_create_to_delete(rest: httpx.Client, org: Any) -> None:
    created = rest.post("sobjects/commit__C/", json={"name": "C", "Amount__c": 12.5})
    record_id = created.json()["id"]
    path = f"sobjects/Commit__c/{record_id}"

    assert (created.status_code, created.json()) == (201, {"id": record_id, **OK})
    assert created.headers["Location"] == f"/services/data/v60.0/{path}"
    read = rest.get(path).json()
    assert next(iter(read)) == "attributes"
    assert (read["Id"], read["Name"], read["Amount__c"], read["CreatedById"]) == (
        record_id,
        "C",
        12.5,
        org.admin_id,
    )

    patched = rest.patch(path, json={"Amount__c": None})
    assert (patched.status_code, patched.content) == (204, b"")
    fields = rest.get(path, params={"fields": "Name, amount__c"}).json()
    assert list(fields)[1:] in (["Name", "Amount__c"], ["Name", "Amount__c", "Id"])
    assert fields["Amount__c"] is None

    deleted = rest.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert refusal(rest.get(path))[0] == 404
    assert refusal(rest.patch(path, json={"Name": "D"})) == (404, "ENTITY_IS_DELETED")


def test_numbers_arrive_exactly(rest: httpx.Client, org: Any) -> None:
    body = b'{"Name":"C","Amount__c":12345678901234.05}'
    record_id = rest.post("sobjects/Commit__c", content=body).json()["id"]

    assert org.retrieve("Commit__c", record_id)["Amount__c"] == Decimal("12345678901234.05")


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ({"Name": "C", "Unit__c": "too long"}, "STRING_TOO_LONG", ["Unit__c"]),
        ({"Name": "C", "Nope__c": 1}, "INVALID_FIELD", None),
    ],
)
def test_refused_writes_name_their_fields(
    rest: httpx.Client, fields: Any, code: str, named: Any
) -> None:
    answer = rest.post("sobjects/Commit__c", json=fields)

    assert refusal(answer) == (400, code)
    assert "fields" in answer.json()[0]
    if named is not None:
        assert answer.json()[0]["fields"] == named


def test_unknown_objects_and_bodies_that_are_no_object_are_refused(rest: httpx.Client) -> None:
    assert refusal(rest.post("sobjects/Nope__c", json={})) == (404, "NOT_FOUND")
    assert refusal(rest.post("sobjects/Account", json=[])) == (400, "JSON_PARSER_ERROR")
    assert refusal(rest.post("sobjects/Account", content=b'{"Name":"a","Name":"b"}')) == (
        400,
        "JSON_PARSER_ERROR",
    )


def test_upsert_answers_201_then_200(rest: httpx.Client) -> None:
    created = rest.patch("sobjects/Commit__c/key__c/k-1", json={"Name": "C"})
    updated = rest.patch("sobjects/Commit__c/Key__c/k-1", json={"Name": "D"})
    record_id = created.json()["id"]

    assert (created.status_code, created.json()) == (201, {"id": record_id, **OK, "created": True})
    assert (updated.status_code, updated.json()) == (200, {"id": record_id, **OK, "created": False})
    assert rest.get("sobjects/Commit__c/Key__c/k-1").json()["Name"] == "D"


def test_before_version_46_an_upsert_that_updates_answers_204(
    rest: httpx.Client, base_url: str
) -> None:
    path = f"{base_url}/services/data/v45.0/sobjects/Commit__c/Key__c/k-1"

    assert rest.patch(path, json={"Name": "C"}).status_code == 201
    answer = rest.patch(path, json={"Name": "C"})
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_key_is_percent_decoded(rest: httpx.Client, org: Any) -> None:
    rest.patch("sobjects/Commit__c/Key__c/a%20b%2Fc%2Bd", json={"Name": "C"})

    assert len(org.find("Commit__c", "Key__c", "a b/c+d")) == 1


def test_the_key_may_not_stand_in_the_body_too(rest: httpx.Client) -> None:
    answer = rest.patch("sobjects/Commit__c/Key__c/k", json={"Name": "C", "key__c": "k"})

    assert refusal(answer) == (400, "INVALID_FIELD")


def test_update_only_never_inserts(rest: httpx.Client) -> None:
    answer = rest.patch(
        "sobjects/Commit__c/Key__c/k", params={"updateOnly": "true"}, json={"Name": "C"}
    )

    assert refusal(answer) == (404, "NOT_FOUND")


def test_a_key_that_several_records_have_answers_300_with_their_addresses(
    rest: httpx.Client, commit: Callable[..., str]
) -> None:
    ids = {commit(Ref__c="same"), commit(Ref__c="same")}
    addresses = {f"/services/data/v60.0/sobjects/Commit__c/{found}" for found in ids}

    for answer in (
        rest.get("sobjects/Commit__c/Ref__c/same"),
        rest.patch("sobjects/Commit__c/Ref__c/same", json={"Name": "C"}),
        rest.delete("sobjects/Commit__c/Ref__c/same"),
    ):
        assert answer.status_code == 300
        assert set(answer.json()) == addresses


def test_delete_by_key(rest: httpx.Client, commit: Callable[..., str]) -> None:
    commit(Key__c="k")

    assert rest.delete("sobjects/Commit__c/Key__c/k").status_code == 204
    assert refusal(rest.get("sobjects/Commit__c/Key__c/k")) == (404, "NOT_FOUND")
    assert refusal(rest.delete("sobjects/Commit__c/Key__c/k")) == (404, "NOT_FOUND")


def test_relationships_lead_to_the_parent_and_to_the_children(
    rest: httpx.Client, org: Any, commit: Callable[..., str]
) -> None:
    account = org.create("Account", {"Name": "Acme"}, org.admin_id)
    first, _ = commit(Account__c=account), commit()

    assert rest.get(f"sobjects/Commit__c/{first}/Account__r").json()["Name"] == "Acme"
    children = rest.get(f"sobjects/Account/{account}/Commits__r").json()
    assert [row["Id"] for row in children["records"]] == [first]
    assert refusal(rest.get(f"sobjects/Account/{account}/Nope__r")) == (404, "NOT_FOUND")


def test_an_unchanged_record_answers_304(
    rest: httpx.Client, clock: Any, commit: Callable[..., str]
) -> None:
    path = f"sobjects/Commit__c/{commit()}"
    clock.forward(minutes=1)
    since = {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:30 GMT"}

    assert rest.get(path, headers=since).status_code == 304
    rest.patch(path, json={"Name": "D"})
    assert rest.get(path, headers=since).status_code == 200


def test_a_planned_row_lock_refuses_the_write_once(
    rest: httpx.Client, faults: Faults, org: Any, commit: Callable[..., str]
) -> None:
    account = org.create("Account", {"Name": "Acme"}, org.admin_id)
    record = commit(Account__c=account)
    faults.lock_row(account)
    answer = rest.patch(f"sobjects/Commit__c/{record}", json={"Account__c": account})

    assert answer.json() == [
        {
            "message": f"unable to obtain exclusive access to this record or 1 records: {account}",
            "errorCode": "UNABLE_TO_LOCK_ROW",
            "fields": [],
        }
    ]
    assert (
        rest.patch(f"sobjects/Commit__c/{record}", json={"Account__c": account}).status_code == 204
    )
