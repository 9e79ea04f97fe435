"""Questions about usage that need customers, contracts or metrics (R21, R28, R41-R43)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import dropwhile, islice, product

import msgspec

from closedwon.billing.account import Customer
from closedwon.billing.catalog.types import Catalog, Metric
from closedwon.billing.invoices.periods import usage_periods
from closedwon.engine import accounts, customers, metrics
from closedwon.engine.types import Usage
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, wire_instant
from closedwon.store.stores import Stores
from closedwon.usage.matching import matches
from closedwon.usage.types import Sender, Traced
from closedwon.usage.windows import (
    UsageAsked,
    WindowSize,
    WindowValue,
    edges_between,
    window_edges,
)


class MetricAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A metric, and how its usage is grouped and filtered (R41, R42)."""

    metric_id: str
    group_keys: tuple[str, ...] = ()
    group_filters: Mapping[str, tuple[str, ...]] = {}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the order of customer and metric to begin, and how many rows are wanted at least."""

    since: tuple[str, str] = ("", "")
    """(customer id, metric id) of the first rows."""
    rows: int


class MatchedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A traced event and what it is usage of, by what is known now (R28)."""

    traced: Traced
    customer: Customer | None
    """Whose usage it is; None while nobody has its identifier (R21)."""
    metrics: tuple[Metric, ...]
    """Streaming metrics it passes the filters of."""


class UsageQueries:
    """Reads; each call sees one state of customers and metrics."""

    def __init__(self, stores: Stores, usage: Usage) -> None:
        self._stores = stores
        self._usage = usage

    def windows(
        self,
        customer_ids: Sequence[str],
        asked: Sequence[MetricAsked],
        size: WindowSize,
        span: Interval,
        part: Part | None = None,
    ) -> tuple[WindowValue, ...]:
        """Usage of customers by metric and window; no customer or metric named means every one.

        With ``part``, only what a page of them needs is measured. Raises NotFound, and Refused off
        UTC midnight or for a group key there is not (R35, R41).
        """
        edges = window_edges(size, span.start, span.until)
        for who in set(customer_ids) - customers.many(self._stores, customer_ids).keys():
            customers.get(self._stores, who)
        chosen = [self._chosen(one) for one in asked] or self._all_metrics()
        every = product(
            sorted(set(customer_ids) or self._stores.customers.ids()),
            sorted(chosen, key=lambda one: one[0].id),
        )
        if part is None:
            pairs = list(every)
        else:
            later = dropwhile(lambda one: (one[0], one[1][0].id) < part.since, every)
            pairs = list(islice(later, 1 + -(-part.rows // (len(edges) - 1))))
        known = customers.many(self._stores, {who for who, _ in pairs})
        rows = [_asked(known[who], metric, how) for who, (metric, how) in pairs]
        return tuple(self._usage.windows(rows, edges))

    def grouped(
        self, customer_id: str, asked: MetricAsked, size: WindowSize, span: Interval
    ) -> tuple[WindowValue, ...]:
        """One customer's usage of one metric by group, windows ascending (R42)."""
        return self.windows([customer_id], [asked], size, span)

    def grouped_now(
        self, customer_id: str, asked: MetricAsked, size: WindowSize, now: datetime
    ) -> tuple[WindowValue, ...]:
        """The same over the customer's current billing period; raises Refused without one."""
        period = self.current_period(customer_id, now)
        return self.inside(customer_id, [asked], size, period)

    def inside(
        self,
        customer_id: str,
        asked: Sequence[MetricAsked],
        size: WindowSize,
        period: Interval,
    ) -> tuple[WindowValue, ...]:
        """The same for several metrics over a billing period, which may begin at any hour."""
        customer = customers.get(self._stores, customer_id)
        rows = [_asked(customer, *self._chosen(one)) for one in asked]
        edges = edges_between(size, period.start, period.until)
        return tuple(self._usage.windows(rows, edges)) if rows else ()

    def current_period(self, customer_id: str, now: datetime) -> Interval:
        """The usage period of the customer's oldest contract that has one at ``now`` (R42)."""
        account = accounts.account(self._stores, customer_id).at(now)
        for contract in account.contracts:
            if contract.archived_at is None:
                for period in usage_periods(contract, now):
                    if period.covers(now):
                        return period
        told = "the customer has no contract with a billing period now (R42)"
        raise Refused(told, customer=customer_id, now=wire_instant(now))

    def unmatched(self) -> tuple[Sender, ...]:
        """Identifiers usage came under that are no customer's id or alias, most events first."""
        known = customers.many(self._stores, self._stores.customers.ids()).values()
        names = [name for one in known for name in (one.id, *one.ingest_aliases)]
        return tuple(self._usage.unmatched(names))

    def events(
        self, transaction_ids: Sequence[str], catalog: Catalog, now: datetime
    ) -> tuple[MatchedEvent, ...]:
        """Events of the last 34 days with these ids, repetitions included (R28)."""
        found = self._usage.trace(transaction_ids, now)
        names = {one.event.customer_id for one in found}
        known = customers.many(self._stores, names)
        holders = self._stores.customers.holders(names)
        known = customers.many(self._stores, holders.values()) | known
        return tuple(
            MatchedEvent(
                traced=one,
                customer=known.get(one.event.customer_id)
                or known.get(holders.get(one.event.customer_id, "")),
                metrics=tuple(m for m in catalog.metrics.values() if matches(m, one.event)),
            )
            for one in found
        )

    def _chosen(self, asked: MetricAsked) -> tuple[Metric, MetricAsked]:
        return metrics.get(self._stores, asked.metric_id), asked

    def _all_metrics(self) -> list[tuple[Metric, MetricAsked]]:
        every = self._stores.catalogue.catalog().metrics.values()
        return [(m, MetricAsked(metric_id=m.id)) for m in every if m.archived_at is None]


def _asked(customer: Customer, metric: Metric, how: MetricAsked) -> UsageAsked:
    return UsageAsked(
        customer_id=customer.id,
        names=(customer.id, *customer.ingest_aliases),
        metric=metric,
        group_keys=how.group_keys,
        group_filters=how.group_filters,
    )
