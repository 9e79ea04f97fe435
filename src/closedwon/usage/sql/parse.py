"""A SQL metric's text becomes a Query; everything outside of R38 is refused with its place."""

from collections.abc import Iterator
from functools import lru_cache

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from closedwon.kernel.errors import Refused
from closedwon.usage.sql.expressions import Reader
from closedwon.usage.sql.faults import Text
from closedwon.usage.sql.names import READABLE, Names, Source
from closedwon.usage.sql.tree import AGGREGATES, Level, Node, Query, Type

LENGTH_MAX = 10_000
NESTED_MAX = 150
"""Operators inside one another; a chain of ANDs is one inside the next."""
DEPTH_MAX = 8
"""Sub-selects inside one another."""
EVENTS = "events"


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """A select: what it read from and what it puts out."""

    source: Source
    keys: tuple[Node, ...]
    names: tuple[str, ...]
    outputs: tuple[Node, ...]
    is_grouped: bool


@lru_cache(maxsize=256)
def query_of(sql: str) -> Query:
    """Read a SQL metric; raises Refused naming line, column, what was found and what is allowed."""
    text = Text(sql)
    top = _select(_parsed(text), text, DEPTH_MAX)
    lower = [name.lower() for name in top.names]
    value = lower.index("value") if "value" in lower else 0
    number = _quantity(top, value, sql)
    outputs = tuple(number if at == value else one for at, one in enumerate(top.outputs))
    top = msgspec.structs.replace(top, outputs=outputs)
    level = _level(top) if top.is_grouped else _summed(top, value)
    return Query(level=level, value=value, names=top.names)


def _parsed(text: Text) -> exp.Expr:
    if len(text.sql) > LENGTH_MAX:
        raise Refused(f"a SQL metric has at most {LENGTH_MAX} characters (R38)")
    try:
        found = sqlglot.parse(text.sql, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        told = getattr(error, "errors", None) or [{}]
        at = f"line {told[0]['line']}, column {told[0]['col']}: " if "line" in told[0] else ""
        problem = told[0].get("description", "this cannot be read")
        raise Refused(f"{at}{problem}; expected one SELECT (R38)") from error
    if len(found) != 1 or found[0] is None:
        raise Refused(f"found {len(found)} statements; expected one SELECT (R38)")
    if any(depth > NESTED_MAX for depth in _depths(found[0])):
        raise Refused(f"a SQL metric is nested deeper than {NESTED_MAX}; use IN or CASE (R38)")
    return found[0]


def _depths(node: exp.Expr) -> Iterator[int]:
    """How deep every part stands, without recursion."""
    waiting = [(node, 1)]
    while waiting:
        one, depth = waiting.pop()
        yield depth
        waiting += [(child, depth + 1) for child in one.iter_expressions()]


def _select(node: exp.Expr, text: Text, depth: int) -> Selected:
    if not isinstance(node, exp.Select):
        raise text.refused(node, f"found {type(node).__name__.upper()}", "SELECT ... FROM events")
    _only(node, text, {"expressions", "from_", "where", "group"})
    source = _source(node, text, depth)
    reader = Reader(text, Names(text, source))
    where = node.args.get("where")
    if where is not None:
        conditions = tuple(_conjuncts(reader.condition(where.this)))
        if any(one.is_aggregate for one in conditions):
            raise text.refused(where, "an aggregate in WHERE", "a sub-select with WHERE around it")
        source = msgspec.structs.replace(source, where=(*source.where, *conditions))
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Star):
        return _everything(node, source, text)
    names, outputs = _outputs(node, reader, text)
    keys = _keys(node, reader, names, outputs, text)
    is_grouped = bool(keys) or any(one.is_aggregate for one in outputs)
    found = Selected(source=source, keys=keys, names=names, outputs=outputs, is_grouped=is_grouped)
    if is_grouped:
        _check_grouped(node, found, text)
    return found


def _everything(node: exp.Select, source: Source, text: Text) -> Selected:
    """``SELECT *``: only to pass a filtered source on."""
    if node.args.get("group") is not None or node.parent is None:
        raise text.refused(node.expressions[0], "SELECT *", "the columns by name")
    names = tuple(source.columns)
    outputs = tuple(source.columns.values())
    return Selected(source=source, keys=(), names=names, outputs=outputs, is_grouped=False)


def _source(node: exp.Select, text: Text, depth: int) -> Source:
    origin = node.args.get("from_")
    if origin is None:
        raise text.refused(node, "a SELECT without FROM", "FROM events")
    found = origin.this
    _only(found, text, {"this", "alias", "db", "catalog"})
    if isinstance(found.args.get("alias"), exp.TableAlias):
        _only(found.args["alias"], text, {"this"})
    name = (found.alias or found.name).lower()
    if isinstance(found, exp.Table):
        if found.name.lower() != EVENTS or found.args.get("db"):
            raise text.refused(found, f"table {found.sql()}", "FROM events")
        return Source(inner=None, columns=dict(READABLE), has_properties=True, name=name)
    if not isinstance(found, exp.Subquery):
        raise text.forbidden(found)
    if depth <= 1:
        raise text.refused(found, "deep sub-selects", f"at most {DEPTH_MAX} inside one another")
    inner = _select(found.this, text, depth - 1)
    if not inner.is_grouped:
        columns = {n.lower(): one for n, one in zip(inner.names, inner.outputs, strict=True)}
        passed = isinstance(found.this.expressions[0], exp.Star) and inner.source.has_properties
        return Source(
            inner=inner.source.inner,
            where=inner.source.where,
            columns=columns,
            has_properties=passed,
            name=name,
        )
    columns = {
        n.lower(): Node("column", one.type, (), at)
        for at, (n, one) in enumerate(zip(inner.names, inner.outputs, strict=True))
    }
    return Source(inner=_level(inner), columns=columns, name=name)


