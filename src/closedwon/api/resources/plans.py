"""Legacy plans and credit grants (2.4): known, not there yet, and saying so."""

from closedwon.api.unbuilt import unbuilt
from closedwon.store.tokens import Scope

INSTEAD = "plans and credit grants are not supported; use contracts and commits"
SEATS = (
    "seat metrics of plans are not supported; use subscriptions with seats and"
    " /v1/contracts/getSubscriptionSeatsHistory"
)
RECHARGE = (
    "recharge settings of plans are not supported; use"
    " prepaid_balance_threshold_configuration of a contract"
)
CUSTOMER = "/v1/customers/{customer_id}"
SETTINGS = "/v1/credits/{customer_id}/rechargeSettings"
READS = (
    "/v1/plans",
    "/v1/planDetails/{plan_id}",
    "/v1/planDetails/{plan_id}/charges",
    "/v1/planDetails/{plan_id}/customers",
    f"{CUSTOMER}/plans",
    f"{CUSTOMER}/plans/{{customer_plan_id}}/priceAdjustments",
    f"{CUSTOMER}/costs",
)
LISTS = ("/v1/credits/listGrants", "/v1/credits/listEntries")
"""Reads that are asked for with POST."""
WRITES = (
    "/v1/plans/create",
    f"{CUSTOMER}/plans/add",
    f"{CUSTOMER}/plans/{{customer_plan_id}}/end",
    f"{CUSTOMER}/addCharge",
    "/v1/credits/createGrant",
    "/v1/credits/createPrepaidGrant",
    "/v1/credits/editGrant",
    "/v1/credits/voidGrant",
    "/v1/credits/migrateToContracts",
)

ROUTES = (
    *(unbuilt("GET", path, Scope.READ, INSTEAD) for path in READS),
    *(unbuilt("POST", path, Scope.READ, INSTEAD) for path in LISTS),
    *(unbuilt("POST", path, Scope.WRITE, INSTEAD) for path in WRITES),
    unbuilt("POST", "/v1/usage/seats", Scope.READ, SEATS),
    unbuilt("GET", f"{CUSTOMER}/purchasedSeats", Scope.READ, SEATS),
    unbuilt("POST", f"{CUSTOMER}/invoices/invoice_seats", Scope.READ, SEATS),
    unbuilt("GET", SETTINGS, Scope.READ, RECHARGE),
    unbuilt("POST", SETTINGS, Scope.WRITE, RECHARGE),
    unbuilt("GET", f"{SETTINGS}/{{id}}", Scope.READ, RECHARGE),
    unbuilt("POST", f"{SETTINGS}/{{id}}", Scope.WRITE, RECHARGE),
)
