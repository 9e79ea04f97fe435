"""A query over the rows of one customer and one stretch of time: level by level, exactly (R38).

A row is ``(count, first, last, *columns)``: how many equal events it stands for, and the order of
the first and the last of them. Of an inner level, a row stands for itself. A group without rows is
no group, so a query over no events has no value, whatever constant it adds (R43).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import QUOTIENTS, canonical
from closedwon.usage.sql.tree import ORDER, Level, Node, Query
from closedwon.usage.sql.values import WIDE, Row, Value, remembered, told, value_of

GROUPS_MAX = 100_000
"""Groups of one level, for one customer and one stretch of time."""
COUNT, FIRST, LAST, COLUMNS = 0, 1, 2, 3
"""Positions in a row; its columns come last."""


class Fold(NamedTuple):
    """An aggregate: how a row changes its state (None at first), and what the state says."""

    step: Callable[[Any, Row], Any]
    result: Callable[[Any], Any]


Answers = dict[tuple[str | None, ...], Decimal]
"""The quantity by the other columns, as text; NULL quantities are left out."""


class Evaluation:
    """A query made ready to be run over many customers and stretches.

    ``columns`` says where the leaves of the innermost level stand in a row, ``folds`` which of its
    aggregates the rows bring ready made (by position).
    """

    def __init__(
        self, query: Query, columns: Mapping[Node, int], folds: Mapping[int, Fold] | None = None
    ) -> None:
        self._query = query
        chain: list[Level] = []
        level: Level | None = query.level
        while level is not None:
            chain.append(level)
            level = level.inner
        chain.reverse()
        self._levels = [_Grouping(chain[0], columns, folds or {})]
        self._levels += [_Grouping(one, _inner_columns(one), {}) for one in chain[1:]]

    def answers(self, rows: Iterable[Row]) -> Answers:
        """The query over ``rows``; raises Refused for more than GROUPS_MAX groups."""
        for level in self._levels:
            rows = level.rows(rows)
        found: Answers = {}
        value, outputs = self._query.value, self._query.level.outputs
        for row in rows:
            cells = row[COLUMNS:]
            if cells[value] is None:
                continue
            group = tuple(
                told(cell, node.type)
                for at, (cell, node) in enumerate(zip(cells, outputs, strict=True))
                if at != value
            )
            found[group] = WIDE.add(found.get(group, Decimal(0)), cells[value])
        return {group: Decimal(canonical(total)) for group, total in found.items()}


class _Grouping:
    """One level made ready."""

    def __init__(
        self, level: Level, columns: Mapping[Node, int], folds: Mapping[int, Fold]
    ) -> None:
        self._where = [remembered(one, columns) for one in level.where]
        self._keys = [remembered(key, columns) for key in level.keys]
        self._folds = [
            folds.get(at) or fold_of(one, columns) for at, one in enumerate(level.aggregates)
        ]
        over = (*level.keys, *level.aggregates)
        places = {Node("column", node.type, (), at): at for at, node in enumerate(over)}
        self._outputs = [value_of(one, places) for one in level.outputs]

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        groups: dict[Row, list[Any]] = {}
        for row in rows:
            if not all(condition(row) for condition in self._where):
                continue
            key = tuple(value(row) for value in self._keys)
            states = groups.get(key)
            if states is None:
                if len(groups) >= GROUPS_MAX:
                    raise Refused(f"a SQL metric makes more than {GROUPS_MAX} groups (R38)")
                states = groups[key] = [None] * len(self._folds)
            for at, fold in enumerate(self._folds):
                states[at] = fold.step(states[at], row)
        for key, states in groups.items():
            ended = zip(self._folds, states, strict=True)
            cells = (*key, *(fold.result(state) for fold, state in ended))
            yield (1, None, None, *(output(cells) for output in self._outputs))


def _inner_columns(level: Level) -> dict[Node, int]:
    """Where an outer level finds the columns of the one inside it."""
    read = (*level.where, *level.keys, *level.aggregates)
    leaves = {leaf for node in read for leaf in node.leaves}
    return {leaf: COLUMNS + leaf.value for leaf in leaves}


def fold_of(node: Node, columns: Mapping[Node, int]) -> Fold:
    """The aggregate over single values."""
    if not node.args:
        return Fold(lambda state, row: (state or 0) + row[COUNT], _counted)
    arg = remembered(node.args[0], columns)
    if node.op in {"earliest", "latest"}:
        return _ordered(arg, node, columns)
    return {"count": _count, "count_distinct": _distinct, "min": _peak(min), "max": _peak(max)}.get(
        node.op, _average if node.op == "avg" else _sum
    )(arg)


def extreme(choose: Callable[[Any, Any], Any], value: Value) -> Fold:
    """The smallest or greatest of values that may be NULL."""

    def step(state: Any, row: Row) -> Any:
        found = value(row)
        if found is None:
            return state
        return found if state is None else choose(state, found)

    return Fold(step, _itself)


def last_of(choose: Callable[[Any, Any], Any], pair: Value) -> Fold:
    """The value that stands first or last, of pairs (order, value) or None."""
    return Fold(extreme(choose, pair).step, lambda state: None if state is None else state[-1])


def totals(pair: Value, *, is_average: bool) -> Fold:
    """The sum or average of pairs (total, count of values)."""

    def step(state: tuple[Decimal, int] | None, row: Row) -> tuple[Decimal, int] | None:
        total, count = pair(row)
        if not count:
            return state
        return (total, count) if state is None else (WIDE.add(state[0], total), state[1] + count)

    return Fold(step, _mean if is_average else _first)


def _count(arg: Value) -> Fold:
    return Fold(lambda state, row: (state or 0) + (0 if arg(row) is None else row[COUNT]), _counted)


def _distinct(arg: Value) -> Fold:
    def step(state: set[Any] | None, row: Row) -> set[Any]:
        found = set() if state is None else state
        value = arg(row)
        if value is not None:
            found.add(value)
        return found

    return Fold(step, lambda state: Decimal(len(state)))


def _peak(choose: Callable[[Any, Any], Any]) -> Callable[[Value], Fold]:
    return lambda arg: extreme(choose, arg)


def _sum(arg: Value) -> Fold:
    return totals(_repeated(arg), is_average=False)


def _average(arg: Value) -> Fold:
    return totals(_repeated(arg), is_average=True)


def _repeated(arg: Value) -> Value:
    """A value as often as its row stands for events."""

    def pair(row: Row) -> tuple[Decimal, int]:
        found = arg(row)
        if found is None:
            return Decimal(0), 0
        return WIDE.multiply(found, Decimal(row[COUNT])), row[COUNT]

    return pair


def _ordered(arg: Value, node: Node, columns: Mapping[Node, int]) -> Fold:
    """EARLIEST and LATEST pass NULL over; of one time, the smaller or the greater value."""
    choose = min if node.op == "earliest" else max
    at = FIRST if node.op == "earliest" else LAST
    by_order = node.args[1] == ORDER
    order: Value = (lambda row: row[at]) if by_order else value_of(node.args[1], columns)

    def pair(row: Row) -> tuple[Any, Any] | None:
        found, when = arg(row), order(row)
        return None if found is None or when is None else (when, found)

    return last_of(choose, pair)


def _itself(state: Any) -> Any:
    return state


def _counted(state: int | None) -> Decimal:
    return Decimal(state or 0)


def _first(state: Sequence[Decimal] | None) -> Decimal | None:
    return None if state is None else state[0]


def _mean(state: tuple[Decimal, int] | None) -> Decimal | None:
    return None if state is None else QUOTIENTS.divide(state[0], Decimal(state[1]))
