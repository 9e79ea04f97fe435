"""Demands as relations: what is joined with the events instead of looping over contracts (D3)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Generic, TypeVar

import msgspec
import pyarrow as pa

from closedwon.billing.catalog.types import Metric, PropertyFilter
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand
from closedwon.kernel.instant import DAY, HOUR
from closedwon.usage.columns import INSTANT, MICROSECOND

K = TypeVar("K")

BUCKETS = (30 * DAY, DAY, HOUR)
"""Widths of the time buckets that make the range join an equality join, widest first."""
PIECES_MAX = 12
"""Pieces of one demand that a bucket should not exceed."""
YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
PIECE = pa.schema(
    [
        ("demand", pa.int32()),
        ("cut", pa.int32()),
        ("since", INSTANT),
        ("until", INSTANT),
        ("filter_key", pa.int32()),
        ("allowed", pa.int32()),
        ("who", pa.int32()),
        ("counting", pa.int32()),
        ("grouping", pa.int32()),
        ("aggregation", pa.string()),
        ("bucket", pa.int64()),
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
    """``name`` (raw customer -> who), ``piece``, and ``allowed`` (values of usage filters)."""


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


class _Numberings:
    """The distinct parts of demands."""

    def __init__(self) -> None:
        self.owners = Numbering[tuple[str, ...]]()
        self.countings = Numbering[Counting]()
        self.groupings = Numbering[tuple[str, ...]]()
        self.filter_keys = Numbering[str]()
        self.allowed = Numbering[tuple[str, ...]]()

    def filtered(self, used: UsageFilter | None) -> tuple[int | None, int | None]:
        """Numbers of a usage filter's key and of its set of values; None without a filter."""
        if used is None:
            return None, None
        values = tuple(sorted(set(used.group_values)))
        return self.filter_keys.of(used.group_key), self.allowed.of(values)


def relations(demands: Sequence[Demand], *, retroactive: bool) -> Relations:
    """Lay out ``demands`` (at least one), each with at least two rising cuts."""
    numbers = _Numberings()
    bucket_us = _bucket_us(demands)
    rows = [
        row
        for at, demand in enumerate(demands)
        for row in _pieces(at, demand, numbers, bucket_us, retroactive=retroactive)
    ]
    names = ((name, who) for who, names in enumerate(numbers.owners.values) for name in names)
    allowed = ((at, one) for at, values in enumerate(numbers.allowed.values) for one in values)
    return Relations(
        demands=tuple(demands),
        countings=numbers.countings.values,
        groupings=numbers.groupings.values,
        filter_keys=numbers.filter_keys.values,
        start=min(demand.cuts[0] for demand in demands),
        end=max(demand.cuts[-1] for demand in demands),
        bucket_us=bucket_us,
        tables={
            "name": table_of(names, NAME),
            "piece": table_of(rows, PIECE),
            "allowed": table_of(allowed, ALLOWED),
        },
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


def _pieces(
    at: int, demand: Demand, numbers: _Numberings, bucket_us: int, *, retroactive: bool
) -> Iterator[tuple[Any, ...]]:
    """Rows of ``piece``: between neighbouring cuts, with at most one usage filter in force."""
    common = (
        numbers.owners.of(tuple(sorted(set(demand.customer_ids)))),
        numbers.countings.of(_counting(demand.metric, retroactive=retroactive)),
        numbers.groupings.of(demand.group_keys),
        demand.metric.aggregation.value,
    )
    for cut, (start, end) in enumerate(pairwise(demand.cuts), start=1):
        changes = sorted({f.starting_at for f in demand.filters if start < f.starting_at < end})
        for since, until in pairwise((start, *changes, end)):
            filtered = numbers.filtered(_in_force(demand.filters, since))
            last = bucket_of(until - MICROSECOND, bucket_us)
            for bucket in range(bucket_of(since, bucket_us), last + 1):
                yield (at, cut, since, until, *filtered, *common, bucket)


def _in_force(filters: Sequence[UsageFilter], instant: datetime) -> UsageFilter | None:
    """The filter of that instant (R106); of two with the same start, the later in the list."""
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


def bucket_of(instant: datetime, bucket_us: int) -> int:
    """Number of the time bucket of ``instant``, counted from year 1 (as the query does)."""
    return (instant - YEAR_1) // MICROSECOND // bucket_us


def _bucket_us(demands: Sequence[Demand]) -> int:
    """The widest bucket that holds only few pieces of one demand."""
    spans = sum(((d.cuts[-1] - d.cuts[0]) for d in demands), timedelta())
    mean = spans / sum(len(demand.cuts) - 1 for demand in demands)
    width = next((bucket for bucket in BUCKETS if bucket <= PIECES_MAX * mean), BUCKETS[-1])
    return width // MICROSECOND
