"""Usage per hour, per day or over a whole stretch, as the usage queries show it (R41-R43).

Every window is measured on its own: MAX and UNIQUE start anew in it, LATEST is its last value, a
SQL metric is evaluated over it alone. Without events the value is None, which is not zero (R43).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import Metric, PropertyFilter
from closedwon.billing.rating.demand import Demand, Quantities, Reading
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import DAY, HOUR, wire_instant
from closedwon.usage.numbers import added

VALUES_MAX = 200
"""Values of one group filter (R42)."""
WINDOWS_MAX = 50_000
"""Windows of all customers and metrics of one question (G24)."""


class WindowSize(StrEnum):
    """How a stretch of time is cut."""

    HOUR = "HOUR"
    DAY = "DAY"
    NONE = "NONE"


class UsageAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One customer's usage of one metric, by group where keys are named.

    Raises Refused for keys the metric cannot group by together (R35), and for too many values.
    """

    customer_id: str
    names: tuple[str, ...]
    """Customer id and ingest aliases."""
    metric: Metric
    group_keys: tuple[str, ...] = ()
    group_filters: Mapping[str, tuple[str, ...]] = {}
    """Values let through, by key."""

    def __post_init__(self) -> None:
        keys = frozenset(self.group_keys) | frozenset(self.group_filters)
        if len(set(self.group_keys)) != len(self.group_keys) or not self.metric.can_group_by(keys):
            raise Refused(
                "the metric has no compound group key with these keys (R35)",
                metric=self.metric.id,
                keys=", ".join(sorted(keys)),
            )
        for key, values in self.group_filters.items():
            if not 1 <= len(values) <= VALUES_MAX:
                expected = f"1 to {VALUES_MAX} values to filter by (R42)"
                raise Refused(f"expected {expected}, found {len(values)}", key=key)


class WindowValue(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's value in ``[start, end)``; None without usage."""

    customer_id: str
    metric_id: str
    metric_name: str
    start: datetime
    end: datetime
    value: Decimal | None = None
    group: Mapping[str, str | None] = {}


def window_edges(size: WindowSize, start: datetime, end: datetime) -> tuple[datetime, ...]:
    """The instants between which windows lie, rising; raises Refused off UTC midnight (R41)."""
    for at in (start, end):
        if at.utcoffset() or (at - at.replace(hour=0, minute=0, second=0, microsecond=0)):
            raise Refused(
                "usage is asked for from UTC midnight to UTC midnight (R41)", found=wire_instant(at)
            )
    if end - start < DAY:
        raise Refused("usage is asked for at least a day (R41)", start=wire_instant(start))
    return edges_between(size, start, end)


def edges_between(size: WindowSize, start: datetime, end: datetime) -> tuple[datetime, ...]:
    """The same for a billing period, which may begin at any hour; the last window may be short."""
    if size is WindowSize.NONE:
        return (start, end)
    step = HOUR if size is WindowSize.HOUR else DAY
    count = -((start - end) // step)
    return (*(start + n * step for n in range(count)), end)


def window_values(
    measure: Callable[[Iterable[Demand]], Quantities],
    asked: Sequence[UsageAsked],
    edges: Sequence[datetime],
) -> tuple[WindowValue, ...]:
    """Values by asked customer and metric, then window, then group; one question for all (D3).

    Ungrouped, a window without usage has a row without value; grouped, it has none.
    """
    windows = list(pairwise(edges))
    if len(windows) * len(asked) > WINDOWS_MAX:
        raise Refused(
            f"more than {WINDOWS_MAX} windows in one question; ask for fewer",
            windows=len(windows) * len(asked),
        )
    demands = {
        f"{number}/{at}": _demand(one, window, f"{number}/{at}")
        for number, one in enumerate(asked)
        for at, window in enumerate(windows)
    }
    quantities = measure(demands.values())
    return tuple(
        row
        for number, one in enumerate(asked)
        for at, window in enumerate(windows)
        for row in _rows(one, window, quantities[f"{number}/{at}"])
    )


def _demand(asked: UsageAsked, window: tuple[datetime, datetime], key: str) -> Demand:
    """Streaming metrics filter events; the columns of a SQL metric are filtered afterwards."""
    metric, keys = asked.metric, asked.group_keys
    if metric.sql is not None:
        keys = (*keys, *(key for key in asked.group_filters if key not in keys))
    else:
        conditions = (PropertyFilter(name=k, in_values=v) for k, v in asked.group_filters.items())
        metric = replace(metric, filters=(*metric.filters, *conditions))
    return Demand(key=key, metric=metric, customer_ids=asked.names, cuts=window, group_keys=keys)


def _rows(
    asked: UsageAsked, window: tuple[datetime, datetime], readings: Sequence[Reading]
) -> Iterator[WindowValue]:
    empty = WindowValue(
        customer_id=asked.customer_id,
        metric_id=asked.metric.id,
        metric_name=asked.metric.name,
        start=window[0],
        end=window[1],
    )
    found = _grouped(asked, readings)
    if not found and not asked.group_keys:
        yield empty
    for group in sorted(found, key=lambda group: [(cell is None, cell or "") for cell in group]):
        named = dict(zip(asked.group_keys, group, strict=True))
        yield replace(empty, value=found[group], group=named)


def _grouped(
    asked: UsageAsked, readings: Sequence[Reading]
) -> dict[tuple[str | None, ...], Decimal]:
    """Values by group; further columns of a SQL metric are filtered by and summed over (R38)."""
    keys = (*asked.group_keys, *(k for k in asked.group_filters if k not in asked.group_keys))
    found: dict[tuple[str | None, ...], Decimal] = {}
    for reading in readings:
        cells = dict(zip(keys, reading.group, strict=False))
        if asked.metric.sql is not None and any(
            cells[key] not in values for key, values in asked.group_filters.items()
        ):
            continue
        group = reading.group[: len(asked.group_keys)]
        found[group] = added([found.get(group, ZERO), reading.value])
    return found
