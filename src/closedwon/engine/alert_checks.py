"""Which alerts can stand (2.11, R276, R281); every refusal names its rule."""

from collections.abc import Sequence

from closedwon.billing.alerts.types import Alert, AlertFilter, AlertType
from closedwon.billing.catalog.types import Catalog
from closedwon.kernel.errors import Refused

COMBINED = frozenset({AlertType.COMBINED_BALANCE, AlertType.COMBINED_PERCENTAGE})
ENTITIES = frozenset({"Contract", "Commit", "ContractCredit", "ContractCreditOrCommit"})
KEYED_MAX = 3
"""Alerts that watch every value of a key, per customer (R281)."""


def check_alert(catalog: Catalog, alert: Alert, others: Sequence[Alert]) -> None:
    """Raise Refused for the first thing that does not fit the alert's type."""
    if alert.credit_type_id not in catalog.credit_types:
        raise Refused("unknown credit type", alert=alert.name, credit_type=alert.credit_type_id)
    if (alert.type is AlertType.USAGE) != (alert.metric_id is not None):
        raise Refused("billable_metric_id goes with usage alerts, and only with them")
    if alert.metric_id is not None and alert.metric_id not in catalog.metrics:
        raise Refused("unknown metric", metric=alert.metric_id)
    if (alert.type is AlertType.SEAT_BALANCE) != (alert.seat is not None):
        raise Refused("seat_filter goes with seat alerts, and only with them")
    if alert.invoice_types and alert.type is not AlertType.INVOICE_TOTAL:
        raise Refused("invoice_types_filter goes with invoice_total_reached only")
    _check_groups(catalog, alert)
    _check_specifiers(alert)
    keyed = [one for one in (*others, alert) if _is_keyed(one)]
    same = [one for one in keyed if one.customer_id in (None, alert.customer_id)]
    if _is_keyed(alert) and len(same) > KEYED_MAX:
        raise Refused(f"a customer has at most {KEYED_MAX} alerts per key (R281)", name=alert.name)


def _check_groups(catalog: Catalog, alert: Alert) -> None:
    if alert.group_values and alert.type is not AlertType.SPEND:
        raise Refused("group_values go with spend_threshold_reached only (R274)")
    known = {
        key
        for product in catalog.products.values()
        for version in product.versions
        for key in (*version.presentation_group_key, *version.pricing_group_key)
    }
    for one in alert.group_values:
        if one.key not in known:
            raise Refused("no product is split by this key (R281)", key=one.key)


def _check_specifiers(alert: Alert) -> None:
    if alert.specifiers and alert.type not in COMBINED:
        raise Refused("alert_specifiers go with combined balance alerts only (R276)")
    for filters in (alert.filters, *(one.filters for one in alert.specifiers)):
        _check_entities(filters)
    if any(one.value is None for one in alert.filters):
        raise Refused("a custom field filter needs its value", alert=alert.name)
    keys = {f.key for one in alert.specifiers for f in one.filters if f.value is None}
    if len(keys) > 1:
        raise Refused("alert_specifiers watch the values of one key only (R276)")
    for one in alert.specifiers:
        included = {f.entity for f in one.filters}
        for group in one.excluded:
            _check_entities(group)
            if not {f.entity for f in group} <= included:
                raise Refused("an exclusion must lie in its specifier's scope (R281)")


def _check_entities(filters: Sequence[AlertFilter]) -> None:
    for one in filters:
        if one.entity not in ENTITIES:
            raise Refused("unknown entity", found=one.entity, expected=", ".join(sorted(ENTITIES)))


def _is_keyed(alert: Alert) -> bool:
    return any(f.value is None for one in alert.specifiers for f in one.filters)
