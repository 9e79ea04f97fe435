"""The tree of a formula; every node knows its spot and its depth."""

from decimal import Decimal

import msgspec

from closedwon.formula.place import Spot


class Literal(msgspec.Struct, frozen=True):
    """A number, text, TRUE, FALSE or NULL as written."""

    value: Decimal | str | bool | None
    spot: Spot
    depth: int = 1


class Reference(msgspec.Struct, frozen=True):
    """A field, a path to a parent's field, a given name or a collection."""

    path: tuple[str, ...]
    spot: Spot
    depth: int = 1


class Unary(msgspec.Struct, frozen=True):
    """``-x``, ``+x`` or ``!x``."""

    sign: str
    operand: "Node"
    spot: Spot
    depth: int


class Binary(msgspec.Struct, frozen=True):
    """Two operands; ``spot`` is the operator's."""

    sign: str
    left: "Node"
    right: "Node"
    spot: Spot
    depth: int


class Chain(msgspec.Struct, frozen=True):
    """``a && b && c``, ``a || b || c`` or ``a & b & c``: as flat as it reads."""

    sign: str
    operands: tuple["Node", ...]
    spot: Spot
    depth: int


class Invocation(msgspec.Struct, frozen=True):
    """A function, named in upper case, and its arguments."""

    name: str
    arguments: tuple["Node", ...]
    spot: Spot
    depth: int


Node = Literal | Reference | Unary | Binary | Chain | Invocation
