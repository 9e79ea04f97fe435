from typing import Any

import httpx
import pytest

HOUR = {"start": "2024-01-01T00:00:00+00:00", "end": "2024-01-01T01:00:59Z"}


def test_updated_and_deleted_tell_apart_what_happened(
    rest: httpx.Client, org: Any, clock: Any
) -> None:
    kept, gone = (org.create("Commit__c", {"Name": name}, org.admin_id) for name in "AB")
    clock.forward(minutes=30)
    org.delete("Commit__c", gone, org.admin_id)
    clock.forward(minutes=60)

    assert rest.get("sobjects/commit__c/updated/", params=HOUR).json() == {
        "ids": [kept],
        "latestDateCovered": "2024-01-01T01:00:00.000+0000",
    }
    assert rest.get("sobjects/Commit__c/deleted/", params=HOUR).json() == {
        "deletedRecords": [{"id": gone, "deletedDate": "2024-01-01T00:30:00.000+0000"}],
        "earliestDateAvailable": "2023-12-17T01:30:00.000+0000",
        "latestDateCovered": "2024-01-01T01:00:00.000+0000",
    }


def test_nothing_is_covered_beyond_now(rest: httpx.Client, clock: Any) -> None:
    clock.forward(minutes=20)

    assert (
        rest.get("sobjects/Account/updated", params=HOUR).json()["latestDateCovered"]
        == "2024-01-01T00:20:00.000+0000"
    )


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"start": "soon", "end": "later"},
        {"start": "2024-01-01T00:00:00Z", "end": "2024-01-01T00:00:59Z"},
        {"start": "2023-12-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"},
    ],
)
def test_windows_too_short_too_old_or_unreadable_are_refused(
    rest: httpx.Client, window: dict[str, str]
) -> None:
    answer = rest.get("sobjects/Account/deleted", params=window)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_REPLICATION_DATE")
