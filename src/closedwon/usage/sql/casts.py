"""CAST, DATE_TRUNC and decimal places of a SQL metric (R38)."""

from sqlglot import exp

from closedwon.usage.sql.faults import Text
from closedwon.usage.sql.tree import Node, Type

PLACES_MAX = 30
WHOLE = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT", "INT128"})
PLAIN = frozenset({"DOUBLE", "FLOAT"})
"""Read as exact numbers: no binary float is ever computed with (D4)."""
NUMERIC = WHOLE | PLAIN | {"DECIMAL"}
TEXTS = frozenset({"TEXT", "VARCHAR", "CHAR"})
TIMES = frozenset({"TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPNTZ", "DATETIME"})


def numeric(node: exp.Cast, kind: str, found: Node, text: Text) -> Node:
    """AS INTEGER rounds half away from zero, AS DECIMAL(p, s) to s places; else nothing changes."""
    target = node.args["to"]
    if kind in PLAIN or (kind not in WHOLE and not target.expressions):
        return found
    scale = target.expressions[1].this if len(target.expressions) > 1 else None
    return Node("round", Type.NUMBER, (found,), _whole(scale, text) if kind not in WHOLE else 0)


def cast(node: exp.Cast, kind: str, found: Node, text: Text) -> Node:
    """A value AS VARCHAR, text AS BOOLEAN or TIMESTAMP."""
    if kind in TEXTS:
        return found if found.type is Type.TEXT else Node("text", Type.TEXT, (found,), found.type)
    if kind == "BOOLEAN" and found.type in {Type.TEXT, Type.TRUTH}:
        return found if found.type is Type.TRUTH else Node("truth", Type.TRUTH, (found,))
    if kind in TIMES and found.type in {Type.TEXT, Type.TIME}:
        return found if found.type is Type.TIME else Node("moment", Type.TIME, (found,))
    told = f"CAST of a {found.type} AS {node.args['to'].sql()}"
    raise text.refused(node, told, "DECIMAL(p, s), INTEGER, VARCHAR, BOOLEAN or TIMESTAMP")


def truncated(node: exp.TimestampTrunc | exp.DateTrunc, found: Node, text: Text) -> Node:
    """A time cut down to its hour or its day, UTC."""
    unit = node.args["unit"].name.lower()
    if unit not in {"hour", "day"}:
        raise text.refused(node, f"DATE_TRUNC to {unit}", "'hour' or 'day'")
    if found.type is not Type.TIME:
        raise text.refused(node, f"found a {found.type}", "timestamp")
    if found.op == "instant" and found.value is None:
        return Node("instant", Type.TIME, (), unit)
    return Node("trunc", Type.TIME, (found,), unit)


def places(node: exp.Expr, text: Text) -> int:
    """The decimal places ROUND names; 0 when it names none."""
    return _whole(node.args.get("decimals"), text)


def _whole(node: exp.Expr | None, text: Text) -> int:
    if node is None:
        return 0
    sign, found = (-1, node.this) if isinstance(node, exp.Neg) else (1, node)
    written = str(found.this) if isinstance(found, exp.Literal) else ""
    if not written.isdigit() or int(written) > PLACES_MAX:
        raise text.refused(node, "decimal places", f"a whole number up to {PLACES_MAX}")
    return sign * int(written)
