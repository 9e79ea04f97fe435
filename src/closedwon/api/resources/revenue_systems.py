"""Customers at revenue recognition systems: kept and shown, never rated (2.3)."""

from typing import Annotated, Any

from pydantic import Field

from closedwon.api.call import Call, Route
from closedwon.api.model import Wire
from closedwon.api.shapes import revenue_shape
from closedwon.api.terms.configurations import RevenueSystemSent, recognized
from closedwon.engine import revenue_systems
from closedwon.kernel.errors import NotFound
from closedwon.store.database import writing
from closedwon.store.tokens import Scope

TOGETHER_MAX = 100


class Configuration(RevenueSystemSent):
    """A customer at a revenue system."""

    customer_id: str


class Set(Wire):
    """POST /v1/setCustomerRevenueSystemConfigurations: all of them or none."""

    data: Annotated[list[Configuration], Field(min_length=1, max_length=TOGETHER_MAX)]


class Get(Wire):
    """POST /v1/getCustomerRevenueSystemConfigurations."""

    customer_id: str
    include_archived: bool = False


class Archive(Wire):
    """POST /v1/archiveCustomerRevenueSystemConfigurations: all of them or none."""

    customer_id: str
    customer_revenue_system_configuration_ids: Annotated[
        list[str], Field(min_length=1, max_length=TOGETHER_MAX)
    ]


def set_(call: Call, body: Set) -> Any:
    """Add configurations; each gets an id that contracts can name."""
    with writing(call.engine.db):
        made = [recognized(call, one.customer_id, one) for one in body.data]
    return {"data": [revenue_shape(one) for one in made]}


def get(call: Call, body: Get) -> Any:
    """A customer's configurations, oldest first."""
    call.engine.customer(body.customer_id)
    found = call.engine.stores.revenue_systems.of_customer(body.customer_id)
    wanted = [one for one in found if body.include_archived or one.archived_at is None]
    return {"data": [revenue_shape(one) for one in wanted]}


def archive(call: Call, body: Archive) -> Any:
    """No contract begins to use them."""
    found = call.engine.stores.revenue_systems.of_customer(body.customer_id)
    known = {one.id for one in found}
    ids = body.customer_revenue_system_configuration_ids
    with writing(call.engine.db):
        for one in ids:
            if one not in known:
                raise NotFound("no such revenue system configuration of the customer", id=one)
            revenue_systems.archive(call.engine.stores, one, by=call.by, now=call.now)
    return {
        "data": {
            "customer_id": body.customer_id,
            "customer_revenue_system_configuration_ids": ids,
        }
    }


ROUTES = (
    Route(
        method="POST",
        path="/v1/setCustomerRevenueSystemConfigurations",
        scope=Scope.WRITE,
        do=set_,
        body=Set,
    ),
    Route(
        method="POST",
        path="/v1/getCustomerRevenueSystemConfigurations",
        scope=Scope.READ,
        do=get,
        body=Get,
    ),
    Route(
        method="POST",
        path="/v1/archiveCustomerRevenueSystemConfigurations",
        scope=Scope.WRITE,
        do=archive,
        body=Archive,
    ),
)
