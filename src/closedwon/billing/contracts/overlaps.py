"""Contracts that rate the same usage: allowed, and told (R95, R108)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import combinations

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import UsageFilter


def double_billing(contracts: Iterable[Contract], catalog: Catalog, at: datetime) -> Iterator[str]:
    """A sentence per pair of one customer's contracts that rate the same events at ``at``."""
    live = [
        one
        for one in contracts
        if one.archived_at is None and one.rate_card_id is not None and one.term.covers(at)
    ]
    if len(live) < 2:
        return
    metrics = {one.id: _metrics(one, catalog, at) for one in live}
    for first, second in combinations(live, 2):
        if (
            first.customer_id == second.customer_id
            and metrics[first.id] & metrics[second.id]
            and not _apart(_filter(first, at), _filter(second, at))
        ):
            yield f"contracts {first.id} and {second.id} rate the same usage twice (R108)"


def _metrics(contract: Contract, catalog: Catalog, at: datetime) -> set[str]:
    card = catalog.rate_cards[contract.rate_card_id or ""]
    products = (catalog.products[product_id] for product_id in card.by_product)
    return {metric for product in products if (metric := product.at(at).metric_id) is not None}


def _filter(contract: Contract, at: datetime) -> UsageFilter | None:
    begun = [known for known in contract.usage_filters if known.starting_at <= at]
    return begun[-1] if begun else None


def _apart(first: UsageFilter | None, second: UsageFilter | None) -> bool:
    """Whether no event passes both; different keys may meet in one event."""
    if first is None or second is None or first.group_key != second.group_key:
        return False
    return set(first.group_values).isdisjoint(second.group_values)
