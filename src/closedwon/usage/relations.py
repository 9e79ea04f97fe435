"""Demands as relations: what is joined with the events instead of looping over contracts (D3)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from closedwon.billing.catalog.types import Aggregation, Metric, PropertyFilter
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand
from closedwon.kernel.instant import DAY, HOUR
from closedwon.usage.columns import INSTANT, MICROSECOND

K = TypeVar("K")

BUCKETS = (30 * DAY, DAY, HOUR)
"""Widths of the time buckets that make the range join an equality join, widest first."""
STRETCHES_MAX = 12
"""Stretches of one schedule that a bucket should not exceed."""
YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
STRETCH = pa.schema(
    [
        ("schedule", pa.int32()),
        ("bucket", pa.int64()),
        ("cut", pa.int32()),
        ("since", INSTANT),
        ("until", INSTANT),
        ("filter_key", pa.int32()),
        ("allowed", pa.int32()),
    ]
)
NAME = pa.schema([("customer", pa.string()), ("who", pa.int32())])
ALLOWED = pa.schema([("allowed", pa.int32()), ("value", pa.string())])
KIND = pa.schema([("event_type", pa.string()), ("counting", pa.int32()), ("counts_from", INSTANT)])


class Counting(msgspec.Struct, frozen=True):
    """Which events a metric accepts and which property it reads; equal metrics share one."""

    event_types: tuple[str, ...]
    not_event_types: tuple[str, ...]
    filters: tuple[PropertyFilter, ...]
    key: str | None
    counts_from: datetime | None
    """Instant of ingest from which events count (R27); None counts every event."""

    def accepts(self, event_type: str) -> bool:
        """Whether the event type passes (R29)."""
        listed = not self.event_types or event_type in self.event_types
        return listed and event_type not in self.not_event_types


class Relations(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the query needs besides the events."""

    demands: tuple[Demand, ...]
    countings: tuple[Counting, ...]
    groupings: tuple[tuple[str, ...], ...]
    filter_keys: tuple[str, ...]
    start: datetime
    end: datetime
    bucket_us: int
    tables: Mapping[str, pa.Table]
    """``name``: raw customer -> who. ``wanted``: the demands of each who, counting and bucket.
    ``stretch``: what a schedule of cuts and filters says of a bucket. ``allowed``: values of
    usage filters."""


class Numbering(Generic[K]):
    """Numbers distinct values in the order they are first met."""

    def __init__(self) -> None:
        self._numbers: dict[K, int] = {}

    @property
    def values(self) -> tuple[K, ...]:
        """The values by number."""
        return tuple(self._numbers)

    def of(self, value: K) -> int:
        """The number of ``value``, a new one when it is new."""
        return self._numbers.setdefault(value, len(self._numbers))


Schedule = tuple[tuple[datetime, ...], tuple[UsageFilter, ...]]
"""Cuts and usage filters; demands of one calendar mostly share it."""


class _Filters:
    """Numbers of usage filters' keys and of their sets of values."""

    def __init__(self) -> None:
        self.keys = Numbering[str]()
        self.allowed = Numbering[tuple[str, ...]]()

    def of(self, used: UsageFilter | None) -> tuple[int | None, int | None]:
        """The two numbers of a filter; None without one."""
        if used is None:
            return None, None
        return self.keys.of(used.group_key), self.allowed.of(tuple(sorted(set(used.group_values))))


def relations(demands: Sequence[Demand], *, retroactive: bool) -> Relations:
    """Lay out ``demands`` (at least one), each with at least two rising cuts."""
    owners, schedules = Numbering[tuple[str, ...]](), Numbering[Schedule]()
    countings, groupings = Numbering[Counting](), Numbering[tuple[str, ...]]()
    metrics = {id(demand.metric): demand.metric for demand in demands}
    counted = {
        at: countings.of(_counting(one, retroactive=retroactive)) for at, one in metrics.items()
    }
    numbers = [
        (
            owners.of(demand.customer_ids),
            counted[id(demand.metric)],
            groupings.of(demand.group_keys),
            schedules.of((demand.cuts, demand.filters)),
        )
        for demand in demands
    ]
    filters, bucket_us = _Filters(), _bucket_us(schedules.values)
    stretches = [
        row
        for at, schedule in enumerate(schedules.values)
        for row in _stretches(at, schedule, bucket_us, filters)
    ]
    names = ((name, who) for who, names in enumerate(owners.values) for name in set(names))
    allowed = ((at, one) for at, values in enumerate(filters.allowed.values) for one in values)
    return Relations(
        demands=tuple(demands),
        countings=countings.values,
        groupings=groupings.values,
        filter_keys=filters.keys.values,
        start=min(cuts[0] for cuts, _ in schedules.values),
        end=max(cuts[-1] for cuts, _ in schedules.values),
        bucket_us=bucket_us,
        tables={
            "name": table_of(names, NAME),
            "wanted": _wanted(demands, numbers, schedules.values, bucket_us),
            "stretch": table_of(stretches, STRETCH),
            "allowed": table_of(allowed, ALLOWED),
        },
    )


