"""A SQL metric after reading: levels of grouping over events, and the expressions in them (R38).

Sub-selects without aggregates are folded into the select around them, so that a query is a chain of
levels, the innermost of which reads events. Every expression has one type, known before anything
runs. A property is text; where a number is needed it is read as one, and what is no number is NULL
and contributes nothing (R25).
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec


class Type(StrEnum):
    """What an expression yields; any of them may be NULL."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    TRUTH = "truth value"
    NULL = "NULL"


AGGREGATES = frozenset(
    {"count", "count_distinct", "sum", "avg", "min", "max", "earliest", "latest"}
)
LEAVES = frozenset({"event_type", "property", "instant", "order", "column"})
"""What a row holds: of an event its type, a property, its instant (whole, or cut down to the unit
in ``value``) and its place in the order of events; of an inner level its columns by number."""


class Node(msgspec.Struct, frozen=True):
    """An operator, its operands, and its fixed part, such as a literal or a property's name."""

    op: str
    type: Type
    args: tuple["Node", ...] = ()
    value: Any = None

    def walk(self) -> Iterator["Node"]:
        """This node and everything below it."""
        yield self
        for arg in self.args:
            yield from arg.walk()

    @property
    def is_aggregate(self) -> bool:
        """Whether an aggregate is in it."""
        return any(node.op in AGGREGATES for node in self.walk())

    @property
    def leaves(self) -> frozenset["Node"]:
        """Everything it reads from a row."""
        return frozenset(node for node in self.walk() if node.op in LEAVES)


ORDER = Node("order", Type.TIME)
"""Events by timestamp, those of one instant by ingest (R33)."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One grouping: rows that pass ``where``, by ``keys``, with ``aggregates`` over each group."""

    inner: "Level | None" = None
    """None reads events."""
    where: tuple[Node, ...] = ()
    """Conditions that all hold."""
    keys: tuple[Node, ...] = ()
    aggregates: tuple[Node, ...] = ()
    outputs: tuple[Node, ...] = ()
    """Over columns: first the keys, then the aggregates."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A SQL metric: its outermost level, which column is the quantity, and the others' names."""

    level: Level
    value: int
    """Position of the quantity among the outputs."""
    names: tuple[str, ...]
    """Names of all outputs, as written."""

    @property
    def group_keys(self) -> tuple[str, ...]:
        """Columns usable as group keys: all but the quantity."""
        return tuple(name for at, name in enumerate(self.names) if at != self.value)
