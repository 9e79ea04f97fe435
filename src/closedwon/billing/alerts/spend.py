"""Usage charges of the current period, before balances pay (R274)."""

from collections.abc import Iterator
from decimal import Decimal

from closedwon.billing.alerts.types import Alert, GroupValue, Observation, Sight
from closedwon.billing.invoices.types import InvoiceType, Line, LineType
from closedwon.kernel.exact import ZERO


def observations(alert: Alert, sight: Sight) -> Iterator[Observation]:
    """In alarm when spend in the alert's unit is at or above the threshold.

    Lines in other units do not count (R255), nor do purchases. With group values there is one
    observation per value; a key without a value watches each one that was used.
    """
    sums: dict[str, Decimal] = {} if alert.group_values else {"": ZERO}
    for line in _lines(alert, sight):
        for key in _keys(alert, line):
            sums[key] = sums.get(key, ZERO) + line.total
    for key, spent in sums.items():
        told = {"current_spend": spent, **({"group_values": _told(key)} if key else {})}
        yield Observation(key=key, in_alarm=spent >= alert.threshold, told=told)


def _lines(alert: Alert, sight: Sight) -> Iterator[Line]:
    for invoice in (*sight.standing, *sight.bill.invoices):
        is_current = (
            invoice.type is InvoiceType.USAGE
            and invoice.start is not None
            and invoice.end is not None
            and invoice.start <= sight.now < invoice.end
        )
        for line in invoice.lines if is_current else ():
            if line.type is LineType.USAGE and line.credit_type_id == alert.credit_type_id:
                yield line


def _keys(alert: Alert, line: Line) -> Iterator[str]:
    if not alert.group_values:
        yield ""
        return
    values = {**line.pricing_group_values, **line.presentation_group_values}
    if all(_matches(one, values.get(one.key)) for one in alert.group_values):
        yield "&".join(f"{one.key}={values[one.key]}" for one in alert.group_values)


def _matches(wanted: GroupValue, value: str | None) -> bool:
    return value is not None and wanted.value in (None, value)


def _told(key: str) -> list[dict[str, str]]:
    pairs = (part.split("=", 1) for part in key.split("&"))
    return [{"key": name, "value": value} for name, value in pairs]
