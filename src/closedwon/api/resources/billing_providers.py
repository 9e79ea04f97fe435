"""Customers at billing providers, and the ways invoices get there (2.3; R102, R103)."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.api.model import Wire, one_of
from closedwon.api.paging import paged_body
from closedwon.engine import providers
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.ids import derive
from closedwon.store.database import writing
from closedwon.store.providers import ProviderConfiguration
from closedwon.store.tokens import Scope
from closedwon.usage.validate import property_texts

DIRECT = "direct_to_billing_provider"
TOGETHER_MAX = 100
NAMES = (
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
Name = Annotated[str, one_of(*NAMES)]
Method = Annotated[str, one_of(DIRECT, "aws_sqs", "tackle", "aws_sns")]


class Configuration(Wire):
    """A customer at a provider, such as its Stripe customer."""

    customer_id: str
    billing_provider: Name
    configuration: dict[str, Any] = {}
    delivery_method: Method | None = None
    delivery_method_id: str | None = None
    tax_provider: Annotated[str, one_of("anrok", "avalara", "stripe")] | None = None


class Set(Wire):
    """POST /v1/setCustomerBillingProviderConfigurations: all of them or none."""

    data: Annotated[list[Configuration], Field(min_length=1, max_length=TOGETHER_MAX)]


class Get(Wire):
    """POST /v1/getCustomerBillingProviderConfigurations."""

    customer_id: str
    include_archived: bool = False


class Archive(Wire):
    """POST /v1/archiveCustomerBillingProviderConfigurations: all of them or none."""

    customer_id: str
    customer_billing_provider_configuration_ids: Annotated[
        list[str], Field(min_length=1, max_length=TOGETHER_MAX)
    ]


def set_(call: Call, body: Set) -> Any:
    """Add configurations; each gets an id that contracts can name."""
    with writing(call.engine.db):
        made = [_added(call, one) for one in body.data]
    return {"data": [_brief(one) for one in made]}


def get(call: Call, body: Get) -> Any:
    """A customer's configurations, oldest first."""
    call.engine.customer(body.customer_id)
    found = call.engine.stores.providers.of_customer(body.customer_id)
    return {"data": [_detail(one) for one in found if body.include_archived or not one.archived_at]}


def archive(call: Call, body: Archive) -> Any:
    """Stop using configurations; invoices finalized from now on do not go by them."""
    known = {one.id for one in call.engine.stores.providers.of_customer(body.customer_id)}
    ids = body.customer_billing_provider_configuration_ids
    with writing(call.engine.db):
        for one in ids:
            if one not in known:
                raise NotFound("no such billing provider configuration of the customer", id=one)
            providers.archive(call.engine.stores, one, by=call.by, now=call.now)
    return {
        "data": {
            "customer_id": body.customer_id,
            "customer_billing_provider_configuration_ids": ids,
        }
    }


def methods(call: Call, _body: None) -> Any:
    """How invoices get to each provider there is; the server's own settings hold the secrets."""
    rows = [
        {
            "billing_provider": name,
            "delivery_method": DIRECT,
            "delivery_method_configuration": {},
            "delivery_method_id": _method_id(name),
        }
        for name in sorted(providers.NEEDS)
    ]
    return paged_body(rows, call.page, lambda row: (str(row["billing_provider"]),), dict)


def set_up(_call: Call, _body: bytes) -> Any:
    """501: who may call a marketplace is said in the server's settings, not over the wire."""
    raise Unsupported("delivery methods and their credentials are set in the server's settings")


def _added(call: Call, wanted: Configuration) -> ProviderConfiguration:
    if wanted.tax_provider is not None:
        raise Unsupported("tax_provider: the engine knows no tax (R145)")
    if wanted.delivery_method not in (None, DIRECT):
        raise Unsupported(f"delivery_method: only {DIRECT}", found=wanted.delivery_method)
    if wanted.delivery_method_id not in (None, _method_id(wanted.billing_provider)):
        raise NotFound("no such delivery method of the provider", id=wanted.delivery_method_id)
    if wanted.billing_provider not in providers.NEEDS:
        raise Unsupported(
            "billing_provider: not supported",
            found=wanted.billing_provider,
            expected=", ".join(sorted(providers.NEEDS)),
        )
    made = ProviderConfiguration(
        id=call.new_id(),
        customer_id=wanted.customer_id,
        billing_provider=wanted.billing_provider,
        delivery_method=DIRECT,
        configuration=_texts(wanted.configuration),
        created_at=call.now,
    )
    providers.configure(call.engine.stores, made, by=call.by, now=call.now)
    return made


def _texts(configuration: Mapping[str, Any]) -> dict[str, str]:
    if any(isinstance(value, dict | list) for value in configuration.values()):
        raise Refused("configuration: expected texts, numbers and truth values")
    return property_texts(configuration)


def _method_id(billing_provider: str) -> str:
    return derive("delivery_method", billing_provider, DIRECT)


def _brief(one: ProviderConfiguration) -> dict[str, Any]:
    return {
        "id": one.id,
        "customer_id": one.customer_id,
        "billing_provider": one.billing_provider,
        "configuration": dict(one.configuration),
        "delivery_method_id": _method_id(one.billing_provider),
    }


def _detail(one: ProviderConfiguration) -> dict[str, Any]:
    return {
        **_brief(one),
        "delivery_method": one.delivery_method,
        "delivery_method_configuration": {},
        "archived_at": one.archived_at,
    }


ROUTES = (
    Route(
        method="POST",
        path="/v1/setCustomerBillingProviderConfigurations",
        scope=Scope.WRITE,
        do=set_,
        body=Set,
    ),
    Route(
        method="POST",
        path="/v1/getCustomerBillingProviderConfigurations",
        scope=Scope.READ,
        do=get,
        body=Get,
    ),
    Route(
        method="POST",
        path="/v1/archiveCustomerBillingProviderConfigurations",
        scope=Scope.WRITE,
        do=archive,
        body=Archive,
    ),
    Route(
        method="POST",
        path="/v1/listConfiguredBillingProviders",
        scope=Scope.READ,
        do=methods,
        is_paged=True,
    ),
    Route(
        method="POST",
        path="/v1/setUpBillingProvider",
        scope=Scope.ADMIN,
        do=set_up,
        is_raw=True,
        is_stored=False,
    ),
    Route(
        method="POST",
        path="/v1/upsertAvalaraCredentials",
        scope=Scope.ADMIN,
        do=set_up,
        is_raw=True,
        is_stored=False,
    ),
)
