"""What the columnar engine does of a query: find, filter and pre-group events, and add (D3).

Events of a customer and stretch of time that agree in every text the query still has to look at
come back as one row. Conditions over text, and aggregates of a bare property, are left to the
engine where it is exact; nothing else is: its decimals end at 38 digits and its quotients are
binary floats. One statement serves all customers and cuts that share a query.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from closedwon.kernel.exact import ZERO
from closedwon.usage.numbers import NUMBER, ORDINARY, added, number
from closedwon.usage.sql.evaluate import (
    COLUMNS,
    FIRST,
    LAST,
    Evaluation,
    Fold,
    extreme,
    last_of,
    totals,
)
from closedwon.usage.sql.tree import ORDER, Node, Query, Type
from closedwon.usage.sql.values import UNITS_US, Row
from closedwon.usage.text import EPOCH_FROM_YEAR_1_US, SEQUENCES, escaped, quoted

WORDS = frozenset({"eq", "ne", "in", "is_null", "and", "or", "not"})
"""Operators over text that mean the same in the engine."""
SIGNS = {"eq": "=", "ne": "<>"}


class Pushed(msgspec.Struct, frozen=True):
    """An aggregate the engine makes: its columns, and how rows of them are put together."""

    columns: tuple[str, ...]
    fold: Callable[[int], Fold]
    """Given the position of the first of its columns in a row."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A query split between the engine and us."""

    query: Query
    properties: tuple[str, ...]
    where: str
    raw: tuple[Node, ...]
    """What rows bring of their events, by position."""
    pushed: Mapping[int, Pushed]
    """By position among the innermost aggregates."""

    def evaluation(self) -> Evaluation:
        """Our half."""
        at = COLUMNS + len(self.raw)
        folds = {}
        for position, one in self.pushed.items():
            folds[position] = one.fold(at)
            at += len(one.columns)
        columns = {node: COLUMNS + n for n, node in enumerate(self.raw)}
        return Evaluation(self.query, columns, folds)

    def sql(self, ordinary: str = ORDINARY) -> str:
        """The engine's half: rows by scope and cut, over ``event``, ``sql_name`` and ``sql_cut``.

        ``ordinary`` is what the engine adds by itself.
        """
        pointers = ", ".join(quoted("/" + escaped(name)) for name in self.properties)
        read = f"json_extract_string(properties, [{pointers}])" if pointers else "null"
        numbers = ", ".join(
            f"case when regexp_full_match(p[{n}], {quoted(ordinary)})"
            f" then try_cast(p[{n}] as decimal(38, 18)) end as n{n},"
            f" regexp_full_match(p[{n}], {quoted(NUMBER)}) as is{n}"
            for n in range(1, len(self.properties) + 1)
        )
        raw = [f"{_column(node, self.properties)} as r{n}" for n, node in enumerate(self.raw)]
        made = [text for one in self.pushed.values() for text in one.columns]
        listed = ", ".join(["count(*)", "min(moment)", "max(moment)", *raw, *made])
        by = ", ".join(["scope", "cut", *(f"r{n}" for n in range(len(raw)))])
        return f"""with scanned as (
    select scope, cut, event_type, epoch_us(happened_at) as us, {read} as p,
        (epoch_us(happened_at) + {EPOCH_FROM_YEAR_1_US})::hugeint * {SEQUENCES} + sequence as moment
    from event join sql_name using (customer) join sql_cut using (who)
    where happened_at >= since and happened_at < until
), passed as (
    select *{", " + numbers if numbers else ""} from scanned where {self.where}
)
select scope, cut, {listed} from passed group by {by} order by scope, cut"""  # noqa: S608 - names and values are quoted


def plan_of(query: Query) -> Plan:
    """Decide who does what."""
    level = query.level
    while level.inner is not None:
        level = level.inner
    words = [one for one in level.where if _is_words(one)]
    rest = [one for one in level.where if not _is_words(one)]
    properties = tuple(dict.fromkeys(_properties((*level.where, *level.keys, *level.aggregates))))
    pushed: dict[int, Pushed] = {}
    if not rest:
        ours = [one for one in level.aggregates if one.args and not _pushed(one, properties)]
        plain_groups = not ours and all(key in key.leaves for key in level.keys)
        for at, one in enumerate(level.aggregates):
            found = _pushed(one, properties)
            if found is not None and (one.op != "count_distinct" or plain_groups):
                pushed[at] = found
    left = [one for at, one in enumerate(level.aggregates) if at not in pushed]
    raw = {leaf: None for node in (*rest, *level.keys, *left) for leaf in _ordered_leaves(node)}
    raw.pop(ORDER, None)
    query = _without(query, words)
    return Plan(
        query=query,
        properties=properties,
        where=" and ".join(_condition(one, properties) for one in words) or "true",
        raw=tuple(raw),
        pushed=pushed,
    )


def _without(query: Query, words: Sequence[Node]) -> Query:
    """The query with conditions left out that the engine has seen to."""

    def cleared(level: Any) -> Any:
        if level.inner is not None:
            return msgspec.structs.replace(level, inner=cleared(level.inner))
        where = tuple(one for one in level.where if one not in words)
        return msgspec.structs.replace(level, where=where)

    return msgspec.structs.replace(query, level=cleared(query.level))


