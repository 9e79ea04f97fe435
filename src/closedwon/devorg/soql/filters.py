"""Conditions as tests over records, with the part that SQLite can decide for them.

SOQL has two truth values: null differs from every value, and no value is less or greater than it.
``Filter.sql`` is a condition on ``record r`` that every matching row meets; when ``exact`` it alone
decides and the test need not run.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

Test = Callable[[Any], bool]


class Sql(NamedTuple):
    """SQL over ``record`` under the alias ``{r}``, with its parameters in order."""

    text: str
    parameters: tuple[Any, ...] = ()


class Filter(msgspec.Struct, frozen=True):
    """One condition; see the module."""

    test: Test
    sql: Sql | None = None
    exact: bool = False


def every(filters: Sequence[Filter]) -> Filter:
    """AND: any part SQLite can decide narrows the rows."""
    tests = [each.test for each in filters]
    parts = [each.sql for each in filters if each.sql is not None]
    return Filter(
        lambda record: all(test(record) for test in tests),
        joined(" and ", parts) if parts else None,
        all(each.exact for each in filters),
    )


def either(filters: Sequence[Filter]) -> Filter:
    """OR: only helps SQLite when it can narrow every branch."""
    tests = [each.test for each in filters]
    parts = [each.sql for each in filters if each.sql is not None]
    return Filter(
        lambda record: any(test(record) for test in tests),
        joined(" or ", parts) if len(parts) == len(filters) else None,
        all(each.exact for each in filters),
    )


def negated(inner: Filter) -> Filter:
    """NOT; SQLite may only turn around what it decides exactly."""
    test = inner.test
    sql = None
    if inner.exact and inner.sql is not None:
        sql = Sql(f"not ({inner.sql.text})", inner.sql.parameters)
    return Filter(lambda record: not test(record), sql, exact=sql is not None)


def joined(word: str, parts: Sequence[Sql]) -> Sql:
    """Conditions joined by ``word``, each in parentheses."""
    text = word.join(f"({part.text})" for part in parts)
    return Sql(text, tuple(each for part in parts for each in part.parameters))
