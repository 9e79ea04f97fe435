"""Products: v1.contracts.products."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import NOW, World

METERED: dict[str, Any] = {
    "quantity_conversion": {"conversion_factor": 1024.5, "operation": "DIVIDE", "name": "GiB"},
    "quantity_rounding": {"rounding_method": "ROUND_HALF_UP", "decimal_places": 2},
    "pricing_group_key": ["region"],
    "presentation_group_key": ["zone"],
    "tags": ["storage", "metered"],
}


def _metric(world: World) -> str:
    return world.sdk.v1.billable_metrics.create(
        name=world.name("Metric"),
        aggregation_type="COUNT",
        property_filters=[{"name": "region", "exists": True}, {"name": "zone", "exists": True}],
        group_keys=[["region", "zone"]],
    ).data.id


def _sql_metric(world: World) -> str:
    return world.sdk.v1.billable_metrics.create(
        name=world.name("Metric"), sql="SELECT count(*) AS value FROM events"
    ).data.id


def _made(world: World, kind: Any = "FIXED", **fields: Any) -> str:
    name = world.name("Product")
    return world.sdk.v1.contracts.products.create(name=name, type=kind, **fields).data.id


def _each_kind(world: World) -> list[dict[str, Any]]:
    part = _made(world)
    return [
        {"type": "USAGE", "billable_metric_id": _metric(world), **METERED},
        {"type": "USAGE", "billable_metric_id": _sql_metric(world)},
        {"type": "FIXED", "tags": ["support"], "is_refundable": True},
        {"type": "SUBSCRIPTION"},
        {"type": "PROFESSIONAL_SERVICE"},
        {"type": "PRO_SERVICE"},
        {
            "type": "COMPOSITE",
            "composite_product_ids": [part],
            "composite_tags": ["storage"],
            "exclude_free_usage": True,
            "include_composite_spend": True,
        },
    ]


@does("v1.contracts.products.create")
def creates_a_product_of_every_type(world: World) -> None:
    key = world.name("key")
    world.sdk.v1.custom_fields.add_key(entity="contract_product", key=key, enforce_uniqueness=False)
    for kind in _each_kind(world):
        sent = {**kind, "name": world.name("Product"), "custom_fields": {key: "1"}}

        made = world.sdk.v1.contracts.products.create(
            **sent, sql_breakdown_granularity="SERVICE_PERIOD"
        ).data.id

        found = world.sdk.v1.contracts.products.retrieve(id=made).data
        shown = sent.pop("type")
        fields = sent.pop("custom_fields")
        holds(found, {"type": {"PROFESSIONAL_SERVICE": "PRO_SERVICE"}.get(shown, shown)})
        holds(found.initial, sent)
        holds(found.current, sent)
        assert found.custom_fields == fields
        assert _named(world, sent["name"]) == [made]


def _named(world: World, name: str) -> list[str]:
    found = world.sdk.v1.contracts.products.list(archive_filter="ALL")
    return [one.id for one in found if one.current.name == name]


@refuses("v1.contracts.products.create", 400, "R35")
def does_not_price_by_what_the_metric_does_not_tell(world: World) -> None:
    _made(world, "USAGE", billable_metric_id=_metric(world), pricing_group_key=["city"])


@does("v1.contracts.products.update")
def defines_products_anew_from_an_hour_on(world: World) -> None:
    first, then = _made(world, "USAGE", billable_metric_id=_metric(world)), "2026-03-01T05:00:00Z"
    changes: dict[str, Any] = {
        "name": world.name("Renamed"),
        "billable_metric_id": _metric(world),
        **METERED,
    }
    update = world.sdk.v1.contracts.products.update

    assert update(product_id=first, starting_at=then, **changes).data.id == first
    update(product_id=first, starting_at="2026-04-01T00:00:00Z", quantity_conversion=None)

    found = world.sdk.v1.contracts.products.retrieve(id=first).data
    assert found.initial.quantity_conversion is None
    holds(found.current, {**changes, "starting_at": then})
    assert len(found.updates) == 2
    holds(found.updates[0], {**changes, "starting_at": then, "created_at": NOW})
    assert found.updates[1].quantity_conversion is None
    assert found.updates[1].quantity_rounding is not None
    part = _made(world)
    composite = _made(world, "COMPOSITE", composite_tags=["storage"])
    of_sql = _made(world, "USAGE", billable_metric_id=_sql_metric(world))
    update(product_id=of_sql, starting_at=then, sql_breakdown_granularity="HOUR")
    sums = {
        "composite_product_ids": [part],
        "composite_tags": ["analysis"],
        "exclude_free_usage": True,
        "include_composite_spend": True,
    }
    update(product_id=composite, starting_at=then, is_refundable=True, **sums)  # type: ignore[arg-type]
    holds(world.sdk.v1.contracts.products.retrieve(id=composite).data.current, sums)


@refuses("v1.contracts.products.update", 400, "hour")
def does_not_define_a_product_from_within_an_hour_on(world: World) -> None:
    world.sdk.v1.contracts.products.update(
        product_id=_made(world), starting_at="2026-03-01T05:30:00Z", name="New"
    )


@does("v1.contracts.products.retrieve")
def retrieves_a_product(world: World) -> None:
    found = world.sdk.v1.contracts.products.retrieve(id=world.shop.seat).data

    holds(found, {"id": world.shop.seat, "type": "SUBSCRIPTION", "updates": []})
    holds(found.current, {"name": "Seat"})


@refuses("v1.contracts.products.retrieve", 404, "product")
def does_not_retrieve_what_is_not_there(world: World) -> None:
    world.sdk.v1.contracts.products.retrieve(id="none")


@does("v1.contracts.products.archive")
def archives_a_product(world: World) -> None:
    made = _made(world)

    assert world.sdk.v1.contracts.products.archive(product_id=made).data.id == made

    assert world.sdk.v1.contracts.products.retrieve(id=made).data.archived_at == NOW


@refuses("v1.contracts.products.archive", 404, "product")
def does_not_archive_what_is_not_there(world: World) -> None:
    world.sdk.v1.contracts.products.archive(product_id="none")


@does("v1.contracts.products.list")
def lists_products_by_whether_they_are_archived(world: World) -> None:
    kept, gone = _made(world), _made(world)
    world.sdk.v1.contracts.products.archive(product_id=gone)

    def listed(which: Any) -> set[str]:
        found = world.sdk.v1.contracts.products.list(archive_filter=which, limit=50)
        return {one.id for one in found} & {kept, gone}

    assert listed("NOT_ARCHIVED") == {kept}
    assert listed("ARCHIVED") == {gone}
    assert listed("ALL") == {kept, gone}


@refuses("v1.contracts.products.list", 400, "limit")
def does_not_list_more_than_a_hundred(world: World) -> None:
    world.sdk.v1.contracts.products.list(limit=101)


@pages("v1.contracts.products.list")
def pages_of_products(world: World) -> Paging:
    made = frozenset(_made(world) for _ in range(3))
    return Paging(asked=world.sdk.v1.contracts.products.list, key=lambda row: row.id, expected=made)
