"""Ours: CRM = billing, every difference classed, and agreed = invoiced + to be invoiced (G2)."""

from typing import Any

from closedwon.api.call import Call, Route
from closedwon.finance.reconcile import Reconciliation
from closedwon.reports.crm_side import crm_values
from closedwon.reports.pictures import pictures
from closedwon.reports.reconcile import Bridge, compared
from closedwon.store.line import LineStore
from closedwon.store.tokens import Scope

RECONCILE_SECONDS_MAX = 3600.0
"""How long a caller waits: every bill is made anew."""


def reconcile(call: Call, _body: None) -> Any:
    """The figures of ``closedwon report reconcile``, in the wire unit of each currency."""
    store = LineStore(call.engine.db)
    found = compared(pictures(call.engine, call.now), crm_values(store, call.worth_of))
    return {
        "data": {
            "as_of": call.now,
            "is_explained": not found.is_broken,
            "currencies": [_side(one) for one in found.sides],
            "customers": [_bridge(one) for one in found.bridge],
        }
    }


def _side(side: Reconciliation) -> dict[str, Any]:
    return {
        "currency": side.currency,
        "crm_total": side.crm_total,
        "billing_total": side.billing_total,
        "difference": side.crm_total - side.billing_total,
        "explained": side.explained,
        "unexplained": side.unexplained,
        "deals_that_match": side.matched,
        "differences": [
            {
                "opportunity_id": one.opportunity_id,
                "name": one.name,
                "class": one.kind.value,
                "amount": one.amount,
                "reason": one.reason,
            }
            for one in side.differences
        ],
    }


def _bridge(row: Bridge) -> dict[str, Any]:
    return {
        "customer_id": row.customer_id,
        "name": row.name,
        "currency": row.currency,
        "agreed": row.agreed,
        "invoiced": row.invoiced,
        "to_be_invoiced": row.waiting,
        "unexplained": row.unexplained,
    }


ROUTES = (
    Route(
        method="GET",
        path="/closedwon/reconcile",
        scope=Scope.READ,
        do=reconcile,
        seconds_max=RECONCILE_SECONDS_MAX,
    ),
)
