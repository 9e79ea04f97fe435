"""Refusing a query: what stands where, and the nearest thing that is allowed (R38)."""

from difflib import get_close_matches

from sqlglot import exp

from closedwon.kernel.errors import Refused

FUNCTIONS = (
    *("COUNT", "SUM", "MAX", "MIN", "AVG", "EARLIEST", "LATEST"),
    *("LEAST", "GREATEST", "ROUND", "CEIL", "FLOOR", "DATE_TRUNC", "CAST"),
)
INSTEAD = {
    "Anonymous": "one of " + ", ".join(FUNCTIONS),
    "Between": "x >= a AND x <= b",
    "Coalesce": "CASE WHEN x IS NULL THEN y ELSE x END",
    "If": "CASE WHEN ... THEN ... ELSE ... END",
    "Nullif": "CASE WHEN x = y THEN NULL ELSE x END",
    "Distinct": "GROUP BY, or COUNT(DISTINCT x)",
    "Having": "a sub-select with WHERE around it",
    "With": "a sub-select after FROM",
    "Join": "a single FROM events",
    "Union": "CASE WHEN inside one SELECT",
    "Window": "a sub-select with GROUP BY",
    "Filter": "SUM(CASE WHEN ... THEN ... END)",
    "Subquery": "a sub-select after FROM",
    "Order": "no ORDER BY: a metric has no order",
    "Limit": "no LIMIT: a metric counts every event",
    "Like": "= or IN",
    "DPipe": "a property that holds the whole text",
    "Extract": "DATE_TRUNC('hour' or 'day', timestamp)",
    "CurrentTimestamp": "nothing: a metric does not know the present",
    "Bracket": 'properties.name or properties."any name"',
    "Mod": "x - FLOOR(x / y) * y",
    "ApproxDistinct": "COUNT(DISTINCT x)",
    "Median": "one of COUNT, SUM, MAX, MIN, AVG, EARLIEST, LATEST",
}
"""What to write instead, by the parser's name for what was found."""


class Text:
    """The query as written, to say where something stands."""

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def refused(self, node: exp.Expr, problem: str, expected: str) -> Refused:
        """An error that names line and column of ``node``."""
        return Refused(f"{self._place(node)}{problem}; expected {expected} (R38)")

    def _place(self, node: exp.Expr) -> str:
        """Line and column, both from 1, of the first token below ``node`` that can be found."""
        starts = [one.meta["start"] for one in node.walk() if "start" in one.meta]
        start = min(starts, default=self.sql.lower().find(_told(node).split()[0].lower()))
        if start < 0:
            return ""
        before = self.sql[:start]
        return f"line {before.count(chr(10)) + 1}, column {start - before.rfind(chr(10))}: "

    def forbidden(self, node: exp.Expr) -> Refused:
        """A construct outside the subset."""
        kind = type(node).__name__
        found = node.name.upper() if isinstance(node, exp.Anonymous) else _told(node)
        expected = INSTEAD.get(kind, "what R38 lists: " + ", ".join(FUNCTIONS) + ", CASE, IN")
        near = get_close_matches(found.upper(), FUNCTIONS, n=1) if kind == "Anonymous" else ()
        return self.refused(node, f"{found} is not part of SQL metrics", *near[:1] or (expected,))


def _told(node: exp.Expr) -> str:
    names = getattr(node, "sql_names", None)
    if isinstance(node, exp.Func) and names is not None:
        return str(node.sql_name())
    text = node.sql(dialect="duckdb").strip() or type(node).__name__
    return text if len(text) <= 40 else f"{text[:37]}..."
