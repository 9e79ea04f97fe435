"""Notifications around lifecycle events: v2.notifications."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import NOW, World
from closedwon.store.tokens import Scope


def _sent(world: World, **fields: Any) -> dict[str, Any]:
    policy = {"type": "contract.start", "offset": "-P7D"}
    return {"name": world.name("Notification"), "policy": policy, **fields}


def _made(world: World) -> str:
    return world.sdk.v2.notifications.offset.create(**_sent(world)).data.id


@does("v2.notifications.offset.create")
def creates_a_notification(world: World) -> None:
    sent = _sent(world, uniqueness_key=world.name("key"))

    made = world.sdk.v2.notifications.offset.create(**sent).data

    del sent["uniqueness_key"]  # Told nowhere; a second use of it is a 409.
    holds(made, {**sent, "is_enabled": True, "created_at": NOW, "archived_at": None})
    assert made.type == "LIFECYCLE_EVENT_OFFSET"
    found = world.sdk.v2.notifications.offset.list(limit=400)
    assert [one.id for one in found if one.name == sent["name"]] == [made.id]


@refuses("v2.notifications.offset.create", 400, "contract.begin")
def does_not_follow_an_event_there_is_not(world: World) -> None:
    policy: Any = {"type": "contract.begin", "offset": "P1D"}
    world.sdk.v2.notifications.offset.create(**_sent(world, policy=policy))


@does("v2.notifications.offset.retrieve")
def retrieves_a_notification(world: World) -> None:
    sent = _sent(world)
    made = world.sdk.v2.notifications.offset.create(**sent).data

    found = world.sdk.v2.notifications.offset.retrieve(id=made.id).data

    assert found == made
    holds(found, sent)


@refuses("v2.notifications.offset.retrieve", 404, "notification")
def does_not_retrieve_what_is_not_there(world: World) -> None:
    world.sdk.v2.notifications.offset.retrieve(id="none")


@does("v2.notifications.offset.edit")
def moves_and_switches_a_notification(world: World) -> None:
    made, policy = _made(world), {"type": "contract.start", "offset": "P3D"}
    edit = world.sdk.v2.notifications.offset.edit

    off: Any = edit(id=made, is_enabled=False, policy=policy).data  # type: ignore[arg-type]

    holds(off, {"id": made, "is_enabled": False, "policy": policy})
    on: Any = edit(id=made, is_enabled=True, policy=policy).data  # type: ignore[arg-type]
    holds(on, {"id": made, "is_enabled": True, "policy": policy})
    assert world.sdk.v2.notifications.offset.retrieve(id=made).data == on


@refuses("v2.notifications.offset.edit", 400, "cannot change")
def does_not_follow_another_event(world: World) -> None:
    world.sdk.v2.notifications.offset.edit(
        id=_made(world), policy={"type": "contract.end", "offset": "P3D"}
    )


@does("v2.notifications.offset.archive")
def archives_a_notification(world: World) -> None:
    made = _made(world)

    gone = world.sdk.v2.notifications.offset.archive(id=made).data

    assert gone.archived_at == NOW
    assert world.sdk.v2.notifications.offset.retrieve(id=made).data == gone


@refuses("v2.notifications.offset.archive", 404, "notification")
def does_not_archive_what_is_not_there(world: World) -> None:
    world.sdk.v2.notifications.offset.archive(id="none")


@does("v2.notifications.offset.list")
def lists_notifications_by_whether_they_are_archived(world: World) -> None:
    kept, gone = _made(world), _made(world)
    world.sdk.v2.notifications.offset.archive(id=gone)

    def listed(which: Any) -> set[str]:
        found = world.sdk.v2.notifications.offset.list(archive_filter=which, limit=400)
        return {one.id for one in found} & {kept, gone}

    assert listed("NOT_ARCHIVED") == {kept}
    assert listed("ARCHIVED") == {gone}
    assert listed("ALL") == {kept, gone}


@refuses("v2.notifications.offset.list", 400, "400")
def does_not_list_more_than_four_hundred(world: World) -> None:
    world.sdk.v2.notifications.offset.list(limit=401)


@pages("v2.notifications.offset.list")
def pages_of_notifications(world: World) -> Paging:
    made = frozenset(_made(world) for _ in range(3))
    return Paging(
        asked=world.sdk.v2.notifications.offset.list, key=lambda row: row.id, expected=made
    )


@does("v2.notifications.system.list")
def lists_the_events_there_are(world: World) -> None:
    found = world.sdk.v2.notifications.system.list()

    assert found.cursor is None
    assert {one.is_enabled for one in found.data} == {True}
    kinds = [one.policy.type for one in found.data]
    assert {"contract.start", "contract.end", "commit.segment.start"} <= set(kinds)
    assert len(set(kinds)) == len(kinds)


@refuses("v2.notifications.system.list", 403, "scope")
def is_not_for_who_only_sends_usage(world: World) -> None:
    world.limited(Scope.INGEST).v2.notifications.system.list()
