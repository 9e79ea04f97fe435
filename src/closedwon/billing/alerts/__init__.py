"""SHELF: one file per family of alert types (R271-R276).

Each answers ``observations(alert, sight)``: what the alert watches of one customer, and which of it
is past the threshold. Whether that is news is for the engine to know, which keeps the states.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from closedwon.billing.alerts import (
    balance,
    days,
    invoice_total,
    percentage,
    seats,
    spend,
    usage,
)
from closedwon.billing.alerts.eligible import COMMITS, CREDITS
from closedwon.billing.alerts.types import Alert, AlertType, Observation, Sight

__all__ = ["SHELF", "observations", "usage"]

SHELF: Mapping[AlertType, Callable[[Alert, Sight], Iterator[Observation]]] = {
    AlertType.SPEND: spend.observations,
    AlertType.USAGE: usage.observations,
    AlertType.INVOICE_TOTAL: invoice_total.observations,
    AlertType.SEAT_BALANCE: seats.observations,
    AlertType.COMMIT_BALANCE: partial(balance.observations, kinds=COMMITS),
    AlertType.CREDIT_BALANCE: partial(balance.observations, kinds=CREDITS),
    AlertType.COMBINED_BALANCE: partial(balance.observations, kinds=COMMITS | CREDITS),
    AlertType.COMMIT_PERCENTAGE: partial(percentage.observations, kinds=COMMITS),
    AlertType.CREDIT_PERCENTAGE: partial(percentage.observations, kinds=CREDITS),
    AlertType.COMBINED_PERCENTAGE: partial(percentage.observations, kinds=COMMITS | CREDITS),
    AlertType.COMMIT_DAYS: partial(days.observations, kinds=COMMITS),
    AlertType.CREDIT_DAYS: partial(days.observations, kinds=CREDITS),
}
"""One line per type."""


def observations(alert: Alert, sight: Sight) -> Iterator[Observation]:
    """Everything the alert watches of the customer in ``sight``."""
    return SHELF[alert.type](alert, sight)
