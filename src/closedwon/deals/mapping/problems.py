"""Problems of a mapping file, all of them at once, each with its place (G22, F107)."""

import difflib
from collections.abc import Iterable
from typing import ClassVar

import msgspec

from closedwon.kernel.errors import ConfigError

SHOWN_MAX = 100
"""Problems printed by one error; the rest are counted."""


class Spot(msgspec.Struct, frozen=True, order=True):
    """A place in a text file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a mapping file."""

    spot: Spot
    found: str
    expected: str
    nearest: str = ""
    """The nearest valid name; empty when nothing is near."""
    what: str = ""
    """A whole sentence that stands in for found and expected."""

    def __str__(self) -> str:
        if self.what:
            return f"{self.spot}: {self.what}"
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{self.spot}: found {self.found}, expected {self.expected}{hint}"


class MappingError(ConfigError):
    """A mapping, table or fixture file that cannot be used; holds every problem found."""

    code: ClassVar[str] = "mapping"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.spot))
        shown = [str(problem) for problem in self.problems[:SHOWN_MAX]]
        if len(self.problems) > SHOWN_MAX:
            shown.append(f"... and {len(self.problems) - SHOWN_MAX} more")
        super().__init__("\n".join(shown))


def nearest(name: str, names: Iterable[str]) -> str:
    """The valid name most like ``name``; empty when none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in sorted(names)}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else ""
