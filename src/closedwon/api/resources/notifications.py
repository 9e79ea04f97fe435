"""Notifications around lifecycle events (metronome.md 2.3, 2.11; R279, R280)."""

from typing import Annotated, Any

from pydantic import Field

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.api.model import Id, Key, Wire, one_of, whole
from closedwon.api.paging import asked, paged
from closedwon.billing.notifications.offsets import TYPES, OffsetNotification
from closedwon.kernel.errors import Refused
from closedwon.store.tokens import Scope

LIMIT_MAX = 400
SYSTEM, OFFSET = "LIFECYCLE_EVENT_SYSTEM", "LIFECYCLE_EVENT_OFFSET"


class Policy(Wire):
    """So long after an event, or before it."""

    type: str
    offset: str | None = None


class Create(Wire):
    """POST /v2/notifications/create."""

    name: str = Field(min_length=1)
    policy: Policy
    uniqueness_key: Key | None = None


class Edit(Wire):
    """POST /v2/notifications/edit."""

    id: str | None = None
    is_enabled: bool | None = None
    policy: Policy | None = None


class List(Wire):
    """POST /v2/notifications/offset/list."""

    archive_filter: Annotated[str, one_of("NOT_ARCHIVED", "ARCHIVED", "ALL")] = "NOT_ARCHIVED"
    limit: Annotated[int, whole(1, LIMIT_MAX)] | None = None
    cursor: str | None = None


def create(call: Call, body: Create) -> Any:
    """Add a notification; instants that are past now are never told (R280)."""
    if body.policy.offset is None:
        raise Refused("policy.offset: required; system events are told without being asked for")
    made = OffsetNotification(
        id=call.new_id(),
        name=body.name,
        type=body.policy.type,
        offset=body.policy.offset,
        uniqueness_key=body.uniqueness_key,
        since=call.now,
        created_at=call.now,
        created_by=call.by,
    )
    call.engine.notifications.create(made, call.now, call.by)
    return {"data": _shape(call, made)}


def retrieve(call: Call, body: Id) -> Any:
    """One notification, archived or not."""
    return {"data": _shape(call, call.engine.notifications.get(body.id))}


def edit(call: Call, body: Edit) -> Any:
    """Switch it, or move it to another offset; its event type stays."""
    if body.id is None:
        raise Unsupported("system events are always told; give the id of an offset notification")
    known = call.engine.notifications.get(body.id)
    policy = body.policy
    if known.archived_at is not None:
        raise Refused("an archived notification cannot be edited", notification_id=known.id)
    if policy is not None and policy.type != known.type:
        raise Refused("policy.type: cannot change", expected=known.type, found=policy.type)
    made = call.engine.notifications.edit(
        body.id,
        call.now,
        is_enabled=body.is_enabled,
        offset=None if policy is None else policy.offset,
        by=call.by,
    )
    return {"data": _shape(call, made)}


def archive(call: Call, body: Id) -> Any:
    """Stop it for good."""
    if call.engine.notifications.get(body.id).archived_at is None:
        call.engine.notifications.archive(body.id, call.now, call.by)
    return {"data": _shape(call, call.engine.notifications.get(body.id))}


def list_(call: Call, body: List) -> Any:
    """Notifications by id."""
    wanted = {"NOT_ARCHIVED": (False,), "ARCHIVED": (True,), "ALL": (False, True)}
    found = [
        one
        for one in call.engine.notifications.all()
        if (one.archived_at is not None) in wanted[body.archive_filter]
    ]
    page = asked(body.limit, body.cursor, most=LIMIT_MAX)
    shown, following = paged(found, page, lambda one: (one.id,))
    return {"data": [_shape(call, one) for one in shown], "cursor": following}


def system(_call: Call, _body: None) -> Any:
    """The events there are; every one is told."""
    rows = [{"type": SYSTEM, "policy": {"type": one}, "is_enabled": True} for one in sorted(TYPES)]
    return {"data": rows, "cursor": None}


def _shape(call: Call, one: OffsetNotification) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": OFFSET,
        "name": one.name,
        "policy": {"type": one.type, "offset": one.offset},
        "is_enabled": one.is_enabled,
        "environment_type": call.engine.notifications.environment,
        "created_at": one.created_at or one.since,
        "created_by": one.created_by,
        "archived_at": one.archived_at,
    }


BASE = "/v2/notifications"
ROUTES = (
    Route(method="POST", path=f"{BASE}/create", scope=Scope.WRITE, do=create, body=Create),
    Route(method="POST", path=f"{BASE}/get", scope=Scope.READ, do=retrieve, body=Id),
    Route(method="POST", path=f"{BASE}/edit", scope=Scope.WRITE, do=edit, body=Edit),
    Route(method="POST", path=f"{BASE}/archive", scope=Scope.WRITE, do=archive, body=Id),
    Route(method="POST", path=f"{BASE}/offset/list", scope=Scope.READ, do=list_, body=List),
    Route(method="POST", path=f"{BASE}/system/list", scope=Scope.READ, do=system),
)