def _outputs(
    node: exp.Select, reader: Reader, text: Text
) -> tuple[tuple[str, ...], tuple[Node, ...]]:
    names: list[str] = []
    for at, one in enumerate(node.expressions):
        name = one.alias or (one.name if isinstance(one, exp.Column) else f"?{at + 1}")
        if name.lower() in (known.lower() for known in names):
            raise text.refused(one, f"two columns are called {name}", "different names, with AS")
        names.append(name)
    found = [reader.read(e.this if isinstance(e, exp.Alias) else e) for e in node.expressions]
    return tuple(names), tuple(found)


def _keys(
    node: exp.Select, reader: Reader, names: tuple[str, ...], outputs: tuple[Node, ...], text: Text
) -> tuple[Node, ...]:
    group = node.args.get("group")
    if group is None:
        return ()
    _only(group, text, {"expressions"})
    keys = []
    for one in group.expressions:
        named = {name.lower(): out for name, out in zip(names, outputs, strict=True)}
        key = _key(one, reader, named, text)
        if key.is_aggregate:
            raise text.refused(one, "an aggregate in GROUP BY", "an expression over rows")
        keys.append(key)
    return tuple(dict.fromkeys(keys))


def _key(one: exp.Expr, reader: Reader, outputs: dict[str, Node], text: Text) -> Node:
    """A position, a name given with AS, or an expression."""
    if isinstance(one, exp.Literal) and not one.is_string:
        if not one.this.isdigit() or not 1 <= int(one.this) <= len(outputs):
            raise text.refused(one, f"GROUP BY {one.this}", f"1 to {len(outputs)}")
        return tuple(outputs.values())[int(one.this) - 1]
    if isinstance(one, exp.Column) and not one.table and one.name.lower() in outputs:
        return outputs[one.name.lower()]
    return reader.read(one)


def _check_grouped(node: exp.Select, found: Selected, text: Text) -> None:
    for one, output in zip(node.expressions, found.outputs, strict=True):
        if not _is_settled(output, found.keys):
            told = f"{(one.this if isinstance(one, exp.Alias) else one).sql(dialect='duckdb')}"
            raise text.refused(one, f"{told} is not grouped", "it in GROUP BY, or an aggregate")


def _is_settled(node: Node, keys: tuple[Node, ...]) -> bool:
    """Whether a group has one value of it."""
    if node in keys or node.op in AGGREGATES:
        return True
    return node.op == "literal" or (
        bool(node.args) and all(_is_settled(arg, keys) for arg in node.args)
    )


def _level(found: Selected) -> Level:
    """The select as a level; its outputs read keys and aggregates by number."""
    aggregates = tuple(
        dict.fromkeys(n for one in found.outputs for n in one.walk() if n.op in AGGREGATES)
    )
    columns = {
        node: Node("column", node.type, (), at)
        for at, node in enumerate((*found.keys, *aggregates))
    }
    return Level(
        inner=found.source.inner,
        where=found.source.where,
        keys=found.keys,
        aggregates=aggregates,
        outputs=tuple(_over(one, columns) for one in found.outputs),
    )


def _over(node: Node, columns: dict[Node, Node]) -> Node:
    if node in columns:
        return columns[node]
    return msgspec.structs.replace(node, args=tuple(_over(arg, columns) for arg in node.args))


def _summed(found: Selected, value: int) -> Level:
    """A select without aggregates: its rows are summed by all other columns (R38)."""
    keys = tuple(one for at, one in enumerate(found.outputs) if at != value)
    total = Node("sum", Type.NUMBER, (found.outputs[value],))
    outputs = (*keys[:value], total, *keys[value:])
    return _level(
        Selected(
            source=found.source, keys=keys, names=found.names, outputs=outputs, is_grouped=True
        )
    )


def _quantity(found: Selected, value: int, sql: str) -> Node:
    """The quantity, as a number."""
    text = Text(sql)
    return Reader(text, Names(text, found.source)).as_number(
        found.outputs[value], exp.column(found.names[value])
    )


def _conjuncts(node: Node) -> tuple[Node, ...]:
    if node.op == "and":
        return tuple(part for arg in node.args for part in _conjuncts(arg))
    return (node,)


def _only(node: exp.Expr, text: Text, allowed: set[str]) -> None:
    """Refuse every clause that is not ``allowed``."""
    for name, found in node.args.items():
        if found and name not in allowed:
            part = found[0] if isinstance(found, list) else found
            if isinstance(part, exp.Expr):
                raise text.forbidden(part)
            raise text.refused(node, name.upper(), "SELECT ... FROM events WHERE ... GROUP BY ...")