def _wanted(
    demands: Sequence[Demand],
    numbers: Sequence[tuple[int, int, int, int]],
    schedules: Sequence[Schedule],
    bucket_us: int,
) -> pa.Table:
    """A row per demand and bucket it touches; columns, not rows, because there are many."""
    spans = np.array([_buckets(cuts, bucket_us) for cuts, _ in schedules], dtype=np.int64)
    who, counting, grouping, schedule = np.array(numbers, dtype=np.int32).T
    counts = (spans[:, 1] - spans[:, 0] + 1)[schedule]
    demand = np.repeat(np.arange(len(demands), dtype=np.int32), counts)
    within = np.arange(len(demand)) - np.repeat(np.cumsum(counts) - counts, counts)
    kinds = list(Aggregation)
    used = [one.metric.aggregation for one in demands]
    codes = np.array([kinds.index(one) for one in used if one is not None], dtype=np.int8)
    aggregations = pa.DictionaryArray.from_arrays(codes[demand], [kind.value for kind in kinds])
    return pa.table(
        {
            "demand": demand,
            "who": who[demand],
            "counting": counting[demand],
            "bucket": spans[schedule[demand], 0] + within,
            "grouping": grouping[demand],
            "schedule": schedule[demand],
            "aggregation": aggregations,
        }
    )


def kinds(countings: Sequence[Counting], event_types: Iterable[str]) -> pa.Table:
    """Relation ``kind``: which counting accepts which of the ``event_types`` there are (R29)."""
    rows = (
        (event_type, at, counting.counts_from)
        for event_type in event_types
        for at, counting in enumerate(countings)
        if counting.accepts(event_type)
    )
    return table_of(rows, KIND)


def table_of(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """``rows`` as an Arrow table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def _stretches(
    number: int, schedule: Schedule, bucket_us: int, numbers: _Filters
) -> Iterator[tuple[Any, ...]]:
    """Rows of ``stretch``: between neighbouring cuts, with at most one usage filter in force."""
    cuts, filters = schedule
    for cut, (start, end) in enumerate(pairwise(cuts), start=1):
        changes = sorted({one.starting_at for one in filters if start < one.starting_at < end})
        for since, until in pairwise((start, *changes, end)):
            filtered = numbers.of(in_force(filters, since))
            first, last = _buckets((since, until), bucket_us)
            for bucket in range(first, last + 1):
                yield (number, bucket, cut, since, until, *filtered)


def in_force(filters: Sequence[UsageFilter], instant: datetime) -> UsageFilter | None:
    """The usage filter of that instant (R106); of two with the same start, the later one listed."""
    started = [one for one in filters if one.starting_at <= instant]
    return max(reversed(started), key=lambda one: one.starting_at, default=None)


def _counting(metric: Metric, *, retroactive: bool) -> Counting:
    return Counting(
        metric.event_types,
        metric.not_event_types,
        metric.filters,
        metric.key,
        None if retroactive else metric.created_at,
    )


def _buckets(cuts: Sequence[datetime], bucket_us: int) -> tuple[int, int]:
    """First and last time bucket of ``[cuts[0], cuts[-1])``, counted from year 1."""
    first = (cuts[0] - YEAR_1) // MICROSECOND // bucket_us
    return first, (cuts[-1] - YEAR_1 - MICROSECOND) // MICROSECOND // bucket_us


def _bucket_us(schedules: Sequence[Schedule]) -> int:
    """The widest bucket that holds only few stretches of one schedule."""
    spans = sum((cuts[-1] - cuts[0] for cuts, _ in schedules), timedelta())
    mean = spans / sum(len(cuts) - 1 for cuts, _ in schedules)
    width = next((bucket for bucket in BUCKETS if bucket <= STRETCHES_MAX * mean), BUCKETS[-1])
    return width // MICROSECOND
