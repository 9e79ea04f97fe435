"""Ours: how fast a customer spends, and the day its balance runs out at that pace."""

from typing import Any

from closedwon.api.call import Call, Route
from closedwon.api.shapes import credit_type_shape
from closedwon.finance.figures.burn import exhausted_on, per_day
from closedwon.finance.figures.customer import pools_of
from closedwon.finance.figures.picture import Picture
from closedwon.kernel.exact import ZERO
from closedwon.store.tokens import Scope


def forecast(call: Call, _body: None) -> Any:
    """The figures that are pushed to Salesforce, in the wire unit; no date when nothing runs out.

    The pace is usage at contract prices over the last 30 days.
    """
    customer_id = call.path["customer_id"]
    picture = Picture(
        account=call.engine.account(customer_id, call.now),
        bill=call.engine.bill(customer_id, call.now),
        catalog=call.engine.catalog(),
        now=call.now,
        environment="",
    )
    pace = per_day(picture.usage_invoices, call.now)
    pools = pools_of(picture)
    ends = exhausted_on(pools, pace, call.now)
    return {
        "data": {
            "customer_id": customer_id,
            "credit_type": credit_type_shape(picture.catalog, picture.fiat_id),
            "remaining": sum(
                (pool.remaining for pool in pools if pool.window.covers(call.now)), ZERO
            ),
            "spend_per_day": pace,
            "exhausted_on": None if ends is None else ends.isoformat(),
        }
    }


ROUTES = (
    Route(
        method="GET",
        path="/closedwon/customers/{customer_id}/forecast",
        scope=Scope.READ,
        do=forecast,
    ),
)
