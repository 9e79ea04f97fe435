"""The one query over panels: its text, the relations it joins, and which numbers it adds."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import msgspec
import pyarrow as pa

from closedwon.billing.catalog.types import Aggregation
from closedwon.billing.columns.panel import Panel
from closedwon.billing.rating.demand import Demand
from closedwon.usage.columns import INSTANT
from closedwon.usage.numbers import ORDINARY
from closedwon.usage.relations import Counting, Numbering, table_of
from closedwon.usage.text import escaped, instant, quoted

ADDITIVE = (Aggregation.COUNT, Aggregation.SUM, Aggregation.MAX)
NAME = pa.schema([("customer", pa.string()), ("row", pa.int32()), ("panel", pa.int32())])
SLOT = pa.schema(
    [
        ("panel", pa.int32()),
        ("counting", pa.int32()),
        ("slot", pa.int32()),
        ("since", INSTANT),
        ("until", INSTANT),
    ]
)


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of one demand of one panel."""

    panel: int
    counting: int
    number: int
    """Counted over all panels."""
    since: datetime
    until: datetime
    is_peak: bool


class PanelQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One query for all panels, and the relations it joins."""

    countings: tuple[Counting, ...]
    slots: tuple[Slot, ...]
    name: pa.Table

    @property
    def start(self) -> datetime:
        """Where the first stretch begins."""
        return min(slot.since for slot in self.slots)

    @property
    def end(self) -> datetime:
        """Where the last stretch ends."""
        return max(slot.until for slot in self.slots)

    @property
    def slot(self) -> pa.Table:
        """The stretches as a relation."""
        rows = ((s.panel, s.counting, s.number, s.since, s.until) for s in self.slots)
        return table_of(rows, SLOT)

    @property
    def has_peaks(self) -> bool:
        """Whether a maximum is asked for."""
        return any(slot.is_peak for slot in self.slots)

    def sql(self, form: "Form") -> str:
        """(row, slot, events, total, peak, odd) of every row and slot that has events."""
        keys = list(dict.fromkeys(one.key for one in self.countings if one.key is not None))
        pointers = ", ".join(quoted("/" + escaped(key)) for key in keys)
        read = f"json_extract_string(properties, [{pointers}])" if keys else "null"
        value = "null::varchar"
        if keys:
            cases = " ".join(
                f"when {at} then p[{keys.index(one.key) + 1}]"
                for at, one in enumerate(self.countings)
                if one.key is not None
            )
            value = "p[1]" if len(keys) == 1 else f"case counting {cases} end"
        peak = "max(number)" if self.has_peaks else f"null::{form.type}"
        return f"""with scanned as (
    select row, panel, counting, happened_at, {read} as p
    from event join kind using (event_type) join name using (customer)
    where happened_at >= {instant(self.start)} and happened_at < {instant(self.end)}
        and (counts_from is null or ingested_at >= counts_from)
), reached as (
    select row, slot, {value} as v, {form.fits} as fits
    from scanned join slot using (panel, counting)
    where happened_at >= since and happened_at < until
), numbered as (
    select row, slot, v, case when fits then try_cast(v as {form.type}) end as number from reached
)
select row, slot, count(*) as events, sum(number) as total, {peak} as peak,
    bool_or(v is not null and number is null) as odd
from numbered group by row, slot"""  # noqa: S608 - values are quoted


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Which texts are numbers that are added, and as what."""

    fits: str
    type: str
    places: int


NARROW = Form(
    fits="v not glob '*[!0-9.]*' and v not glob '*.???????*'",
    type="decimal(18, 6)",
    places=6,
)
"""Digits and points only, at most six after the point: nearly all usage, and quick to add."""
WIDE = Form(
    fits=f"regexp_full_match(v, {quoted(ORDINARY)})",
    type="decimal(38, 18)",
    places=18,
)
"""All that the columnar engine adds exactly."""


def is_additive(demand: Demand) -> bool:
    """Whether the query can measure it."""
    metric = demand.metric
    return metric.aggregation in ADDITIVE and not metric.filters and not demand.filters


def panel_query(panels: Sequence[Panel], *, retroactive: bool) -> PanelQuery | None:
    """None when there is nothing to add up."""
    countings = Numbering[Counting]()
    names: dict[str, list[int]] = {"row": [], "panel": []}
    customers: list[str] = []
    slots: list[Slot] = []
    row = at = 0
    for number, panel in enumerate(panels):
        for aliases in panel.names:
            for name in set(aliases):
                customers.append(name)
                names["row"].append(row)
            row += 1
        names["panel"] += [number] * (len(customers) - len(names["panel"]))
        for demand in panel.demands:
            for since, until in pairwise(demand.cuts):
                if is_additive(demand):
                    slot = Slot(
                        panel=number,
                        counting=countings.of(_counting(demand, retroactive=retroactive)),
                        number=at,
                        since=since,
                        until=until,
                        is_peak=demand.metric.aggregation is Aggregation.MAX,
                    )
                    slots.append(slot)
                at += 1
    if not slots or not customers:
        return None
    name = pa.table([customers, names["row"], names["panel"]], schema=NAME)
    return PanelQuery(countings=countings.values, slots=tuple(slots), name=name)


def _counting(demand: Demand, *, retroactive: bool) -> Counting:
    metric = demand.metric
    return Counting(
        metric.event_types,
        metric.not_event_types,
        (),
        metric.key,
        None if retroactive else metric.created_at,
    )
