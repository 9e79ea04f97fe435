"""Custom fields: v1.custom_fields."""

from typing import Any

from api.sdk.casing import Paging, does, pages, refuses
from api.sdk.world import World


def _key(world: World, entity: Any = "customer", *, unique: bool = False) -> str:
    key = world.name("key")
    world.sdk.v1.custom_fields.add_key(entity=entity, key=key, enforce_uniqueness=unique)
    return key


def _keys(world: World, *entities: Any) -> list[tuple[str, str, bool]]:
    found = world.sdk.v1.custom_fields.list_keys(entities=list(entities))
    return [(one.entity, one.key, one.enforce_uniqueness) for one in found]


def _fields(world: World, customer_id: str) -> dict[str, str]:
    return world.sdk.v1.customers.retrieve(customer_id=customer_id).data.custom_fields


@does("v1.custom_fields.add_key")
def adds_a_key_to_every_kind_of_thing(world: World) -> None:
    kinds: list[Any] = [
        "alert",
        "billable_metric",
        "charge",
        "commit",
        "contract_credit",
        "contract_product",
        "contract",
        "credit_grant",
        "customer_plan",
        "customer",
        "discount",
        "invoice",
        "plan",
        "professional_service",
        "product",
        "rate_card",
        "scheduled_charge",
        "subscription",
        "package_commit",
        "package_credit",
        "package_subscription",
        "package_scheduled_charge",
    ]
    for at, kind in enumerate(kinds):
        key = _key(world, kind, unique=at % 2 == 0)
        assert _keys(world, kind).count((kind, key, at % 2 == 0)) == 1


@refuses("v1.custom_fields.add_key", 409, "uniqueness")
def does_not_change_a_keys_uniqueness(world: World) -> None:
    key = _key(world)
    world.sdk.v1.custom_fields.add_key(entity="customer", key=key, enforce_uniqueness=True)


@does("v1.custom_fields.set_values")
def sets_values_of_several_things(world: World) -> None:
    first, second, customer = _key(world), _key(world), world.customer()
    set_values = world.sdk.v1.custom_fields.set_values

    set_values(entity="customer", entity_id=customer, custom_fields={first: "1", second: "2"})
    set_values(entity="customer", entity_id=customer, custom_fields={first: "new"})

    assert _fields(world, customer) == {first: "new", second: "2"}
    contract, card = world.contract_of(customer), _key(world, "rate_card")
    set_values(
        entity="contract",
        entity_id=contract,
        custom_fields={_key(world, "contract"): "c"},
    )
    own_card = world.sdk.v1.contracts.rate_cards.create(name=world.name()).data.id
    set_values(entity="rate_card", entity_id=own_card, custom_fields={card: "r"})
    shown = world.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer).data
    assert list((shown.custom_fields or {}).values()) == ["c"]
    found = world.sdk.v1.contracts.rate_cards.retrieve(id=own_card).data
    assert found.custom_fields == {card: "r"}


@refuses("v1.custom_fields.set_values", 409, "taken")
def does_not_give_a_unique_value_twice(world: World) -> None:
    key = _key(world, unique=True)
    for customer in (world.customer(), world.customer()):
        world.sdk.v1.custom_fields.set_values(
            entity="customer", entity_id=customer, custom_fields={key: "one"}
        )


@does("v1.custom_fields.delete_values")
def deletes_the_values_named(world: World) -> None:
    first, second, customer = _key(world), _key(world), world.customer()
    world.sdk.v1.custom_fields.set_values(
        entity="customer", entity_id=customer, custom_fields={first: "1", second: "2"}
    )

    world.sdk.v1.custom_fields.delete_values(entity="customer", entity_id=customer, keys=[first])

    assert _fields(world, customer) == {second: "2"}


@refuses("v1.custom_fields.delete_values", 404, "customer")
def does_not_delete_values_of_nobody(world: World) -> None:
    world.sdk.v1.custom_fields.delete_values(
        entity="customer", entity_id="none", keys=[_key(world)]
    )


@does("v1.custom_fields.remove_key")
def removes_a_key_with_its_values(world: World) -> None:
    key, customer = _key(world), world.customer()
    world.sdk.v1.custom_fields.set_values(
        entity="customer", entity_id=customer, custom_fields={key: "1"}
    )

    world.sdk.v1.custom_fields.remove_key(entity="customer", key=key)

    assert ("customer", key, False) not in _keys(world)
    assert _fields(world, customer) == {}


@refuses("v1.custom_fields.remove_key", 404, "key")
def does_not_remove_a_key_there_is_not(world: World) -> None:
    world.sdk.v1.custom_fields.remove_key(entity="customer", key=world.name())


@does("v1.custom_fields.list_keys")
def lists_the_keys_of_the_kinds_asked_for(world: World) -> None:
    ours, others = _key(world), _key(world, "invoice", unique=True)

    assert ("customer", ours, False) in _keys(world, "customer")
    assert {entity for entity, _, _ in _keys(world, "customer")} == {"customer"}
    both = _keys(world, "customer", "invoice")
    assert {("customer", ours, False), ("invoice", others, True)} <= set(both)
    assert set(both) <= set(_keys(world))


@refuses("v1.custom_fields.list_keys", 400, "limit")
def does_not_list_no_keys(world: World) -> None:
    world.sdk.v1.custom_fields.list_keys(extra_query={"limit": 0})


@pages("v1.custom_fields.list_keys")
def pages_of_keys(world: World) -> Paging:
    made = frozenset(("commit", _key(world, "commit")) for _ in range(3))
    return Paging(
        asked=world.sdk.v1.custom_fields.list_keys,
        key=lambda row: (row.entity, row.key),
        expected=made,
    )
