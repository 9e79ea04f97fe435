"""Functions over the rows of a child collection."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from closedwon.formula import EvaluationError, Scope, Value, ValueType
from formula.quote_lines import LINE, compiled, stop, value

LINES = {"lines": LINE}
ID18 = "a0kHs000000017LIAQ"
ROWS: list[dict[str, Any]] = [
    {"Id": ID18, "Name": "b", "SBQQ__NetTotal__c": Decimal("50.10"), "SBQQ__StartDate__c": "2025-01-01"},
    {"Name": "a", "SBQQ__NetTotal__c": Decimal("0.20"), "SBQQ__StartDate__c": "2024-01-01", "SBQQ__Optional__c": True},
    {"Name": None, "SBQQ__NetTotal__c": None, "SBQQ__StartDate__c": None},
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SUM(lines, SBQQ__NetTotal__c)", Decimal("50.30")),
        ("SUM(lines, SBQQ__NetTotal__c, NOT(SBQQ__Optional__c))", Decimal("50.10")),
        ("SUM(lines, SBQQ__NetTotal__c * 100, FALSE)", Decimal(0)),
        ("COUNT(lines)", Decimal(3)),
        ("COUNT(lines, SBQQ__Optional__c)", Decimal(1)),
        ("FIRST(lines, Name)", "b"),
        ("FIRST(lines, Name, SBQQ__Optional__c)", "a"),
        ("FIRST(lines, Name, FALSE)", None),
        ("FIRST(lines, SBQQ__Optional__c, FALSE)", False),
        (f"FIRST(lines, Id) = '{ID18[:15]}'", True),
        ("LAST(lines, Name)", None),
        ("LAST(lines, Name, NOT(ISBLANK(Name)))", "a"),
        (f"LAST(lines, Id, NOT(ISBLANK(Id))) = '{ID18[:15]}'", True),
        ("ANY(lines, SBQQ__Optional__c)", True),
        ("ANY(lines, Name = 'z')", False),
        ("ALL(lines, SBQQ__Optional__c)", False),
        ("ALL(lines, SBQQ__NetTotal__c < 100 || ISBLANK(SBQQ__NetTotal__c))", True),
        ("JOIN(lines, Name, ', ')", "b, a"),
        ("JOIN(lines, Name, '', SBQQ__Optional__c)", "a"),
        ("JOIN(lines, Name, ', ', FALSE)", None),
        ("MIN(lines, SBQQ__NetTotal__c)", Decimal("0.20")),
        ("MAX(lines, SBQQ__NetTotal__c)", Decimal("50.10")),
        ("MIN(lines, SBQQ__StartDate__c)", date(2024, 1, 1)),
        ("MAX(lines, SBQQ__StartDate__c, SBQQ__Optional__c)", date(2024, 1, 1)),
        ("MAX(lines, SBQQ__NetTotal__c, FALSE)", None),
        ("MAX(SUM(lines, SBQQ__NetTotal__c), 100)", Decimal(100)),
        ("sum(lines, 1)", Decimal(3)),
    ],
)
def test_worked_examples(text: str, expected: Value) -> None:
    assert value(text, {}, Scope(children={"lines": ROWS}), collections=LINES) == expected


def test_without_rows_there_is_nothing_to_find() -> None:
    scope = Scope(children={"lines": ()})

    assert value("SUM(lines, SBQQ__NetTotal__c)", {}, scope, collections=LINES) == 0
    assert value("ANY(lines, TRUE)", {}, scope, collections=LINES) is False
    assert value("ALL(lines, FALSE)", {}, scope, collections=LINES) is True
    assert value("LAST(lines, Name)", {}, scope, collections=LINES) is None


def test_rows_that_were_not_given_are_an_error_and_not_nothing() -> None:
    with pytest.raises(EvaluationError, match="no rows of lines were given"):
        value("COUNT(lines)", {}, Scope(), collections=LINES)


def test_a_row_reads_only_its_own_fields() -> None:
    scope = Scope(children={"quotes": [{"SBQQ__StartDate__c": "2024-01-01"}]})
    quotes = {"quotes": "SBQQ__Quote__c"}

    assert value("FIRST(quotes, SBQQ__StartDate__c)", {}, scope, collections=quotes) == (
        date(2024, 1, 1)
    )
    assert compiled("FIRST(quotes, SBQQ__StartDate__c)", collections=quotes).type is ValueType.DATE


def test_a_joined_text_has_a_limit() -> None:
    scope = Scope(children={"lines": [{"Name": "x" * 150_000}] * 2})

    with pytest.raises(EvaluationError, match="a text of more than 200000 characters"):
        value("JOIN(lines, Name, ';')", {}, scope, collections=LINES)


def test_a_field_wins_over_a_collection_of_the_same_name() -> None:
    assert value("Name & 'x'", {"Name": "n"}, collections={"Name": LINE}) == "nx"
    assert stop("1 / 0") == "division by zero"
