"""Which texts a formula compares its fields with: what a lint holds against picklist values."""

from collections.abc import Iterator

import msgspec

from closedwon.formula.aggregates import AGGREGATES
from closedwon.formula.formula import Formula
from closedwon.formula.parser import parse
from closedwon.formula.place import Place
from closedwon.formula.syntax import Binary, Chain, Invocation, Literal, Node, Reference, Unary

ASKING = ("ISPICKVAL", "INCLUDES", "CASE")
"""Functions that compare their first argument with literals."""


class Choice(msgspec.Struct, frozen=True):
    """A literal text that the field at ``path`` is compared with; ``place`` is the literal's."""

    collection: str
    """Whose rows have the field; empty for the root record."""
    path: str
    text: str
    place: Place


def choices(formula: Formula) -> tuple[Choice, ...]:
    """Every literal a field, or TEXT of a field, is compared with, in the order they stand."""
    found = _choices(parse(formula.text, formula.place), formula, "")
    return tuple(sorted(found, key=lambda choice: (choice.place.line, choice.place.column)))


def _choices(node: Node, formula: Formula, collection: str) -> Iterator[Choice]:
    for path, text, place in _compared(node):
        yield Choice(collection, path, text, place)
    inside = collection
    if isinstance(node, Invocation) and node.name in AGGREGATES:
        inside = _rows(node, formula) or collection
    for part in _parts(node):
        yield from _choices(part, formula, inside)


def _rows(node: Invocation, formula: Formula) -> str | None:
    """The collection an aggregate goes through; None for MIN and MAX of numbers."""
    first = node.arguments[0]
    written = ".".join(first.path) if isinstance(first, Reference) else ""
    return written if written in formula.child_paths else None


def _parts(node: Node) -> tuple[Node, ...]:
    match node:
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Chain():
            return node.operands
        case Invocation():
            return node.arguments
        case _:
            return ()


def _compared(node: Node) -> Iterator[tuple[str, str, Place]]:
    """Path, literal and its place of each comparison that ``node`` itself makes."""
    pairs: list[tuple[Node, Node]] = []
    if isinstance(node, Binary) and node.sign in ("=", "<>"):
        pairs = [(node.left, node.right), (node.right, node.left)]
    elif isinstance(node, Invocation) and node.name in ASKING:
        subject, *values = node.arguments
        keys = values[:-1:2] if node.name == "CASE" else values
        pairs = [(subject, key) for key in keys]
    for subject, value in pairs:
        path = _path(subject)
        if path and isinstance(value, Literal) and isinstance(value.value, str) and value.value:
            yield path, value.value, value.spot.place


def _path(node: Node) -> str:
    """The path of a field, or of a field inside TEXT; empty for anything else."""
    if isinstance(node, Invocation) and node.name == "TEXT":
        return _path(node.arguments[0])
    return ".".join(node.path) if isinstance(node, Reference) else ""
