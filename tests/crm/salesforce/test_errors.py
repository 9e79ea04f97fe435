"""Salesforce's error catalogue (salesforce.md 2.7) becomes what the caller does about it."""

from typing import Any

import pytest

from closedwon.crm.salesforce.errors import (
    LocatorLost,
    QueryTimeout,
    SessionExpired,
    error_for,
    faults,
)
from closedwon.kernel.errors import (
    AuthFailed,
    ClosedwonError,
    Conflict,
    LimitReached,
    NotFound,
    Refused,
    RetryLater,
)
from closedwon.transport import Transient


def listed(code: str, message: str = "text", **more: Any) -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message, **more}]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, listed("INVALID_SESSION_ID"), SessionExpired),
        (401, listed("INVALID_AUTH_HEADER"), SessionExpired),
        (403, "Bad_OAuth_Token", SessionExpired),
        (400, listed("MALFORMED_QUERY"), Refused),
        (400, listed("INVALID_FIELD"), Refused),
        (400, listed("INVALID_QUERY_LOCATOR"), LocatorLost),
        (400, listed("QUERY_TIMEOUT"), QueryTimeout),
        (404, listed("NOT_FOUND"), NotFound),
        (403, listed("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), LimitReached),
        (403, listed("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."), Transient),
        (403, listed("API_DISABLED_FOR_ORG"), AuthFailed),
        (403, listed("INSUFFICIENT_ACCESS"), AuthFailed),
        (403, listed("SOMETHING_NEW"), AuthFailed),
        (400, listed("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"), RetryLater),
        (400, listed("UNABLE_TO_LOCK_ROW"), Transient),
        (503, "<html>site maintenance</html>", Transient),
        (500, listed("UNKNOWN_EXCEPTION"), Transient),
        (502, "", Transient),
        (420, "", Transient),
        (429, listed("TOO_MANY"), Transient),
        (300, ["/services/data/v60.0/sobjects/Account/001"], Conflict),
        (400, [], Refused),
        (400, None, Refused),
    ],
)  # fmt: skip
def test_each_answer_has_its_class(status: int, body: Any, kind: type[ClosedwonError]) -> None:
    assert type(error_for(status, body, "query")) is kind


def test_maintenance_is_not_retried_within_the_minute() -> None:
    error = error_for(400, listed("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"), "x")

    assert not isinstance(error, Transient)


def test_the_message_says_code_fields_place_and_hint() -> None:
    body = listed("INVALID_FIELD", "No such column 'Foo' on entity 'Account'.", fields=["Foo"])

    error = error_for(400, body, "query")

    assert "not readable by the integration user" in error.message
    assert error.facts == {
        "path": "query",
        "status": 400,
        "error": "INVALID_FIELD",
        "fields": "Foo",
    }


def test_retry_after_travels_with_the_error() -> None:
    error = error_for(503, "", "query", {"retry-after": "7"})

    assert isinstance(error, Transient)
    assert error.retry_after_s == 7


def test_html_is_not_repeated_and_long_text_is_cut() -> None:
    assert "<" not in str(error_for(500, "<html><b>x</b></html>", "query"))
    assert len(error_for(400, listed("X", "y" * 5000), "query").message) <= 300


def test_faults_of_oauth_rows_and_lists_look_alike() -> None:
    assert (
        faults({"error": "invalid_grant", "error_description": "expired"})[0].code
        == "invalid_grant"
    )
    assert faults([{"statusCode": "X", "message": "m", "fields": ["A"]}])[0].fields == ("A",)
