"""Customers through the official SDK (2.3, R6, R24, R125)."""

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError


def test_r24_a_customer_is_created_renamed_linked_and_found_again(client: Metronome) -> None:
    made = client.v1.customers.create(name="Acme", ingest_aliases=["acme", "acme-eu"]).data
    client.v1.customers.set_name(customer_id=made.id, name="Acme Inc")
    client.v1.customers.update_config(customer_id=made.id, salesforce_account_id="001x")
    client.v1.customers.set_ingest_aliases(customer_id=made.id, ingest_aliases=["acme-us"])

    found = client.v1.customers.retrieve(customer_id=made.id).data

    assert (found.name, found.ingest_aliases) == ("Acme Inc", ["acme-us"])
    assert found.customer_config.salesforce_account_id == "001x"
    by_alias = client.v1.customers.list(ingest_alias="acme-us").data
    by_account = client.v1.customers.list(salesforce_account_ids=["001x", "001y"]).data
    assert [one.id for one in by_alias] == [one.id for one in by_account] == [made.id]


def test_r6_a_taken_alias_is_a_409_that_is_not_to_be_retried(client: Metronome) -> None:
    client.v1.customers.create(name="First", ingest_aliases=["shared"])

    with pytest.raises(ConflictError) as caught:
        client.v1.customers.create(name="Second", ingest_aliases=["shared"])

    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.response.json().keys() == {"message"}
    assert [one.name for one in client.v1.customers.list()] == ["First"]


def test_r125_an_archived_customer_is_listed_only_when_asked_for(client: Metronome) -> None:
    kept, gone = (client.v1.customers.create(name=name).data for name in ("Kept", "Gone"))
    client.v1.customers.archive(id=gone.id)

    assert [one.id for one in client.v1.customers.list()] == [kept.id]
    archived = client.v1.customers.list(only_archived=True).data
    assert [(one.id, one.archived_at is not None) for one in archived] == [(gone.id, True)]


def test_lists_go_on_to_the_last_page(client: Metronome) -> None:
    made = [client.v1.customers.create(name=f"C{at}").data.id for at in range(7)]

    assert sorted(one.id for one in client.v1.customers.list(limit=3)) == sorted(made)
    first = client.v1.customers.list(limit=7)
    assert first.next_page is None


def test_an_unknown_customer_is_a_404(client: Metronome) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.v1.customers.retrieve(customer_id="nobody")

    assert "nobody" in caught.value.response.json()["message"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "name: required"),
        ({"name": 7}, "name"),
        ({"name": "A", "colour": "red"}, "colour: unknown field"),
        ({"name": "A", "customer_config": {"x": 1}}, "customer_config.x: unknown field"),
        ({"name": "A", "ingest_aliases": [""]}, "ingest_aliases.0"),
    ],
)
def test_a_wrong_body_names_the_field(http: httpx.Client, body: Any, told: str) -> None:
    answer = http.post("/v1/customers", json=body)

    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_a_limit_outside_1_to_100_is_refused(client: Metronome) -> None:
    for limit in (0, 101):
        with pytest.raises(BadRequestError):
            client.v1.customers.list(limit=limit)


def test_r290_a_customer_is_flagged_unbillable_from_an_instant_on(
    client: Metronome, http: httpx.Client
) -> None:
    made = client.v1.customers.create(name="Acme").data.id
    body = {
        "customer_id": made,
        "billable_status": "Unbillable",
        "effective_at": "2026-01-01T00:00Z",
    }

    assert http.post("/v1/customers/setBillableStatus", json=body).text == "{}"

    status = client.v1.customers.retrieve(customer_id=made).data.current_billable_status
    assert status is not None
    assert status.value == "unbillable"
