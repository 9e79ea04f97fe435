"""A SOQL statement as written: names unresolved, literals still text."""

from enum import StrEnum

import msgspec


class Path(msgspec.Struct, frozen=True):
    """``Account.Name`` with the offset of its first character in the statement."""

    names: tuple[str, ...]
    offset: int


class Call(msgspec.Struct, frozen=True):
    """``COUNT(Id)``, ``FIELDS(ALL)``; ``argument`` is None for ``COUNT()``."""

    name: str
    argument: Path | None
    offset: int


Operand = Path | Call


class Kind(StrEnum):
    """What sort of literal stands in a condition."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    DATE = "date"
    DATETIME = "datetime"
    DATE_LITERAL = "date literal"


class Literal(msgspec.Struct, frozen=True):
    """A value in a condition; ``count`` is the n of ``LAST_N_DAYS:n``.

    ``text`` of a string is unescaped; ``pattern`` keeps the backslash before wildcards, for LIKE.
    """

    kind: Kind
    text: str
    offset: int
    count: int | None = None
    pattern: str = ""


class Compared(msgspec.Struct, frozen=True):
    """``operand operator literal``; the operator is one of = != < > <= >=."""

    operand: Operand
    operator: str
    literal: Literal


class Like(msgspec.Struct, frozen=True):
    """``operand LIKE 'a%'``."""

    operand: Operand
    literal: Literal


class InList(msgspec.Struct, frozen=True):
    """``operand [NOT] IN (v, ..)``."""

    operand: Operand
    literals: tuple[Literal, ...]
    negative: bool


class InQuery(msgspec.Struct, frozen=True):
    """``operand [NOT] IN (SELECT ..)``: a semi- or anti-join."""

    operand: Operand
    query: "Query"
    negative: bool


class Chosen(msgspec.Struct, frozen=True):
    """``operand INCLUDES|EXCLUDES ('a;b', 'c')`` on a multi-select picklist."""

    operand: Operand
    literals: tuple[Literal, ...]
    negative: bool


class Negated(msgspec.Struct, frozen=True):
    """``NOT condition``."""

    condition: "Condition"


class AllOf(msgspec.Struct, frozen=True):
    """Conditions joined by AND."""

    conditions: tuple["Condition", ...]


class AnyOf(msgspec.Struct, frozen=True):
    """Conditions joined by OR."""

    conditions: tuple["Condition", ...]


Condition = Compared | Like | InList | InQuery | Chosen | Negated | AllOf | AnyOf


class Selected(msgspec.Struct, frozen=True):
    """One element of the SELECT list."""

    what: "Path | Call | Query"
    alias: str | None = None


class Ordering(msgspec.Struct, frozen=True):
    """One element of ORDER BY."""

    operand: Operand
    descending: bool
    nulls_last: bool


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A statement, or a subquery inside one."""

    selected: tuple[Selected, ...]
    source: Path
    aliases: tuple[tuple[str, Path | None], ...] = ()
    """Alias -> path it stands for; None for the root object itself."""
    where: Condition | None = None
    grouped: tuple[Path, ...] = ()
    having: Condition | None = None
    ordered: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int | None = None
    touches: bool = False
    """FOR VIEW or FOR REFERENCE: answers the same rows."""
