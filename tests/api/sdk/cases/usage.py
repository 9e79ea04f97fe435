"""Usage events and what they add up to: v1.usage."""

from datetime import datetime
from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import NOW, World

SPAN: dict[str, Any] = {
    "starting_on": "2026-03-05T00:00:00Z",
    "ending_before": "2026-03-08T00:00:00Z",
}


def _event(world: World, customer: str, **fields: Any) -> dict[str, Any]:
    return {
        "transaction_id": world.name("event"),
        "customer_id": customer,
        "event_type": "used",
        "timestamp": "2026-03-05T12:00:00Z",
        "properties": {"storage_gb": "1.5", "region": "eu"},
        **fields,
    }


def _used(world: World) -> str:
    """A customer: 1.5 in eu and 2 in us on the 5th, 4 in eu on the 7th."""
    customer = world.customer()
    us = {"storage_gb": "2", "region": "us"}
    world.sdk.v1.usage.ingest(
        usage=[  # type: ignore[list-item]
            _event(world, customer),
            _event(world, customer, properties=us),
            _event(
                world,
                customer,
                timestamp="2026-03-07T23:59:59.999Z",
                properties={"storage_gb": 4, "region": "eu"},
            ),
        ]
    )
    return customer


def _metric(world: World) -> str:
    product = world.sdk.v1.contracts.products.retrieve(id=world.shop.storage).data
    return str(product.current.billable_metric_id)


def _day(text: str) -> int:
    return datetime.fromisoformat(text).day


@does("v1.usage.ingest")
def stores_events_once(world: World) -> None:
    customer = world.customer(ingest_aliases=[world.name("alias")])
    alias = world.sdk.v1.customers.retrieve(customer_id=customer).data.ingest_aliases[0]
    first = _event(world, alias, timestamp="2026-03-05T12:00:00.123Z")
    second = _event(world, customer, properties={"storage_gb": 2.5, "region": "eu", "new": True})

    world.sdk.v1.usage.ingest(usage=[first, second])  # type: ignore[list-item]

    found = world.sdk.v1.usage.search(transaction_ids=[first["transaction_id"]])
    kept = [one for one in found if not one.is_duplicate]
    assert len(kept) == 1
    holds(kept[0], {**first, "matched_customer": {"id": customer}})
    rows = world.sdk.v1.usage.list(
        **SPAN,
        window_size="NONE",
        customer_ids=[customer],
        billable_metrics=[{"id": _metric(world)}],
    )
    assert [row.value for row in rows] == [4]


@refuses("v1.usage.ingest", 400, "R18")
def does_not_store_what_is_too_old(world: World) -> None:
    old = _event(world, "acme", timestamp="2026-01-31T00:00:00Z")
    world.sdk.v1.usage.ingest(usage=[old])  # type: ignore[list-item]


@does("v1.usage.search")
def finds_events_by_their_transaction(world: World) -> None:
    customer = world.customer()
    known, unmatched = _event(world, customer), _event(world, world.name("nobody"))
    world.sdk.v1.usage.ingest(usage=[known, unmatched])  # type: ignore[list-item]

    found = world.sdk.v1.usage.search(
        transaction_ids=[known["transaction_id"], unmatched["transaction_id"], world.name()]
    )

    by_id = {one.transaction_id: one for one in found if not one.is_duplicate}
    assert by_id.keys() == {known["transaction_id"], unmatched["transaction_id"]}
    matched, lost = by_id[known["transaction_id"]], by_id[unmatched["transaction_id"]]
    holds(matched, {**known, "processed_at": NOW, "matched_customer": {"id": customer}})
    assert _metric(world) in {one.id for one in matched.matched_billable_metrics or []}
    holds(lost, unmatched)
    assert lost.matched_customer is None


@refuses("v1.usage.search", 400, "transactionIds")
def does_not_search_for_nothing(world: World) -> None:
    world.sdk.v1.usage.search(transaction_ids=[])


