"""Rate cards and the order of their products: v1.contracts.rate_cards."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import NOW, World
from closedwon.billing.catalog.types import USD


def _made(world: World, **fields: Any) -> str:
    return world.sdk.v1.contracts.rate_cards.create(name=world.name("Card"), **fields).data.id


def _unit(world: World) -> str:
    return world.sdk.v1.pricing_units.create(name=world.name("Tokens")).data.id


def _named(world: World, name: str) -> list[str]:
    return [one.id for one in world.sdk.v1.contracts.rate_cards.list() if one.name == name]


def _with_rates(world: World, products: list[str]) -> str:
    card = _made(world)
    rates: Any = [
        {
            "product_id": one,
            "starting_at": "2026-01-01T00:00:00Z",
            "entitled": True,
            "rate_type": "FLAT",
            "price": 1,
        }
        for one in products
    ]
    world.sdk.v1.contracts.rate_cards.rates.add_many(rate_card_id=card, rates=rates)
    return card


def _sold(world: World, card: str) -> list[str]:
    """Names of lines of usage on the card, as an invoice orders them."""
    customer = world.customer()
    world.contract_of(customer, rate_card_id=card)
    events: Any = [
        {"event_type": "used", "properties": {name: "1", "region": "eu"}}
        for name in ("storage_gb", "analysis_hours")
    ]
    drafts = world.sdk.v1.customers.preview_events(customer_id=customer, events=events).data
    lines = [line for draft in drafts for line in draft.line_items]
    return [str(line.product_id) for line in lines if line.product_id]


@does("v1.contracts.rate_cards.create")
def creates_a_card_with_all_it_has(world: World) -> None:
    key, unit = world.name("key"), _unit(world)
    world.sdk.v1.custom_fields.add_key(entity="rate_card", key=key, enforce_uniqueness=False)
    sent: dict[str, Any] = {
        "name": world.name("Card"),
        "description": "What we sell",
        "aliases": [
            {
                "name": world.name("alias"),
                "starting_at": "2026-01-01T00:00:00Z",
                "ending_before": "2027-01-01T00:00:00Z",
            },
            {"name": world.name("alias")},
        ],
        "custom_fields": {key: "1"},
    }
    priced: Any = [{"custom_credit_type_id": unit, "fiat_per_custom_credit": 12.5}]

    made = world.sdk.v1.contracts.rate_cards.create(
        **sent, fiat_credit_type_id=USD, credit_type_conversions=priced
    ).data.id

    found = world.sdk.v1.contracts.rate_cards.retrieve(id=made).data
    holds(found, {**sent, "created_at": NOW, "fiat_credit_type": {"id": USD}})
    (conversion,) = found.credit_type_conversions or []
    holds(conversion, {"custom_credit_type": {"id": unit}, "fiat_per_custom_credit": "12.5"})
    assert _named(world, sent["name"]) == [made]


@refuses("v1.contracts.rate_cards.create", 400, "currency")
def does_not_make_a_card_in_a_pricing_unit(world: World) -> None:
    _made(world, fiat_credit_type_id=_unit(world))


@does("v1.contracts.rate_cards.update")
def updates_a_card(world: World) -> None:
    first, second = _unit(world), _unit(world)
    card = _made(
        world,
        aliases=[{"name": world.name("alias")}],
        credit_type_conversions=[{"custom_credit_type_id": first, "fiat_per_custom_credit": 1}],
    )
    sent: dict[str, Any] = {
        "name": world.name("Renamed"),
        "description": "New",
        "aliases": [
            {
                "name": world.name("alias"),
                "starting_at": "2026-01-01T00:00:00Z",
                "ending_before": "2026-06-01T00:00:00Z",
            }
        ],
    }

    changed = world.sdk.v1.contracts.rate_cards.update(
        rate_card_id=card,
        **sent,
        add_credit_type_conversions=[
            {"custom_credit_type_id": second, "fiat_per_custom_credit": 0.25}
        ],
    )

    assert changed.data.id == card
    found = world.sdk.v1.contracts.rate_cards.retrieve(id=card).data
    holds(found, sent)
    priced = {
        one.custom_credit_type.id: one.fiat_per_custom_credit
        for one in found.credit_type_conversions or []
    }
    assert priced == {first: "1", second: "0.25"}


@refuses("v1.contracts.rate_cards.update", 400, "archived pricing unit")
def does_not_take_up_an_archived_unit(world: World) -> None:
    unit = _unit(world)
    world.sdk.v1.pricing_units.archive(id=unit)
    world.sdk.v1.contracts.rate_cards.update(
        rate_card_id=_made(world),
        add_credit_type_conversions=[{"custom_credit_type_id": unit, "fiat_per_custom_credit": 1}],
    )


@does("v1.contracts.rate_cards.retrieve")
def retrieves_a_card(world: World) -> None:
    found = world.sdk.v1.contracts.rate_cards.retrieve(id=world.shop.card).data

    holds(found, {"id": world.shop.card, "name": "Card", "aliases": [{"name": "card"}]})


@refuses("v1.contracts.rate_cards.retrieve", 404, "card")
def does_not_retrieve_what_is_not_there(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.retrieve(id="none")


@does("v1.contracts.rate_cards.archive")
def archives_a_card(world: World) -> None:
    card = _made(world)

    assert world.sdk.v1.contracts.rate_cards.archive(id=card).data.id == card

    assert card not in {one.id for one in world.sdk.v1.contracts.rate_cards.list()}
    assert world.sdk.v1.contracts.rate_cards.retrieve(id=card).data.id == card


@refuses("v1.contracts.rate_cards.archive", 404, "card")
def does_not_archive_what_is_not_there(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.archive(id="none")


@does("v1.contracts.rate_cards.list")
def lists_the_cards(world: World) -> None:
    card = _made(world, description="Listed")

    found = {one.id: one for one in world.sdk.v1.contracts.rate_cards.list(limit=50, body={})}

    holds(found[card], {"description": "Listed", "created_at": NOW})
    assert world.shop.card in found


@refuses("v1.contracts.rate_cards.list", 400, "limit")
def does_not_list_more_than_a_hundred(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.list(limit=101)


@pages("v1.contracts.rate_cards.list")
def pages_of_cards(world: World) -> Paging:
    made = frozenset(_made(world) for _ in range(3))
    return Paging(
        asked=world.sdk.v1.contracts.rate_cards.list, key=lambda row: row.id, expected=made
    )


@does("v1.contracts.rate_cards.product_orders.set")
def puts_products_in_their_order(world: World) -> None:
    products = [world.shop.analysis, world.shop.storage]
    card = _with_rates(world, products)
    for order in (products, products[::-1]):
        made = world.sdk.v1.contracts.rate_cards.product_orders.set(
            rate_card_id=card, product_order=order
        )

        assert made.data.id == card
        assert _sold(world, card) == order


@refuses("v1.contracts.rate_cards.product_orders.set", 404, "card")
def does_not_order_a_card_there_is_not(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.product_orders.set(rate_card_id="none", product_order=[])


@does("v1.contracts.rate_cards.product_orders.update")
def moves_products_to_other_places(world: World) -> None:
    products = [world.shop.analysis, world.shop.storage]
    card = _with_rates(world, products)
    orders = world.sdk.v1.contracts.rate_cards.product_orders
    orders.set(rate_card_id=card, product_order=products)

    moved = orders.update(
        rate_card_id=card, product_moves=[{"product_id": products[1], "position": 0}]
    )

    assert moved.data.id == card
    assert _sold(world, card) == products[::-1]


@refuses("v1.contracts.rate_cards.product_orders.update", 404, "card")
def does_not_move_products_of_a_card_there_is_not(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.product_orders.update(
        rate_card_id="none", product_moves=[{"product_id": world.shop.storage, "position": 0}]
    )
