"""Totals of open invoices, net of what balances paid (R275)."""

from collections.abc import Iterator

from closedwon.billing.alerts.types import Alert, Observation, Sight


def observations(alert: Alert, sight: Sight) -> Iterator[Observation]:
    """One per open invoice of the watched types and unit; all types when none are named."""
    for invoice in sight.bill.invoices:
        watched = not alert.invoice_types or invoice.type in alert.invoice_types
        if watched and invoice.credit_type_id == alert.credit_type_id:
            yield Observation(
                key=invoice.id,
                in_alarm=invoice.total >= alert.threshold,
                told={"invoice_id": invoice.id, "invoice_total": invoice.total},
            )
