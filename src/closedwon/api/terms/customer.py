"""A customer as it is sent, and making it (2.3; R6, R21-R24)."""

from contextlib import nullcontext
from typing import Annotated, Any

from pydantic import Field

from closedwon.api.call import Call
from closedwon.api.model import Key, Texts, Wire, one_of
from closedwon.api.terms.configurations import (
    PROVIDERS,
    ConfigurationSent,
    RevenueSystemSent,
    configured,
    recognized,
)
from closedwon.billing.account import Customer
from closedwon.store.database import writing

NAME_LENGTH_MAX = 160
"""A longer name is cut (Appendix E)."""
ALIASES_MAX = 2000
CONFIGURATIONS_MAX = 100
ID_FIELDS = {
    "stripe": "stripe_customer_id",
    "aws_marketplace": "aws_customer_id",
    "azure_marketplace": "azure_subscription_id",
    "gcp_marketplace": "gcp_entitlement_id",
    "netsuite": "netsuite_customer_id",
    "custom": "custom_customer_id",
}
"""What ``billing_provider_customer_id`` is in a provider's configuration."""

Aliases = Annotated[list[Key], Field(max_length=ALIASES_MAX)]


class CrmSent(Wire):
    """customer_config: links of a customer to other systems."""

    salesforce_account_id: str | None = None


class BillingSent(Wire):
    """billing_config: a customer at one provider, the way it was before configurations had ids."""

    billing_provider_type: Annotated[str, one_of(*PROVIDERS)]
    billing_provider_customer_id: str
    aws_customer_account_id: str | None = None
    aws_customer_id: str | None = None
    aws_product_code: str | None = None
    aws_region: str | None = None
    aws_is_subscription_product: bool | None = None
    stripe_collection_method: (
        Annotated[str, one_of("charge_automatically", "send_invoice")] | None
    ) = None


class CustomerSent(Wire):
    """POST /v1/customers."""

    name: str = Field(min_length=1)
    ingest_aliases: Aliases = []
    external_id: Key | None = None
    customer_config: CrmSent = CrmSent()
    billing_config: BillingSent | None = None
    customer_billing_provider_configurations: Annotated[
        list[ConfigurationSent], Field(max_length=CONFIGURATIONS_MAX)
    ] = []
    customer_revenue_system_configurations: Annotated[
        list[RevenueSystemSent], Field(max_length=CONFIGURATIONS_MAX)
    ] = []
    custom_fields: Texts = {}


def created(call: Call, body: CustomerSent) -> Customer:
    """The customer with its configurations, stored whole or not at all; a taken alias is a 409."""
    external = [] if body.external_id is None else [body.external_id]
    customer = Customer(
        id=call.new_id(),
        name=body.name[:NAME_LENGTH_MAX],
        ingest_aliases=tuple(dict.fromkeys([*external, *body.ingest_aliases])),
        salesforce_account_id=body.customer_config.salesforce_account_id,
        custom_fields=body.custom_fields,
        created_at=call.now,
    )
    wanted, systems = _configurations(body), body.customer_revenue_system_configurations
    # One command needs no transaction around it, in which the record of its refusal would be lost.
    with writing(call.engine.db) if wanted or systems else nullcontext():
        call.engine.create_customer(customer, call.now, call.by)
        for one in wanted:
            configured(call, customer.id, one)
        for system in systems:
            recognized(call, customer.id, system)
    return customer


def brief(customer: Customer) -> dict[str, Any]:
    """As a create or rename answers."""
    aliases = list(customer.ingest_aliases)
    return {
        "id": customer.id,
        "external_id": aliases[0] if aliases else customer.id,
        "ingest_aliases": aliases,
        "name": customer.name,
        "custom_fields": dict(customer.custom_fields),
    }


def _configurations(body: CustomerSent) -> list[ConfigurationSent]:
    """Both ways of saying it."""
    wanted = list(body.customer_billing_provider_configurations)
    sent = body.billing_config
    if sent is not None:
        name = sent.billing_provider_type
        told = sent.model_dump(
            exclude={"billing_provider_type", "billing_provider_customer_id"}, exclude_none=True
        )
        own = {ID_FIELDS.get(name, "customer_id"): sent.billing_provider_customer_id}
        wanted.append(ConfigurationSent(billing_provider=name, configuration={**own, **told}))
    return wanted
