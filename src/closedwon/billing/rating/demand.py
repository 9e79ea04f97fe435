"""What billing asks of the usage store, and what it answers (D3).

All demands of all contracts being billed go out in one call; the store answers with *cumulative*
metric values at each cut, so that every aggregation is billed by increments (R30-R34, R47).
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.catalog.types import Metric
from closedwon.billing.contracts.terms import UsageFilter


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """The quantity of one (contract, product) over one billing period.

    ``cuts`` are the rising instants at which a cumulative value is wanted; the first is the start
    of the period, where every value is zero, the last its end.

    Nothing is evaluated hour by hour, and yet HOUR granularity (R39) comes out right: the price
    is the same in every hour between two cuts, and the hourly increments of that stretch add up to
    the value at its end minus the value at its start, for every metric, also one that falls.
    """

    key: str
    """Chosen by the asker, unique within one call; comes back in every Reading."""
    metric: Metric
    customer_ids: tuple[str, ...]
    """Customer id and every ingest alias it has now (R21-R24)."""
    cuts: tuple[datetime, ...]
    own_cuts: Mapping[datetime, frozenset[tuple[str, str]]] = {}
    """Those of ``cuts`` that concern only groups with one of these keys and values: when a seat is
    named, its own lines are cut and nobody else's (R131, R235)."""
    group_keys: tuple[str, ...] = ()
    """Event properties that split the quantity; order fixes the order in Reading.group."""
    filters: tuple[UsageFilter, ...] = ()
    """Usage filters in force, by ``starting_at``; none before the first one."""
    whole_period: bool = False
    """SERVICE_PERIOD granularity of a SQL metric (R39): it is evaluated once, over the period, and
    the only reading is at the last cut, so that all of it takes the last instant's price. False
    is HOUR granularity: the value since the first cut, at every cut."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Cumulative value of one group at ``cuts[cut]`` since the first cut.

    Groups without events have no reading; a cut without new events may be left out (the value
    before holds). Values of SUM, LATEST and SQL metrics may fall from one cut to the next.
    """

    key: str
    group: tuple[str | None, ...]
    cut: int
    value: Decimal


Quantities = Mapping[str, tuple[Reading, ...]]
"""Readings by demand key."""
