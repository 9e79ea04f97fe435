"""The one query that measures all demands, and its answer as readings (D3, R29-R36).

The text depends on the metrics, groups and filters that are asked for, never on contracts or
events; those come in as relations. Per demand, cut and group it yields the increment of the
stretch before the cut; ``readings`` adds the increments up.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from closedwon.billing.catalog.types import Aggregation, PropertyFilter
from closedwon.billing.rating.demand import Demand, Reading
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import ZERO, canonical
from closedwon.usage.numbers import NUMBER, ORDINARY, added, number
from closedwon.usage.relations import Relations
from closedwon.usage.text import EPOCH_FROM_YEAR_1_US, SEQUENCES, escaped, instant, quoted


class Increment(msgspec.Struct, frozen=True):
    """What one stretch of one group adds; ``demand`` is the position in the asked list."""

    demand: int
    group: tuple[str, ...]
    cut: int
    events: int
    """Matching events; for UNIQUE, values seen for the first time."""
    ordinary: Decimal | None
    """Sum or maximum of the ordinary numbers."""
    long: Sequence[str]
    """Numbers the engine could not add exactly."""
    newest: str | None
    """Last number by timestamp."""


def metering_sql(asked: Relations, *, ordinary: str = ORDINARY) -> str:
    """Increments of every demand that is not UNIQUE; ``ordinary`` is added by the engine."""
    groups = _groups(asked)
    return f"""{_reached(asked)}, numbered as (
    select *, case when regexp_full_match(v, {quoted(ordinary)})
                   then try_cast(v as decimal(38, 18)) end as ordinary,
              regexp_full_match(v, {quoted(NUMBER)}) as is_number
    from reached
)
select demand, cut, {groups} count(*) as events,
    case any_value(aggregation) when 'MAX' then max(ordinary) filter (aggregation = 'MAX')
        else sum(ordinary) filter (aggregation = 'SUM') end as ordinary,
    list(v) filter (is_number and ordinary is null and aggregation in ('SUM', 'MAX')) as long,
    arg_max(v, moment) filter (is_number and aggregation = 'LATEST') as newest
from numbered group by demand, {groups} cut order by demand, {groups} cut"""  # noqa: S608 - values are quoted


def unique_sql(asked: Relations) -> str:
    """Values first seen in each stretch (R34), for demands that are all UNIQUE."""
    groups = _groups(asked)
    return f"""{_reached(asked)}, first_seen as (
    select demand, {groups} v, min(cut) as cut from reached where v is not null
    group by demand, {groups} v
)
select demand, cut, {groups} count(*) as events, null, null, null
from first_seen group by demand, {groups} cut order by demand, {groups} cut"""  # noqa: S608 - values are quoted


def increments(asked: Relations, rows: Iterable[Sequence[Any]]) -> Iterator[Increment]:
    """The query's rows, by demand, group and cut."""
    width = max(map(len, asked.groupings))
    sizes = [len(demand.group_keys) for demand in asked.demands]
    for row in rows:
        events, ordinary, long, newest = row[2 + width :]
        group = tuple(row[2 : 2 + sizes[row[0]]])
        yield Increment(row[0], group, row[1], events, ordinary, long or (), newest)


def readings(demands: Sequence[Demand], ordered: Iterable[Increment]) -> dict[str, list[Reading]]:
    """Cumulative values by demand key, by group and cut; every key is there."""
    answer: dict[str, list[Reading]] = {demand.key: [] for demand in demands}
    before: tuple[int, tuple[str, ...]] | None = None
    total = ZERO
    for one in ordered:
        demand = demands[one.demand]
        if before != (one.demand, one.group):
            before, total = (one.demand, one.group), ZERO
        value = _accumulated(demand.metric.aggregation, total, one)
        if value is None:
            continue
        total = value
        read = Decimal(canonical(value))
        answer[demand.key].append(Reading(key=demand.key, group=one.group, cut=one.cut, value=read))
    return answer


