"""Customers at billing providers: configurations, the older billing_config, delivery methods."""

from typing import Any

from api.sdk.casing import does, holds, refuses
from api.sdk.world import NOW, World
from closedwon.store.tokens import Scope

DIRECT = "direct_to_billing_provider"
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "stripe": {"stripe_customer_id": "cus_1", "stripe_collection_method": "send_invoice"},
    "aws_marketplace": {
        "aws_customer_id": "c",
        "aws_product_code": "p",
        "aws_region": "us-east-1",
        "aws_is_subscription_product": True,
    },
    "azure_marketplace": {"azure_subscription_id": "s", "azure_plan_id": "p"},
    "gcp_marketplace": {"gcp_entitlement_id": "e", "gcp_service_name": "s"},
    "netsuite": {"netsuite_customer_id": "7"},
    "custom": {"custom_customer_id": "8"},
}
"""What tells a customer at each provider that is supported."""


def _methods(world: World) -> dict[str, str]:
    """Ids of delivery methods by provider."""
    found = world.sdk.v1.settings.billing_providers.list().data
    return {one.billing_provider: one.delivery_method_id for one in found}


def _sent(customer: str, name: str, **fields: Any) -> dict[str, Any]:
    known = {"customer_id": customer, "billing_provider": name}
    return {**known, "configuration": CONFIGURATIONS[name], **fields}


def _read(world: World, customer: str, **asked: Any) -> list[Any]:
    read = world.sdk.v1.customers.retrieve_billing_configurations
    return read(customer_id=customer, **asked).data


def _set(world: World, customer: str, *names: str) -> list[str]:
    wanted: Any = [_sent(customer, name) for name in names]
    made = world.sdk.v1.customers.set_billing_configurations(data=wanted).data
    return [str(one.id) for one in made]


@does("v1.customers.set_billing_configurations")
def sets_a_customer_up_at_every_provider(world: World) -> None:
    customer, methods = world.customer(), _methods(world)
    wanted: Any = [
        _sent(customer, name, delivery_method=DIRECT, delivery_method_id=methods[name])
        for name in CONFIGURATIONS
    ]

    made = world.sdk.v1.customers.set_billing_configurations(data=wanted).data

    holds(made, [{k: v for k, v in one.items() if k != "delivery_method"} for one in wanted])
    by_name = {one.billing_provider: one for one in _read(world, customer)}
    assert len(by_name) == len(_read(world, customer)) == len(CONFIGURATIONS)
    for sent in wanted:
        holds(by_name[sent["billing_provider"]], sent)


@refuses("v1.customers.set_billing_configurations", 400, "stripe_customer_id")
def does_not_set_a_customer_up_without_saying_who_it_is(world: World) -> None:
    world.sdk.v1.customers.set_billing_configurations(
        data=[{"customer_id": world.customer(), "billing_provider": "stripe", "configuration": {}}]
    )


@does("v1.customers.retrieve_billing_configurations")
def retrieves_configurations_also_archived_ones(world: World) -> None:
    customer = world.customer()
    gone, kept = _set(world, customer, "stripe", "netsuite")
    world.sdk.v1.customers.archive_billing_configurations(
        customer_id=customer, customer_billing_provider_configuration_ids=[gone]
    )

    (live,) = _read(world, customer, include_archived=False)
    every = {one.id: one for one in _read(world, customer, include_archived=True)}

    holds(live, {"id": kept, **_sent(customer, "netsuite"), "archived_at": None})
    holds(every[gone], {**_sent(customer, "stripe"), "archived_at": NOW})
    assert every.keys() == {gone, kept}


@refuses("v1.customers.retrieve_billing_configurations", 404, "customer")
def does_not_retrieve_configurations_of_nobody(world: World) -> None:
    _read(world, "none")


@does("v1.customers.archive_billing_configurations")
def archives_configurations_together(world: World) -> None:
    customer = world.customer()
    ids = _set(world, customer, "stripe", "netsuite")

    gone = world.sdk.v1.customers.archive_billing_configurations(
        customer_id=customer, customer_billing_provider_configuration_ids=ids
    )

    holds(gone.data, {"customer_billing_provider_configuration_ids": ids})
    assert _read(world, customer) == []


