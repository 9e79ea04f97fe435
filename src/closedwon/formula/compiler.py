"""The tree of a formula, checked against the schema and turned into closures."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from closedwon.formula.aggregates import AGGREGATES
from closedwon.formula.code import Call, Code
from closedwon.formula.fields import IDS, TYPES, Blanks, reader, resolved
from closedwon.formula.functions import FUNCTIONS
from closedwon.formula.operators import binary, every, joined_text, some, unary
from closedwon.formula.place import Spot, nearest
from closedwon.formula.schema import Schema
from closedwon.formula.syntax import Binary, Chain, Invocation, Literal, Node, Reference, Unary
from closedwon.formula.values import ValueType

ELSEWHERE: Final = {
    "AVG": "SUM(...) / COUNT(...)",
    "POWER": "the ^ operator",
    "VLOOKUP": "a table of the mapping",
}
"""Functions people look for, and what to write here instead."""


LITERALS: Final[Mapping[type, ValueType]] = {
    bool: ValueType.BOOLEAN,
    Decimal: ValueType.NUMBER,
    str: ValueType.TEXT,
    type(None): ValueType.NULL,
}


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a formula may refer to, beside the fields of its root object."""

    schema: Schema
    collections: Mapping[str, str]
    names: Mapping[str, ValueType]
    blanks: Blanks


class Compiler:
    """Compiles the expressions of one formula and collects the paths they read."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._given = surroundings
        self.paths: dict[str, set[str]] = {}
        """Collection name (empty for the root) -> dotted paths."""

    def code(self, node: Node, root: str, collection: str = "") -> Code:
        """``node`` over a record of object ``root``; ``collection`` when it is a child's row."""
        match node:
            case Literal():
                return _literal(node)
            case Reference():
                return self._reference(node, root, collection)
            case Unary():
                return unary(node.sign, self.code(node.operand, root, collection), node.spot)
            case Binary():
                left = self.code(node.left, root, collection)
                right = self.code(node.right, root, collection)
                return binary(node.sign, left, right, node.spot)
            case Chain():
                operands = tuple(self.code(inner, root, collection) for inner in node.operands)
                return _chain(node, operands)
            case _:
                return self._invocation(node, root, collection)

    def _reference(self, node: Reference, root: str, collection: str) -> Code:
        name = node.path[0]
        if len(node.path) == 1 and name in self._given.names:
            return self._given_name(name, root, node.spot)
        if name in self._given.collections and not self._is_field(name, root):
            rest = ".".join(node.path[1:]) or "..."
            raise node.spot.fault(
                f"{name} is a collection of rows",
                expected=f"FIRST({name}, {rest}) or another function over its rows",
            )
        field = resolved(self._given.schema, root, node.path, node.spot)
        run = reader(field, node.path, self._given.blanks, node.spot)
        self.paths.setdefault(collection, set()).add(".".join(node.path))
        kind = TYPES[field.type]
        zeroed = kind is ValueType.NUMBER and self._given.blanks.number is not None
        return Code(type=kind, run=run, spot=node.spot, is_id=field.type in IDS, is_zeroed=zeroed)

    def _is_field(self, name: str, root: str) -> bool:
        return name in self._given.schema[root]

    def _given_name(self, name: str, root: str, spot: Spot) -> Code:
        if self._is_field(name, root):
            raise spot.fault(f"{name} is both a given name and a field of {root}")
        return Code(
            type=self._given.names[name], run=lambda _record, scope: scope.names[name], spot=spot
        )

    def _invocation(self, node: Invocation, root: str, collection: str) -> Code:
        first = node.arguments[0] if node.arguments else None
        rows = isinstance(first, Reference) and ".".join(first.path) in self._given.collections
        if node.name in AGGREGATES and (rows or node.name not in FUNCTIONS):
            return self._aggregate(node, collection)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise _unknown_function(node)
        function.refuse_count(len(node.arguments), node.spot)
        arguments = tuple(self.code(inner, root, collection) for inner in node.arguments)
        return function.build(Call(node.name, arguments, node.spot))

    def _aggregate(self, node: Invocation, within: str) -> Code:
        function = AGGREGATES[node.name]
        if within:
            raise node.spot.fault(f"{node.name} cannot stand inside a function over {within}")
        known = self._given.collections
        first = node.arguments[0] if node.arguments else None
        written = ".".join(first.path) if isinstance(first, Reference) else ""
        if written not in known:
            raise (first or node).spot.fault(
                f"{node.name} needs a collection first",
                found=written,
                expected=function.usage + (f" with one of {', '.join(known)}" if known else ""),
                nearest=nearest(written, known),
            )
        function.refuse_count(len(node.arguments) - 1, node.spot, collections=1)
        self.paths.setdefault(written, set())
        arguments = tuple(self.code(inner, known[written], written) for inner in node.arguments[1:])
        return function.build(Call(node.name, arguments, node.spot, written))


def _literal(node: Literal) -> Code:
    value = None if node.value == "" else node.value
    kind = LITERALS[type(node.value)]
    return Code(type=kind, run=lambda _record, _scope: value, spot=node.spot)


def _chain(node: Chain, operands: tuple[Code, ...]) -> Code:
    wanted = ValueType.TEXT if node.sign == "&" else ValueType.BOOLEAN
    call = Call(node.sign, operands, node.spot)
    for at in range(len(operands)):
        call.typed(at, wanted)
    build = {"&": joined_text, "&&": every, "||": some}[node.sign]
    return build(operands, node.spot)


def _unknown_function(node: Invocation) -> Exception:
    instead = ELSEWHERE.get(node.name, "")
    known = {**FUNCTIONS, **AGGREGATES}
    return node.spot.fault(
        f"there is no function {node.name[:40]}",
        expected=instead,
        nearest="" if instead else nearest(node.name, known),
    )
