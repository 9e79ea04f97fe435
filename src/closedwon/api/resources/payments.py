"""Payments and what asks for them: not built, as the vendor took them back (2.3; G28)."""

from closedwon.api.unbuilt import unbuilt
from closedwon.store.tokens import Scope

PAYMENTS = (
    "the payments API is not supported; payments are made at the billing provider, and the outcome"
    " of an external gate goes to /v1/contracts/commits/threshold-billing/release"
)
RECHARGE = (
    "not supported; edit the contract with update_prepaid_balance_threshold_configuration of"
    " /v2/contracts/edit"
)
APPROVALS = (
    "approval requests are not supported; changes that need a person are parked, see"
    " /closedwon/parked"
)

ROUTES = (
    unbuilt("POST", "/v1/payments/list", Scope.READ, PAYMENTS),
    unbuilt("POST", "/v1/payments/attempt", Scope.WRITE, PAYMENTS),
    unbuilt("POST", "/v1/payments/cancel", Scope.WRITE, PAYMENTS),
    unbuilt("POST", "/v1/threshold-billing/update-active-recharge-config", Scope.WRITE, RECHARGE),
    unbuilt("POST", "/v1/approval_requests/submit", Scope.WRITE, APPROVALS),
)