@refuses("v1.customers.archive_billing_configurations", 404, "configuration")
def does_not_archive_the_configuration_of_another_customer(world: World) -> None:
    ids = _set(world, world.customer(), "stripe")
    world.sdk.v1.customers.archive_billing_configurations(
        customer_id=world.customer(), customer_billing_provider_configuration_ids=ids
    )


@does("v1.customers.billing_config.create")
def creates_a_billing_config(world: World) -> None:
    customer = world.customer()
    stripe: dict[str, Any] = {
        "billing_provider_customer_id": "cus_2",
        "stripe_collection_method": "charge_automatically",
    }
    aws: dict[str, Any] = {
        "billing_provider_customer_id": "c",
        "aws_customer_id": "c",
        "aws_customer_account_id": "123456789012",
        "aws_product_code": "p",
        "aws_region": "eu-west-1",
    }
    wanted: dict[Any, dict[str, Any]] = {"stripe": stripe, "aws_marketplace": aws}
    config = world.sdk.v1.customers.billing_config
    for name, sent in wanted.items():
        config.create(customer_id=customer, billing_provider_type=name, **sent)

        found = config.retrieve(customer_id=customer, billing_provider_type=name)

        holds(found.data, sent)
    assert len(_read(world, customer)) == len(wanted)


@refuses("v1.customers.billing_config.create", 409, "configured")
def does_not_create_a_second_billing_config(world: World) -> None:
    customer = world.customer()
    _set(world, customer, "stripe")
    world.sdk.v1.customers.billing_config.create(
        customer_id=customer,
        billing_provider_type="stripe",
        billing_provider_customer_id="cus_3",
    )


@does("v1.customers.billing_config.retrieve")
def retrieves_what_was_set_the_newer_way(world: World) -> None:
    customer = world.customer()
    _set(world, customer, "stripe", "aws_marketplace")

    retrieve = world.sdk.v1.customers.billing_config.retrieve
    stripe = retrieve(customer_id=customer, billing_provider_type="stripe").data
    aws = retrieve(customer_id=customer, billing_provider_type="aws_marketplace").data

    holds(
        stripe,
        {
            "billing_provider_customer_id": "cus_1",
            "stripe_collection_method": "send_invoice",
        },
    )
    holds(aws, CONFIGURATIONS["aws_marketplace"])


@refuses("v1.customers.billing_config.retrieve", 404, "not configured")
def does_not_retrieve_a_billing_config_there_is_not(world: World) -> None:
    world.sdk.v1.customers.billing_config.retrieve(
        customer_id=world.customer(), billing_provider_type="stripe"
    )


@does("v1.customers.billing_config.delete")
def deletes_a_billing_config(world: World) -> None:
    customer = world.customer()
    _set(world, customer, "stripe", "custom")

    world.sdk.v1.customers.billing_config.delete(
        customer_id=customer, billing_provider_type="stripe"
    )

    assert [one.billing_provider for one in _read(world, customer)] == ["custom"]


@refuses("v1.customers.billing_config.delete", 404, "not configured")
def does_not_delete_a_billing_config_there_is_not(world: World) -> None:
    world.sdk.v1.customers.billing_config.delete(
        customer_id=world.customer(), billing_provider_type="netsuite"
    )


@does("v1.settings.billing_providers.list")
def lists_the_ways_to_each_provider(world: World) -> None:
    found = world.sdk.v1.settings.billing_providers.list(next_page=None)

    assert found.next_page is None
    assert {one.billing_provider for one in found.data} == CONFIGURATIONS.keys()
    assert {one.delivery_method for one in found.data} == {DIRECT}
    assert len({one.delivery_method_id for one in found.data}) == len(found.data)


@refuses("v1.settings.billing_providers.list", 403, "scope")
def is_not_for_who_only_sends_usage(world: World) -> None:
    world.limited(Scope.INGEST).v1.settings.billing_providers.list()
