"""Currencies and custom pricing units (metronome.md 2.2, 2.3)."""

from typing import Any

from pydantic import Field

from closedwon.api.call import Call, Route
from closedwon.api.model import Id, Wire
from closedwon.api.paging import paged_body
from closedwon.billing.catalog.types import CreditType
from closedwon.store.tokens import Scope


class Create(Wire):
    """A new pricing unit."""

    name: str = Field(min_length=1)


def create(call: Call, body: Create) -> Any:
    """Add a custom pricing unit; a name that is taken is a 409."""
    kind = CreditType(id=call.new_id(), name=body.name)
    call.engine.create_credit_type(kind, call.now, call.by)
    return {"data": {"id": kind.id}}


def archive(call: Call, body: Id) -> Any:
    """Keep rate cards from taking a pricing unit up, and lists from showing it."""
    call.engine.archive_credit_type(body.id, call.now, call.by)
    return {"data": {"id": body.id}}


def list_(call: Call, _body: None) -> Any:
    """Every currency and pricing unit that is not archived, by name."""
    kinds = call.engine.catalog().credit_types.values()
    return paged_body(
        [kind for kind in kinds if kind.archived_at is None],
        call.page,
        lambda kind: (kind.name, kind.id),
        lambda kind: {
            "id": kind.id,
            "name": kind.name,
            "is_currency": kind.currency is not None,
        },
    )


ALL = "/v1/credit-types"
ROUTES = (
    Route(method="GET", path=f"{ALL}/list", scope=Scope.READ, do=list_, is_paged=True),
    Route(method="POST", path=f"{ALL}/create", scope=Scope.WRITE, do=create, body=Create),
    Route(method="POST", path=f"{ALL}/archive", scope=Scope.WRITE, do=archive, body=Id),
)
