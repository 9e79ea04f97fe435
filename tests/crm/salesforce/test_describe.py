"""Describes are asked for again only when they changed."""

import httpx
import pytest
import respx

from closedwon.crm.salesforce.describe import Describe
from closedwon.kernel.errors import NotFound, RetryLater
from crm.salesforce.org import BASE, Org

URL = f"{BASE}/sobjects/Opportunity/describe"
STAGES = [{"value": "Open", "active": True}, {"value": "Old", "active": False}]
BODY = {
    "name": "Opportunity",
    "fields": [
        {"name": "Amount", "type": "currency", "calculated": False, "referenceTo": []},
        {"name": "AccountId", "type": "reference", "referenceTo": ["Account"], "relationshipName": "Account"},
        {"name": "StageName", "type": "picklist", "picklistValues": STAGES},
        {"name": "Net__c", "type": "double", "calculated": True},
    ],
}  # fmt: skip


@respx.mock
def test_fields_carry_what_typing_a_formula_needs() -> None:
    respx.get(URL).respond(json=BODY)

    fields = Describe(Org().session).fields("Opportunity")

    assert (fields["Amount"].type, fields["Net__c"].calculated) == ("currency", True)
    assert (fields["AccountId"].reference_to, fields["AccountId"].relationship_name) == (
        ("Account",),
        "Account",
    )
    assert fields["StageName"].picklist_values == ("Open",)


@respx.mock
def test_an_unchanged_object_is_answered_from_memory() -> None:
    when = "Fri, 01 Mar 2024 11:00:00 GMT"
    route = respx.get(URL).mock(
        side_effect=[
            httpx.Response(200, json=BODY, headers={"Last-Modified": when}),
            httpx.Response(304),
        ]
    )
    describe = Describe(Org().session)

    first = describe.fields("Opportunity")

    assert describe.fields("Opportunity") is first
    assert route.calls.last.request.headers["if-modified-since"] == when


@respx.mock
def test_a_missing_object_is_not_found() -> None:
    respx.get(URL).respond(404, json=[{"errorCode": "NOT_FOUND", "message": "m"}])

    with pytest.raises(NotFound):
        Describe(Org().session).fields("Opportunity")


@respx.mock
@pytest.mark.parametrize("body", [{}, [], {"fields": None}])
def test_a_describe_without_fields_is_no_describe(body: object) -> None:
    respx.get(URL).respond(json=body)

    with pytest.raises(RetryLater):
        Describe(Org().session).fields("Opportunity")
