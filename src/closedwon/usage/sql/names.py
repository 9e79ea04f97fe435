"""What names stand for inside one select of a SQL metric (R38)."""

from difflib import get_close_matches

import msgspec
from sqlglot import exp

from closedwon.kernel.errors import Refused
from closedwon.usage.sql.faults import Text
from closedwon.usage.sql.tree import ORDER, Level, Node, Type

READABLE = {"event_type": Node("event_type", Type.TEXT), "timestamp": Node("instant", Type.TIME)}
FOREIGN = frozenset({"customer_id", "customer", "ingest_alias", "billing_period", "contract_id"})


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a FROM offers: events or a sub-select, with what is filtered away so far."""

    inner: Level | None
    where: tuple[Node, ...] = ()
    columns: dict[str, Node]
    """By name in lower case."""
    has_properties: bool = False
    name: str = ""
    """The table's name or alias, in lower case."""


class Names:
    """Names inside one select."""

    def __init__(self, text: Text, source: Source) -> None:
        self._text = text
        self._source = source

    def column(self, node: exp.Column) -> Node:
        """The expression a name stands for; raises Refused for an unknown one."""
        source = self._source
        parts = [part.name for part in node.parts]
        if len(parts) > 1 and parts[0].lower() == source.name:
            parts = parts[1:]
        if len(parts) == 2 and parts[0].lower() == "properties" and source.has_properties:
            return Node("property", Type.TEXT, (), parts[1])
        if len(parts) == 1 and parts[0].lower() in source.columns:
            return source.columns[parts[0].lower()]
        raise self._unknown(node, parts)

    def order(self, node: exp.Expr) -> Node:
        """What EARLIEST and LATEST go by when they do not say."""
        found = self._source.columns.get("timestamp")
        if found is None or found.type is not Type.TIME:
            expected = "a time as second operand, such as LATEST(x, max_timestamp)"
            raise self._text.refused(node, "no column timestamp to go by", expected)
        return ORDER if found == READABLE["timestamp"] else found

    def _unknown(self, node: exp.Column, parts: list[str]) -> Refused:
        known = [*self._source.columns, *(["properties.<name>"] * self._source.has_properties)]
        name = parts[-1].lower()
        told = f"unknown column {'.'.join(parts)}"
        if name in FOREIGN:
            told += "; customer and billing period are put in by the engine"
            return self._text.refused(node, told, ", ".join(known))
        if self._source.has_properties and len(parts) == 1:
            near = get_close_matches(name, known, n=1)
            expected = near[0] if near else f"properties.{parts[0]}"
            return self._text.refused(node, told, expected)
        near = get_close_matches(name, known, n=1)
        return self._text.refused(node, told, near[0] if near else ", ".join(known))
