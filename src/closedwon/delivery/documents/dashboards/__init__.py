"""Dashboards to embed: one HTML page each, without script, that asks for nothing from outside.

One file per kind lays its page out (pure); the templates beside them print it in the look of the
invoice document.
"""

from closedwon.delivery.documents.dashboards.balances import balances_page
from closedwon.delivery.documents.dashboards.frame import (
    COLOR_NAMES,
    Frame,
    message_page,
    style_digest,
)
from closedwon.delivery.documents.dashboards.invoices import invoices_page
from closedwon.delivery.documents.dashboards.usage import Measured, usage_page

__all__ = [
    "COLOR_NAMES",
    "Frame",
    "Measured",
    "balances_page",
    "invoices_page",
    "message_page",
    "style_digest",
    "usage_page",
]
