"""SHELF: one file per resource of the wire; each lists its ROUTES, and this file lists them all."""

from closedwon.api.call import Route
from closedwon.api.clock import ManualClock
from closedwon.api.resources import (
    alerts,
    audit_logs,
    balances,
    billable_metrics,
    billing_config,
    billing_providers,
    breakdowns,
    commits,
    contract_edits,
    contract_terms,
    contracts,
    credit_types,
    custom_fields,
    customer_alerts,
    customers,
    ingest,
    invoices,
    named_schedules,
    notifications,
    plans,
    preview,
    products,
    rate_cards,
    rates,
    seat_balances,
    services,
    subscriptions,
    test_clock,
    usage,
)

ROUTES: tuple[Route, ...] = (
    *customers.ROUTES,
    *ingest.ROUTES,
    *usage.ROUTES,
    *billable_metrics.ROUTES,
    *products.ROUTES,
    *rate_cards.ROUTES,
    *rates.ROUTES,
    *named_schedules.ROUTES,
    *contracts.ROUTES,
    *contract_edits.ROUTES,
    *balances.ROUTES,
    *commits.ROUTES,
    *subscriptions.ROUTES,
    *seat_balances.ROUTES,
    *contract_terms.ROUTES,
    *credit_types.ROUTES,
    *custom_fields.ROUTES,
    *audit_logs.ROUTES,
    *breakdowns.ROUTES,
    *invoices.ROUTES,
    *alerts.ROUTES,
    *customer_alerts.ROUTES,
    *notifications.ROUTES,
    *preview.ROUTES,
    *billing_providers.ROUTES,
    *billing_config.ROUTES,
    *services.ROUTES,
    *plans.ROUTES,
)
"""Every route there always is."""


def clock_routes(clock: ManualClock) -> tuple[Route, ...]:
    """Routes of a server that was started with a clock that is moved by hand."""
    return test_clock.routes(clock)
