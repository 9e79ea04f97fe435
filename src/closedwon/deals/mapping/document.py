"""YAML text with positions, read strictly: every plain scalar stays the text that was written.

No aliases, anchors, tags or duplicate keys; ``NO`` is text and ``1.10`` keeps its zero (F107-F109).
What a scalar means is decided by the grammar that reads it, never by YAML.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import yaml

from closedwon.deals.mapping.problems import MappingError, Problem, Spot
from closedwon.kernel.errors import InvariantBroken

CHARACTERS_MAX = 1_000_000
DEPTH_MAX = 30


class Scalar(msgspec.Struct, frozen=True, kw_only=True):
    """A text; ``quoted`` tells ``""`` (empty text) from nothing written."""

    spot: Spot
    text: str
    quoted: bool
    indent: int = 0
    """Characters stripped from the front of the later lines of a block text."""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was written: ``key:``, ``key: null`` or ``key: ~``."""
        return not self.quoted and self.text in ("", "~", "null")


class Sequence(msgspec.Struct, frozen=True, kw_only=True):
    """A list of nodes."""

    spot: Spot
    nodes: tuple["Node", ...]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a table with its value."""

    key: Scalar
    value: "Node"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and values in the order written; no key twice."""

    spot: Spot
    entries: tuple[Entry, ...]

    def get(self, name: str) -> "Node | None":
        """The value of ``name``, None when it is not written."""
        return next((entry.value for entry in self.entries if entry.key.text == name), None)


Node = Scalar | Sequence | Table
Note = Callable[[Any, str, str], None]
"""Takes down where, what was found and what was expected."""


def parse(text: str, file: str) -> Node:
    """Read one YAML document; raises MappingError with every problem and its place."""
    if len(text) > CHARACTERS_MAX:
        found = f"{len(text)} characters"
        expected = f"at most {CHARACTERS_MAX}"
        raise MappingError([Problem(spot=Spot(file, 1, 1), found=found, expected=expected)])
    problems: list[Problem] = []

    def note(mark: Any, found: str, expected: str) -> None:
        spot = Spot(file, mark.line + 1, mark.column + 1) if mark else Spot(file, 1, 1)
        problems.append(Problem(spot=spot, found=found, expected=expected))

    try:
        _refuse_sharing(text, note)
        root = None if problems else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = Spot(file, mark.line + 1, mark.column + 1) if mark else Spot(file, 1, 1)
        problem = Problem(spot=spot, found=error.problem or "broken YAML", expected="YAML")
        raise MappingError([problem]) from error
    except yaml.YAMLError as error:
        problem = Problem(spot=Spot(file, 1, 1), found=str(error), expected="YAML")
        raise MappingError([problem]) from error
    if root is None and not problems:
        problems.append(Problem(spot=Spot(file, 1, 1), found="an empty file", expected="a table"))
    if root is None or problems:
        raise MappingError(problems)
    node = _Reader(file, text.splitlines(), note).node(root)
    if problems:
        raise MappingError(problems)
    return node


def _refuse_sharing(text: str, note: Note) -> None:
    """Look at the tokens first: an alias bomb must not be composed (F109)."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            note(event.start_mark, "an anchor or alias", "the content itself, written out")
        elif tag := getattr(event, "tag", None):
            note(event.start_mark, f"the tag {tag}", "plain YAML without tags")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                note(event.start_mark, "deep nesting", f"at most {DEPTH_MAX} levels")
                return
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns composed YAML into nodes of ours."""

    def __init__(self, file: str, lines: list[str], note: Note) -> None:
        self._file = file
        self._lines = lines
        self._note = note

    def node(self, node: yaml.Node) -> Node:
        spot = Spot(self._file, node.start_mark.line + 1, node.start_mark.column + 1)
        match node:
            case yaml.SequenceNode():
                return Sequence(spot=spot, nodes=tuple(self.node(one) for one in node.value))
            case yaml.MappingNode():
                return Table(spot=spot, entries=tuple(self._entries(node)))
            case yaml.ScalarNode():
                return self._scalar(node)
            case _:
                raise InvariantBroken("YAML has no other nodes", node=type(node).__name__)

    def _entries(self, node: yaml.MappingNode) -> Iterator[Entry]:
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._note(key.start_mark, "a structured key", "a name")
            elif key.value in lines:
                expected = f"it once (first on line {lines[key.value]})"
                self._note(key.start_mark, f"key {key.value!r} again", expected)
            else:
                lines[key.value] = key.start_mark.line + 1
                yield Entry(key=self._scalar(key), value=self.node(value))

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        """The spot is where the text itself begins: after a quote, below a block's ``|``."""
        line, column, indent = node.start_mark.line + 1, node.start_mark.column + 1, 0
        if node.style in ("'", '"'):
            column += 1
        elif node.style in ("|", ">"):
            line += 1
            first = self._lines[line - 1] if line <= len(self._lines) else ""
            indent = len(first) - len(first.lstrip(" "))
            column = indent + 1
        spot = Spot(self._file, line, column)
        return Scalar(spot=spot, text=node.value, quoted=node.style is not None, indent=indent)
