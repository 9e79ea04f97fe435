"""Dashboards to embed: known, not there yet, and saying so (2.3)."""

from closedwon.api.unbuilt import unbuilt
from closedwon.store.tokens import Scope

INSTEAD = (
    "embeddable dashboards are not supported; show what /v1/customers/{customer_id}/invoices,"
    " /v1/usage and /v1/contracts/customerBalances/list answer"
)

ROUTES = (unbuilt("POST", "/v1/dashboards/getEmbeddableUrl", Scope.READ, INSTEAD),)
