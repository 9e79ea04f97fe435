"""The generated pages: each is made from what the program itself uses, so that it cannot lie."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml

import closedwon
from closedwon.cli.docs.api_page import api_page
from closedwon.cli.docs.codes import source_codes
from closedwon.cli.docs.settings_page import settings_page
from closedwon.cli.docs.tables import table
from closedwon.cli.session import CHANGES_EXIT, PARKED_EXIT
from closedwon.formula.aggregates import AGGREGATES
from closedwon.formula.functions import FUNCTIONS
from closedwon.kernel.errors import ClosedwonError, InvariantBroken
from closedwon.wiring.places import share

HELP_COLUMNS = 90
MEANINGS = Path(__file__).with_name("meanings.yaml")
LANGUAGE = ("Syntax", "Types", "Blanks", "Numbers", "Dates", "Where this differs from Salesforce")
"""Sections of the formula room's README that its users need; the first words of their titles."""


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a code says and what to do about it."""

    means: str
    fix: str


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes that are met in one place."""

    title: str
    intro: str
    codes: Mapping[str, Meaning]


class Meanings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``meanings.yaml``."""

    exits: Mapping[int, str]
    sections: tuple[Section, ...]
    functions: Mapping[str, Mapping[str, str]]


def pages() -> dict[str, str]:
    """File name -> text of every generated page.

    Raises InvariantBroken when a code, exit or function has no meaning, or a meaning no use.
    """
    meanings = msgspec.convert(yaml.safe_load(MEANINGS.read_text(encoding="utf-8")), Meanings)
    return {
        "api.md": _page("HTTP API", api_page()),
        "cli.md": _page("Commands", _commands()),
        "errors.md": _page("Codes", _codes(meanings)),
        "formula.md": _page("Formulas", _formulas(meanings)),
        "settings.md": _page("Settings", settings_page()),
    }


def _page(title: str, lines: Iterable[str]) -> str:
    made = "<!-- Made by `make docs`; change the source instead. -->"
    return "\n".join([f"# {title}", made, "", *lines]).rstrip() + "\n"


def _same(what: str, used: Iterable[Any], told: Iterable[Any]) -> None:
    """Both directions: nothing in use goes untold, nothing told is out of use."""
    used, told = set(used), set(told)
    if used - told:
        raise InvariantBroken(f"{what} without a meaning in {MEANINGS.name}: {used - told}")
    if told - used:
        raise InvariantBroken(f"{what} in {MEANINGS.name} that nothing gives: {told - used}")


def _codes(meanings: Meanings) -> Iterator[str]:
    _same("exit codes", _exits(), meanings.exits)
    found: dict[str, list[str]] = {}
    for one in source_codes():
        found.setdefault(one.code, []).append(one.place)
    told = {code for section in meanings.sections for code in section.codes}
    _same("codes", found, told - _of_families(found, told - set(found)))
    yield "Codes are stable: scripts, alerts and saved views may rely on them."
    yield from ("", "## Exit codes", "")
    yield from table(
        ("exit", "meaning"), ((str(code), text) for code, text in sorted(meanings.exits.items()))
    )
    for section in meanings.sections:
        yield from (f"## {section.title}", "", section.intro, "")
        yield from table(
            ("code", "meaning", "what to do"),
            ((f"`{code}`", each.means, each.fix) for code, each in section.codes.items()),
        )
    yield from _mapping_codes()


def _of_families(used: Collection[str], told: Iterable[str]) -> set[str]:
    """Codes of a family in use, as ``billing_*``, that end with another code in use."""
    starts = [code.removesuffix("*") for code in used if code.endswith("*")]
    return {
        code
        for code in told
        for start in starts
        if code.startswith(start) and code.removeprefix(start) in used
    }


def _exits() -> set[int]:
    kinds: list[type[ClosedwonError]] = [ClosedwonError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return {0, PARKED_EXIT, CHANGES_EXIT, *(kind.exit_code for kind in kinds)}


def _mapping_codes() -> Iterator[str]:
    for file in sorted((share() / "mappings").glob("*.yaml")):
        name = f"mappings/{file.name}"
        yield from (f"## Codes of `{name}`", "")
        yield "A mapping has codes of its own, in its `checks`, `require`, `reject` and `gates`."
        yield ""
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
        yield from table(
            ("code", "meaning", "what to do"),
            (
                (f"`{each['code']}`", each["message"], each["fix"])
                for each in sorted(_with_code(written), key=lambda each: str(each["code"]))
            ),
        )


def _with_code(node: Any) -> Iterator[Mapping[str, Any]]:
    match node:
        case {"code": str()}:
            yield node
        case dict():
            for inner in node.values():
                yield from _with_code(inner)
        case list():
            for inner in node:
                yield from _with_code(inner)
        case _:
            return


def _formulas(meanings: Meanings) -> Iterator[str]:
    told = [name for kind in meanings.functions.values() for name in kind]
    _same("functions", {*FUNCTIONS, *AGGREGATES}, told)
    yield "Expressions of a mapping are Salesforce formulas, computed with exact decimals."
    yield from ("", "## Functions", "")
    for kind, functions in meanings.functions.items():
        yield from (f"### {kind}", "")
        yield from table(
            ("function", "meaning"),
            ((f"`{_usage(name)}`", text) for name, text in functions.items()),
        )
    yield from _language()


def _usage(name: str) -> str:
    return (FUNCTIONS.get(name) or AGGREGATES[name]).usage


def _language() -> Iterator[str]:
    """Chosen sections of the formula room's own README."""
    readme = Path(closedwon.__file__).parent / "formula" / "README.md"
    parts = readme.read_text(encoding="utf-8").split("\n## ")
    for title in LANGUAGE:
        fitting = [part for part in parts if part.startswith(title)]
        if len(fitting) != 1:
            raise InvariantBroken(f"formula/README.md has {len(fitting)} sections {title!r}")
        _, _, text = fitting[0].partition("\n")
        yield from (f"## {title}", "", text.rstrip(), "")


def _commands() -> Iterator[str]:
    from closedwon.cli import main

    yield "Data goes to stdout; progress and messages go to stderr."
    yield "Exit codes are explained in [errors.md](errors.md)."
    yield ""
    yield from _help(main, click.Context(main, info_name="closedwon"), 2)


def _help(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    context.terminal_width = context.max_content_width = HELP_COLUMNS
    yield from (f"{'#' * level} {context.command_path}", "", "```text")
    yield from (command.get_help(context).rstrip(), "```", "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                inside = click.Context(inner, parent=context, info_name=name)
                yield from _help(inner, inside, min(level + 1, 3))
