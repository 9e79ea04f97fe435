"""docs/compatibility.md: what of the official SDK works here, and which test shows it.

The rows come from the SDK's own methods and from our routes, so neither can be forgotten; run with
``tests`` on the path (``make docs``).
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import metronome

from api.sdk.cases import LEGACY, UNBUILT
from api.sdk.casing import DONE, PAGED, REFUSED
from api.sdk.methods import Method, methods, shape_of
from closedwon.api.call import Route
from closedwon.api.resources import ROUTES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "compatibility.md"
SHOWN_MAX = 3
HEAD = """# Compatibility

Generated from the official Python SDK (`metronome-sdk` {version}), which runs against a live
server in the tests with response validation on; do not edit, run `make docs`.

Every supported method is tried six ways by `tests/api/sdk/test_every_method.py`: a call whose typed
answer holds what was sent; the same with every first answer lost on its way and asked for again,
done once (only a link with a secret is made anew); a call that is refused in words; a list read row
by row to its last page; no token; and, of all routes, each kind of caller (`tests/api/access.txt`).
Every parameter the SDK can send is sent or refused by name (`tests/api/sdk/parameters.py`).

{supported} of {all} methods are supported. {legacy} are of legacy plans and credit grants, {unbuilt}
need what is set up on this server by its settings; those answer 501 and say what to use instead.

| method of the SDK | endpoint | scope | works | is refused | to the last page |
|---|---|---|---|---|---|
"""
OTHERS = """
## Endpoints the SDK has no method for

| endpoint | scope | tried by |
|---|---|---|
"""
Found = Mapping[str, list[str]]


def routes() -> dict[tuple[str, str], Route]:
    """Every route by method and the shape of its path."""
    return {(one.method, shape_of(one.path)): one for one in ROUTES}


def page() -> str:
    """The whole page."""
    known = methods()
    head = HEAD.format(
        version=metronome.__version__,
        supported=len(known) - len(LEGACY) - len(UNBUILT),
        all=len(known),
        legacy=len(LEGACY),
        unbuilt=len(UNBUILT),
    )
    rows = "".join(f"{_row(one)}\n" for one in known)
    return head + rows + OTHERS + "".join(f"{row}\n" for row in _others())


def tried_by() -> dict[str, set[str]]:
    """Tests that name an endpoint the SDK has no method for, by endpoint."""
    found = _named()
    return {f"{one.method} `{one.path}`": set(found[shape_of(one.path)]) for one in _beside()}


def untried() -> list[str]:
    """Endpoints without a method in the SDK that no test asks for."""
    found = _named()
    return [
        f"{one.method} {one.path}"
        for one in _beside()
        if _is_built(one) and not found[shape_of(one.path)]
    ]


def _row(method: Method) -> str:
    route = routes()[method.verb, shape_of(method.path)]
    start = f"| `{method.name}` | {route.method} `{route.path}` | {route.scope.value} "
    if method.name in LEGACY | UNBUILT.keys():
        return f"{start}| no: 501 | | |"
    refusal = REFUSED[method.name]
    paging = PAGED[method.name].__name__ if method.is_paged else ""
    return (
        f"{start}| {_words(DONE[method.name].__name__)} | {refusal.status}:"
        f" {_words(refusal.call.__name__)} | {_words(paging)} |"
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _others() -> Iterator[str]:
    found = _named()
    for route in _beside():
        names = found[shape_of(route.path)]
        shown = ", ".join(f"`{name}`" for name in names[:SHOWN_MAX])
        told = shown if _is_built(route) else "no: 501"
        yield f"| {route.method} `{route.path}` | {route.scope.value} | {told} |"


def _beside() -> list[Route]:
    of_sdk = {(one.verb, shape_of(one.path)) for one in methods()}
    return [route for key, route in routes().items() if key not in of_sdk]


def _is_built(route: Route) -> bool:
    return route.is_supported


def _named() -> Found:
    """Tests by the shape of each path they name."""
    paths = {shape_of(one.path): _pattern(one.path) for one in ROUTES}
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "tests" / "api").rglob("test_*.py")):
        constants: dict[str, str] = {}
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                constants[node.targets[0].id] = next(_texts(node.value, constants), "")
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            named = set(_texts(node, constants))
            for shape, pattern in paths.items():
                if any(pattern.fullmatch(text) for text in named):
                    found[shape].append(node.name)
    return found


def _texts(node: ast.AST, constants: Mapping[str, str]) -> Iterator[str]:
    """Texts in a function, the constants it names among them."""
    for inner in ast.walk(node):
        match inner:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Name(id=name) if name in constants:
                yield constants[name]
            case ast.JoinedStr(values=parts):
                yield "".join(_put_in(part, constants) for part in parts)


def _put_in(part: ast.expr, constants: Mapping[str, str]) -> str:
    """What stands in an f-string; what is not a constant is a word."""
    match part:
        case ast.Constant(value=value):
            return str(value)
        case ast.FormattedValue(value=ast.Name(id=name)):
            return constants.get(name, "x")
        case _:
            return "x"


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + r"(\?.*)?")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name}: untried {untried()}\n")
