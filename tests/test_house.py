"""The house rules that a reader can check: lengths, shelves, names, nothing private in the text."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "closedwon"
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
BANNED_NAMES = {"data", "info", "item", "manager", "helper", "utils", "process", "handle"}
FILES = sorted(SOURCE.rglob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_files_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text()
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in _functions(ast.parse(text))
        if node.end_lineno is not None and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]

    assert text.count("\n") <= FILE_LINES_MAX
    assert long == []


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_async_code_and_no_name_that_says_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = {node.name for node in ast.walk(tree) if hasattr(node, "name")} | {path.stem}
    ours = {node.name for node in _functions(tree) if isinstance(node, ast.AsyncFunctionDef)}

    assert {name for name in names if isinstance(name, str)} & BANNED_NAMES == set()
    assert _name(path).startswith("devorg/http") or ours == set()


def test_every_module_says_what_it_is() -> None:
    silent = [_name(path) for path in FILES if not ast.get_docstring(ast.parse(path.read_text()))]

    assert silent == []


def test_classes_inherit_once_and_errors_and_wire_shapes_twice() -> None:
    """Errors, and the api's request models: Wire, what several requests share, the request."""
    parents = {
        node.name: [ast.unparse(base) for base in node.bases]
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }

    def depth(name: str) -> int:
        return 1 + max(
            (depth(base) for base in parents.get(name, []) if base in parents), default=0
        )

    deep = {name for name in parents if depth(name) > 2}
    errors = {n for n in deep if depth(n) <= 4 and _is_a("ClosedwonError", n, parents)}
    shapes = {n for n in deep if depth(n) == 3 and _is_a("Wire", n, parents)}
    assert deep == errors | shapes


def _is_a(root: str, name: str, parents: dict[str, list[str]]) -> bool:
    return name == root or any(_is_a(root, base, parents) for base in parents.get(name, []))


def test_one_module_names_httpx_clients() -> None:
    naming = {
        _name(path)
        for path in FILES
        if re.search(r"httpx\.(Client|AsyncClient)\(", path.read_text())
    }

    assert {name.split("/")[0].removesuffix(".py") for name in naming} <= {"transport"}


def test_clock_and_environment_are_read_in_wiring_only() -> None:
    reading = {
        _name(path)
        for path in FILES
        if re.search(r"os\.environ|datetime\.now\(|monotonic\(\)", path.read_text())
    }

    assert {name.split("/")[0].removesuffix(".py") for name in reading} <= {"wiring", "settings"}
