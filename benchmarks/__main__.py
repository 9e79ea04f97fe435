"""``python -m benchmarks [NAME ...] [--small] [--out FILE]``: run, print, keep the figures."""

import argparse
import json
import platform
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import BENCHMARKS

RESULTS = Path(".bench/results.json")
PART = r"<!-- (\w+) -->\n(.*?)\n*(?=<!-- \w+ -->|\Z)"
"""A benchmark's name and its part of a page."""


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen benchmarks; 1 when two sides that must agree do not."""
    options = _options(arguments)
    found: dict[str, Any] = {}
    for name in options.names or BENCHMARKS:
        module = import_module(BENCHMARKS[name])
        print(f"== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        found[name] = module.run(small=options.small)
        for line in [found[name]["skipped"]] if "skipped" in found[name] else _lines(found[name]):
            print(f"   {line}", flush=True)
        if hasattr(module, "PAGE") and not options.small and "skipped" not in found[name]:
            _write_part(options.docs / module.PAGE, name, module.page(found[name]))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    answer = {"small": options.small, **machine, "benchmarks": found}
    options.out.write_text(json.dumps(answer, indent=1) + "\n")
    differing = [name for name, figures in found.items() if not figures.get("equal", True)]
    for name in differing:
        print(f"{name}: the two sides differ", file=sys.stderr)
    return 1 if differing else 0


def _write_part(page: Path, name: str, text: str) -> None:
    """Put a benchmark's part in the place of its last one; parts stand in the order of names."""
    parts: dict[str, str] = {}
    for found in re.finditer(PART, page.read_text() if page.exists() else "", re.DOTALL):
        parts[found[1]] = found[2]
    parts[name] = text.strip("\n")
    ordered = [(one, parts[one]) for one in BENCHMARKS if one in parts]
    page.write_text("\n\n".join(f"<!-- {one} -->\n{part}" for one, part in ordered) + "\n")


def _lines(figures: Mapping[str, Any]) -> list[str]:
    """A line per side, then the plain figures together."""
    sides = {name: part for name, part in figures.items() if isinstance(part, Mapping)}
    plain = {n: part for n, part in figures.items() if not isinstance(part, Mapping | list)}
    width = max(map(len, sides), default=0)
    return [f"{name:<{width}}  {_told(part)}" for name, part in sides.items()] + [_told(plain)]


def _told(figures: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {_short(value)}" for name, value in figures.items())


def _short(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else value
    return str(text)[:16]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--small", action="store_true", help="a size for a smoke test")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures go")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where pages go")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; one of: {', '.join(BENCHMARKS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
