"""Rates of a card: v1.contracts.rate_cards.rates and retrieve_rate_schedule."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import World

SINCE = "2026-01-01T00:00:00Z"
MIDDLE = "2026-02-01T00:00:00Z"
TIERS = [{"size": 100, "price": 2.5}, {"price": 0.125}]


def _card(world: World, **fields: Any) -> str:
    return world.sdk.v1.contracts.rate_cards.create(name=world.name("Card"), **fields).data.id


def _product(world: World, kind: Any = "USAGE", **fields: Any) -> str:
    if kind == "USAGE":
        keys = {"pricing_group_key": ["region"]}
        return world.shop.usage(world.name("Usage"), "bytes", tags=["metered"], **keys)
    name = world.name("Product")
    return world.sdk.v1.contracts.products.create(name=name, type=kind, **fields).data.id


def _each_kind(world: World) -> list[dict[str, Any]]:
    """A rate of every kind, as it is sent."""
    eu = {"pricing_group_values": {"region": "eu"}}
    since = {"starting_at": SINCE, "entitled": True}
    composite = {"composite_tags": ["metered"]}
    return [
        {
            "product_id": _product(world),
            **since,
            **eu,
            "ending_before": "2027-01-01T00:00:00Z",
            "rate_type": "FLAT",
            "price": 0.0125,
            "commit_rate": {"rate_type": "FLAT", "price": 0.01},
        },
        {
            "product_id": _product(world),
            **since,
            **eu,
            "entitled": False,
            "rate_type": "TIERED",
            "tiers": TIERS,
            "commit_rate": {"rate_type": "TIERED", "tiers": TIERS},
        },
        {
            "product_id": _product(world, "COMPOSITE", **composite),
            **since,
            "rate_type": "PERCENTAGE",
            "price": 0.125,
        },
        {
            "product_id": _product(world, "COMPOSITE", **composite),
            **since,
            "rate_type": "TIERED_PERCENTAGE",
            "tiers": [{"size": 1000, "price": 0.1}, {"price": 0.05}],
        },
        {
            "product_id": _product(world, "SUBSCRIPTION"),
            **since,
            "rate_type": "FLAT",
            "price": 2900,
            "billing_frequency": "QUARTERLY",
        },
        {
            "product_id": _product(world),
            **since,
            **eu,
            "rate_type": "CUSTOM",
            "custom_rate": {"processor": "COST_PLUS", "cost": "1", "markup": "0.5"},
        },
    ]


def _in_tokens(world: World) -> tuple[str, dict[str, Any]]:
    """A card with a pricing unit, and a rate in it."""
    unit = world.sdk.v1.pricing_units.create(name=world.name("Tokens")).data.id
    card = _card(
        world,
        credit_type_conversions=[{"custom_credit_type_id": unit, "fiat_per_custom_credit": 100}],
    )
    rate = {
        "product_id": _product(world),
        "starting_at": SINCE,
        "entitled": True,
        "pricing_group_values": {"region": "eu"},
        "rate_type": "FLAT",
        "price": 3,
        "credit_type_id": unit,
    }
    return card, rate


def _shown(sent: dict[str, Any]) -> dict[str, Any]:
    """How a list shows what was sent: the price inside, who, when and where around it."""
    outside = (
        "product_id",
        "starting_at",
        "ending_before",
        "entitled",
        "pricing_group_values",
        "billing_frequency",
        "commit_rate",
    )
    around = {name: sent[name] for name in outside if name in sent}
    price = {name: sent[name] for name in sent if name not in outside}
    if "credit_type_id" in price:
        price["credit_type"] = {"id": price.pop("credit_type_id")}
    return {**around, "rate": price}


def _rates(world: World, card: str, **asked: Any) -> list[Any]:
    at = {"at": "2026-03-01T00:00:00Z", **asked}
    return list(world.sdk.v1.contracts.rate_cards.rates.list(rate_card_id=card, **at))


def _hold(rows: list[Any], sent: list[dict[str, Any]]) -> None:
    by_product = {row.product_id: row for row in rows}
    assert len(rows) == len(by_product) == len(sent)
    for one in sent:
        holds(by_product[one["product_id"]], _shown(one))


@does("v1.contracts.rate_cards.rates.add")
def adds_a_rate_of_every_kind(world: World) -> None:
    card, tokens = _in_tokens(world)
    wanted = [*_each_kind(world), tokens]
    for sent in wanted:
        made = world.sdk.v1.contracts.rate_cards.rates.add(rate_card_id=card, **sent).data

        holds(made, _shown(sent)["rate"])
        holds(made.commit_rate, sent.get("commit_rate"))
        assert (made.pricing_group_values or {}) == sent.get("pricing_group_values", {})
    _hold(_rates(world, card), wanted)


@refuses("v1.contracts.rate_cards.rates.add", 400, "R252")
def does_not_price_in_a_unit_without_a_price(world: World) -> None:
    _, tokens = _in_tokens(world)
    world.sdk.v1.contracts.rate_cards.rates.add(rate_card_id=_card(world), **tokens)


@does("v1.contracts.rate_cards.rates.add_many")
def adds_many_rates_at_once(world: World) -> None:
    card, tokens = _in_tokens(world)
    wanted: Any = [*_each_kind(world), tokens]

    made = world.sdk.v1.contracts.rate_cards.rates.add_many(rate_card_id=card, rates=wanted)

    assert made.data.id == card
    _hold(_rates(world, card), wanted)


@refuses("v1.contracts.rate_cards.rates.add_many", 400, "tiers")
def adds_no_rate_when_one_is_wrong(world: World) -> None:
    good, bad = _each_kind(world)[:2]
    world.sdk.v1.contracts.rate_cards.rates.add_many(
        rate_card_id=_card(world), rates=[good, {**bad, "tiers": []}]
    )


def _selected(world: World) -> tuple[str, list[str]]:
    """A card with two products in two regions each, and a subscription; their ids."""
    metered = sorted(_product(world) for _ in range(2))
    seat = _product(world, "SUBSCRIPTION", tags=["seats"])
    since = {"starting_at": SINCE, "entitled": True, "rate_type": "FLAT", "price": 1}
    rates: Any = [
        {"product_id": one, **since, "pricing_group_values": {"region": region}}
        for one in metered
        for region in ("eu", "us")
    ]
    rates.append({"product_id": seat, **since, "billing_frequency": "MONTHLY"})
    card = _card(world)
    world.sdk.v1.contracts.rate_cards.rates.add_many(rate_card_id=card, rates=rates)
    return card, [*metered, seat]


def _found(rows: list[Any]) -> set[tuple[str, str | None]]:
    return {(row.product_id, (row.pricing_group_values or {}).get("region")) for row in rows}


@does("v1.contracts.rate_cards.rates.list")
def lists_the_rates_selected(world: World) -> None:
    card, (first, second, seat) = _selected(world)
    first_in_eu = {"product_id": first, "pricing_group_values": {"region": "eu"}}
    every = {(one, region) for one in (first, second) for region in ("eu", "us")}

    def selected(*selectors: Any) -> set[tuple[str, str | None]]:
        return _found(_rates(world, card, selectors=list(selectors), limit=2))

    assert selected() == every | {(seat, None)}
    assert selected(first_in_eu) == {(first, "eu")}
    assert selected(first_in_eu, {"product_tags": ["seats"]}) == {(first, "eu"), (seat, None)}
    assert selected({"partial_pricing_group_values": {"region": "us"}}) == {
        (first, "us"),
        (second, "us"),
    }
    assert selected({"billing_frequency": "MONTHLY"}) == {(seat, None)}
    assert _rates(world, card, at="2025-12-31T23:00:00Z") == []


@refuses("v1.contracts.rate_cards.rates.list", 404, "card")
def does_not_list_rates_of_a_card_there_is_not(world: World) -> None:
    _rates(world, "none")


@pages("v1.contracts.rate_cards.rates.list")
def pages_of_rates(world: World) -> Paging:
    card, products = _selected(world)

    def asked(**fields: Any) -> Any:
        return world.sdk.v1.contracts.rate_cards.rates.list(
            rate_card_id=card, at="2026-03-01T00:00:00Z", **fields
        )

    return Paging(
        asked=asked,
        key=lambda row: (row.product_id, (row.pricing_group_values or {}).get("region")),
        expected=frozenset([(products[0], "eu"), (products[1], "us"), (products[2], None)]),
    )


@does("v1.contracts.rate_cards.retrieve_rate_schedule")
def retrieves_rates_as_they_change(world: World) -> None:
    card, (first, second, seat) = _selected(world)
    dearer = {"entitled": True, "rate_type": "FLAT", "price": 2}
    eu = {"pricing_group_values": {"region": "eu"}}
    world.sdk.v1.contracts.rate_cards.rates.add(
        rate_card_id=card,
        product_id=first,
        starting_at=MIDDLE,
        commit_rate={"rate_type": "FLAT", "price": 1.5},
        **dearer,  # type: ignore[arg-type]
        **eu,  # type: ignore[arg-type]
    )
    ask = world.sdk.v1.contracts.rate_cards.retrieve_rate_schedule
    of_first: Any = [{"product_id": first, **eu}]

    whole = ask(rate_card_id=card, starting_at=SINCE, selectors=of_first)
    before, after = whole.data

    assert whole.next_page is None
    holds(before, {"starting_at": SINCE, "ending_before": MIDDLE, "rate": {"price": 1}})
    holds(after, {"starting_at": MIDDLE, "ending_before": None, "rate": {"price": 2}, **eu})
    holds(after.commit_rate, {"rate_type": "FLAT", "price": 1.5})
    january = ask(
        rate_card_id=card, starting_at=SINCE, ending_before=MIDDLE, selectors=of_first, limit=1
    )
    assert [one.rate.price for one in january.data] == [1]
    first_page = ask(rate_card_id=card, starting_at=SINCE, selectors=of_first, limit=1)
    assert first_page.next_page
    last_page = ask(
        rate_card_id=card,
        starting_at=SINCE,
        selectors=of_first,
        limit=1,
        next_page=first_page.next_page,
    )
    assert ([*first_page.data, *last_page.data], last_page.next_page) == (whole.data, None)
    others: Any = [
        {"partial_pricing_group_values": {"region": "us"}},
        {"billing_frequency": "MONTHLY"},
    ]
    found = ask(rate_card_id=card, starting_at=SINCE, selectors=others).data
    assert _found(found) == {(first, "us"), (second, "us"), (seat, None)}


@refuses("v1.contracts.rate_cards.retrieve_rate_schedule", 404, "card")
def does_not_retrieve_the_schedule_of_a_card_there_is_not(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.retrieve_rate_schedule(rate_card_id="none", starting_at=SINCE)
