"""Commands on customers' billing provider configurations (metronome.md 2.3; R102, R103)."""

from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Revise
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.provider_schedule import EffectiveAt, updated
from closedwon.billing.contracts.state import Contract
from closedwon.engine import contracts
from closedwon.engine.command import command
from closedwon.engine.contracts import EditNote
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.store.database import writing
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


def assign(
    stores: Stores,
    catalog: Catalog,
    contract_id: str,
    configuration_id: str,
    when: EffectiveAt,
    note: EditNote,
) -> Contract:
    """Let a contract's invoices go to a configuration from a period boundary on (R102, R103).

    One edit of the contract; raises NotFound or Refused, and then nothing was changed.
    """
    with writing(stores.db):
        contract = stores.contracts.get(contract_id)
        if contract is None:
            raise NotFound("no such contract", contract=contract_id)
        found = stores.providers.get(configuration_id)
        if (
            found is None
            or found.customer_id != contract.customer_id
            or found.archived_at is not None
        ):
            raise NotFound(
                "the contract's customer has no such configuration in use",
                customer=contract.customer_id,
                id=configuration_id,
            )
        segment = ProviderSegment(
            effective_at=note.now,
            configuration_id=found.id,
            billing_provider=found.billing_provider,
            delivery_method=found.delivery_method,
        )
        schedule = updated(contract, segment, when, note.now)
        change = Revise(settings=replace(contract.settings, providers=schedule))
        return contracts.edit(stores, catalog, contract_id, change, note)
