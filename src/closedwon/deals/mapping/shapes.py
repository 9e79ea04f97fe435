"""Shapes a mapping file is made of: one description that reads files and writes the JSON Schema."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, assert_never

import msgspec

from closedwon.deals.mapping.document import Node, Scalar, Sequence, Table
from closedwon.deals.mapping.problems import Problem, Spot, nearest
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import exact


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Free text, or a name when a pattern narrows it."""

    pattern: str = ""
    expected: str = "text"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of a few words."""

    words: tuple[str, ...]


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """An exact decimal number."""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar day, 2024-01-31."""


class FormulaText(msgspec.Struct, frozen=True, kw_only=True):
    """A Salesforce formula whose result has one of these value types."""

    types: tuple[str, ...]
    or_lookup: bool = False
    """Whether a look-up in a table may stand in its place."""


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """Anything at all, kept as the node it is."""


class ListOf(msgspec.Struct, frozen=True, kw_only=True):
    """A list; with ``or_single`` one element may be written without the list."""

    element: "Shape"
    or_single: bool = False


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Names chosen by the author, each with the same kind of value."""

    element: "Shape"
    pattern: str = r"[A-Za-z][A-Za-z0-9_]*"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a form."""

    shape: "Shape"
    doc: str
    required: bool = False


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """A table with known keys."""

    keys: Mapping[str, Key]
    doc: str = ""


Shape = Text | Choice | Number | Day | FormulaText | Raw | ListOf | Named | Fixed


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A table as read; what was not written is None or empty."""

    spot: Spot
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def text(self, name: str, default: str = "") -> str:
        """The text of a Text or Choice key."""
        scalar = self.values.get(name)
        return scalar.text if isinstance(scalar, Scalar) else default


LOOKUP = Fixed(
    doc="A value found in a table.",
    keys={
        "table": Key(shape=Text(), doc="A name under `tables`.", required=True),
        "key": Key(shape=FormulaText(types=("TEXT",)), doc="What to look up.", required=True),
        "column": Key(shape=Text(), doc="Column to answer with; the second one by default."),
        "default": Key(shape=Text(), doc="Answer for a key the table does not have."),
    },
)


def read(shape: Shape, node: Node, problems: list[Problem]) -> Any:
    """``node`` as ``shape`` says, None where it does not fit; what is wrong goes to ``problems``.

    Texts, choices and formulas stay Scalars, so that later complaints know their place.
    """
    match shape:
        case Text() | Choice() | Number() | Day():
            return _read_scalar(shape, node, problems)
        case FormulaText():
            if shape.or_lookup and isinstance(node, Table):
                return read(LOOKUP, node, problems)
            return _scalar(node, "a formula", problems)
        case Raw():
            return node
        case ListOf() | Named() | Fixed():
            return _read_container(shape, node, problems)
        case _:
            assert_never(shape)


def _read_container(shape: ListOf | Named | Fixed, node: Node, problems: list[Problem]) -> Any:
    match shape:
        case ListOf():
            return _read_list(shape, node, problems)
        case Named():
            return _read_named(shape, node, problems)
        case Fixed():
            return _read_fixed(shape, node, problems)
        case _:
            assert_never(shape)


def _read_scalar(shape: Text | Choice | Number | Day, node: Node, problems: list[Problem]) -> Any:
    expected = expectation(shape)
    scalar = _scalar(node, expected, problems)
    if scalar is None:
        return None
    try:
        match shape:
            case Text(pattern=pattern):
                fits = not pattern or re.fullmatch(pattern, scalar.text) is not None
                found: Any = scalar if fits else None
            case Choice(words=words):
                found = scalar if scalar.text in words else None
            case Number():
                found = exact(scalar.text)
            case Day():
                found = date.fromisoformat(scalar.text)
            case _:
                assert_never(shape)
    except (Refused, ValueError):
        found = None
    if found is None:
        near = nearest(scalar.text, shape.words) if isinstance(shape, Choice) else ""
        _note(problems, scalar.spot, repr(scalar.text), expected, near)
    return found


def expectation(shape: Text | Choice | Number | Day) -> str:
    """What a scalar of this shape looks like, in words."""
    match shape:
        case Text():
            return shape.expected
        case Choice():
            return "one of " + ", ".join(shape.words)
        case Number():
            return "a plain decimal number"
        case Day():
            return "a date like 2024-01-31"
        case _:
            assert_never(shape)


def _scalar(node: Node, expected: str, problems: list[Problem]) -> Scalar | None:
    if isinstance(node, Scalar) and not node.is_blank:
        return node
    found = "nothing" if isinstance(node, Scalar) else _kind(node)
    _note(problems, node.spot, found, expected)
    return None


def _read_list(shape: ListOf, node: Node, problems: list[Problem]) -> tuple[Any, ...]:
    if isinstance(node, Sequence):
        read_nodes = [read(shape.element, one, problems) for one in node.nodes]
        return tuple(one for one in read_nodes if one is not None)
    if shape.or_single and not (isinstance(node, Scalar) and node.is_blank):
        one = read(shape.element, node, problems)
        return () if one is None else (one,)
    _note(problems, node.spot, _kind(node), "a list (lines beginning with '-')")
    return ()


def _read_named(shape: Named, node: Node, problems: list[Problem]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not isinstance(node, Table):
        _note(problems, node.spot, _kind(node), "a table of names and values")
        return found
    for entry in node.entries:
        if re.fullmatch(shape.pattern, entry.key.text) is None:
            wanted = "a name of letters, digits and _"
            _note(problems, entry.key.spot, f"the name {entry.key.text!r}", wanted)
            continue
        value = read(shape.element, entry.value, problems)
        if value is not None:
            found[entry.key.text] = value
    return found


def _read_fixed(shape: Fixed, node: Node, problems: list[Problem]) -> Form | None:
    if not isinstance(node, Table):
        known = ", ".join(shape.keys)
        _note(problems, node.spot, _kind(node), f"a table with {known}")
        return None
    values: dict[str, Any] = {}
    for entry in node.entries:
        key = shape.keys.get(entry.key.text)
        if key is None:
            known = ", ".join(shape.keys)
            near = nearest(entry.key.text, shape.keys)
            _note(problems, entry.key.spot, f"key {entry.key.text!r}", f"one of {known}", near)
            continue
        values[entry.key.text] = read(key.shape, entry.value, problems)
    written = {entry.key.text for entry in node.entries}
    for name, key in shape.keys.items():
        if key.required and name not in written:
            _note(problems, node.spot, f"no {name!r}", f"{name}: {key.doc}")
    return Form(spot=node.spot, values=values)


def _kind(node: Node) -> str:
    match node:
        case Scalar():
            return "nothing" if node.is_blank else f"the text {node.text[:40]!r}"
        case Sequence():
            return "a list"
        case Table():
            return "a table"
        case _:
            assert_never(node)


def _note(problems: list[Problem], spot: Spot, found: str, expected: str, near: str = "") -> None:
    problems.append(Problem(spot=spot, found=found, expected=expected, nearest=near))
