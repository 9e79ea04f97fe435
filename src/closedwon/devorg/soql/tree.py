"""From the parser's tree to syntax; checks what a grammar cannot: escapes and counts."""

from collections.abc import Iterator
from itertools import islice
from string import hexdigits
from typing import Any

from lark import Token, Transformer, v_args

from closedwon.devorg.soql.faults import Text
from closedwon.devorg.soql.syntax import (
    AllOf,
    AnyOf,
    Call,
    Chosen,
    Compared,
    Condition,
    InList,
    InQuery,
    Kind,
    Like,
    Literal,
    Negated,
    Operand,
    Ordering,
    Path,
    Query,
    Selected,
)

ESCAPES = {
    "'": "'",
    '"': '"',
    "\\": "\\",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "N": "\n",
    "R": "\r",
    "T": "\t",
    "B": "\b",
    "F": "\f",
}
WILDCARDS = "%_"
OPERATORS = {"<>": "!="}


@v_args(inline=True)
class TreeReader(Transformer[Token, Any]):
    """One method per rule of the grammar."""

    def __init__(self, text: Text) -> None:
        super().__init__(visit_tokens=False)
        self._text = text

    def start(self, query: Query) -> Query:
        """The statement."""
        return query

    def query(self, selection: tuple[Selected, ...], source: Path, *clauses: Any) -> Query:
        """SELECT .. FROM .. and its clauses, None where absent."""
        aliases, where, group, order, limit, offset, touch = clauses
        grouped, having = group or ((), None)
        return Query(
            selected=selection,
            source=source,
            aliases=aliases or (),
            where=where,
            grouped=grouped,
            having=having,
            ordered=order or (),
            limit=limit,
            offset=offset,
            touches=bool(touch),
        )

    def selection(self, *selected: Selected) -> tuple[Selected, ...]:
        """The SELECT list."""
        return selected

    def plain(self, path: Path) -> Selected:
        """A field."""
        return Selected(path)

    def plain_aliased(self, path: Path, alias: Token) -> Selected:
        """A field with an alias; only grouping queries may have one."""
        return Selected(path, str(alias))

    def called(self, call: Call) -> Selected:
        """A function."""
        return Selected(call)

    def called_aliased(self, call: Call, alias: Token) -> Selected:
        """A function with an alias."""
        return Selected(call, str(alias))

    def subquery(self, query: Query) -> Selected:
        """Child rows."""
        return Selected(query)

    def call(self, name: Token, argument: Path | None) -> Call:
        """A function of a field or of nothing."""
        return Call(str(name), argument, _at(name))

    def path(self, *names: Token) -> Path:
        """A dotted path."""
        return Path(tuple(map(str, names)), _at(names[0]))

    def from_name(self, path: Path) -> Path:
        """The object or child relationship."""
        return path

    def alias(self, root: Token, *others: Any) -> tuple[tuple[str, Path | None], ...]:
        """``Opportunity o, o.Account a``."""
        pairs = zip(others[::2], others[1::2], strict=True)
        return ((str(root), None), *((str(name), path) for path, name in pairs))

    def where(self, condition: Condition) -> Condition:
        """The filter."""
        return condition

    def all_of(self, *conditions: Condition) -> Condition:
        """AND."""
        return AllOf(conditions)

    def any_of(self, *conditions: Condition) -> Condition:
        """OR."""
        return AnyOf(conditions)

    def negated(self, condition: Condition) -> Condition:
        """NOT."""
        return Negated(condition)

    def compared(self, operand: Operand, operator: Token, literal: Literal) -> Condition:
        """A comparison."""
        return Compared(operand, OPERATORS.get(str(operator), str(operator)), literal)

    def like(self, operand: Operand, pattern: Token) -> Condition:
        """LIKE."""
        return Like(operand, self.string(pattern, wildcards=True))

    def in_list(self, operand: Operand, *literals: Literal) -> Condition:
        """IN a list."""
        return InList(operand, literals, negative=False)

    def not_in_list(self, operand: Operand, *literals: Literal) -> Condition:
        """NOT IN a list."""
        return InList(operand, literals, negative=True)

    def in_query(self, operand: Operand, query: Query) -> Condition:
        """IN a subquery."""
        return InQuery(operand, query, negative=False)

    def not_in_query(self, operand: Operand, query: Query) -> Condition:
        """NOT IN a subquery."""
        return InQuery(operand, query, negative=True)

    def includes(self, operand: Operand, *choices: Token) -> Condition:
        """INCLUDES."""
        return Chosen(operand, tuple(map(self.string, choices)), negative=False)

    def excludes(self, operand: Operand, *choices: Token) -> Condition:
        """EXCLUDES."""
        return Chosen(operand, tuple(map(self.string, choices)), negative=True)

    def string(self, token: Token, *, wildcards: bool = False) -> Literal:
        """A quoted text; an unknown escape is malformed."""
        plain: list[str] = []
        pattern: list[str] = []
        letters = enumerate(str(token)[1:-1], start=_at(token) + 1)
        for at, letter in letters:
            meant, kept = letter, letter
            if letter == "\\":
                _, escaped = next(letters)
                wild = wildcards and escaped in WILDCARDS
                meant = escaped if wild else self._escape(escaped, letters, at)
                kept = f"\\{escaped}" if wild or escaped == "\\" else meant
            plain.append(meant)
            pattern.append(kept)
        text, kept_text = (self._whole_text("".join(each), token) for each in (plain, pattern))
        return Literal(Kind.STRING, text, _at(token), pattern=kept_text)

    def number(self, token: Token) -> Literal:
        """A number without thousands separators."""
        return Literal(Kind.NUMBER, str(token), _at(token))

    def date(self, token: Token) -> Literal:
        """``2024-01-31``."""
        return Literal(Kind.DATE, str(token), _at(token))

    def datetime(self, token: Token) -> Literal:
        """``2024-01-31T00:00:00Z``."""
        return Literal(Kind.DATETIME, str(token), _at(token))

    def date_literal(self, name: Token, count: Token | None = None) -> Literal:
        """``TODAY``, ``LAST_N_DAYS:3``; whether the name exists is checked when it is bound."""
        if count is not None and not str(count).isdigit():
            raise self._text.malformed(f"unexpected token: '{count}'", _at(count))
        number = None if count is None else int(count)
        return Literal(Kind.DATE_LITERAL, str(name).upper(), _at(name), count=number)

    def true(self) -> Literal:
        """TRUE."""
        return Literal(Kind.BOOLEAN, "true", 0)

    def false(self) -> Literal:
        """FALSE."""
        return Literal(Kind.BOOLEAN, "false", 0)

    def null(self) -> Literal:
        """NULL."""
        return Literal(Kind.NULL, "", 0)

    def group(self, *parts: Any) -> tuple[tuple[Path, ...], Condition | None]:
        """GROUP BY and HAVING."""
        *paths, having = parts
        return tuple(paths), having

    def having(self, condition: Condition) -> Condition:
        """The filter over groups."""
        return condition

    def order(self, *orderings: Ordering) -> tuple[Ordering, ...]:
        """ORDER BY."""
        return orderings

    def ordering(self, operand: Operand, direction: Token | None, nulls: Token | None) -> Ordering:
        """One key; ascending with nulls first unless it says otherwise."""
        return Ordering(
            operand,
            descending=str(direction).lower() == "desc",
            nulls_last=str(nulls).lower() == "last",
        )

    def limit(self, number: Token) -> int:
        """LIMIT."""
        return self._whole(number)

    def offset(self, number: Token) -> int:
        """OFFSET."""
        return self._whole(number)

    def touch(self, _what: Token) -> bool:
        """FOR VIEW, FOR REFERENCE."""
        return True

    def _whole(self, number: Token) -> int:
        if not str(number).isdigit():
            raise self._text.malformed(f"unexpected token: '{number}'", _at(number))
        return int(number)

    def _escape(self, letter: str, letters: Iterator[tuple[int, str]], at: int) -> str:
        if letter in "uU":
            digits = "".join(each for _, each in islice(letters, 4))
            if len(digits) == 4 and set(digits) <= set(hexdigits):
                return chr(int(digits, 16))
        if letter not in ESCAPES:
            message = f"Illegal character sequence '\\{letter}' in string literal"
            raise self._text.malformed(message, at)
        return ESCAPES[letter]

    def _whole_text(self, text: str, token: Token) -> str:
        """``text`` with surrogate pairs joined; half a character is malformed."""
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise self._text.malformed("half a character in string literal", _at(token)) from error


def _at(token: Token) -> int:
    return token.start_pos or 0
