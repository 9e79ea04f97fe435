"""Named schedules of customers, contracts and rate cards: any JSON over time (2.3)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Do, Route
from closedwon.api.model import Instant, Texts, Wire, whole
from closedwon.api.paging import LIMIT_MAX, asked, paged_body
from closedwon.billing.contracts.named_schedules import NamedSchedule, NamedSegment
from closedwon.engine.command import Author
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import Interval
from closedwon.kernel.strict_json import canonical_dumps
from closedwon.store.tokens import Scope


class Retrieve(Wire):
    """A schedule by its owner and name; only the segment at ``covering_date`` when given."""

    customer_id: str | None = None
    contract_id: str | None = None
    rate_card_id: str | None = None
    schedule_name: str = Field(min_length=1)
    covering_date: Instant | None = None
    properties: Texts = {}


class Update(Wire):
    """A value over a window."""

    customer_id: str | None = None
    contract_id: str | None = None
    rate_card_id: str | None = None
    schedule_name: str = Field(min_length=1)
    starting_at: Instant
    ending_before: Instant | None = None
    value: Any
    properties: Texts = {}


class List(Wire):
    """POST /v1/contracts/listNamedSchedules."""

    customer_id: str
    contract_id: str | None = None
    schedule_name: str | None = None
    covering_date: Instant | None = None
    properties: Texts = {}
    """All of these are among the schedule's own."""
    limit: Annotated[int, whole(1, LIMIT_MAX)] | None = None
    next_page: str | None = None


def list_(call: Call, body: List) -> Any:
    """Named schedules of a customer's contracts, or of one of them, by contract and name."""
    call.engine.customer(body.customer_id)
    ids = sorted(one.id for one in call.engine.contracts(body.customer_id))
    if body.contract_id is not None:
        if body.contract_id not in ids:
            raise NotFound("no such contract of this customer", contract=body.contract_id)
        ids = [body.contract_id]
    rows = [
        (contract_id, one)
        for contract_id in ids
        for one in call.engine.named_schedules(("contract", contract_id))
        if body.schedule_name in (None, one.name)
        and body.properties.items() <= one.properties.items()
    ]
    return paged_body(rows, asked(body.limit, body.next_page), _key, _row(body.covering_date))


def _key(row: tuple[str, NamedSchedule]) -> tuple[str, ...]:
    contract_id, schedule = row
    return contract_id, schedule.name, canonical_dumps(dict(schedule.properties))


def _row(covering: datetime | None) -> Callable[[tuple[str, NamedSchedule]], dict[str, Any]]:
    def row(found: tuple[str, NamedSchedule]) -> dict[str, Any]:
        contract_id, schedule = found
        shown = [
            _shape(one)
            for one in schedule.segments
            if covering is None or one.window.covers(covering)
        ]
        return {
            "contract_id": contract_id,
            "schedule_name": schedule.name,
            "segments": shown,
            **sparse(properties=dict(schedule.properties) or None),
        }

    return row


def _routes(kind: str, path: str) -> tuple[Route, ...]:
    return (
        Route(
            method="POST",
            path=f"{path}/getNamedSchedule",
            scope=Scope.READ,
            do=_retrieve(kind),
            body=Retrieve,
        ),
        Route(
            method="POST",
            path=f"{path}/updateNamedSchedule",
            scope=Scope.WRITE,
            do=_update(kind),
            body=Update,
        ),
    )


def _retrieve(kind: str) -> Do:
    def retrieve(call: Call, body: Retrieve) -> Any:
        """Segments of a named schedule in order; of a covering_date, only the one then."""
        about = _about(call, kind, body)
        found = call.engine.named_schedule(
            about, body.schedule_name, body.covering_date, body.properties
        )
        return {"data": [_shape(segment) for segment in found]}

    return retrieve


def _update(kind: str) -> Do:
    def update(call: Call, body: Update) -> None:
        """Give a named schedule a value over a window; what it said before and after stays."""
        about = _about(call, kind, body)
        window = Interval(body.starting_at, body.ending_before)
        segment = NamedSegment(window=window, value=body.value)
        author = Author(by=call.by, now=call.now)
        call.engine.update_named_schedule(
            about, body.schedule_name, segment, author, body.properties
        )

    return update


def _about(call: Call, kind: str, body: Retrieve | Update) -> tuple[str, str]:
    """The owner; exactly the ids of its kind are sent."""
    given = {
        "customer": body.customer_id,
        "contract": body.contract_id,
        "rate_card": body.rate_card_id,
    }
    needed = ("customer", "contract") if kind == "contract" else (kind,)
    for name, sent in given.items():
        if (sent is not None) != (name in needed):
            raise Refused(f"{name}_id: {'required' if name in needed else 'unknown field'}")
    if body.properties and kind != "contract":
        raise Refused("properties: unknown field")
    owner = given[kind] or ""
    if kind == "contract" and call.engine.contract(owner).customer_id != given["customer"]:
        raise NotFound("no such contract of this customer", contract=owner)
    return kind, owner


def _shape(segment: NamedSegment) -> dict[str, Any]:
    return {
        "starting_at": segment.window.start,
        **sparse(ending_before=segment.window.end),
        "value": segment.value,
    }


ROUTES = (
    *_routes("customer", "/v1/customers"),
    *_routes("contract", "/v1/contracts"),
    Route(
        method="POST",
        path="/v1/contracts/listNamedSchedules",
        scope=Scope.READ,
        do=list_,
        body=List,
    ),
    *_routes("rate_card", "/v1/contract-pricing/rate-cards"),
)
