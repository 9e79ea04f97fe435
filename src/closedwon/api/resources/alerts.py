"""Threshold alerts: made and archived (metronome.md 2.3, 2.11; R271-R276, R281)."""

from typing import Annotated, Any

from pydantic import Field

from closedwon.api.alert_filters import FieldFilter, Group, Seat, Specifier
from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.api.model import Key, Number, Wire, one_of, word
from closedwon.billing.alerts.types import Alert, AlertType
from closedwon.billing.catalog.types import USD
from closedwon.billing.invoices.types import InvoiceType
from closedwon.store.tokens import Scope

PLAN_TYPES = (
    "low_credit_balance_reached",
    "monthly_invoice_total_spend_threshold_reached",
    "low_remaining_days_in_plan_reached",
    "low_remaining_credit_percentage_reached",
)
"""Alerts on legacy plans and credit grants."""
TYPES = (*AlertType, *PLAN_TYPES)


class Create(Wire):
    """POST /v1/alerts/create."""

    alert_type: Annotated[str, one_of(*TYPES)]
    name: str = Field(min_length=1)
    threshold: Number
    access_type: Annotated[str, one_of("SPEND", "QUANTITY")] = "SPEND"
    alert_specifiers: list[Specifier] = []
    billable_metric_id: str | None = None
    credit_grant_type_filters: list[str] = []
    credit_type_id: str = USD
    custom_field_filters: list[FieldFilter] = []
    customer_id: str | None = None
    evaluate_on_create: bool = True
    group_values: list[Group] = []
    invoice_types_filter: list[Annotated[InvoiceType, word(InvoiceType)]] = []
    plan_id: str | None = None
    seat_filter: Seat | None = None
    uniqueness_key: Key | None = None


class Archive(Wire):
    """POST /v1/alerts/archive."""

    id: str
    release_uniqueness_key: bool = False


def create(call: Call, body: Create) -> Any:
    """Add an alert and evaluate it at once (R272); a used uniqueness key is a 409 (R7)."""
    if body.alert_type in PLAN_TYPES or body.plan_id or body.credit_grant_type_filters:
        raise Unsupported(
            "plan_id, credit_grant_type_filters: alerts on plans and grants are not supported"
        )
    if body.access_type != "SPEND":
        raise Unsupported("access_type: balances of quantities are not supported")
    alert = Alert(
        id=call.new_id(),
        type=AlertType(body.alert_type),
        name=body.name,
        threshold=body.threshold,
        credit_type_id=body.credit_type_id,
        customer_id=body.customer_id,
        metric_id=body.billable_metric_id,
        filters=tuple(one.meant() for one in body.custom_field_filters),
        group_values=tuple(one.meant() for one in body.group_values),
        invoice_types=tuple(body.invoice_types_filter),
        seat=None if body.seat_filter is None else body.seat_filter.meant(),
        specifiers=tuple(one.meant() for one in body.alert_specifiers),
        evaluate_on_create=body.evaluate_on_create,
        uniqueness_key=body.uniqueness_key,
        created_at=call.now,
    )
    call.engine.alerts.create(alert, call.now, call.by)
    return {"data": {"id": alert.id}}


def archive(call: Call, body: Archive) -> Any:
    """Stop an alert for good; its uniqueness key is freed only when asked (R7)."""
    call.engine.alerts.archive(
        body.id, call.now, releases_key=body.release_uniqueness_key, by=call.by
    )
    return {"data": {"id": body.id}}


ROUTES = (
    Route(method="POST", path="/v1/alerts/create", scope=Scope.WRITE, do=create, body=Create),
    Route(method="POST", path="/v1/alerts/archive", scope=Scope.WRITE, do=archive, body=Archive),
)
