from typing import Any

import httpx


def test_describe_global_lists_the_objects(rest: httpx.Client) -> None:
    told = rest.get("sobjects").json()

    assert (told["encoding"], told["maxBatchSize"]) == ("UTF-8", 200)
    assert {"Account", "Opportunity", "SBQQ__Quote__c", "Commit__c"} <= {
        each["name"] for each in told["sobjects"]
    }


def test_describe_tells_the_fields_and_its_age(rest: httpx.Client) -> None:
    answer = rest.get("sobjects/commit__c/describe")
    fields = {field["name"]: field for field in answer.json()["fields"]}

    assert (fields["Key__c"]["externalId"], fields["Amount__c"]["type"]) == (True, "currency")
    assert answer.headers["Last-Modified"] == "Mon, 01 Jan 2024 00:00:00 GMT"


def test_a_copy_as_new_as_the_schema_answers_304(rest: httpx.Client) -> None:
    fresh = {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}
    stale = {"If-Modified-Since": "Sun, 31 Dec 2023 23:59:59 GMT"}
    answer = rest.get("sobjects/Account/describe", headers=fresh)

    assert (answer.status_code, answer.content) == (304, b"")
    assert rest.get("sobjects", headers=fresh).status_code == 304
    assert rest.get("sobjects/Account/describe", headers=stale).status_code == 200
    assert (
        rest.get("sobjects/Account/describe", headers={"If-Modified-Since": "x"}).status_code == 200
    )


def test_the_object_resource_is_its_global_entry(rest: httpx.Client) -> None:
    told = rest.get("sobjects/Account").json()

    assert told["objectDescribe"]["name"] == "Account"
    assert told["recentItems"] == []
    assert rest.get("sobjects/Nope__c").status_code == 404
    assert rest.get("sobjects/Nope__c/describe").status_code == 404


def test_record_counts_leave_out_empty_objects(rest: httpx.Client, org: Any) -> None:
    org.create("Account", {"Name": "A"}, org.admin_id)
    answer = rest.get("limits/recordCount", params={"sObjects": "account,Commit__c,Nope"})

    assert answer.json() == {"sObjects": [{"count": 1, "name": "Account"}]}


def test_the_version_lists_its_resources(rest: httpx.Client) -> None:
    assert rest.get("").json()["query"] == "/services/data/v60.0/query"
    assert rest.get("recent").json() == []
