"""Legacy plans and credit grants (2.4): known, not there yet, and saying so."""

from typing import Any

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.store.tokens import Scope

CUSTOMER = "/v1/customers/{customer_id}"
READS = (
    "/v1/plans",
    "/v1/planDetails/{plan_id}",
    "/v1/planDetails/{plan_id}/charges",
    "/v1/planDetails/{plan_id}/customers",
    f"{CUSTOMER}/plans",
    f"{CUSTOMER}/plans/{{customer_plan_id}}/priceAdjustments",
    f"{CUSTOMER}/costs",
)
WRITES = (
    "/v1/plans/create",
    f"{CUSTOMER}/plans/add",
    f"{CUSTOMER}/plans/{{customer_plan_id}}/end",
    f"{CUSTOMER}/addCharge",
    "/v1/credits/createGrant",
    "/v1/credits/createPrepaidGrant",
    "/v1/credits/editGrant",
    "/v1/credits/voidGrant",
    "/v1/credits/listGrants",
    "/v1/credits/listEntries",
    "/v1/credits/migrateToContracts",
)


def unsupported(_call: Call, _body: bytes) -> Any:
    """501, whatever was sent."""
    raise Unsupported("plans and credit grants are not supported; use contracts and commits")


def _route(method: str, path: str, scope: Scope) -> Route:
    return Route(
        method=method, path=path, scope=scope, do=unsupported, is_raw=True, is_stored=False
    )


ROUTES = (
    *(_route("GET", path, Scope.READ) for path in READS),
    *(_route("POST", path, Scope.WRITE) for path in WRITES),
)
