"""Named schedules of customers, contracts and rate cards: any JSON over time (2.3)."""

from typing import Any

from pydantic import Field

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Do, Route
from closedwon.api.model import Instant, Wire
from closedwon.billing.contracts.named_schedules import NamedSegment
from closedwon.engine.command import Author
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import Interval
from closedwon.store.tokens import Scope


class Retrieve(Wire):
    """A schedule by its owner and name; only the segment at ``covering_date`` when given."""

    customer_id: str | None = None
    contract_id: str | None = None
    rate_card_id: str | None = None
    schedule_name: str = Field(min_length=1)
    covering_date: Instant | None = None


class Update(Wire):
    """A value over a window."""

    customer_id: str | None = None
    contract_id: str | None = None
    rate_card_id: str | None = None
    schedule_name: str = Field(min_length=1)
    starting_at: Instant
    ending_before: Instant | None = None
    value: Any


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
        about = _about(call, kind, body)
        found = call.engine.named_schedule(about, body.schedule_name, body.covering_date)
        return {"data": [_shape(segment) for segment in found]}

    return retrieve


def _update(kind: str) -> Do:
    def update(call: Call, body: Update) -> None:
        about = _about(call, kind, body)
        window = Interval(body.starting_at, body.ending_before)
        segment = NamedSegment(window=window, value=body.value)
        author = Author(by=call.by, now=call.now)
        call.engine.update_named_schedule(about, body.schedule_name, segment, author)

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
    *_routes("rate_card", "/v1/contract-pricing/rate-cards"),
)
