"""Events in and usage out through the official SDK (R15-R22, R28, R41-R43)."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome


def event(number: int, **more: Any) -> Any:
    return {
        "transaction_id": f"t{number}",
        "customer_id": "acme",
        "event_type": "call",
        "timestamp": "2026-01-01T06:00:00Z",
        "properties": {"tokens": "2.5", "region": "eu"},
        **more,
    }


@pytest.fixture
def metric(client: Metronome) -> str:
    made = client.v1.billable_metrics.create(
        name="Tokens",
        aggregation_type="SUM",
        aggregation_key="tokens",
        property_filters=[
            {"name": "tokens", "exists": True},
            {"name": "region", "exists": True},
        ],
        group_keys=[["region"]],
    )
    return made.data.id


@pytest.fixture
def customer(client: Metronome) -> str:
    return client.v1.customers.create(name="Acme", ingest_aliases=["acme"]).data.id


def test_r5_r28_a_repeated_event_counts_once_and_shows(
    client: Metronome, metric: str, customer: str
) -> None:
    client.v1.usage.ingest(usage=[event(1), event(2)])
    client.v1.usage.ingest(usage=[event(1)])

    found = client.v1.usage.search(transaction_ids=["t1"])

    assert [one.is_duplicate for one in found] == [False, True]
    assert found[0].matched_customer is not None
    assert (found[0].matched_customer.id, found[0].matched_customer.name) == (customer, "Acme")
    assert [one.id for one in found[0].matched_billable_metrics or []] == [metric]
    (row,) = client.v1.usage.list(
        starting_on="2026-01-01T00:00:00Z",
        ending_before="2026-01-02T00:00:00Z",
        window_size="NONE",
    )
    assert (row.customer_id, row.billable_metric_id, row.value) == (customer, metric, 5)


def test_r41_r43_windows_go_on_to_the_last_page_and_null_is_not_zero(
    client: Metronome, metric: str, customer: str
) -> None:
    client.v1.usage.ingest(usage=[event(1)])

    rows = list(
        client.v1.usage.list(
            starting_on="2026-01-01T00:00:00Z",
            ending_before="2026-01-10T00:00:00Z",
            window_size="HOUR",
            customer_ids=[customer],
            billable_metrics=[{"id": metric}],
        )
    )

    assert len(rows) == 9 * 24
    assert [row.value for row in rows[5:8]] == [None, 2.5, None]
    assert rows[6].start_timestamp == datetime(2026, 1, 1, 6, tzinfo=UTC)


def test_r42_usage_by_group_and_filtered(client: Metronome, metric: str, customer: str) -> None:
    us = event(2, properties={"tokens": 4, "region": "us"})
    client.v1.usage.ingest(usage=[event(1), us])
    ask = {
        "starting_on": "2026-01-01T00:00:00Z",
        "ending_before": "2026-01-02T00:00:00Z",
        "window_size": "DAY",
    }

    grouped = client.v1.usage.list_with_groups(
        customer_id=customer,
        billable_metric_id=metric,
        group_key=["region"],
        limit=1,
        **ask,  # type: ignore[arg-type]
    )
    legacy = client.v1.usage.list(
        billable_metrics=[{"id": metric, "group_by": {"key": "region", "values": ["us"]}}],
        **ask,  # type: ignore[arg-type]
    )

    assert [(one.group_value, one.value) for one in grouped] == [("eu", 2.5), ("us", 4)]
    assert [(row.value, row.groups) for row in legacy] == [(6.5, {"us": 4})]


def test_r42_the_current_period_needs_a_contract(
    client: Metronome, metric: str, customer: str
) -> None:
    with pytest.raises(BadRequestError, match="no contract"):
        client.v1.usage.list_with_groups(
            customer_id=customer,
            billable_metric_id=metric,
            window_size="DAY",
            current_period=True,
        )


@pytest.mark.parametrize(
    "more",
    [
        {"transaction_id": ""},
        {"transaction_id": "x" * 129},
        {"timestamp": "2026-01-03T00:00:00Z"},
        {"timestamp": "2025-11-01T00:00:00Z"},
        {"timestamp": "yesterday"},
        {"colour": "red"},
    ],
)
def test_r15_r18_one_wrong_event_rejects_the_call_and_nothing_is_stored(
    client: Metronome, more: dict[str, Any]
) -> None:
    with pytest.raises(BadRequestError):
        client.v1.usage.ingest(usage=[event(1), event(2, **more)])

    assert client.v1.usage.search(transaction_ids=["t1"]) == []


def test_r15_a_call_takes_1_to_100_events(client: Metronome) -> None:
    client.v1.usage.ingest(usage=[event(at) for at in range(100)])
    for count in (0, 101):
        with pytest.raises(BadRequestError, match="1 to 100"):
            client.v1.usage.ingest(usage=[event(at) for at in range(count)])


def test_r41_usage_off_midnight_is_refused(client: Metronome) -> None:
    with pytest.raises(BadRequestError, match="midnight"):
        client.v1.usage.list(
            starting_on="2026-01-01T01:00:00Z",
            ending_before="2026-01-02T00:00:00Z",
            window_size="NONE",
        )


def test_r3_numbers_are_exact_both_ways(
    http: httpx.Client, client: Metronome, metric: str, customer: str
) -> None:
    text = '"properties": {"tokens": 1234567890123456.789, "region": "eu"}'
    body = (
        '[{"transaction_id": "x", "customer_id": "acme", "event_type": "call",'
        f' "timestamp": "2026-01-01T06:00:00Z", {text}}}]'
    )
    assert http.post("/v1/ingest", content=body).text == "{}"

    asked = {
        "starting_on": "2026-01-01T00:00:00Z",
        "ending_before": "2026-01-02T00:00:00Z",
        "window_size": "none",
    }
    assert '"value":1234567890123456.789' in http.post("/v1/usage", json=asked).text
