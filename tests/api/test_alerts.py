"""Alerts, how they stand with customers, and lifecycle notifications (2.11; R7, R271-R281)."""

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, ConflictError, InternalServerError, Metronome, NotFoundError

from api.live import START, Server
from api.played import Story
from billing.world import at, metric, rate, span
from billing.world import usage_product as usage
from build import add_catalog, add_customer, event
from closedwon.billing.contracts.edits import Create
from closedwon.engine import Engine
from closedwon.testing.usage import MemoryUsage

HIGH: dict[str, Any] = {
    "alert_type": "spend_threshold_reached",
    "name": "High",
    "threshold": 12.5,
    "customer_id": "customer",
}


def calls(engine: Engine, used: MemoryUsage) -> None:
    by_region = usage("Calls", presentation_group_key=("region",))
    counted = metric("Calls", group_keys=(("region",),))
    add_catalog(engine, [by_region], [counted], [rate("Calls", "1")])
    add_customer(engine)
    create = Create(customer_id="customer", term=span("2026-01-01"), rate_card_id="card")
    engine.create_contract("k", create, by="test", now=START)
    used.use(event("customer", "Calls", at("2026-01-05"), "13", region="eu"))
    used.use(event("customer", "Calls", at("2026-01-06"), "2", region="us"))


@pytest.fixture
def story(server: Server, client: Metronome, http: httpx.Client) -> Story:
    found = Story(server, client, http)
    found.built(calls)
    return found


def test_r271_an_alert_goes_from_ok_to_alarm_and_is_null_once_archived(story: Story) -> None:
    alert_id = story.sdk.v1.alerts.create(**HIGH).data.id
    ask = {"alert_id": alert_id, "customer_id": "customer"}
    fresh = story.sdk.v1.customers.alerts.retrieve(**ask).data
    story.until(at("2026-01-07"))
    alarmed = story.sdk.v1.customers.alerts.retrieve(**ask).data
    story.sdk.v1.alerts.archive(id=alert_id)
    archived = story.sdk.v1.customers.alerts.retrieve(**ask).data

    assert (fresh.customer_status, alarmed.customer_status) == ("ok", "in_alarm")
    assert (fresh.alert.threshold, fresh.alert.type) == (12.5, "spend_threshold_reached")
    assert fresh.alert.credit_type is not None
    assert fresh.alert.credit_type.name == "USD (cents)"
    assert (archived.customer_status, archived.alert.status) == (None, "archived")
    listed = story.sdk.v1.customers.alerts.list
    assert list(listed(customer_id="customer")) == []
    gone = list(listed(customer_id="customer", alert_statuses=["ARCHIVED", "DISABLED"]))
    assert [one.alert.id for one in gone] == [alert_id]


def test_r274_a_key_without_a_value_stands_for_each_value(story: Story) -> None:
    alert_id = story.sdk.v1.alerts.create(**HIGH, group_values=[{"key": "region"}]).data.id
    story.until(at("2026-01-07"))
    ask: dict[str, Any] = {"alert_id": alert_id, "customer_id": "customer"}

    def status_of(region: str) -> tuple[str | None, str | None]:
        one = story.sdk.v1.customers.alerts.retrieve(
            **ask, group_values=[{"key": "region", "value": region}]
        ).data
        return one.customer_status, one.triggered_by

    assert status_of("eu") == ("in_alarm", "region=eu")
    assert status_of("us") == ("ok", None)
    every = story.sdk.v1.customers.alerts.retrieve(**ask).data
    assert (every.customer_status, every.triggered_by) == ("in_alarm", "region=eu")


def test_r271_reset_evaluates_and_tells_anew(story: Story) -> None:
    alert_id = story.sdk.v1.alerts.create(**HIGH).data.id
    story.until(at("2026-01-07"))

    def told() -> int:
        with story.engine() as engine:
            events = engine.stores.events.after(0, 1000)
            return sum(one.type.startswith("alerts.") for one in events)

    before = told()
    story.sdk.v1.customers.alerts.reset(alert_id=alert_id, customer_id="customer")

    ask = {"alert_id": alert_id, "customer_id": "customer"}
    assert story.sdk.v1.customers.alerts.retrieve(**ask).data.customer_status == "in_alarm"
    assert (before, told()) == (1, 2)


