"""Billable metrics: v1.billable_metrics, v1.customers.list_billable_metrics."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import World


def _streaming(world: World, **fields: Any) -> dict[str, Any]:
    return {
        "name": world.name("Metric"),
        "aggregation_type": "SUM",
        "aggregation_key": "bytes",
        "event_type_filter": {"in_values": ["sent", "received"]},
        "property_filters": [
            {"name": "bytes", "exists": True},
            {"name": "region", "exists": True, "in_values": ["eu", "us"]},
            {"name": "zone", "exists": True},
            {"name": "kind", "not_in_values": ["test"]},
        ],
        "group_keys": [["region"], ["region", "zone"]],
        **fields,
    }


def _made(world: World, **fields: Any) -> str:
    return world.sdk.v1.billable_metrics.create(**_streaming(world, **fields)).data.id


def _named(world: World, name: str) -> list[str]:
    found = world.sdk.v1.billable_metrics.list(include_archived=True)
    return [one.id for one in found if one.name == name]


@does("v1.billable_metrics.create")
def creates_metrics_of_every_aggregation(world: World) -> None:
    world.sdk.v1.custom_fields.add_key(
        entity="billable_metric", key="owner", enforce_uniqueness=False
    )
    fields = {"custom_fields": {"owner": "Ops"}}
    wanted = [
        _streaming(world, **fields),
        _streaming(world, aggregation_type="MAX", event_type_filter={"not_in_values": ["lost"]}),
        _streaming(world, aggregation_type="UNIQUE"),
        _streaming(world, aggregation_type="LATEST"),
        {"name": world.name("Metric"), "aggregation_type": "COUNT"},
        {"name": world.name("Metric"), "sql": "SELECT count(*) AS value FROM events"},
    ]

    for sent in wanted:
        made = world.sdk.v1.billable_metrics.create(**sent).data.id
        holds(world.sdk.v1.billable_metrics.retrieve(billable_metric_id=made).data, sent)
        assert _named(world, sent["name"]) == [made]


@refuses("v1.billable_metrics.create", 400, "R36")
def does_not_group_by_what_may_be_missing(world: World) -> None:
    _made(world, group_keys=[["city"]])


@does("v1.billable_metrics.retrieve")
def retrieves_a_metric(world: World) -> None:
    sent = _streaming(world)
    made = world.sdk.v1.billable_metrics.create(**sent).data.id

    found = world.sdk.v1.billable_metrics.retrieve(billable_metric_id=made)

    holds(found.data, {"id": made, **sent, "archived_at": None})


@refuses("v1.billable_metrics.retrieve", 404, "metric")
def does_not_retrieve_what_is_not_there(world: World) -> None:
    world.sdk.v1.billable_metrics.retrieve(billable_metric_id="none")


@does("v1.billable_metrics.update")
def renames_a_metric(world: World) -> None:
    made, name = _made(world), world.name("Renamed")

    changed = world.sdk.v1.billable_metrics.update(billable_metric_id=made, name=name)

    assert changed.data.id == made
    assert _named(world, name) == [made]


@refuses("v1.billable_metrics.update", 404, "metric")
def does_not_rename_what_is_not_there(world: World) -> None:
    world.sdk.v1.billable_metrics.update(billable_metric_id="none", name="New")


@does("v1.billable_metrics.archive")
def archives_a_metric(world: World) -> None:
    made = _made(world)

    assert world.sdk.v1.billable_metrics.archive(id=made).data.id == made

    found = world.sdk.v1.billable_metrics.retrieve(billable_metric_id=made).data
    assert found.archived_at is not None
    assert made not in {one.id for one in world.sdk.v1.billable_metrics.list()}


@refuses("v1.billable_metrics.archive", 404, "metric")
def does_not_archive_what_is_not_there(world: World) -> None:
    world.sdk.v1.billable_metrics.archive(id="none")


@does("v1.billable_metrics.list")
def lists_metrics_also_archived_ones(world: World) -> None:
    kept, gone = _made(world), _made(world)
    world.sdk.v1.billable_metrics.archive(id=gone)

    live = {one.id for one in world.sdk.v1.billable_metrics.list(include_archived=False)}
    every = {one.id for one in world.sdk.v1.billable_metrics.list(include_archived=True, limit=9)}

    assert {kept, gone} & live == {kept}
    assert {kept, gone} <= every


@refuses("v1.billable_metrics.list", 400, "next_page")
def does_not_take_a_foreign_cursor(world: World) -> None:
    world.sdk.v1.billable_metrics.list(next_page="!")


@pages("v1.billable_metrics.list")
def pages_of_metrics(world: World) -> Paging:
    made = frozenset(_made(world) for _ in range(3))
    return Paging(asked=world.sdk.v1.billable_metrics.list, key=lambda row: row.id, expected=made)


@does("v1.customers.list_billable_metrics")
def lists_the_metrics_of_a_customer(world: World) -> None:
    sent = _streaming(world)
    kept, gone = world.sdk.v1.billable_metrics.create(**sent).data.id, _made(world)
    world.sdk.v1.billable_metrics.archive(id=gone)

    def listed(**asked: Any) -> dict[str, Any]:
        found = world.sdk.v1.customers.list_billable_metrics(customer_id=world.settled, **asked)
        return {one.id: one for one in found}

    live, every = listed(on_current_plan=False), listed(include_archived=True, limit=9)
    holds(live[kept], sent)
    assert gone not in live
    assert {kept, gone} <= every.keys()


@refuses("v1.customers.list_billable_metrics", 404, "customer")
def does_not_list_metrics_of_nobody(world: World) -> None:
    world.sdk.v1.customers.list_billable_metrics(customer_id="none")


@pages("v1.customers.list_billable_metrics")
def pages_of_a_customers_metrics(world: World) -> Paging:
    made = frozenset(_made(world) for _ in range(3))

    def asked(**fields: Any) -> Any:
        return world.sdk.v1.customers.list_billable_metrics(customer_id=world.settled, **fields)

    return Paging(asked=asked, key=lambda row: row.id, expected=made)
