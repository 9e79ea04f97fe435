"""The part of SOQL a trigger needs, evaluated over rows in memory.

Comparisons and IN, joined by AND, OR and NOT. As in SOQL, text compares without case, a blank
field is unequal to any value, and nothing is less or greater than it.
"""

import operator
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedInput

from closedwon.kernel.errors import ConfigError
from closedwon.kernel.exact import exact
from closedwon.kernel.instant import parse_instant

GRAMMAR: Final = r"""
?start: either
?either: both ("OR"i both)*
?both: single ("AND"i single)*
?single: "NOT"i single -> negation | "(" either ")" | comparison
?comparison: PATH OPERATOR literal -> compared
          | PATH "IN"i "(" literal ("," literal)* ")" -> one_of
          | PATH "NOT"i "IN"i "(" literal ("," literal)* ")" -> none_of
?literal: TEXT -> text | INSTANT -> instant | DATE -> day | NUMBER -> number
        | "true"i -> true | "false"i -> false | "null"i -> null
OPERATOR: "=" | "!=" | "<>" | "<=" | ">=" | "<" | ">"
PATH: /(?!(?:AND|OR|NOT|IN)\b)[A-Za-z]\w*(?:\.[A-Za-z]\w*)*/i
TEXT: /'(?:[^'\\]|\\.)*'/
INSTANT.3: /\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)/
DATE.2: /\d{4}-\d\d-\d\d/
NUMBER: /[+-]?\d+(?:\.\d+)?/
%import common.WS
%ignore WS
"""
PARSER: Final = Lark(GRAMMAR, parser="lalr")
ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Read = Callable[[str], Any]
"""Value of a row at a dotted path."""
Condition = Callable[[Read], bool]


def compile_condition(text: str) -> Condition:
    """A test of rows; raises ConfigError where ``text`` is not in the subset."""
    try:
        tree = PARSER.parse(text)
    except UnexpectedInput as error:
        raise ConfigError(
            "an export cannot evaluate this trigger", column=error.column, trigger=text
        ) from error
    condition: Condition = _Compiler().transform(tree)
    return condition


class _Compiler(Transformer[Token, Any]):
    """Turns each node into a function of a row."""

    def text(self, parts: list[Token]) -> str:
        return str(parts[0])[1:-1].replace("\\'", "'").replace("\\\\", "\\")

    def instant(self, parts: list[Token]) -> datetime:
        return parse_instant(str(parts[0]))

    def day(self, parts: list[Token]) -> date:
        return date.fromisoformat(str(parts[0]))

    def number(self, parts: list[Token]) -> Decimal:
        return exact(str(parts[0]))

    def true(self, _parts: list[Token]) -> bool:
        return True

    def false(self, _parts: list[Token]) -> bool:
        return False

    def null(self, _parts: list[Token]) -> None:
        return None

    def compared(self, parts: list[Any]) -> Condition:
        path, sign, literal = str(parts[0]), str(parts[1]), parts[2]
        if sign == "=":
            return lambda read: _equal(read(path), literal)
        if sign in ("!=", "<>"):
            return lambda read: not _equal(read(path), literal)
        return lambda read: _ordered(sign, read(path), literal)

    def one_of(self, parts: list[Any]) -> Condition:
        path, literals = str(parts[0]), parts[1:]
        return lambda read: any(_equal(read(path), literal) for literal in literals)

    def none_of(self, parts: list[Any]) -> Condition:
        found = self.one_of(parts)
        return lambda read: not found(read)

    def negation(self, parts: list[Condition]) -> Condition:
        return lambda read: not parts[0](read)

    def both(self, parts: list[Condition]) -> Condition:
        return lambda read: all(part(read) for part in parts)

    def either(self, parts: list[Condition]) -> Condition:
        return lambda read: any(part(read) for part in parts)


def _comparable(value: Any, literal: Any) -> Any:
    """``value`` in the type of ``literal``: files hold text."""
    if isinstance(literal, datetime):
        return parse_instant(value)
    if isinstance(literal, date):
        return date.fromisoformat(str(value)[:10])
    if isinstance(literal, Decimal):
        return exact(str(value))
    return value.casefold() if isinstance(value, str) else value


def _equal(value: Any, literal: Any) -> bool:
    if value is None or literal is None:
        return value is None and literal is None
    wanted = literal.casefold() if isinstance(literal, str) else literal
    return bool(_comparable(value, literal) == wanted)


def _ordered(sign: str, value: Any, literal: Any) -> bool:
    if value is None or literal is None:
        return False
    wanted = literal.casefold() if isinstance(literal, str) else literal
    return ORDERS[sign](_comparable(value, literal), wanted)
