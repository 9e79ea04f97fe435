from typing import Any

import httpx

PATH = "composite/tree/Account"


def node(reference: str, kind: str = "Account", **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": kind, "referenceId": reference}, **fields}


def test_children_are_created_below_their_parents(rest: httpx.Client, org: Any) -> None:
    children = {"records": [node("c1", "Commit__c", Name="C1"), node("c2", "Commit__c", Name="C2")]}
    answer = rest.post(
        PATH, json={"records": [node("a1", Name="A", Commits__r=children), node("a2", Name="B")]}
    )
    told = answer.json()

    assert (answer.status_code, told["hasErrors"]) == (201, False)
    ids = {each["referenceId"]: each["id"] for each in told["results"]}
    assert set(ids) == {"a1", "a2", "c1", "c2"}
    assert org.retrieve("Commit__c", ids["c2"])["Account__c"] == ids["a1"]


def test_one_refused_record_undoes_the_tree(rest: httpx.Client, org: Any) -> None:
    children = {"records": [node("c1", "Commit__c"), node("c2", "Commit__c", Name="C2")]}
    answer = rest.post(PATH, json={"records": [node("a1", Name="A", Commits__r=children)]})

    assert answer.status_code == 400
    assert answer.json() == {
        "hasErrors": True,
        "results": [
            {
                "referenceId": "c1",
                "errors": [
                    {
                        "statusCode": "REQUIRED_FIELD_MISSING",
                        "message": "Required fields are missing: [Name]",
                        "fields": ["Name"],
                    }
                ],
            }
        ],
    }
    assert (org.count("Account"), org.count("Commit__c")) == (0, 0)


def test_references_must_be_there_and_differ(rest: httpx.Client) -> None:
    twice = rest.post(PATH, json={"records": [node("a", Name="A"), node("a", Name="B")]})
    missing = rest.post(PATH, json={"records": [{"Name": "A"}]})
    many = rest.post(PATH, json={"records": [node(f"a{n}", Name="A") for n in range(201)]})

    assert [answer.status_code for answer in (twice, missing, many)] == [400, 400, 400]