def _accumulated(aggregation: Aggregation | None, total: Decimal, one: Increment) -> Decimal | None:
    """The cumulative value after a stretch; None when no event of it counts (R25)."""
    match aggregation:
        case Aggregation.COUNT | Aggregation.UNIQUE:
            return total + one.events
        case Aggregation.LATEST:
            return number(one.newest)
        case Aggregation.SUM | Aggregation.MAX:
            parts = [part for part in (one.ordinary, *map(number, one.long)) if part is not None]
            if not parts:
                return None
            if aggregation is Aggregation.MAX:
                return max(total, *parts)
            return added((total, *parts))
        case None:
            raise InvariantBroken("a SQL metric is not metered by the streaming query")


def _reached(asked: Relations) -> str:
    """Common table expressions up to ``reached``: an event once per demand that wants it."""
    columns = {name: f"p[{at}]" for at, name in enumerate(properties(asked), start=1)}
    pointers = ", ".join(quoted("/" + escaped(name)) for name in columns)
    values = _cases("counting", [columns.get(c.key or "") for c in asked.countings])
    passing = _cases("counting", [_passes(c.filters, columns) for c in asked.countings])
    permitted = _cases("filter_key", [columns[key] for key in asked.filter_keys])
    width = max(map(len, asked.groupings))
    group_columns = "".join(
        ", "
        + _cases("grouping", [columns[g[at]] if at < len(g) else None for g in asked.groupings])
        + f" as g{at}"
        for at in range(width)
    )
    present = _cases("grouping", [_present(g, columns) for g in asked.groupings])
    day = f"(epoch_us(happened_at) + {EPOCH_FROM_YEAR_1_US})"
    return f"""with scanned as (
    select who, counting, sequence, happened_at, {day} // {asked.bucket_us} as bucket,
        {f"json_extract_string(properties, [{pointers}])" if columns else "null"} as p
    from event join kind using (event_type) join name using (customer)
    where happened_at >= {instant(asked.start)} and happened_at < {instant(asked.end)}
        and (counts_from is null or ingested_at >= counts_from)
), passed as (
    select *, {values} as v from scanned where {passing}
), reached as (
    select demand, cut, aggregation, v{group_columns},
        {day}::hugeint * {SEQUENCES} + sequence as moment
    from passed join wanted using (who, counting, bucket) join stretch using (schedule, bucket)
        left join allowed as permitted
            on permitted.allowed = stretch.allowed and permitted.value = {permitted}
    where happened_at >= since and happened_at < until and {present}
        and (stretch.allowed is null or permitted.value is not null)
)"""  # noqa: S608 - values are quoted


def properties(asked: Relations) -> tuple[str, ...]:
    """Every property the query reads, once."""
    read = dict.fromkeys(c.key for c in asked.countings if c.key is not None)
    read |= dict.fromkeys(f.name for c in asked.countings for f in c.filters)
    read |= dict.fromkeys(key for grouping in asked.groupings for key in grouping)
    read |= dict.fromkeys(asked.filter_keys)
    return tuple(read)


def _groups(asked: Relations) -> str:
    return "".join(f"g{at}, " for at in range(max(map(len, asked.groupings))))


def _cases(subject: str, results: Sequence[str | None]) -> str:
    """``case subject when 0 then ...`` over results by number; NULL where there is none."""
    if len(set(results)) == 1:
        return results[0] or "null"
    branches = " ".join(f"when {at} then {one}" for at, one in enumerate(results) if one)
    return f"case {subject} {branches} end" if branches else "null"


def _passes(filters: Sequence[PropertyFilter], columns: dict[str, str]) -> str:
    return " and ".join(_condition(one, columns[one.name]) for one in filters) or "true"


def _condition(one: PropertyFilter, column: str) -> str:
    """R29: compared as text; ``not_in`` lets an absent property pass."""
    conditions = []
    if one.exists is not None:
        conditions.append(f"{column} is {'not ' if one.exists else ''}null")
    if one.in_values:
        conditions.append(f"{column} in ({', '.join(map(quoted, one.in_values))})")
    if one.not_in_values:
        listed = ", ".join(map(quoted, one.not_in_values))
        conditions.append(f"({column} is null or {column} not in ({listed}))")
    return " and ".join(f"coalesce({one}, false)" for one in conditions) or "true"


def _present(grouping: Sequence[str], columns: dict[str, str]) -> str:
    """R36: an event without a group property matches nothing."""
    return " and ".join(f"{columns[name]} is not null" for name in grouping) or "true"
