from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.world import EPOCH, at, metric, rate, span, usage_product
from build import add_catalog, setup
from closedwon.billing.catalog.types import Alias, Rate, RateCard
from closedwon.billing.pricing import Tier, Tiered
from closedwon.kernel.instant import Interval
from closedwon.store.database import writing


def test_definitions_come_back_as_they_went_in() -> None:
    engine = setup().engine
    product = usage_product("Storage", "storage", "warm", pricing_group_key=("region",))
    meter = metric("Storage", group_keys=(("region", "zone"),))
    tiers = Tiered(tiers=(Tier(price=Decimal("0.10"), size=Decimal(5)), Tier(price=Decimal(1))))
    prices = [
        rate("Storage", tiers, pricing_group_values={"region": "eu"}),
        rate("Storage", "2.30", span("2024-01-01"), pricing_group_values={"region": "us"}),
    ]
    add_catalog(engine, [product], [meter], prices)
    catalog = engine.catalog()

    assert catalog.products == {"p-Storage": product}
    assert catalog.metrics == {"m-Storage": meter}
    assert catalog.rate_cards["card"].rates == tuple(prices)


def test_the_revision_changes_with_every_write_and_not_with_reads_or_rollbacks() -> None:
    world = setup()
    store = world.engine.stores.catalogue
    seen = [store.revision()]
    for name in ("a", "b"):
        world.engine.create_metric(metric(name), EPOCH)
        seen.append(store.revision())
    with pytest.raises(KeyboardInterrupt), writing(world.db):
        interrupted(world.engine.create_metric, metric("c"))
    world.engine.catalog()

    assert len(set(seen)) == 3
    assert store.revision() == seen[-1]
    assert set(world.engine.catalog().metrics) == {"m-a", "m-b"}


def interrupted(create: object, found: object) -> None:
    assert callable(create)
    create(found, EPOCH)
    raise KeyboardInterrupt


def test_a_catalogue_cached_inside_a_lost_transaction_is_not_used_again() -> None:
    world = setup()
    engine = world.engine

    def create_and_read(name: str) -> None:
        engine.create_metric(metric(name), EPOCH)
        engine.catalog()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(world.db):
        create_and_read("lost")
    engine.create_metric(metric("kept"), EPOCH)

    assert set(engine.catalog().metrics) == {"m-kept"}


def test_versions_are_ordered_by_start_and_a_same_start_replaces() -> None:
    engine = setup().engine
    add_catalog(engine, [usage_product("Storage")], [metric("Storage")], [])
    (first,) = engine.catalog().products["p-Storage"].versions
    late = replace(first, starting_at=at("2025-01-01"), name="Late")
    middle = replace(first, starting_at=at("2024-01-01"), name="Middle")
    for version in (late, middle, replace(middle, tags=("x",))):
        engine.update_product("p-Storage", version, EPOCH)

    assert engine.catalog().products["p-Storage"].versions == (
        first,
        replace(middle, tags=("x",)),
        late,
    )


def test_the_card_an_alias_was_given_to_last_has_it_r57() -> None:
    engine = setup().engine
    for number in range(3):
        window = Interval(EPOCH + timedelta(days=number))
        alias = Alias(name="standard", window=window)
        engine.create_rate_card(
            RateCard(id=f"card{number}", name="Card", aliases=(alias,), created_at=EPOCH), EPOCH
        )

    named = engine.stores.catalogue.card_with_alias
    assert [named("standard", EPOCH + timedelta(days=day)) for day in (-1, 0, 1, 2, 9)] == [
        None,
        "card0",
        "card1",
        "card2",
        "card2",
    ]


def test_rates_added_later_come_after_the_first_ones() -> None:
    engine = setup().engine
    first = rate("Storage", "1")
    add_catalog(engine, [usage_product("Storage")], [metric("Storage")], [first])
    more = [
        Rate(
            id=f"later{n}",
            rate_card_id="card",
            product_id="p-Storage",
            window=span("2024-01-01"),
            price=first.price,
        )
        for n in range(2)
    ]
    engine.add_rates("card", more, EPOCH)
    engine.add_rates("card", more, EPOCH)

    assert [r.id for r in engine.catalog().rate_cards["card"].rates] == [
        first.id,
        "later0",
        "later1",
    ]
