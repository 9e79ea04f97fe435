"""Customers at billing providers and revenue systems, as they are sent (2.3; R102, R145)."""

from collections.abc import Mapping
from typing import Annotated, Any

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call
from closedwon.api.model import Wire, one_of
from closedwon.engine import providers, revenue_systems
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.ids import derive
from closedwon.store.providers import ProviderConfiguration
from closedwon.store.revenue_systems import RevenueSystem
from closedwon.usage.validate import property_texts

DIRECT = "direct_to_billing_provider"
PROVIDERS = (
    "aws_marketplace",
    "stripe",
    "netsuite",
    "custom",
    "azure_marketplace",
    "quickbooks_online",
    "workday",
    "gcp_marketplace",
    "metronome",
)
Method = Annotated[str, one_of(DIRECT, "aws_sqs", "tackle", "aws_sns")]


class ConfigurationSent(Wire):
    """A customer at a billing provider, such as its Stripe customer."""

    billing_provider: Annotated[str, one_of(*PROVIDERS)]
    configuration: dict[str, Any] = {}
    delivery_method: Method | None = None
    delivery_method_id: str | None = None
    tax_provider: Annotated[str, one_of("anrok", "avalara", "stripe")] | None = None


class RevenueSystemSent(Wire):
    """A customer at a revenue system, such as its NetSuite customer."""

    provider: Annotated[str, one_of("netsuite")]
    configuration: dict[str, Any] = {}
    delivery_method: Method | None = None
    delivery_method_id: str | None = None


def configured(call: Call, customer_id: str, sent: ConfigurationSent) -> ProviderConfiguration:
    """The configuration, stored; raises Refused, NotFound, Unsupported."""
    if sent.tax_provider is not None:
        raise Unsupported("tax_provider: the engine knows no tax (R145)")
    _check_delivery(sent.billing_provider, sent.delivery_method, sent.delivery_method_id)
    if sent.billing_provider not in providers.NEEDS:
        raise Unsupported(
            "billing_provider: not supported",
            found=sent.billing_provider,
            expected=", ".join(sorted(providers.NEEDS)),
        )
    made = ProviderConfiguration(
        id=call.new_id(),
        customer_id=customer_id,
        billing_provider=sent.billing_provider,
        delivery_method=DIRECT,
        configuration=_texts(sent.configuration),
        created_at=call.now,
    )
    providers.configure(call.engine.stores, made, by=call.by, now=call.now)
    return made


def recognized(call: Call, customer_id: str, sent: RevenueSystemSent) -> RevenueSystem:
    """The revenue system configuration, stored; raises Refused, NotFound, Unsupported."""
    _check_delivery(sent.provider, sent.delivery_method, sent.delivery_method_id)
    made = RevenueSystem(
        id=call.new_id(),
        customer_id=customer_id,
        provider=sent.provider,
        delivery_method=DIRECT,
        configuration=_texts(sent.configuration),
        created_at=call.now,
    )
    revenue_systems.configure(call.engine.stores, made, by=call.by, now=call.now)
    return made


def method_id(provider: str, method: str = DIRECT) -> str:
    """Id of the way to a provider; it follows from both names."""
    return derive("delivery_method", provider, method)


def _check_delivery(provider: str, method: str | None, given_id: str | None) -> None:
    if method not in (None, DIRECT):
        raise Unsupported(f"delivery_method: only {DIRECT}", found=method)
    if given_id not in (None, method_id(provider)):
        raise NotFound("no such delivery method of the provider", id=given_id)


def _texts(configuration: Mapping[str, Any]) -> dict[str, str]:
    if any(isinstance(value, dict | list) for value in configuration.values()):
        raise Refused("configuration: expected texts, numbers and truth values")
    return property_texts(configuration)