@does("v1.usage.list")
def lists_usage_by_window_and_group(world: World) -> None:
    customer, metric = _used(world), _metric(world)

    def listed(size: Any, **asked: Any) -> list[tuple[int, float | None, Any]]:
        wanted = [{"id": metric, **asked}]
        rows = world.sdk.v1.usage.list(
            **SPAN,
            window_size=size,
            customer_ids=[customer],
            billable_metrics=wanted,  # type: ignore[arg-type]
        )
        return [(row.start_timestamp.day, row.value, row.groups) for row in rows]

    def grouped(*values: str) -> dict[str, Any]:
        return {"group_by": {"key": "region", **({"values": list(values)} if values else {})}}

    assert listed("NONE") == [(5, 7.5, None)]
    assert listed("DAY") == [(5, 3.5, None), (6, None, None), (7, 4, None)]
    hours = listed("HOUR")
    assert len(hours) == 72
    assert [value for _, value, _ in hours if value] == [3.5, 4]
    assert listed("NONE", **grouped()) == [(5, 7.5, {"eu": 5.5, "us": 2})]
    assert listed("NONE", **grouped("us")) == [(5, 7.5, {"us": 2})]
    everything = list(world.sdk.v1.usage.list(**SPAN, window_size="NONE"))
    mine = [
        row for row in everything if (row.customer_id, row.billable_metric_id) == (customer, metric)
    ]
    assert len({(row.customer_id, row.billable_metric_id) for row in everything}) == len(everything)
    assert [(row.value, row.billable_metric_name) for row in mine] == [(7.5, "Storage")]


@refuses("v1.usage.list", 400, "midnight")
def does_not_list_from_within_a_day(world: World) -> None:
    world.sdk.v1.usage.list(**{**SPAN, "starting_on": "2026-03-05T01:00:00Z"}, window_size="DAY")


@pages("v1.usage.list")
def pages_of_windows(world: World) -> Paging:
    customer, metric = _used(world), _metric(world)

    def asked(**fields: Any) -> Any:
        return world.sdk.v1.usage.list(
            **SPAN,
            window_size="DAY",
            customer_ids=[customer],
            billable_metrics=[{"id": metric}],
            **fields,
        )

    return Paging(asked=asked, key=lambda row: row.start_timestamp.day, expected=frozenset({5, 7}))


@does("v1.usage.list_with_groups")
def lists_the_usage_of_groups(world: World) -> None:
    customer, metric = _used(world), _metric(world)
    world.contract_of(customer)
    ask: dict[str, Any] = {"customer_id": customer, "billable_metric_id": metric}

    def listed(size: Any = "NONE", **asked: Any) -> list[tuple[int, Any, Any, float | None]]:
        rows = world.sdk.v1.usage.list_with_groups(**ask, window_size=size, **asked)
        return [(row.starting_on.day, row.group_key, row.group_value, row.value) for row in rows]

    eu, us = (5, "region", "eu", 5.5), (5, "region", "us", 2)
    assert listed(**SPAN) == [(5, None, None, 7.5)]
    assert listed(**SPAN, group_key=["region"], limit=1) == [eu, us]
    assert listed(**SPAN, group_key=["region"], group_filters={"region": ["eu"]}) == [eu]
    assert listed(**SPAN, group_by={"key": "region", "values": ["us"]}) == [us]
    by_day = listed("DAY", **SPAN, group_by={"key": "region"})
    assert [row for row in by_day if row[3]] == [
        (5, "region", "eu", 1.5),
        (5, "region", "us", 2),
        (7, "region", "eu", 4),
    ]
    assert listed(current_period=True) == [(1, None, None, 7.5)]
    page = world.sdk.v1.usage.list_with_groups(
        **ask, **SPAN, window_size="NONE", group_key=["region"]
    )
    assert [row.group for row in page.data] == [{"region": "eu"}, {"region": "us"}]


@refuses("v1.usage.list_with_groups", 400, "not both")
def does_not_list_the_current_period_and_another(world: World) -> None:
    world.sdk.v1.usage.list_with_groups(
        customer_id=world.settled,
        billable_metric_id=_metric(world),
        window_size="DAY",
        current_period=True,
        **SPAN,
    )


@pages("v1.usage.list_with_groups")
def pages_of_groups(world: World) -> Paging:
    customer, metric = _used(world), _metric(world)

    def asked(**fields: Any) -> Any:
        return world.sdk.v1.usage.list_with_groups(
            customer_id=customer,
            billable_metric_id=metric,
            window_size="DAY",
            group_key=["region"],
            **SPAN,
            **fields,
        )

    return Paging(
        asked=asked,
        key=lambda row: (row.starting_on.day, row.group_value),
        expected=frozenset({(5, "eu"), (5, "us"), (7, "eu")}),
    )
