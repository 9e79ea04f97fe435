"""Where a formula stands in its file, and the errors that point there."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from closedwon.kernel.errors import ConfigError, Refused

CANDIDATES_MAX = 5_000
"""Names compared at most when the nearest one is looked for."""


class Place(msgspec.Struct, frozen=True):
    """A position in a file; ``line`` and ``column`` count from 1, in characters.

    As the place of an expression it is where the expression's text starts. ``indent`` is the
    number of characters stripped from the front of its second and later lines (a YAML block).
    """

    file: str = "<formula>"
    line: int = 1
    column: int = 1
    indent: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def of(self, text: str, offset: int) -> "Place":
        """The place of ``text[offset]`` when ``text`` starts here."""
        before = text[:offset]
        newlines = before.count("\n")
        if not newlines:
            return Place(self.file, self.line, self.column + offset)
        column = offset - before.rindex("\n") + self.indent
        return Place(self.file, self.line + newlines, column)


class FormulaError(ConfigError):
    """A formula that cannot be used: what is wrong, where, and what was expected instead.

    ``what`` is the bare statement; ``found``, ``expected`` and ``nearest`` (the closest valid
    name) are empty when they do not apply; ``caret`` is the formula's line
    with a caret below the spot.
    """

    code: ClassVar[str] = "formula"

    def __init__(self, fault: "Fault", spot: "Spot") -> None:
        self.place = spot.place
        self.line = self.place.line
        self.column = self.place.column
        self.what = fault.what
        self.found = fault.found
        self.expected = fault.expected
        self.nearest = fault.nearest
        self.caret = spot.caret
        super().__init__(f"{self.place}: {fault}")


class EvaluationError(Refused):
    """A formula met a value it cannot compute with; ``facts['record']`` is the record's id."""

    code: ClassVar[str] = "formula_value"

    def __init__(self, message: str, place: Place) -> None:
        self.place = place
        super().__init__(f"{place}: {message}")

    def within(self, record: Mapping[str, Any]) -> "EvaluationError":
        """The same error, naming ``record`` unless an inner record is named already."""
        if record.get("Id") is not None:
            self.facts.setdefault("record", str(record["Id"]))
        return self


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a formula, before it is known where."""

    what: str
    found: str = ""
    expected: str = ""
    nearest: str = ""

    def __str__(self) -> str:
        parts = [self.what]
        if self.found:
            parts.append(f"; found {self.found}")
        if self.expected:
            parts.append(f"; expected {self.expected}")
        if self.nearest:
            parts.append(f"; did you mean {self.nearest}?")
        return "".join(parts)


class Spot(msgspec.Struct, frozen=True):
    """One character of one formula: where its errors point."""

    text: str
    start: Place
    offset: int

    @property
    def place(self) -> Place:
        """The true position in the file."""
        return self.start.of(self.text, self.offset)

    @property
    def caret(self) -> str:
        """The formula's line and, below it, a caret under the spot."""
        first = self.text.rfind("\n", 0, self.offset) + 1
        end = self.text.find("\n", self.offset)
        line = self.text[first : len(self.text) if end < 0 else end]
        pad = "".join("\t" if letter == "\t" else " " for letter in line[: self.offset - first])
        return f"{line}\n{pad}^"

    def fault(
        self, what: str, *, found: str = "", expected: str = "", nearest: str = ""
    ) -> FormulaError:
        """The error to raise when the formula itself is wrong here."""
        return FormulaError(Fault(what=what, found=found, expected=expected, nearest=nearest), self)

    def stop(self, message: str) -> EvaluationError:
        """The error to raise when a value met here cannot be computed with."""
        return EvaluationError(message, self.place)


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The candidate closest to ``word`` regardless of case; empty when none is close."""
    known = {name.lower(): name for name in list(candidates)[:CANDIDATES_MAX]}
    found = difflib.get_close_matches(word.lower()[:200], list(known), n=1, cutoff=0.6)
    return known[found[0]] if found else ""