def test_r7_a_uniqueness_key_is_freed_only_when_asked(story: Story) -> None:
    keyed = {**HIGH, "uniqueness_key": "one"}
    alerts = story.sdk.v1.alerts
    first = alerts.create(**keyed).data.id
    alerts.archive(id=first)
    with pytest.raises(ConflictError) as caught:
        alerts.create(**keyed)
    alerts.archive(id=first, release_uniqueness_key=True)

    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.response.json() == {"message": "This uniqueness key has already been used."}
    assert alerts.create(**keyed).data.id != first


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"alert_type": "too_much"}, "alert_type"),
        ({"threshold": "12"}, "threshold"),
        ({"billable_metric_id": "m-Calls"}, "billable_metric_id"),
        ({"seat_filter": {"seat_group_key": "user"}}, "seat_filter"),
        ({"group_values": [{"key": "colour"}]}, "colour"),
        ({"alert_specifiers": [{"custom_field_filters": []}]}, "R276"),
        ({"colour": "red"}, "colour: unknown field"),
    ],
)
def test_what_does_not_fit_an_alert_is_refused(
    story: Story, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(BadRequestError, match=told):
        story.sdk.v1.alerts.create(**HIGH, extra_body=change)


def test_alerts_on_plans_are_a_501_and_unknown_ones_a_404(story: Story) -> None:
    with pytest.raises(InternalServerError) as caught:
        story.sdk.v1.alerts.create(
            alert_type="low_credit_balance_reached", name="Low", threshold=1, customer_id="customer"
        )
    assert caught.value.status_code == 501
    with pytest.raises(NotFoundError):
        story.sdk.v1.alerts.archive(id="nothing")
    with pytest.raises(NotFoundError):
        story.sdk.v1.customers.alerts.retrieve(alert_id="nothing", customer_id="customer")
    mine = story.sdk.v1.alerts.create(**HIGH).data.id
    other = story.sdk.v1.customers.create(name="Other").data.id
    with pytest.raises(NotFoundError):
        story.sdk.v1.customers.alerts.retrieve(alert_id=mine, customer_id=other)
    with pytest.raises(NotFoundError):
        story.sdk.v1.alerts.create(**{**HIGH, "customer_id": "nobody"})


def test_customer_alerts_are_paged_to_the_end(story: Story) -> None:
    made = {
        story.sdk.v1.alerts.create(**{**HIGH, "name": f"A{at}", "threshold": at + 1}).data.id
        for at in range(5)
    }
    listed = story.sdk.v1.customers.alerts.list(customer_id="customer", extra_query={"limit": 2})

    assert len(listed.data) == 2
    assert {one.alert.id for one in listed} == made


def test_r280_a_notification_is_made_edited_archived_and_listed(client: Metronome) -> None:
    offset = client.v2.notifications.offset
    policy = {"type": "contract.end", "offset": "-P7D"}
    made = offset.create(name="Ending", policy=policy, uniqueness_key="ending").data  # type: ignore[arg-type]
    moved = offset.edit(id=made.id, policy={"type": "contract.end", "offset": "-P3D"}).data
    archived = offset.archive(id=made.id).data

    assert (made.policy.offset, made.created_at) == ("-P7D", START)
    assert (made.created_by, made.archived_at) == ("admin-ingest-read-write", None)
    assert moved.policy.offset == "-P3D"  # type: ignore[union-attr]
    assert archived.archived_at == START
    assert offset.archive(id=made.id).data.archived_at == START
    assert offset.retrieve(id=made.id).data == archived
    assert list(offset.list()) == []
    assert [one.id for one in offset.list(archive_filter="ALL")] == [made.id]
    with pytest.raises(BadRequestError):
        offset.edit(id=made.id, policy={"type": "contract.end", "offset": "P1D"})


def test_notifications_are_paged_by_a_cursor_in_the_body(client: Metronome) -> None:
    offset = client.v2.notifications.offset
    policy: Any = {"type": "contract.start", "offset": "PT12H"}
    made = {offset.create(name=f"N{n}", policy=policy).data.id for n in range(5)}
    first = offset.list(limit=2)

    assert len(first.data) == 2
    assert {one.id for one in offset.list(limit=2)} == made
    assert {one.id for one in offset.list()} == made


@pytest.mark.parametrize(
    "policy",
    [
        {"type": "contract.dance", "offset": "P1D"},
        {"type": "contract.end", "offset": "P1M"},
        {"type": "contract.end"},
    ],
)
def test_r280_what_is_no_event_or_no_offset_is_refused(client: Metronome, policy: Any) -> None:
    with pytest.raises(BadRequestError) as caught:
        client.v2.notifications.offset.create(name="Wrong", policy=policy)

    assert caught.value.response.json()["code"] == "InvalidArgument"


def test_an_unknown_notification_is_a_404_with_its_code(client: Metronome) -> None:
    offset = client.v2.notifications.offset
    with pytest.raises(NotFoundError) as caught:
        offset.retrieve(id="nothing")
    offset.create(name="A", policy={"type": "contract.end", "offset": "P1D"}, uniqueness_key="k")
    with pytest.raises(ConflictError):
        offset.create(name="B", policy={"type": "commit.edit", "offset": "P1D"}, uniqueness_key="k")

    assert caught.value.response.json()["code"] == "NotificationConfigNotFound"


def test_r279_every_system_event_is_listed(client: Metronome) -> None:
    found = client.v2.notifications.system.list().data

    assert len(found) == 15
    assert {"contract.start", "commit.segment.end"} <= {one.policy.type for one in found}
    assert all(one.is_enabled for one in found)