def _properties(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        for one in node.walk():
            if one.op == "property":
                yield one.value


def _ordered_leaves(node: Node) -> Iterator[Node]:
    leaves = node.leaves
    return (one for one in node.walk() if one in leaves)


def _is_words(node: Node) -> bool:
    """Whether a condition only looks at event types and properties as text."""
    if node.op in {"and", "or", "not"}:
        return all(_is_words(arg) for arg in node.args)
    return node.op in WORDS and all(
        arg.type is Type.TEXT and (arg.op in {"property", "event_type"} or _is_word(arg))
        for arg in node.args
    )


def _is_word(node: Node) -> bool:
    return node.op == "literal" and node.value is not None and "\0" not in node.value


def _condition(node: Node, properties: Sequence[str]) -> str:
    if node.op == "literal":
        return quoted(node.value)
    if node.op in {"property", "event_type"}:
        return _column(node, properties)
    args = [_condition(arg, properties) for arg in node.args]
    if node.op == "is_null":
        return f"({args[0]} is null)"
    if node.op == "in":
        return f"({args[0]} in ({', '.join(args[1:])}))"
    if node.op == "not":
        return f"(not {args[0]})"
    return f"({args[0]} {SIGNS.get(node.op, node.op)} {args[1]})"


def _column(node: Node, properties: Sequence[str]) -> str:
    match node.op:
        case "property":
            return f"p[{properties.index(node.value) + 1}]"
        case "event_type":
            return "event_type"
        case _:
            return "us" if node.value is None else f"(us - us % {UNITS_US[node.value]})"


def _pushed(node: Node, properties: Sequence[str]) -> Pushed | None:
    """The aggregate in the engine's words; None when it is ours."""
    arg = node.args[0] if node.args else node
    if arg == Node("instant", Type.TIME) and node.op in {"min", "max"}:
        at, choose = (FIRST, min) if node.op == "min" else (LAST, max)
        return Pushed((), lambda _: extreme(choose, lambda row: _instant(row[at])))
    if arg.op == "number" and arg.args[0].op == "property":
        return _pushed_number(node, properties.index(arg.args[0].value) + 1)
    if arg.op in {"property", "event_type"}:
        return _pushed_text(node, _column(arg, properties))
    return None


def _pushed_text(node: Node, column: str) -> Pushed | None:
    if node.op in {"count", "count_distinct"}:
        distinct = "distinct " if node.op == "count_distinct" else ""
        return Pushed((f"count({distinct}{column})",), _counts)
    return _pushed_end(node, column, f"{column} is not null", _itself)


def _pushed_number(node: Node, n: int) -> Pushed | None:
    long = f"list(p[{n}]) filter (is{n} and n{n} is null)"
    if node.op in {"sum", "avg"}:
        columns = (f"sum(n{n})", long, f"count(*) filter (is{n})")
        is_average = node.op == "avg"
        return Pushed(
            columns, lambda at: totals(lambda row: _added(row, at), is_average=is_average)
        )
    if node.op in {"min", "max"}:
        choose = min if node.op == "min" else max
        return Pushed(
            (f"{node.op}(n{n})", long),
            lambda at: extreme(choose, lambda row: _among(row, at, choose)),
        )
    if node.op == "count":
        return Pushed((f"count(*) filter (is{n})",), _counts)
    return _pushed_end(node, f"p[{n}]", f"is{n}", number)


def _pushed_end(
    node: Node, column: str, condition: str, read: Callable[[str], Any]
) -> Pushed | None:
    """EARLIEST or LATEST by the order of events."""
    if node.op not in {"earliest", "latest"} or node.args[1] != ORDER:
        return None
    arg, end, choose = ("arg_min", "min", min) if node.op == "earliest" else ("arg_max", "max", max)
    columns = (
        f"{arg}({column}, moment) filter ({condition})",
        f"{end}(moment) filter ({condition})",
    )

    def fold(at: int) -> Fold:
        return last_of(choose, lambda row: _pair(row, at, read))

    return Pushed(columns, fold)


def _pair(row: Row, at: int, read: Callable[[str], Any]) -> tuple[int, Any] | None:
    return None if row[at] is None else (row[at + 1], read(row[at]))


def _added(row: Row, at: int) -> tuple[Decimal, int]:
    ordinary, long, count = row[at : at + 3]
    return added([ordinary or ZERO, *_numbers(long)]), count


def _among(row: Row, at: int, choose: Callable[..., Decimal]) -> Decimal | None:
    found = [one for one in (row[at], *_numbers(row[at + 1])) if one is not None]
    return choose(found) if found else None


def _numbers(texts: Sequence[str] | None) -> list[Decimal]:
    return [found for found in map(number, texts or ()) if found is not None]


def _counts(at: int) -> Fold:
    return Fold(lambda state, row: (state or 0) + row[at], lambda state: Decimal(state or 0))


def _instant(moment: int) -> int:
    return moment // SEQUENCES - EPOCH_FROM_YEAR_1_US


def _itself(found: str) -> str:
    return found
