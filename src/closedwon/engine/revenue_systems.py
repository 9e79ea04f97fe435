"""Commands on customers' revenue system configurations (metronome.md 2.3)."""

from datetime import datetime

from closedwon.engine import customers
from closedwon.engine.command import command
from closedwon.kernel.errors import NotFound, Refused
from closedwon.store.revenue_systems import RevenueSystem
from closedwon.store.stores import Stores

KIND = "revenue_system_configuration"
NEEDS = {"netsuite": ("netsuite_customer_id",)}
"""Known systems and what a customer's configuration must say for each."""


def configure(stores: Stores, system: RevenueSystem, *, by: str, now: datetime) -> None:
    """Add a configuration under an id that is new.

    Raises NotFound without the customer, Refused for an unknown system or a missing field.
    """
    with command(stores, "create", (KIND, system.id), by=by, now=now) as running:
        customers.get(stores, system.customer_id)
        needs = NEEDS.get(system.provider)
        if needs is None:
            expected = ", ".join(sorted(NEEDS))
            raise Refused(f"unknown revenue system {system.provider!r}", expected=expected)
        missing = [name for name in needs if not system.configuration.get(name)]
        if missing:
            raise Refused(
                f"a {system.provider} configuration lacks fields", missing=", ".join(missing)
            )
        stores.revenue_systems.add(system)
        running.changed = True


def archive(stores: Stores, system_id: str, *, by: str, now: datetime) -> None:
    """No contract begins to use it; those that do go on showing it."""
    with command(stores, "archive", (KIND, system_id), by=by, now=now) as running:
        if stores.revenue_systems.get(system_id) is None:
            raise NotFound("no such revenue system configuration", id=system_id)
        running.changed = stores.revenue_systems.archive(system_id, now)
