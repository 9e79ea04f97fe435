"""What alerts look at: bills of many customers and the usage of their current periods (R275)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.account import Customer
from closedwon.billing.alerts import usage
from closedwon.billing.alerts.types import Alert, Sight
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.engine.types import Bills, Meter
from closedwon.kernel.exact import ZERO


def sights_of(
    catalog: Catalog, meter: Meter, alerts: Sequence[Alert], made: Bills, now: datetime
) -> dict[str, Sight]:
    """A sight per customer whose bill could be made; one question to the usage store for all."""
    sights = {
        customer_id: Sight(
            customer_id=customer_id,
            contracts=made.accounts[customer_id].contracts,
            bill=bill,
            standing=made.accounts[customer_id].finalized,
            now=now,
        )
        for customer_id, bill in made.bills.items()
    }
    metric_ids = sorted({one.metric_id for one in alerts if one.metric_id is not None})
    demands = [
        demand
        for customer_id, sight in sights.items()
        for demand in _demands(catalog, metric_ids, sight, made.accounts[customer_id].customer)
    ]
    if not demands:
        return sights
    found = meter.measure(demands)
    return {
        customer_id: replace(sight, usage=_quantities(customer_id, metric_ids, found))
        for customer_id, sight in sights.items()
    }


def _demands(
    catalog: Catalog, metric_ids: Sequence[str], sight: Sight, customer: Customer
) -> Iterator[Demand]:
    period = usage.period(sight)
    for metric_id in metric_ids if period is not None else ():
        if period is not None and metric_id in catalog.metrics:
            yield Demand(
                key=f"{customer.id}/{metric_id}",
                metric=catalog.metrics[metric_id],
                customer_ids=(customer.id, *customer.ingest_aliases),
                cuts=(period.start, period.until),
            )


def _quantities(
    customer_id: str, metric_ids: Sequence[str], found: Quantities
) -> dict[str, Decimal]:
    """The newest reading of each metric; nothing used is zero (R43)."""
    last = {one: found.get(f"{customer_id}/{one}", ()) for one in metric_ids}
    return {one: readings[-1].value if readings else ZERO for one, readings in last.items()}
