"""docs/rules.md: every rule of the billing model, the code that names it and the tests named for it.

``python -m tests.rules`` writes the page; ``tests/test_rules.py`` keeps it true. A rule is found in
code where a docstring or comment names it (R63, or a range such as R61-R63 where nothing names it
alone) and in tests by their names (``test_r63_...``).
"""

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHOWN_MAX = 3
RANGE_MAX = 60
"""A longer range names a chapter, not rules."""
NAMED = re.compile(r"\bR(\d{1,3})(?:[-\u2013]R?(\d{1,3}))?\b")
TEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
NUMBER = re.compile(r"(?<=_)r(\d{1,3})(?=_|$)")
HEAD = """# Rules of the billing model

What contracts, balances and invoices mean, rule by rule: where the code says so and which tests are
named for it. Written by `make docs`.

| rule | meaning | code | tests |
|---|---|---|---|
"""

Found = Mapping[int, list[str]]


def titles() -> dict[int, str]:
    """One-line meaning by rule number."""
    with (ROOT / "tests" / "rules.csv").open(encoding="utf-8", newline="") as rows:
        return {int(row["rule"][1:]): row["title"] for row in csv.DictReader(rows)}


def code() -> Found:
    """Modules that name a rule, by rule; alone where there is one, else within a range."""
    alone: dict[int, list[str]] = defaultdict(list)
    ranged: dict[int, list[str]] = defaultdict(list)
    package = ROOT / "src" / "closedwon"
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        for first, last in NAMED.findall(path.read_text(encoding="utf-8")):
            low, high = int(first), int(last or first)
            found = alone if high == low else ranged
            for number in range(low, min(high, low + RANGE_MAX) + 1):
                if name not in found[number]:
                    found[number].append(name)
    return {number: alone.get(number) or ranged[number] for number in alone | ranged}


def tests() -> Found:
    """Tests named for a rule, by rule."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        where = path.relative_to(ROOT / "tests").as_posix()
        for name in TEST.findall(path.read_text(encoding="utf-8")):
            for number in NUMBER.findall(name):
                found[int(number)].append(f"{where}::{name}")
    return found


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"{row}\n" for row in rows())


def rows() -> Iterator[str]:
    """One line per rule."""
    in_code, in_tests = code(), tests()
    for number, title in titles().items():
        sources = _shown(in_code.get(number, []))
        checks = _shown([name.split("::")[1] for name in in_tests.get(number, [])])
        yield f"| R{number} | {title} | {sources} | {checks} |"


def missing() -> tuple[list[int], list[int]]:
    """Rules no code names, and rules no test is named for."""
    in_code, in_tests = code(), tests()
    return (
        [number for number in titles() if not in_code.get(number)],
        [number for number in titles() if not in_tests.get(number)],
    )


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_MAX} more" if len(names) > SHOWN_MAX else ""
    return ", ".join(f"`{name}`" for name in names[:SHOWN_MAX]) + more


if __name__ == "__main__":
    (ROOT / "docs" / "rules.md").write_text(page(), encoding="utf-8")
    without_code, without_test = missing()
    told = f"{len(titles())} rules; without code {without_code}; without test {without_test}"
    sys.stdout.write(f"{told}\n")
