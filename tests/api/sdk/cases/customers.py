"""Customers: v1.customers."""

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import World


@does("v1.customers.create")
def creates_a_customer_with_its_aliases(world: World) -> None:
    name = world.name("Customer")
    sent = {"name": name, "ingest_aliases": [name, f"{name} 2"]}

    made = world.sdk.v1.customers.create(**sent)  # type: ignore[arg-type]

    holds(made.data, sent)
    found = list(world.sdk.v1.customers.list(ingest_alias=name))
    assert [one.id for one in found] == [made.data.id]


@refuses("v1.customers.create", 409, "alias")
def does_not_give_an_alias_twice(world: World) -> None:
    world.sdk.v1.customers.create(name=world.name(), ingest_aliases=["acme"])


@does("v1.customers.list")
def lists_the_customers_asked_for(world: World) -> None:
    ids = {world.customer(), world.customer()}

    found = list(world.sdk.v1.customers.list(customer_ids=sorted(ids)))

    assert {one.id for one in found} == ids


@refuses("v1.customers.list", 400, "limit")
def does_not_list_more_than_a_hundred(world: World) -> None:
    world.sdk.v1.customers.list(limit=101)


@pages("v1.customers.list")
def pages_of_customers(world: World) -> Paging:
    made = frozenset(world.customer() for _ in range(3))
    return Paging(asked=world.sdk.v1.customers.list, key=lambda row: row.id, expected=made)
