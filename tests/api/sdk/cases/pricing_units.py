"""Pricing units and the addresses of services: v1.pricing_units, v1.services."""

from typing import Any

from api.sdk.casing import Paging, does, pages, refuses
from api.sdk.world import World
from closedwon.billing.catalog.types import USD
from closedwon.store.tokens import Scope


def _listed(world: World) -> dict[str | None, Any]:
    return {one.id: one for one in world.sdk.v1.pricing_units.list()}


def _made(world: World) -> str:
    return world.sdk.v1.pricing_units.create(name=world.name("Unit")).data.id


@does("v1.pricing_units.create")
def creates_a_pricing_unit(world: World) -> None:
    name = world.name("Tokens")

    made = world.sdk.v1.pricing_units.create(name=name).data.id

    found = [(one.id, one.is_currency) for one in _listed(world).values() if one.name == name]
    assert found == [(made, False)]


@refuses("v1.pricing_units.create", 409, "USD (cents)")
def does_not_name_a_unit_like_a_currency(world: World) -> None:
    world.sdk.v1.pricing_units.create(name="USD (cents)")


@does("v1.pricing_units.archive")
def archives_a_pricing_unit(world: World) -> None:
    made, kept = _made(world), _made(world)

    assert world.sdk.v1.pricing_units.archive(id=made).data.id == made

    assert {made, kept} & _listed(world).keys() == {kept}


@refuses("v1.pricing_units.archive", 400, "currency")
def does_not_archive_a_currency(world: World) -> None:
    world.sdk.v1.pricing_units.archive(id=USD)


@does("v1.pricing_units.list")
def lists_currencies_and_units(world: World) -> None:
    made = _made(world)

    found = _listed(world)

    assert (found[USD].name, found[USD].is_currency) == ("USD (cents)", True)
    assert found[made].is_currency is False


@refuses("v1.pricing_units.list", 400, "limit")
def does_not_list_more_than_a_hundred(world: World) -> None:
    world.sdk.v1.pricing_units.list(limit=101)


@pages("v1.pricing_units.list")
def pages_of_units(world: World) -> Paging:
    made = frozenset([USD, *(_made(world) for _ in range(3))])
    return Paging(asked=world.sdk.v1.pricing_units.list, key=lambda row: row.id, expected=made)


@does("v1.services.list")
def says_that_no_service_has_a_fixed_address(world: World) -> None:
    assert world.sdk.v1.services.list().services == []


@refuses("v1.services.list", 403, "scope")
def is_not_for_who_only_sends_usage(world: World) -> None:
    world.limited(Scope.INGEST).v1.services.list()
