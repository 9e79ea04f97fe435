"""Quantity of a metric over the current period (R275)."""

from collections.abc import Iterator

from closedwon.billing.alerts.types import Alert, Observation, Sight
from closedwon.billing.invoices.types import InvoiceType
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval


def observations(alert: Alert, sight: Sight) -> Iterator[Observation]:
    """In alarm when the quantity is at or above the threshold."""
    quantity = sight.usage.get(alert.metric_id or "", ZERO)
    yield Observation(
        in_alarm=quantity >= alert.threshold,
        told={"current_usage": quantity, "billable_metric_id": alert.metric_id},
    )


def period(sight: Sight) -> Interval | None:
    """From the earliest start to the latest end of the invoices now open; None without any."""
    spans = [
        Interval(invoice.start, invoice.end)
        for invoice in sight.bill.invoices
        if invoice.type is InvoiceType.USAGE
        and invoice.start is not None
        and invoice.end is not None
        and invoice.start <= sight.now < invoice.end
    ]
    if not spans:
        return None
    return Interval(min(span.start for span in spans), max(span.until for span in spans))
