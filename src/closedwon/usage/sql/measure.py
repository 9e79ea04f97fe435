"""Demands for SQL metrics, many customers at once, and their readings (R38, R39, D3)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby

import msgspec
import pyarrow as pa

from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand, Reading
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO, canonical
from closedwon.usage.columns import INSTANT
from closedwon.usage.relations import NAME, Numbering, in_force, table_of
from closedwon.usage.sql.evaluate import Answers
from closedwon.usage.sql.parse import query_of
from closedwon.usage.sql.plan import Plan, plan_of
from closedwon.usage.sql.values import WIDE, Row

CUT = pa.schema(
    [
        ("who", pa.int32()),
        ("scope", pa.int32()),
        ("cut", pa.int32()),
        ("since", INSTANT),
        ("until", INSTANT),
    ]
)

Group = tuple[str | None, ...]


class Scope(msgspec.Struct, frozen=True):
    """Whose events, from the first instant up to each of the others."""

    customer_ids: tuple[str, ...]
    instants: tuple[datetime, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One query for the engine: a plan over scopes."""

    plan: Plan
    scopes: tuple[Scope, ...]
    tables: Mapping[str, pa.Table]
    start: datetime
    end: datetime


Ask = Callable[[Asked], Iterator[Row]]
"""Runs a query; rows are ``(scope, cut, *row of the plan)``, by scope and cut."""


def measured(demands: Sequence[Demand], ask: Ask) -> dict[str, tuple[Reading, ...]]:
    """Readings of SQL demands by key; metrics with the same query are asked together.

    Raises Refused for a group key or usage filter that is no column of the query.
    """
    found: dict[str, tuple[Reading, ...]] = {}
    together: dict[str, list[Demand]] = {}
    for demand in demands:
        together.setdefault(demand.metric.sql or "", []).append(demand)
    for sql, part in together.items():
        query = query_of(sql)
        numbers = Numbering[Scope]()
        scopes = [numbers.of(_scope(demand)) for demand in part]
        answers = _answers(_asked(plan_of(query), numbers.values), ask)
        for demand, scope in zip(part, scopes, strict=True):
            columns = _Columns(demand, query.group_keys)
            instants = numbers.values[scope].instants
            at_instants = [answers.get((scope, n), {}) for n in range(1, len(instants))]
            found[demand.key] = tuple(_readings(demand, columns, instants[1:], at_instants))
    return found


def _scope(demand: Demand) -> Scope:
    """A whole period is asked for once; else usage filters are cuts too."""
    if demand.whole_period:
        return Scope(demand.customer_ids, (demand.cuts[0], demand.cuts[-1]))
    changes = {f.starting_at for f in demand.filters}
    inside = {at for at in changes if demand.cuts[0] < at < demand.cuts[-1]}
    return Scope(demand.customer_ids, tuple(sorted({*demand.cuts, *inside})))


def _asked(plan: Plan, scopes: tuple[Scope, ...]) -> Asked:
    owners = Numbering[tuple[str, ...]]()
    cuts = [
        (owners.of(scope.customer_ids), number, cut, scope.instants[0], until)
        for number, scope in enumerate(scopes)
        for cut, until in enumerate(scope.instants[1:], start=1)
    ]
    names = ((name, who) for who, listed in enumerate(owners.values) for name in set(listed))
    return Asked(
        plan=plan,
        scopes=scopes,
        tables={"sql_name": table_of(names, NAME), "sql_cut": table_of(cuts, CUT)},
        start=min(scope.instants[0] for scope in scopes),
        end=max(scope.instants[-1] for scope in scopes),
    )


def _answers(asked: Asked, ask: Ask) -> dict[tuple[int, int], Answers]:
    """The query's answer for every scope and cut that has events."""
    evaluation = asked.plan.evaluation()
    by_cut = groupby(ask(asked), key=lambda row: (row[0], row[1]))
    return {place: evaluation.answers(row[2:] for row in rows) for place, rows in by_cut}


class _Columns:
    """Which columns of the query a demand groups and filters by; the others are summed over."""

    def __init__(self, demand: Demand, names: tuple[str, ...]) -> None:
        self._filter_keys = tuple(dict.fromkeys(f.group_key for f in demand.filters))
        for key in (*demand.group_keys, *self._filter_keys):
            if key not in names:
                raise Refused(
                    "a SQL metric is grouped or filtered by something that is no column of it",
                    metric=demand.metric.id,
                    found=key,
                    expected=", ".join(names) or "no group key",
                )
        self._group = [names.index(key) for key in demand.group_keys]
        self._filter = [names.index(key) for key in self._filter_keys]

    def grouped(self, answers: Answers) -> dict[Group, dict[Group, Decimal]]:
        """Quantities by the values filtered by, then by group."""
        found: dict[Group, dict[Group, Decimal]] = {}
        for cells, value in answers.items():
            filtered = found.setdefault(tuple(cells[at] for at in self._filter), {})
            group = tuple(cells[at] for at in self._group)
            filtered[group] = WIDE.add(filtered.get(group, ZERO), value)
        return found

    def lets_through(self, values: Group, used: UsageFilter | None) -> bool:
        """Whether the usage filter in force accepts these values (R105)."""
        if used is None:
            return True
        return values[self._filter_keys.index(used.group_key)] in used.group_values


def _readings(
    demand: Demand,
    columns: _Columns,
    instants: Sequence[datetime],
    at_instants: Iterable[Answers],
) -> Iterator[Reading]:
    """Cumulative values at every cut; a group that is gone from the answer is at zero again.

    A usage filter lets through what is added while it is in force: the increments of the values it
    names (R106).
    """
    totals: dict[Group, Decimal] = {}
    told: dict[Group, Decimal] = {}
    before: dict[Group, dict[Group, Decimal]] = {}
    cuts = {at: n for n, at in enumerate(demand.cuts)}
    for instant, answers in zip(instants, at_instants, strict=True):
        now = columns.grouped(answers)
        used = in_force(demand.filters, _just_before(instant))
        for values in {**before, **now}:
            if columns.lets_through(values, used):
                _move(totals, before.get(values, {}), now.get(values, {}))
        before = now
        if instant not in cuts:
            continue
        for group, total in totals.items():
            if told.get(group) != total:
                told[group] = total
                value = Decimal(canonical(total))
                yield Reading(key=demand.key, group=group, cut=cuts[instant], value=value)


def _move(
    totals: dict[Group, Decimal], before: Mapping[Group, Decimal], now: Mapping[Group, Decimal]
) -> None:
    """Add what changed from ``before`` to ``now``."""
    for group in {**before, **now}:
        change = WIDE.subtract(now.get(group, ZERO), before.get(group, ZERO))
        totals[group] = WIDE.add(totals.get(group, ZERO), change)


def _just_before(instant: datetime) -> datetime:
    return instant - datetime.resolution
