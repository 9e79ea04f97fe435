"""Every stable code in the source, found by reading it: none can be forgotten.

A code is what a ``code`` parameter, keyword or class attribute is given. A family is a code made at
run time, ``push_{...}``; its fixed first part is what can be looked up.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

import closedwon
from closedwon.kernel.errors import InvariantBroken

APART = ("cli", "devorg", "formula", "testing")
"""Rooms that give no codes of ours: Salesforce's own, compiled formulas, test doubles."""
CODE = re.compile(r"[a-z][a-z0-9_]*\*?")
"""Ours are in small letters; those in capitals are Salesforce's and end up in ``push_*``."""


class Found(msgspec.Struct, frozen=True, order=True):
    """A code and where it is given; ``code`` ends with ``*`` when it is a family."""

    code: str
    place: str
    """Path below the package, ``deals/plan.py``; the line would change too often."""


@cache
def source_codes(package: Path | None = None) -> tuple[Found, ...]:
    """Every code the package can give, sorted; raises InvariantBroken for one it cannot read.

    Read once: the source does not change while the program runs.
    """
    root = package or Path(closedwon.__file__).parent
    trees = {
        file.relative_to(root).as_posix(): ast.parse(file.read_text(encoding="utf-8"))
        for file in sorted(root.rglob("*.py"))
        if file.relative_to(root).parts[0] not in APART
    }
    takers = dict(taker for tree in trees.values() for taker in _takers(tree))
    found = {one for place, tree in trees.items() for one in _found(place, tree, takers)}
    return tuple(sorted(found))


def _found(place: str, tree: ast.Module, takers: dict[str, int]) -> Iterator[Found]:
    constants = _constants(tree)
    for given in _given(tree, takers):
        for code in _texts(given, constants, place):
            if CODE.fullmatch(code):
                yield Found(code, place)


def _takers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Functions with a parameter ``code``, and its position among what a call passes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            taken = [argument for argument in node.args.args if argument.arg != "self"]
            for at, argument in enumerate(taken):
                if argument.arg == "code":
                    yield node.name, at


def _given(tree: ast.AST, takers: dict[str, int]) -> Iterator[ast.expr]:
    """Expressions that become a code."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef():
                yield from _attribute(node)
            case ast.Call():
                yield from (word.value for word in node.keywords if word.arg == "code")
                at = takers.get(_called(node), -1)
                if 0 <= at < len(node.args):
                    yield node.args[at]
            case _:
                continue


def _attribute(node: ast.ClassDef) -> Iterator[ast.expr]:
    for line in node.body:
        match line:
            case ast.Assign(targets=[ast.Name(id="code")], value=value):
                yield value
            case ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr() as value):
                yield value
            case _:
                continue


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Names given a value once, anywhere in the file."""
    return {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _texts(given: ast.expr, constants: dict[str, ast.expr], place: str) -> Iterator[str]:
    """The codes an expression can be; none when it only passes another one on."""
    match given:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, constants, place)
            yield from _texts(other, constants, place)
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from _texts(part, constants, place)
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]):
            yield f"{start}*"
        case ast.Name(id=name) if name in constants:
            yield from _texts(constants[name], {}, place)
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call() | ast.Constant(None):
            return
        case _:
            raise InvariantBroken(f"{place}:{given.lineno}: {ast.unparse(given)} is no code")
