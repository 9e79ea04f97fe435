"""Upserts: per row, keyed, resent where it helps, cut where one row spoils the rest (G14, G15)."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.crm.salesforce.write import Write
from closedwon.kernel.errors import AuthFailed, LimitReached, NotFound, Refused, RetryLater
from closedwon.ports import RowResult
from crm.salesforce.org import BASE, Org, an_id

URL = f"{BASE}/composite/sobjects/Meter_Commit__c/Key__c"
LOCKED = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain access", "fields": []}


def refusal(code: str, *fields: str) -> dict[str, Any]:
    return {
        "success": False,
        "errors": [{"statusCode": code, "message": "m", "fields": list(fields)}],
    }


class Salesforce:
    """Answers upserts; ``verdict`` gives the error of a key, or None when the row is written."""

    def __init__(self, verdict: Callable[[str, int], dict[str, Any] | None]) -> None:
        self.verdict = verdict
        self.sent: list[list[str]] = []
        self.written: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        records = json.loads(request.content)["records"]
        keys = [record["Key__c"] for record in records]
        tries = [sum(key in batch for batch in self.sent) for key in keys]
        self.sent.append(keys)
        assert len(keys) <= 200
        answers = [self.row(key, tried) for key, tried in zip(keys, tries, strict=True)]
        return httpx.Response(200, json=answers)

    def row(self, key: str, tried: int) -> dict[str, Any]:
        refused = self.verdict(key, tried)
        if refused is None:
            created = key not in self.written
            self.written.append(key)
            number = 10_000 + self.written.index(key)
            return {"id": an_id(number), "success": True, "errors": [], "created": created}
        return {"success": False, "errors": [refused]}


def push(salesforce: Any, keys: list[str]) -> tuple[RowResult, ...]:
    org = Org()
    with respx.mock:
        respx.patch(URL).mock(side_effect=salesforce)
        rows = [{"Key__c": key, "Balance__c": Decimal("0.10")} for key in keys]
        return Write(org.session, org.patience).upsert("Meter_Commit__c", "Key__c", rows)


def test_rows_travel_in_chunks_with_exact_numbers() -> None:
    bodies: list[bytes] = []
    salesforce = Salesforce(lambda _key, _tried: None)

    def answered(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return salesforce(request)

    results = push(answered, [f"k{n}" for n in range(401)])

    assert all(result.ok and result.created for result in results)
    assert [len(batch) for batch in salesforce.sent] == [200, 200, 1]
    assert b'"allOrNone":false' in bodies[0]
    assert b'{"attributes":{"type":"Meter_Commit__c"},"Key__c":"k0","Balance__c":0.1}' in bodies[0]


@settings(max_examples=25, deadline=None)
@given(locked=st.sets(st.integers(0, 30)), refused=st.sets(st.integers(0, 30)))
def test_only_locked_rows_are_sent_again(locked: set[int], refused: set[int]) -> None:
    keys = [f"k{n}" for n in range(31)]
    again = {f"k{n}" for n in locked}
    bad = {f"k{n}" for n in refused} - again

    def verdict(key: str, tried: int) -> dict[str, Any] | None:
        if key in again and tried < 2:
            return LOCKED
        return refusal("REQUIRED_FIELD_MISSING", "Name")["errors"][0] if key in bad else None

    salesforce = Salesforce(verdict)
    results = push(salesforce, keys)

    assert [result.ok for result in results] == [key not in bad for key in keys]
    assert {key: sum(key in batch for batch in salesforce.sent) for key in keys} == {
        key: 3 if key in again else 1 for key in keys
    }


def test_a_lock_that_never_clears_is_reported_and_stays_retryable() -> None:
    salesforce = Salesforce(lambda key, _tried: LOCKED if key == "k1" else None)

    results = push(salesforce, ["k0", "k1", "k2"])

    assert [(r.ok, r.code, r.retryable) for r in results] == [
        (True, "", False),
        (False, "UNABLE_TO_LOCK_ROW", True),
        (True, "", False),
    ]
    assert salesforce.sent[1:] == [["k1"]] * 4


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", False),
        ("STRING_TOO_LONG", False),
        ("INSUFFICIENT_ACCESS_OR_READONLY", False),
        ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", True),
        ("STORAGE_LIMIT_EXCEEDED", True),
        ("UNKNOWN_EXCEPTION", True),
    ],
)
def test_refused_rows_say_whether_another_try_may_help(code: str, *, retryable: bool) -> None:
    (result,) = push(lambda _: httpx.Response(200, json=[refusal(code, "A", "B")]), ["k"])

    assert (result.ok, result.code, result.fields, result.retryable) == (
        False,
        code,
        ("A", "B"),
        retryable,
    )


def test_an_insert_someone_else_won_becomes_an_update() -> None:
    duplicate = refusal("DUPLICATE_VALUE")["errors"][0]
    salesforce = Salesforce(lambda _key, tried: duplicate if tried == 0 else None)

    (result,) = push(salesforce, ["k"])

    assert result.ok


def test_one_row_that_spoils_the_batch_is_found_and_the_rest_is_written() -> None:
    salesforce = Salesforce(lambda _key, _tried: None)

    def answered(request: httpx.Request) -> httpx.Response:
        keys = [record["Key__c"] for record in json.loads(request.content)["records"]]
        if "k7" in keys:
            body = [{"errorCode": "JSON_PARSER_ERROR", "message": "bad", "fields": ["X__c"]}]
            return httpx.Response(400, json=body)
        return salesforce(request)

    keys = [f"k{n}" for n in range(200)]
    results = push(answered, keys)

    assert [key for key, result in zip(keys, results, strict=True) if not result.ok] == ["k7"]
    assert (results[7].code, results[7].fields) == ("JSON_PARSER_ERROR", ("X__c",))
    assert sorted(salesforce.written) == sorted(set(keys) - {"k7"})


def test_a_batch_that_is_all_bad_costs_a_bounded_number_of_calls() -> None:
    calls: list[int] = []

    def answered(_request: httpx.Request) -> httpx.Response:
        calls.append(1)
        return httpx.Response(400, json=[{"errorCode": "JSON_PARSER_ERROR", "message": "bad"}])

    results = push(answered, [f"k{n}" for n in range(200)])

    assert not any(result.ok for result in results)
    assert len(calls) < 200


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(404, json=[{"errorCode": "NOT_FOUND", "message": "m"}]), NotFound),
        (httpx.Response(403, json=[{"errorCode": "API_DISABLED_FOR_ORG", "message": "m"}]), AuthFailed),
        (httpx.Response(403, json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]), LimitReached),
        (httpx.ReadTimeout("no answer"), RetryLater),
        (httpx.Response(200, json=[]), RetryLater),
        (httpx.Response(200, json={"odd": 1}), RetryLater),
        (httpx.Response(200, json=[1, 2]), RetryLater),
        (httpx.Response(200, json=[{"id": an_id(1), "success": True}]), RetryLater),
        (httpx.Response(200, json=[{"id": an_id(n), "success": True} for n in range(3)]), RetryLater),
    ],
)  # fmt: skip
def test_what_concerns_no_single_row_is_raised(response: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        push([response] * 50, ["k0", "k1"])


def test_an_unknown_outcome_is_sent_again_and_does_no_harm() -> None:
    salesforce = Salesforce(lambda _key, _tried: None)
    cut = [True]

    def answered(request: httpx.Request) -> httpx.Response:
        answer = salesforce(request)
        if cut.pop():
            cut.append(False)
            raise httpx.ReadError("reset after commit")
        cut.append(False)
        return answer

    (result,) = push(answered, ["k"])

    assert (result.ok, result.created) == (True, False)
    assert len(set(salesforce.written)) == 1


@pytest.mark.parametrize("keys", [["k", "k"], [None]])
def test_rows_without_distinct_keys_are_our_mistake(keys: list[Any]) -> None:
    with pytest.raises(Refused):
        push(Salesforce(lambda _key, _tried: None), keys)
