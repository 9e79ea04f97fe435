"""From text to syntax with a LALR grammar (grammar.lark); every failure is MALFORMED_QUERY."""

from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import (
    UnexpectedCharacters,
    UnexpectedEOF,
    UnexpectedInput,
    UnexpectedToken,
    VisitError,
)

from closedwon.devorg.errors import OrgError
from closedwon.devorg.soql.faults import Text
from closedwon.devorg.soql.syntax import Query
from closedwon.devorg.soql.tree import TreeReader

STATEMENT_MAX = 100_000
"""Longest statement in characters."""


def parsed(soql: str) -> Query:
    """The statement's syntax; raises OrgError MALFORMED_QUERY with row and column."""
    text = Text(soql)
    if len(soql) > STATEMENT_MAX:
        raise text.malformed("SOQL statements cannot be longer than 100000 characters.")
    try:
        tree: Tree[Token] = _parser().parse(soql)
    except UnexpectedInput as error:
        raise _unexpected(text, error) from error
    try:
        statement: Query = TreeReader(text).transform(tree)
    except VisitError as error:
        raise error.orig_exc from error
    return statement


@cache
def _parser() -> Lark:
    grammar = files("closedwon.devorg.soql").joinpath("grammar.lark").read_text(encoding="utf-8")
    options: dict[str, Any] = {"parser": "lalr", "lexer": "contextual", "maybe_placeholders": True}
    return Lark(grammar, **options)


def _unexpected(text: Text, error: UnexpectedInput) -> OrgError:
    match error:
        case UnexpectedToken(token=token) if token.type == "$END":
            return text.malformed("unexpected token: '<EOF>'", len(text.soql.rstrip()))
        case UnexpectedToken(token=token):
            return text.malformed(f"unexpected token: '{token}'", token.start_pos)
        case UnexpectedCharacters(pos_in_stream=at) if at is not None:
            return text.malformed(f"unexpected token: '{_word(text.soql, at)}'", at)
        case UnexpectedEOF():
            return text.malformed("unexpected token: '<EOF>'", len(text.soql))
        case _:
            return text.malformed(str(error))


def _word(soql: str, at: int) -> str:
    return soql[at:].split(maxsplit=1)[0][:40] if soql[at:].strip() else "<EOF>"
