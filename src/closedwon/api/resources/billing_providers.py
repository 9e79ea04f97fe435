"""Customers at billing providers, and the ways invoices get there (2.3; R102, R103)."""

from typing import Annotated, Any

from pydantic import Field

from closedwon.api.call import Call, Route
from closedwon.api.model import Wire
from closedwon.api.paging import paged_body
from closedwon.api.shapes import provider_shape
from closedwon.api.terms.configurations import DIRECT, ConfigurationSent, configured, method_id
from closedwon.api.unbuilt import unbuilt
from closedwon.engine import providers
from closedwon.kernel.errors import NotFound
from closedwon.store.database import writing
from closedwon.store.providers import ProviderConfiguration
from closedwon.store.tokens import Scope

TOGETHER_MAX = 100
ON_SERVER = "delivery methods and their credentials are set in the server's settings"
CLIENT = "/v1/client/billing-config/{billing_provider_type}"
CREDENTIALS = (
    ("POST", "/v1/setUpBillingProvider"),
    ("POST", "/v1/upsertAvalaraCredentials"),
    ("POST", "/v1/upsertAnrokApiToken"),
    ("POST", CLIENT),
    ("PATCH", CLIENT),
    ("DELETE", CLIENT),
    ("POST", f"{CLIENT}/apiKey"),
)
"""Who may call a marketplace is never said over the wire."""


class Configuration(ConfigurationSent):
    """A customer at a provider."""

    customer_id: str


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
        made = [configured(call, one.customer_id, one) for one in body.data]
    return {"data": [_brief(one) for one in made]}


def get(call: Call, body: Get) -> Any:
    """A customer's configurations, oldest first."""
    call.engine.customer(body.customer_id)
    found = call.engine.stores.providers.of_customer(body.customer_id)
    return {
        "data": [
            provider_shape(one) for one in found if body.include_archived or not one.archived_at
        ]
    }


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
            "delivery_method_id": method_id(name),
        }
        for name in sorted(providers.NEEDS)
    ]
    return paged_body(rows, call.page, lambda row: (str(row["billing_provider"]),), dict)


def _brief(one: ProviderConfiguration) -> dict[str, Any]:
    names = ("id", "customer_id", "billing_provider", "configuration", "delivery_method_id")
    shape = provider_shape(one)
    return {name: shape[name] for name in names}


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
    *(unbuilt(*one, Scope.ADMIN, ON_SERVER) for one in CREDENTIALS),
)
