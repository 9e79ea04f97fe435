"""Ours: customers whose bill cannot be made as things stand, and the way out (D9, G13)."""

from typing import Any

from closedwon.api.call import Call, Route
from closedwon.api.model import Wire
from closedwon.api.paging import paged_body
from closedwon.kernel.errors import NotFound
from closedwon.kernel.instant import format_instant
from closedwon.store.problems import BillingProblem
from closedwon.store.tokens import Scope


class Release(Wire):
    """POST /closedwon/problems/release."""

    customer_id: str


def list_(call: Call, _body: None) -> Any:
    """Parked customers, oldest problem first."""
    return paged_body(
        call.engine.problems(),
        call.page,
        lambda one: (format_instant(one.first_at), one.customer_id),
        _shape,
    )


def release(call: Call, body: Release) -> Any:
    """Try the customer again at the next finalization; 404 when it is not parked."""
    if not call.engine.release_problem(body.customer_id, call.now, call.by):
        raise NotFound("the customer is not parked", customer=body.customer_id)
    return {"data": {"customer_id": body.customer_id}}


def _shape(one: BillingProblem) -> dict[str, Any]:
    return {
        "customer_id": one.customer_id,
        "code": one.code,
        "message": one.message,
        "attempts": one.attempts,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "retry_at": one.retry_at,
    }


ROUTES = (
    Route(method="GET", path="/closedwon/problems", scope=Scope.READ, do=list_, is_paged=True),
    Route(
        method="POST",
        path="/closedwon/problems/release",
        scope=Scope.WRITE,
        do=release,
        body=Release,
    ),
)
