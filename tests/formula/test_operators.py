"""Operators: exact arithmetic, comparisons, dates, text."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from closedwon.formula import Value
from formula.quote_lines import stop, value

ID18 = "a0kHs000000017LIAQ"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", Decimal(7)),
        ("(1 + 2) * 3", Decimal(9)),
        ("10 - 4 - 3", Decimal(3)),
        ("100 / 10 / 5", Decimal(2)),
        ("2 ^ 10", Decimal(1024)),
        ("2 * (3 ^ 2)", Decimal(18)),
        ("(-2) ^ 2", Decimal(4)),
        ("4 ^ 0.5", Decimal(2)),
        ("+5 - -5", Decimal(10)),
        (".5 + 5.", Decimal("5.5")),
        ("0.1 + 0.2", Decimal("0.3")),
        ("1234.10 * 0.15", Decimal("185.1150")),
        ("9999999999999999.99 + 0.01", Decimal(10_000_000_000_000_000)),
        ("1 / 3", Decimal("0." + "3" * 40)),
        ("2 / 3", Decimal("0." + "6" * 39 + "7")),
        ("1 /* one */ + /* and\none */ 1", Decimal(2)),
    ],
)
def test_arithmetic_is_exact(text: str, expected: Decimal) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / 0", "division by zero"),
        ("0 / 0", "division by zero"),
        ("(0 - 8) ^ 0.5", "a number without a result"),
        ("10 ^ 100", "a number outgrows 1E+100"),
        ("DATE(2024, 1, 1) + 99999999", "a date outside the years 1 to 9999"),
        ("DATE(9999, 12, 31) + 1", "a date outside the years 1 to 9999"),
    ],
)
def test_what_has_no_result_is_an_error(text: str, expected: str) -> None:
    assert stop(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 = 1.00", True),
        ("1 == 2", False),
        ("1 <> 2", True),
        ("1 != 1.0", False),
        ("1 < 2", True),
        ("2 <= 2", True),
        ("1 > 2", False),
        ("2 >= 3", False),
        ("'a' = 'A'", False),
        ("'a' < 'b'", True),
        ("TRUE = TRUE", True),
        ("TRUE <> FALSE", True),
        ("DATE(2024, 1, 1) < DATE(2024, 1, 2)", True),
        ("1 < 2 = TRUE", True),
        ("TRUE || FALSE && FALSE", True),
        ("(TRUE || FALSE) && FALSE", False),
        ("!TRUE || TRUE", True),
        ("!(TRUE || TRUE)", False),
        ("FALSE || FALSE || TRUE", True),
        ("true && NULL", False),
        ("(TRUE && TRUE) && TRUE", True),
    ],
)
def test_comparisons_and_logic(text: str, expected: bool) -> None:  # noqa: FBT001 - a column
    assert value(text) is expected


def test_logic_stops_as_soon_as_the_answer_is_known() -> None:
    assert value("FALSE && 1 / 0 = 1") is False
    assert value("TRUE || 1 / 0 = 1") is True
    assert value("IF(TRUE, 1, 1 / 0)") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DATE(2024, 1, 31) + 1", date(2024, 2, 1)),
        ("1 + DATE(2024, 1, 31)", date(2024, 2, 1)),
        ("DATE(2024, 3, 1) - 1", date(2024, 2, 29)),
        ("DATE(2024, 1, 1) + 1.9", date(2024, 1, 2)),
        ("DATE(2024, 1, 3) - 0.5", date(2024, 1, 2)),
        ("DATE(2025, 1, 1) - DATE(2024, 1, 1)", Decimal(366)),
        ("CreatedDate + 0.5", datetime(2024, 1, 1, 18, tzinfo=UTC)),
        ("0.25 + CreatedDate", datetime(2024, 1, 1, 12, tzinfo=UTC)),
        ("CreatedDate - 1", datetime(2023, 12, 31, 6, tzinfo=UTC)),
        ("CreatedDate - DATETIMEVALUE('2023-12-31 00:00:00')", Decimal("1.25")),
    ],
)
def test_dates_count_in_days(text: str, expected: Value) -> None:
    assert value(text, {"CreatedDate": "2024-01-01T06:00:00.000+0000"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a' & 'b' & \"c\"", "abc"),
        ("('a' & 'b') & ('c' & 'd')", "abcd"),
        ("'a' + 'b'", "ab"),
        (r"'it\'s' & '\n\t\r\\' & " + r'"\"x\""', 'it\'s\n\t\r\\"x"'),
        ("'ü€😀'", "ü€😀"),
    ],
)
def test_texts_are_joined_as_written(text: str, expected: str) -> None:
    assert value(text) == expected


def test_a_joined_text_has_a_limit() -> None:
    record = {"Name": "x" * 150_000}

    assert stop("Name & Name", record) == "a text of more than 200000 characters"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Id = '{ID18}'", True),
        (f"Id = '{ID18[:15]}'", True),
        (f"'{ID18[:15]}' <> Id", False),
        ("Id = 'A0KHS000000017L'", False),
        ("Id = ''", False),
        ("Id = SBQQ__Quote__c", False),
        (f"CASE(Id, '{ID18[:15]}', TRUE, FALSE)", True),
        (f"IF(TRUE, Id, Name) = '{ID18[:15]}'", True),
    ],
)
def test_fifteen_and_eighteen_characters_name_the_same_record(
    text: str,
    expected: bool,  # noqa: FBT001 - a column
) -> None:
    """Ids compare case-sensitively at 15 characters (salesforce.md 3.2)."""
    assert value(text, {"Id": ID18}) is expected
