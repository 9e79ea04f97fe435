"""Recorded requests and answers, one file for each operation; ``make docs`` records them anew."""

import re
from functools import cache
from importlib.resources import files
from typing import Any

from closedwon.api.call import Route
from closedwon.kernel import strict_json


@cache
def example(name: str) -> dict[str, Any]:
    """``path``, ``query``, ``request`` and ``answer`` of an operation, as far as there are any."""
    file = files("closedwon.api") / "examples" / f"{name}.json"
    if not file.is_file():
        return {}
    return dict(strict_json.loads(file.read_text(encoding="utf-8")))


def parameters(route: Route) -> dict[str, Any]:
    """Values of path and query parameters in the route's example."""
    found = example(route.name)
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route.path)
    inside = re.fullmatch(pattern, found.get("path", ""))
    return {**(inside.groupdict() if inside else {}), **found.get("query", {})}
