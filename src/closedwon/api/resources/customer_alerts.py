"""How alerts stand with a customer (metronome.md 2.3, 2.11; R271)."""

from collections.abc import Mapping
from typing import Annotated, Any

from closedwon.api.alert_filters import (
    Group,
    Seat,
    Specifier,
    field_filters_shape,
    specifiers_shape,
)
from closedwon.api.answers import Unsupported, sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Wire, one_of
from closedwon.api.paging import paged_body
from closedwon.api.shapes import credit_type_shape
from closedwon.billing.alerts.types import Alert, AlertType
from closedwon.billing.catalog.types import Catalog
from closedwon.engine.alerts import UNITLESS, AlertStatus
from closedwon.kernel.errors import NotFound
from closedwon.store.tokens import Scope

OK, IN_ALARM, EVALUATING = "ok", "in_alarm", "evaluating"
BALANCES = frozenset(
    {
        AlertType.COMMIT_BALANCE,
        AlertType.COMMIT_PERCENTAGE,
        AlertType.CREDIT_BALANCE,
        AlertType.CREDIT_PERCENTAGE,
        AlertType.COMBINED_BALANCE,
        AlertType.COMBINED_PERCENTAGE,
        AlertType.SEAT_BALANCE,
    }
)
"""Alerts on what is left, which is money or pricing units: quantities are refused."""


class Get(Wire):
    """POST /v1/customer-alerts/get; filters ask for one of the things the alert watches."""

    customer_id: str
    alert_id: str
    group_values: list[Group] = []
    seat_filter: Seat | None = None
    alert_specifiers: list[Specifier] = []
    plans_or_contracts: Annotated[str, one_of("PLANS", "CONTRACTS")] = "CONTRACTS"


class List(Wire):
    """POST /v1/customer-alerts/list."""

    customer_id: str
    alert_statuses: list[Annotated[str, one_of("ENABLED", "DISABLED", "ARCHIVED")]] = ["ENABLED"]


class Reset(Wire):
    """POST /v1/customer-alerts/reset."""

    customer_id: str
    alert_id: str


def retrieve(call: Call, body: Get) -> Any:
    """One alert with the customer; 404 when it does not watch the customer."""
    if body.plans_or_contracts == "PLANS":
        raise Unsupported("alerts on plans and credit grants are not supported")
    call.engine.customer(body.customer_id)
    alert = _watching(call, body.alert_id, body.customer_id)
    return {"data": _shape(call, _status(call, alert, body.customer_id), _key(alert, body))}


def list_(call: Call, body: List) -> Any:
    """Alerts that watch the customer, by id; none is ever disabled, so that finds nothing."""
    call.engine.customer(body.customer_id)
    live = call.engine.alerts.statuses(body.customer_id) if "ENABLED" in body.alert_statuses else ()
    gone = [
        AlertStatus(alert=one, status="", keys={})
        for one in call.engine.alerts.all(include_archived="ARCHIVED" in body.alert_statuses)
        if one.archived_at is not None and one.customer_id in (None, body.customer_id)
    ]
    return paged_body(
        [*live, *gone], call.page, lambda one: (one.alert.id,), lambda one: _shape(call, one, None)
    )


def reset(call: Call, body: Reset) -> None:
    """Evaluate the customer anew, now; an alarm it is in is told again (R271)."""
    call.engine.customer(body.customer_id)
    alert = _watching(call, body.alert_id, body.customer_id)
    call.engine.alerts.reset(alert.id, body.customer_id, call.now, call.by)
    call.engine.alerts.evaluate(call.now, [body.customer_id])


def _watching(call: Call, alert_id: str, customer_id: str) -> Alert:
    alert = call.engine.alerts.get(alert_id)
    if alert.customer_id not in (None, customer_id):
        raise NotFound("the alert does not watch this customer", alert=alert_id)
    return alert


def _status(call: Call, alert: Alert, customer_id: str) -> AlertStatus:
    for one in call.engine.alerts.statuses(customer_id):
        if one.alert.id == alert.id:
            return one
    return AlertStatus(alert=alert, status="", keys={})


def _key(alert: Alert, body: Get) -> str | None:
    """Which of the watched things is asked for; None for all of them together."""
    if body.group_values:
        values = {one.key: one.value for one in body.group_values}
        return "&".join(f"{one.key}={values.get(one.key, '')}" for one in alert.group_values)
    if body.seat_filter is not None:
        return body.seat_filter.seat_group_value
    for specifier in body.alert_specifiers:
        for one in specifier.custom_field_filters:
            return f"{one.key}={one.value}"
    return None


def _shape(call: Call, found: AlertStatus, key: str | None) -> dict[str, Any]:
    """``customer_status`` is null once the alert is archived (2.11)."""
    status, alarmed = found.status, [one for one, state in found.keys.items() if state == IN_ALARM]
    if key is not None and status != EVALUATING:
        alarmed = [key] if key in alarmed else []
        status = IN_ALARM if alarmed else OK
    is_live = found.alert.archived_at is None
    return {
        "customer_status": status if is_live else None,
        "triggered_by": alarmed[0] if alarmed and is_live else None,
        "alert": _alert_shape(call.engine.catalog(), found.alert),
    }


def _alert_shape(catalog: Catalog, alert: Alert) -> Mapping[str, Any]:
    has_unit = alert.type not in UNITLESS
    return {
        "id": alert.id,
        "name": alert.name,
        "type": alert.type.value,
        "status": "enabled" if alert.archived_at is None else "archived",
        "threshold": alert.threshold,
        "updated_at": alert.archived_at or alert.created_at,
        **sparse(
            access_type="SPEND" if alert.type in BALANCES else None,
            credit_type=credit_type_shape(catalog, alert.credit_type_id) if has_unit else None,
            uniqueness_key=alert.uniqueness_key,
            custom_field_filters=field_filters_shape(alert.filters) or None,
            alert_specifiers=specifiers_shape(alert.specifiers) or None,
            group_values=[sparse(key=one.key, value=one.value) for one in alert.group_values]
            or None,
            invoice_types_filter=[one.value for one in alert.invoice_types] or None,
            seat_filter=_seat_shape(alert),
        ),
    }


def _seat_shape(alert: Alert) -> dict[str, Any] | None:
    seat = alert.seat
    if seat is None:
        return None
    return sparse(seat_group_key=seat.seat_group_key, seat_group_value=seat.seat_group_value)


ROUTES = (
    Route(method="POST", path="/v1/customer-alerts/get", scope=Scope.READ, do=retrieve, body=Get),
    Route(
        method="POST",
        path="/v1/customer-alerts/list",
        scope=Scope.READ,
        do=list_,
        body=List,
        is_paged=True,
    ),
    Route(method="POST", path="/v1/customer-alerts/reset", scope=Scope.WRITE, do=reset, body=Reset),
)
