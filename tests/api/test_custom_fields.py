"""Custom fields, audit logs and services through the official SDK (R363, R364)."""

from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError


def test_r364_keys_come_first_and_values_are_all_or_nothing(client: Metronome) -> None:
    customer = client.v1.customers.create(name="Acme").data.id
    fields = client.v1.custom_fields
    fields.add_key(entity="customer", key="sfdc", enforce_uniqueness=True)

    with pytest.raises(BadRequestError):
        fields.set_values(
            entity="customer", entity_id=customer, custom_fields={"sfdc": "1", "other": "2"}
        )
    assert client.v1.customers.retrieve(customer_id=customer).data.custom_fields == {}

    fields.set_values(entity="customer", entity_id=customer, custom_fields={"sfdc": "1"})
    assert client.v1.customers.retrieve(customer_id=customer).data.custom_fields == {"sfdc": "1"}
    other = client.v1.customers.create(name="Other").data.id
    with pytest.raises(ConflictError):
        fields.set_values(entity="customer", entity_id=other, custom_fields={"sfdc": "1"})

    fields.delete_values(entity="customer", entity_id=customer, keys=["sfdc"])
    assert client.v1.customers.retrieve(customer_id=customer).data.custom_fields == {}


def test_r364_keys_are_listed_by_entity_and_removed(client: Metronome) -> None:
    fields = client.v1.custom_fields
    for entity in ("customer", "contract"):
        fields.add_key(entity=entity, key="crm", enforce_uniqueness=False)  # type: ignore[arg-type]

    assert [(one.entity, one.key) for one in fields.list_keys()] == [
        ("contract", "crm"),
        ("customer", "crm"),
    ]
    fields.remove_key(entity="contract", key="crm")
    assert list(fields.list_keys(entities=["contract"])) == []
    with pytest.raises(NotFoundError):
        fields.remove_key(entity="contract", key="crm")


def test_r363_every_call_is_audited_failures_too_and_polling_misses_nothing(
    client: Metronome,
) -> None:
    made = client.v1.customers.create(name="Acme", ingest_aliases=["a"]).data.id
    with pytest.raises(ConflictError):
        client.v1.customers.create(name="Twin", ingest_aliases=["a"])

    page = client.v1.audit_logs.list(resource_type="customer", resource_id=made)
    assert [(one.action, one.status) for one in page.data] == [("create", "success")]
    seen = client.v1.audit_logs.list(limit=100)
    assert [one.status for one in seen.data][-2:] == ["success", "failure"]
    assert seen.data[-1].actor is not None
    assert seen.data[-1].actor.name == "admin-ingest-read-write"
    client.v1.customers.set_name(customer_id=made, name="New")
    assert seen.next_page is not None
    later = client.v1.audit_logs.list(next_page=seen.next_page)
    assert [one.action for one in later.data] == ["rename"]


def test_r363_newest_first_goes_to_the_last_page(client: Metronome) -> None:
    made = [client.v1.customers.create(name=f"C{at}").data.id for at in range(5)]

    rows = list(client.v1.audit_logs.list(sort="date_desc", limit=2))
    assert [one.resource_id for one in rows][:5] == made[::-1]


def test_r363_a_resource_is_named_with_its_type(client: Metronome) -> None:
    with pytest.raises(BadRequestError, match="both or neither"):
        client.v1.audit_logs.list(resource_id="x")


def test_services_are_none_that_call_from_a_known_address(client: Metronome) -> None:
    assert client.v1.services.list().services == []


@pytest.mark.parametrize(
    "entity", ["customer", "contract", "contract_product", "rate_card", "billable_metric"]
)
def test_r364_values_belong_to_something_that_is_there(client: Metronome, entity: Any) -> None:
    client.v1.custom_fields.add_key(entity=entity, key="crm", enforce_uniqueness=True)

    with pytest.raises(NotFoundError, match="none"):
        client.v1.custom_fields.set_values(
            entity=entity, entity_id="none", custom_fields={"crm": "1"}
        )
