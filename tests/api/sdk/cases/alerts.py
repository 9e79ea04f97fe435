"""Threshold alerts and how customers stand with them: v1.alerts, v1.customers.alerts."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import World
from closedwon.billing.catalog.types import USD

SPEND: dict[str, Any] = {"alert_type": "spend_threshold_reached", "threshold": 12.5}


def _shown(world: World, customer_id: str) -> list[Any]:
    return [one.alert for one in world.sdk.v1.customers.alerts.list(customer_id=customer_id)]


def _field(entity: str, key: str, value: str | None = "1") -> Any:
    named = {"entity": entity, "key": key}
    return named if value is None else {**named, "value": value}


def _each_kind(world: World) -> list[dict[str, Any]]:
    """An alert of every type of the contracts era, with what narrows it."""
    region: dict[str, Any] = {"group_values": [{"key": "region"}]}
    metric = world.sdk.v1.contracts.products.retrieve(id=world.shop.storage).data.current
    commit = {"custom_field_filters": [_field("Commit", "tier", "gold")]}
    credit = {"custom_field_filters": [_field("ContractCredit", "tier", "gold")]}
    excluded = [{"custom_field_filters": [_field("Commit", "tier", "trial")]}]
    both = {
        "alert_specifiers": [
            {"custom_field_filters": [_field("Commit", "tier", None)], "exclude": excluded},
            {"custom_field_filters": [_field("Contract", "region", "eu")], "exclude": []},
        ]
    }
    low, spend = "low_remaining", {"access_type": "SPEND"}
    return [
        {**SPEND, **region, "credit_type_id": USD},
        {**SPEND, "group_values": [{"key": "region", "value": "eu"}]},
        {
            "alert_type": "usage_threshold_reached",
            "threshold": 1000.25,
            "billable_metric_id": metric.billable_metric_id,
        },
        {
            "alert_type": "invoice_total_reached",
            "threshold": 500,
            "invoice_types_filter": ["SCHEDULED", "USAGE"],
        },
        {"alert_type": f"{low}_commit_balance_reached", **spend, "threshold": 0, **commit},
        {"alert_type": f"{low}_commit_percentage_reached", **spend, "threshold": 10, **commit},
        {"alert_type": f"{low}_days_for_commit_segment_reached", "threshold": 7, **commit},
        {"alert_type": f"{low}_contract_credit_balance_reached", **spend, "threshold": 1, **credit},
        {
            "alert_type": f"{low}_contract_credit_percentage_reached",
            **spend,
            "threshold": 1,
            **credit,
        },
        {"alert_type": f"{low}_days_for_contract_credit_segment_reached", "threshold": 1, **credit},
        {
            "alert_type": f"{low}_contract_credit_and_commit_balance_reached",
            **spend,
            "threshold": 99,
            **both,
        },
        {
            "alert_type": f"{low}_contract_credit_and_commit_percentage_reached",
            **spend,
            "threshold": 5,
            **both,
        },
        {
            "alert_type": f"{low}_seat_balance_reached",
            **spend,
            "threshold": 3,
            "seat_filter": {"seat_group_key": "user_id", "seat_group_value": "ann"},
        },
    ]


def _split_by_region(world: World) -> None:
    """Let there be a product whose lines tell the region."""
    world.shop.usage(world.name(), "bytes", tags=[], presentation_group_key=["region"])


@does("v1.alerts.create")
def creates_an_alert_of_every_type(world: World) -> None:
    _split_by_region(world)
    customer = world.customer()
    wanted = [
        {**kind, "name": world.name("Alert"), "uniqueness_key": world.name("key")}
        for kind in _each_kind(world)
    ]
    made = [
        world.sdk.v1.alerts.create(**one, customer_id=customer, evaluate_on_create=False).data.id
        for one in wanted
    ]

    shown = {one.id: one for one in _shown(world, customer)}
    assert shown.keys() == set(made)
    for alert_id, sent in zip(made, wanted, strict=True):
        alert = shown[alert_id]
        unit, kind = sent.pop("credit_type_id", None), sent.pop("alert_type")
        sent.pop("billable_metric_id", None)  # The SDK's type of an alert has no metric.
        holds(alert, {**sent, "type": kind, "status": "enabled"})
        assert unit is None or alert.credit_type.id == unit


@refuses("v1.alerts.create", 400, "exclu")
def does_not_exclude_what_is_not_included(world: World) -> None:
    excluded = [{"custom_field_filters": [_field("ContractCredit", "tier")]}]
    specifier = {"custom_field_filters": [_field("Commit", "tier")], "exclude": excluded}
    world.sdk.v1.alerts.create(
        alert_type="low_remaining_contract_credit_and_commit_balance_reached",
        name=world.name(),
        threshold=1,
        alert_specifiers=[specifier],  # type: ignore[list-item]
    )


@does("v1.alerts.archive")
def archives_an_alert_and_frees_its_key(world: World) -> None:
    customer, key = world.customer(), world.name("key")
    sent = {**SPEND, "name": world.name(), "customer_id": customer, "uniqueness_key": key}
    alert_id = world.sdk.v1.alerts.create(**sent).data.id

    gone = world.sdk.v1.alerts.archive(id=alert_id, release_uniqueness_key=True)

    assert gone.data.id == alert_id
    assert _shown(world, customer) == []
    again = world.sdk.v1.alerts.create(**sent).data.id
    assert [one.id for one in _shown(world, customer)] == [again]


@refuses("v1.alerts.archive", 404, "alert")
def does_not_archive_an_alert_there_is_not(world: World) -> None:
    world.sdk.v1.alerts.archive(id="none")


@does("v1.customers.alerts.retrieve")
def says_how_the_customer_stands(world: World) -> None:
    _split_by_region(world)
    region = {"key": "region", "value": "eu"}
    sent = {**SPEND, "name": world.name(), "customer_id": world.settled}
    quiet = world.sdk.v1.alerts.create(**{**sent, "threshold": 10**9}, group_values=[region])
    loud = world.sdk.v1.alerts.create(**sent)
    ask = world.sdk.v1.customers.alerts.retrieve
    commits = "low_remaining_contract_credit_and_commit_balance_reached"
    narrowed = {
        "custom_field_filters": [_field("Commit", "tier", "gold")],
        "exclude": [{"custom_field_filters": [_field("Commit", "tier", "trial")]}],
    }
    balance = world.sdk.v1.alerts.create(
        alert_type=commits,
        name=world.name(),
        threshold=1,
        customer_id=world.settled,
        alert_specifiers=[narrowed],  # type: ignore[list-item]
    )
    seat = {"seat_group_key": "user_id", "seat_group_value": "ann"}
    seats = world.sdk.v1.alerts.create(
        alert_type="low_remaining_seat_balance_reached",
        name=world.name(),
        threshold=1,
        customer_id=world.settled,
        seat_filter={"seat_group_key": "user_id"},
    )

    by_region = ask(alert_id=quiet.data.id, customer_id=world.settled, group_values=[region])  # type: ignore[list-item]
    whole = ask(alert_id=loud.data.id, customer_id=world.settled, plans_or_contracts="CONTRACTS")
    by_field = ask(
        alert_id=balance.data.id,
        customer_id=world.settled,
        alert_specifiers=[narrowed],  # type: ignore[list-item]
    )
    of_seat = ask(alert_id=seats.data.id, customer_id=world.settled, seat_filter=seat)  # type: ignore[arg-type]

    assert (by_region.data.customer_status, whole.data.customer_status) == ("ok", "in_alarm")
    assert (by_field.data.customer_status, of_seat.data.customer_status) == ("ok", "ok")
    holds(whole.data.alert, {"name": sent["name"], "threshold": 12.5, "credit_type": {"id": USD}})
    for one in (quiet, loud, balance, seats):
        world.sdk.v1.alerts.archive(id=one.data.id)


@refuses("v1.customers.alerts.retrieve", 404, "watch")
def does_not_show_the_alert_of_another_customer(world: World) -> None:
    made = world.sdk.v1.alerts.create(**SPEND, name=world.name(), customer_id=world.customer())
    world.sdk.v1.customers.alerts.retrieve(alert_id=made.data.id, customer_id=world.settled)


@does("v1.customers.alerts.list")
def lists_alerts_by_their_status(world: World) -> None:
    customer = world.customer()
    sent = {**SPEND, "customer_id": customer}
    kept, gone = (world.sdk.v1.alerts.create(**sent, name=world.name()).data.id for _ in "ab")
    world.sdk.v1.alerts.archive(id=gone)

    def listed(*statuses: Any) -> set[tuple[str, str | None]]:
        found = world.sdk.v1.customers.alerts.list(
            customer_id=customer, alert_statuses=list(statuses)
        )
        return {(one.alert.id, one.customer_status) for one in found}

    assert listed("ENABLED") == {(kept, "ok")}
    assert listed("ARCHIVED") == {(gone, None)}
    assert listed("DISABLED") == set()
    assert listed("ENABLED", "DISABLED", "ARCHIVED") == {(kept, "ok"), (gone, None)}


@refuses("v1.customers.alerts.list", 404, "customer")
def does_not_list_alerts_of_nobody(world: World) -> None:
    world.sdk.v1.customers.alerts.list(customer_id="none")


@pages("v1.customers.alerts.list")
def pages_of_alerts(world: World) -> Paging:
    customer = world.customer()
    create = world.sdk.v1.alerts.create
    made = [create(**SPEND, name=world.name(), customer_id=customer).data.id for _ in range(3)]

    def asked(**fields: Any) -> Any:
        return world.sdk.v1.customers.alerts.list(customer_id=customer, **fields)

    return Paging(asked=asked, key=lambda row: row.alert.id, expected=frozenset(made))


@does("v1.customers.alerts.reset")
def evaluates_anew(world: World) -> None:
    sent = {**SPEND, "name": world.name(), "customer_id": world.settled}
    alert_id = world.sdk.v1.alerts.create(**sent, evaluate_on_create=False).data.id

    world.sdk.v1.customers.alerts.reset(alert_id=alert_id, customer_id=world.settled)

    stands = world.sdk.v1.customers.alerts.retrieve(alert_id=alert_id, customer_id=world.settled)
    assert stands.data.customer_status == "in_alarm"
    world.sdk.v1.alerts.archive(id=alert_id)


@refuses("v1.customers.alerts.reset", 404, "alert")
def does_not_reset_an_alert_there_is_not(world: World) -> None:
    world.sdk.v1.customers.alerts.reset(alert_id="none", customer_id=world.settled)
