"""Commands on customers' billing provider configurations (metronome.md 2.3; R102, R103)."""

from datetime import datetime

from msgspec.structs import replace

from closedwon.engine.command import command
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.store.providers import ProviderConfiguration
from closedwon.store.stores import Stores

NEEDS = {
    "stripe": ("stripe_customer_id",),
    "aws_marketplace": ("aws_customer_id", "aws_product_code", "aws_region"),
    "azure_marketplace": ("azure_subscription_id", "azure_plan_id"),
    "gcp_marketplace": ("gcp_entitlement_id", "gcp_service_name"),
    "netsuite": (),
    "custom": (),
}
"""Known providers and what a customer's configuration must say for each."""


def configure(
    stores: Stores, configuration: ProviderConfiguration, *, by: str, now: datetime
) -> None:
    """Add a configuration; the same id and content again changes nothing.

    Raises NotFound without the customer, Refused for an unknown provider or a missing field,
    Conflict when the id stands for something else.
    """
    resource = ("billing_provider_configuration", configuration.id)
    with command(stores, "create", resource, by=by, now=now) as running:
        _check(stores, configuration)
        known = stores.providers.get(configuration.id)
        if known is None:
            stores.providers.add(configuration)
            running.changed = True
        elif replace(known, created_at=configuration.created_at) != configuration:
            raise Conflict("another configuration has this id", id=configuration.id)


def archive(stores: Stores, configuration_id: str, *, by: str, now: datetime) -> None:
    """Stop using a configuration; invoices finalized from then on are not delivered by it."""
    resource = ("billing_provider_configuration", configuration_id)
    with command(stores, "archive", resource, by=by, now=now) as running:
        if stores.providers.get(configuration_id) is None:
            raise NotFound("no such billing provider configuration", id=configuration_id)
        running.changed = stores.providers.archive(configuration_id, now)


def _check(stores: Stores, configuration: ProviderConfiguration) -> None:
    if stores.customers.get(configuration.customer_id) is None:
        raise NotFound("no such customer", customer=configuration.customer_id)
    needs = NEEDS.get(configuration.billing_provider)
    if needs is None:
        raise Refused(
            f"unknown billing provider {configuration.billing_provider!r}",
            expected=", ".join(sorted(NEEDS)),
        )
    missing = [name for name in needs if not configuration.configuration.get(name)]
    if missing:
        raise Refused(
            f"a {configuration.billing_provider} configuration lacks fields",
            missing=", ".join(missing),
        )
