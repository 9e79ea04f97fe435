"""Cumulative metric values become billed quantities per slice (R40, R46, R47).

A product may change its metric or its group keys inside a period. Each stretch then takes its rise
from the demand of the version in force, and the values run on: after a swap from A to B at t the
cumulative value is A(..t) + B(..now) - B(..t), so conversion and rounding see one quantity (R40).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from itertools import pairwise

import msgspec

from closedwon.billing.catalog.types import Metric, Product, ProductVersion
from closedwon.billing.rating.demand import Demand, Reading
from closedwon.kernel.exact import CONTEXT, QUOTIENTS, ZERO
from closedwon.kernel.instant import Interval

ROUNDINGS = {
    "ROUND_UP": ROUND_UP,
    "ROUND_DOWN": ROUND_DOWN,
    "ROUND_HALF_UP": ROUND_HALF_UP,
}

Group = tuple[str | None, ...]
Identity = tuple[tuple[str, str | None], ...]
"""Keys and values of a group, by key: what goes on being the same group when definitions change."""

Asked = tuple[Demand, Sequence[Reading]]
"""What the usage store was asked about a product, and what it said."""


class Measure(msgspec.Struct, frozen=True):
    """What decides which demand a version's quantity comes from."""

    metric_id: str | None
    group_keys: tuple[str, ...]
    whole_period: bool


class Stretch(msgspec.Struct, frozen=True):
    """Where nothing changes for a group; ``begin`` and ``end`` are numbers of cuts."""

    begin: int
    end: int
    version: ProductVersion
    measure: Measure


class Increment(msgspec.Struct, frozen=True, kw_only=True):
    """Billed units of one group between two cuts; may be negative (R33)."""

    identity: Identity
    version: ProductVersion
    group: Group
    """Values of the version's pricing keys, then of its presentation keys."""
    window: Interval
    units: Decimal


def measure_of(version: ProductVersion, metrics: Mapping[str, Metric]) -> Measure:
    """Where the version's quantity comes from; a SQL metric may be one value per period (R39)."""
    metric = metrics.get(version.metric_id or "")
    is_sql = metric is not None and metric.sql is not None
    return Measure(
        version.metric_id,
        version.pricing_group_key + version.presentation_group_key,
        is_sql and version.sql_granularity == "SERVICE_PERIOD",
    )


def increments(
    product: Product, asked: Sequence[Asked], metrics: Mapping[str, Metric]
) -> Iterator[Increment]:
    """Every group that was used, in order of its values; within one, by time."""
    first = asked[0][0]
    cuts, shared = first.cuts, _stretches(product, first, metrics, ())
    named = frozenset[tuple[str, str | None]]().union(*first.own_cuts.values())
    metered: dict[Identity, dict[Measure, tuple[Group, list[Decimal]]]] = {}
    for demand, readings in asked:
        measure = Measure(demand.metric.id, demand.group_keys, demand.whole_period)
        groups = cumulative(readings, len(cuts))
        for group in sorted(groups, key=_group_order):
            identity = tuple(sorted(zip(demand.group_keys, group, strict=True)))
            metered.setdefault(identity, {})[measure] = (group, groups[group])
    for identity, measures in metered.items():
        own = named.intersection(identity)
        value = ZERO
        for stretch in _stretches(product, first, metrics, own) if own else shared:
            found = measures.get(stretch.measure)
            if found is None:
                continue
            group, values = found
            before, value = value, value + values[stretch.end] - values[stretch.begin]
            yield Increment(
                identity=identity,
                version=stretch.version,
                group=group,
                window=Interval(cuts[stretch.begin], cuts[stretch.end]),
                units=billed(stretch.version, value) - billed(stretch.version, before),
            )


def _stretches(
    product: Product,
    demand: Demand,
    metrics: Mapping[str, Metric],
    own: Collection[tuple[str, str | None]],
) -> list[Stretch]:
    """Between cuts that concern every group, or one that has ``own`` keys and values (R131)."""
    kept = [
        number
        for number, at in enumerate(demand.cuts)
        if at not in demand.own_cuts or not demand.own_cuts[at].isdisjoint(own)
    ]
    return [
        Stretch(begin, end, version, measure_of(version, metrics))
        for begin, end in pairwise(kept)
        for version in [product.at(demand.cuts[begin])]
    ]


def cumulative(readings: Iterable[Reading], cuts: int) -> dict[Group, list[Decimal]]:
    """Value of every group at each of ``cuts`` instants; a cut left out keeps the last one."""
    found: dict[Group, list[Decimal | None]] = {}
    for reading in readings:
        found.setdefault(reading.group, [None] * cuts)[reading.cut] = reading.value
    return {group: _filled(values) for group, values in found.items()}


def billed(version: ProductVersion, value: Decimal) -> Decimal:
    """A cumulative metric value in billed units: converted, then rounded (R46).

    Rounding the cumulative value and billing differences means that cutting a period never adds
    a rounding (R47).
    """
    if version.conversion is not None:
        factor = version.conversion.factor
        value = QUOTIENTS.divide(value, factor) if version.conversion.divide else value * factor
    if version.rounding is not None:
        unit = Decimal(1).scaleb(-version.rounding.decimal_places)
        value = value.quantize(unit, ROUNDINGS[version.rounding.method], CONTEXT)
    return value


def _filled(values: list[Decimal | None]) -> list[Decimal]:
    filled: list[Decimal] = []
    for value in values:
        filled.append(value if value is not None else (filled[-1] if filled else ZERO))
    return filled


def _group_order(group: Group) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, value or "") for value in group)
