"""Customers: v1.customers."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import NOW, World


def _creates_a_customer_with_all_that_belongs_to_it(world: World) -> None:
    name, crm = world.name("Customer"), world.name("key")
    world.sdk.v1.custom_fields.add_key(entity="customer", key=crm, enforce_uniqueness=False)
    stripe = {"stripe_customer_id": "cus_1", "stripe_collection_method": "send_invoice"}
    ways = world.sdk.v1.settings.billing_providers.list().data
    methods = {one.billing_provider: one.delivery_method_id for one in ways}
    sent = {"name": name, "ingest_aliases": [name, f"{name} 2"], "custom_fields": {crm: "1"}}

    made = world.sdk.v1.customers.create(
        **sent,  # type: ignore[arg-type]
        customer_billing_provider_configurations=[
            {
                "billing_provider": "stripe",
                "configuration": {**stripe},
                "delivery_method": "direct_to_billing_provider",
                "delivery_method_id": methods["stripe"],
            }
        ],
        customer_revenue_system_configurations=[
            {
                "provider": "netsuite",
                "configuration": {"netsuite_customer_id": "7"},
                "delivery_method": "direct_to_billing_provider",
                "delivery_method_id": methods["netsuite"],
            }
        ],
    )

    holds(made.data, sent)
    found = list(world.sdk.v1.customers.list(ingest_alias=name))
    assert [one.id for one in found] == [made.data.id]
    configured = world.sdk.v1.customers.retrieve_billing_configurations(customer_id=made.data.id)
    holds(configured.data, [{"billing_provider": "stripe", "configuration": stripe}])


def _creates_a_customer_the_older_way(world: World) -> None:
    alias = world.name("alias")

    made = world.sdk.v1.customers.create(
        name=world.name("Customer"),
        external_id=alias,
        billing_config={
            "billing_provider_type": "aws_marketplace",
            "billing_provider_customer_id": "c",
            "aws_customer_id": "c",
            "aws_customer_account_id": "123456789012",
            "aws_product_code": "p",
            "aws_region": "eu-west-1",
            "aws_is_subscription_product": True,
        },
    ).data

    holds(made, {"external_id": alias, "ingest_aliases": [alias]})
    found = world.sdk.v1.customers.billing_config.retrieve(
        customer_id=made.id, billing_provider_type="aws_marketplace"
    )
    holds(
        found.data,
        {
            "billing_provider_customer_id": "c",
            "aws_customer_account_id": "123456789012",
            "aws_region": "eu-west-1",
            "aws_is_subscription_product": True,
        },
    )


def _creates_a_customer_of_stripe_the_older_way(world: World) -> None:
    sent: dict[str, Any] = {
        "billing_provider_customer_id": "cus_4",
        "stripe_collection_method": "send_invoice",
    }

    made = world.sdk.v1.customers.create(
        name=world.name("Customer"),
        billing_config={"billing_provider_type": "stripe", **sent},  # type: ignore[typeddict-item]
    ).data

    found = world.sdk.v1.customers.billing_config.retrieve(
        customer_id=made.id, billing_provider_type="stripe"
    )
    holds(found.data, sent)


@does("v1.customers.create")
def creates_a_customer(world: World) -> None:
    _creates_a_customer_of_stripe_the_older_way(world)
    _creates_a_customer_with_all_that_belongs_to_it(world)
    _creates_a_customer_the_older_way(world)


@refuses("v1.customers.create", 409, "alias")
def does_not_give_an_alias_twice(world: World) -> None:
    world.sdk.v1.customers.create(name=world.name(), ingest_aliases=["acme"])


@does("v1.customers.list")
def lists_the_customers_asked_for(world: World) -> None:
    alias, account = world.name("alias"), world.name("001")
    ids = [world.customer(ingest_aliases=[alias]), world.customer()]
    world.sdk.v1.customers.update_config(customer_id=ids[1], salesforce_account_id=account)
    world.sdk.v1.customers.archive(id=(gone := world.customer()))

    def listed(**asked: Any) -> set[str]:
        return {one.id for one in world.sdk.v1.customers.list(**asked)}

    assert listed(customer_ids=[*ids, gone]) == set(ids)
    assert listed(customer_ids=[*ids, gone], only_archived=True) == {gone}
    assert listed(ingest_alias=alias) == {ids[0]}
    assert listed(salesforce_account_ids=[account]) == {ids[1]}


@refuses("v1.customers.list", 400, "limit")
def does_not_list_more_than_a_hundred(world: World) -> None:
    world.sdk.v1.customers.list(limit=101)


@pages("v1.customers.list")
def pages_of_customers(world: World) -> Paging:
    made = frozenset(world.customer() for _ in range(3))
    return Paging(asked=world.sdk.v1.customers.list, key=lambda row: row.id, expected=made)


@does("v1.customers.retrieve")
def retrieves_a_customer(world: World) -> None:
    sent: dict[str, Any] = {"name": world.name("Customer"), "ingest_aliases": [world.name("alias")]}
    made = world.sdk.v1.customers.create(**sent).data

    found = world.sdk.v1.customers.retrieve(customer_id=made.id).data

    holds(found, {**sent, "id": made.id, "external_id": made.external_id, "created_at": NOW})
    assert (found.archived_at, found.customer_config.salesforce_account_id) == (None, None)


@refuses("v1.customers.retrieve", 404, "customer")
def does_not_retrieve_who_is_not_there(world: World) -> None:
    world.sdk.v1.customers.retrieve(customer_id="none")


@does("v1.customers.set_name")
def renames_a_customer(world: World) -> None:
    customer, name = world.customer(), world.name("Renamed")

    changed = world.sdk.v1.customers.set_name(customer_id=customer, name=name)

    holds(changed.data, {"id": customer, "name": name})
    holds(world.sdk.v1.customers.retrieve(customer_id=customer).data, {"name": name})


@refuses("v1.customers.set_name", 404, "customer")
def does_not_rename_who_is_not_there(world: World) -> None:
    world.sdk.v1.customers.set_name(customer_id="none", name="New")


@does("v1.customers.set_ingest_aliases")
def replaces_every_alias(world: World) -> None:
    kept, gone, new = (world.name("alias") for _ in range(3))
    customer = world.customer(ingest_aliases=[gone, kept])

    world.sdk.v1.customers.set_ingest_aliases(customer_id=customer, ingest_aliases=[kept, new])

    found = world.sdk.v1.customers.retrieve(customer_id=customer).data
    assert found.ingest_aliases == [kept, new]
    assert list(world.sdk.v1.customers.list(ingest_alias=gone)) == []


@refuses("v1.customers.set_ingest_aliases", 409, "alias")
def does_not_take_the_alias_of_another_customer(world: World) -> None:
    world.sdk.v1.customers.set_ingest_aliases(customer_id=world.customer(), ingest_aliases=["acme"])


@does("v1.customers.update_config")
def links_a_customer_to_its_account(world: World) -> None:
    customer, account = world.customer(), world.name("001")
    update = world.sdk.v1.customers.update_config

    update(
        customer_id=customer, salesforce_account_id=account, leave_stripe_invoices_in_draft=False
    )

    found = list(world.sdk.v1.customers.list(salesforce_account_ids=[account]))
    assert [(one.id, one.customer_config.salesforce_account_id) for one in found] == [
        (customer, account)
    ]
    update(customer_id=customer, salesforce_account_id=None)
    assert list(world.sdk.v1.customers.list(salesforce_account_ids=[account])) == []


@refuses("v1.customers.update_config", 409, "account")
def does_not_link_two_customers_to_one_account(world: World) -> None:
    account = world.name("001")
    for customer in (world.customer(), world.customer()):
        world.sdk.v1.customers.update_config(customer_id=customer, salesforce_account_id=account)


@does("v1.customers.archive")
def archives_a_customer(world: World) -> None:
    customer = world.customer()

    assert world.sdk.v1.customers.archive(id=customer).data.id == customer

    assert world.sdk.v1.customers.retrieve(customer_id=customer).data.archived_at == NOW
    assert list(world.sdk.v1.customers.list(customer_ids=[customer])) == []
    gone = world.sdk.v1.customers.list(customer_ids=[customer], only_archived=True, limit=1)
    assert [one.id for one in gone] == [customer]


@refuses("v1.customers.archive", 404, "customer")
def does_not_archive_who_is_not_there(world: World) -> None:
    world.sdk.v1.customers.archive(id="none")


@does("v1.customers.preview_events")
def previews_events_instead_of_usage_and_beside_it(world: World) -> None:
    customer = world.customer()
    world.contract_of(customer)
    world.sdk.v1.usage.ingest(usage=[_event(customer, world.name("event"), "2026-03-05")])  # type: ignore[list-item]
    events: Any = [
        {
            "event_type": "used",
            "timestamp": "2026-03-06T00:00:00Z",
            "transaction_id": world.name("event"),
            "properties": {"storage_gb": 100, "region": "eu"},
        },
        {"event_type": "used", "properties": {"storage_gb": "0", "region": "us"}},
    ]

    def totals(**asked: Any) -> list[float]:
        found = world.sdk.v1.customers.preview_events(customer_id=customer, events=events, **asked)
        return [one.total for one in found.data if one.type == "USAGE"]

    assert totals() == totals(mode="replace", skip_zero_qty_line_items=True) == [230]
    assert totals(mode="merge") == [460]
    drafts = list(world.sdk.v1.customers.invoices.list(customer_id=customer, status="DRAFT"))
    assert [one.total for one in drafts] == [230]


@refuses("v1.customers.preview_events", 400, "events")
def does_not_merge_nothing(world: World) -> None:
    world.sdk.v1.customers.preview_events(customer_id=world.settled, events=[], mode="merge")


def _event(customer: str, transaction_id: str, day: str) -> dict[str, Any]:
    return {
        "transaction_id": transaction_id,
        "customer_id": customer,
        "event_type": "used",
        "timestamp": f"{day}T00:00:00Z",
        "properties": {"storage_gb": "100", "region": "eu"},
    }
