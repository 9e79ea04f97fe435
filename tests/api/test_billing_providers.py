"""Customers at billing providers, through the SDK (2.3, R102, R103, R145)."""

from typing import Any

import pytest
from metronome import (
    BadRequestError,
    ConflictError,
    InternalServerError,
    Metronome,
    NotFoundError,
)

from api.live import START
from closedwon.engine.providers import NEEDS

STRIPE: dict[str, Any] = {
    "billing_provider": "stripe",
    "configuration": {
        "stripe_customer_id": "cus_1",
        "stripe_collection_method": "charge_automatically",
    },
    "delivery_method": "direct_to_billing_provider",
}
AWS: dict[str, Any] = {
    "billing_provider": "aws_marketplace",
    "configuration": {
        "aws_customer_id": "c",
        "aws_product_code": "p",
        "aws_region": "us-east-1",
        "aws_is_subscription_product": True,
    },
}


@pytest.fixture
def customer(client: Metronome) -> str:
    return client.v1.customers.create(name="Acme").data.id


def test_configurations_are_set_read_and_archived(client: Metronome, customer: str) -> None:
    made = client.v1.customers.set_billing_configurations(
        data=[{"customer_id": customer, **STRIPE}, {"customer_id": customer, **AWS}]
    ).data
    read = client.v1.customers.retrieve_billing_configurations
    found = {one.billing_provider: one for one in read(customer_id=customer).data}
    stripe, aws = found["stripe"], found["aws_marketplace"]
    gone = client.v1.customers.archive_billing_configurations(
        customer_id=customer, customer_billing_provider_configuration_ids=[stripe.id]
    ).data

    assert [one.id for one in made] == [stripe.id, aws.id]
    assert stripe.configuration == STRIPE["configuration"]
    assert (stripe.delivery_method, stripe.archived_at) == ("direct_to_billing_provider", None)
    assert aws.configuration == AWS["configuration"]
    assert gone.customer_billing_provider_configuration_ids == [stripe.id]
    assert [one.id for one in read(customer_id=customer).data] == [aws.id]
    every = read(customer_id=customer, include_archived=True).data
    assert {one.id: one.archived_at for one in every} == {stripe.id: START, aws.id: None}


@pytest.mark.parametrize(
    ("wrong", "kind", "told"),
    [
        ({"configuration": {}}, BadRequestError, "stripe_customer_id"),
        ({"billing_provider": "paypal"}, BadRequestError, "billing_provider"),
        ({"billing_provider": "workday"}, InternalServerError, "workday"),
        ({"delivery_method": "aws_sqs"}, InternalServerError, "aws_sqs"),
        ({"tax_provider": "anrok"}, InternalServerError, "R145"),
        ({"delivery_method_id": "other"}, NotFoundError, "delivery method"),
        ({"customer_id": "nobody"}, NotFoundError, "nobody"),
    ],
)
def test_one_wrong_configuration_keeps_all_of_them_out(
    client: Metronome, customer: str, wrong: Any, kind: type[Exception], told: str
) -> None:
    good = {"customer_id": customer, **AWS}
    with pytest.raises(kind, match=told):
        client.v1.customers.set_billing_configurations(
            data=[good, {"customer_id": customer, **STRIPE, **wrong}]
        )

    found = client.v1.customers.retrieve_billing_configurations(customer_id=customer)
    assert found.data == []


def test_what_is_archived_is_the_customer_s_own(client: Metronome, customer: str) -> None:
    other = client.v1.customers.create(name="Other").data.id
    (made,) = client.v1.customers.set_billing_configurations(
        data=[{"customer_id": other, **STRIPE}]
    ).data

    with pytest.raises(NotFoundError):
        client.v1.customers.archive_billing_configurations(
            customer_id=customer, customer_billing_provider_configuration_ids=[str(made.id)]
        )
    with pytest.raises(NotFoundError):
        client.v1.customers.retrieve_billing_configurations(customer_id="nobody")


def test_delivery_methods_are_listed_and_can_be_named(client: Metronome, customer: str) -> None:
    listed = client.v1.settings.billing_providers.list().data
    method = next(one for one in listed if one.billing_provider == "stripe")
    named = {**STRIPE, "customer_id": customer, "delivery_method_id": method.delivery_method_id}

    (made,) = client.v1.customers.set_billing_configurations(data=[named]).data

    assert {one.billing_provider for one in listed} == set(NEEDS)
    assert made.delivery_method_id == method.delivery_method_id


def test_credentials_do_not_go_over_the_wire(client: Metronome) -> None:
    with pytest.raises(InternalServerError) as caught:
        client.v1.settings.billing_providers.create(
            billing_provider="aws_marketplace", configuration={}, delivery_method="aws_sqs"
        )
    assert caught.value.status_code == 501
    with pytest.raises(InternalServerError) as caught:
        client.v1.settings.upsert_avalara_credentials(
            avalara_environment="SANDBOX",
            avalara_password="secret",
            avalara_username="user",
            delivery_method_ids=[],
        )
    assert caught.value.status_code == 501


def test_a_billing_config_is_made_once_read_and_deleted(client: Metronome, customer: str) -> None:
    config = client.v1.customers.billing_config
    at: Any = {"customer_id": customer, "billing_provider_type": "stripe"}
    with pytest.raises(NotFoundError):
        config.retrieve(**at)
    config.create(
        **at,
        billing_provider_customer_id="cus_1",
        stripe_collection_method="send_invoice",
    )
    with pytest.raises(ConflictError):
        config.create(**at, billing_provider_customer_id="cus_2")
    found = config.retrieve(**at).data
    (listed,) = client.v1.customers.retrieve_billing_configurations(customer_id=customer).data
    config.delete(**at)

    assert found.billing_provider_customer_id == "cus_1"
    assert found.stripe_collection_method == "send_invoice"
    assert listed.configuration["stripe_customer_id"] == "cus_1"
    with pytest.raises(NotFoundError):
        config.retrieve(**at)
    with pytest.raises(BadRequestError, match="aws_product_code"):
        config.create(
            customer_id=customer,
            billing_provider_type="aws_marketplace",
            billing_provider_customer_id="c",
        )


def test_at_aws_the_customer_id_is_the_one_given_unless_there_is_a_more_special_one(
    client: Metronome, customer: str
) -> None:
    config = client.v1.customers.billing_config
    at: Any = {"customer_id": customer, "billing_provider_type": "aws_marketplace"}
    place: Any = {"aws_product_code": "p", "aws_region": "eu-west-1"}
    seen = []
    for more in ({}, {"aws_customer_id": "special"}):
        config.create(**at, **place, **more, billing_provider_customer_id="plain")
        seen.append(config.retrieve(**at).data.aws_customer_id)
        config.delete(**at)

    assert seen == ["plain", "special"]
