"""Shapes that several resources answer with: metrics, units, prices, providers (2.5, 2.6)."""

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from closedwon.api.answers import sparse
from closedwon.api.call import Call
from closedwon.api.terms.configurations import method_id
from closedwon.billing.catalog.types import Catalog, Metric
from closedwon.billing.pricing import (
    Custom,
    Flat,
    Percentage,
    Price,
    Tier,
    Tiered,
    TieredPercentage,
)
from closedwon.store.providers import ProviderConfiguration
from closedwon.store.revenue_systems import RevenueSystem

FLAGS = frozenset({"aws_is_subscription_product"})
"""What a configuration says as true or false."""


def metric_shape(call: Call, metric: Metric) -> dict[str, Any]:
    """A billable metric as reads answer it."""
    fields = dict(call.engine.custom_fields("billable_metric", metric.id))
    shared = {"id": metric.id, "name": metric.name, "custom_fields": fields}
    if metric.sql is not None:
        return {**shared, **sparse(sql=metric.sql, archived_at=metric.archived_at)}
    return {
        **shared,
        **sparse(
            aggregation_type=metric.aggregation,
            aggregation_key=metric.key,
            event_type_filter=_lists(metric.event_types, metric.not_event_types) or None,
            archived_at=metric.archived_at,
        ),
        "property_filters": [
            {
                **sparse(name=one.name, exists=one.exists),
                **_lists(one.in_values, one.not_in_values),
            }
            for one in metric.filters
        ],
        "group_keys": [list(keys) for keys in metric.group_keys],
    }


def credit_type_shape(catalog: Catalog, credit_type_id: str) -> dict[str, Any]:
    """``{id, name}``; only the name of USD carries its unit (2.2)."""
    return {"id": credit_type_id, "name": catalog.credit_types[credit_type_id].name}


def configuration_shape(found: Mapping[str, str]) -> dict[str, Any]:
    """A configuration as it was sent, though all of it is kept as text."""
    return {name: text == "true" if name in FLAGS else text for name, text in found.items()}


def provider_shape(found: ProviderConfiguration) -> dict[str, Any]:
    """A customer at a billing provider."""
    return {
        "id": found.id,
        "customer_id": found.customer_id,
        "billing_provider": found.billing_provider,
        "configuration": configuration_shape(found.configuration),
        "delivery_method": found.delivery_method,
        "delivery_method_id": method_id(found.billing_provider),
        "delivery_method_configuration": {},
        "archived_at": found.archived_at,
    }


def revenue_shape(found: RevenueSystem) -> dict[str, Any]:
    """A customer at a revenue system."""
    return {
        "id": found.id,
        "customer_id": found.customer_id,
        "provider": found.provider,
        "configuration": dict(found.configuration),
        "delivery_method": found.delivery_method,
        "delivery_method_id": method_id(found.provider),
        "delivery_method_configuration": {},
        "archived_at": found.archived_at,
    }


def price_shape(price: Price) -> dict[str, Any]:
    """``rate_type`` with the fields that go with it; amounts in the wire unit."""
    match price:
        case Flat():
            return {"rate_type": "FLAT", "price": price.price}
        case Tiered():
            return {"rate_type": "TIERED", "tiers": _tiers(price.tiers)}
        case Percentage():
            return {
                "rate_type": "PERCENTAGE",
                "price": price.fraction,
                **_minimum(price.minimum),
            }
        case TieredPercentage():
            return {
                "rate_type": "TIERED_PERCENTAGE",
                "tiers": _tiers(price.tiers),
                **_minimum(price.minimum),
            }
        case Custom():
            rate = {"processor": price.processor, **price.terms}
            return {"rate_type": "CUSTOM", "custom_rate": rate}
        case _:
            assert_never(price)


def _tiers(tiers: Iterable[Tier]) -> list[dict[str, Any]]:
    return [sparse(size=tier.size, price=tier.price) for tier in tiers]


def _minimum(minimum: Any) -> dict[str, Any]:
    return {} if minimum is None else {"minimum_config": {"minimum": minimum}}


def _lists(let_in: tuple[str, ...], kept_out: tuple[str, ...]) -> dict[str, list[str]]:
    found = {"in_values": list(let_in), "not_in_values": list(kept_out)}
    return {name: values for name, values in found.items() if values}
