"""Calendar days and instants."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from closedwon.formula import Scope, Value
from formula.quote_lines import stop, value

NOON = datetime(2024, 5, 6, 12, 30, tzinfo=UTC)
RECORD = {"CreatedDate": "2024-01-31T23:30:00.000-0200"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DATE(2024, 2, 29)", date(2024, 2, 29)),
        ("YEAR(DATE(2024, 2, 29))", Decimal(2024)),
        ("MONTH(DATE(2024, 2, 29))", Decimal(2)),
        ("DAY(DATE(2024, 2, 29))", Decimal(29)),
        ("WEEKDAY(DATE(2024, 6, 2))", Decimal(1)),
        ("WEEKDAY(DATE(2024, 6, 3))", Decimal(2)),
        ("WEEKDAY(DATE(2024, 6, 8))", Decimal(7)),
        ("ADDMONTHS(DATE(2024, 1, 15), 1)", date(2024, 2, 15)),
        ("ADDMONTHS(DATE(2024, 1, 31), 1)", date(2024, 2, 29)),
        ("ADDMONTHS(DATE(2023, 2, 28), 1)", date(2023, 3, 31)),
        ("ADDMONTHS(DATE(2024, 2, 28), 1)", date(2024, 3, 28)),
        ("ADDMONTHS(DATE(2024, 1, 30), 1)", date(2024, 2, 29)),
        ("ADDMONTHS(DATE(2024, 2, 29), 12)", date(2025, 2, 28)),
        ("ADDMONTHS(DATE(2024, 3, 31), -1)", date(2024, 2, 29)),
        ("ADDMONTHS(DATE(2024, 1, 15), 1.9)", date(2024, 2, 15)),
        ("ADDMONTHS(DATE(2024, 1, 1), 36) - 1", date(2026, 12, 31)),
        ("ADDMONTHS(CreatedDate, 1)", datetime(2024, 3, 1, 1, 30, tzinfo=UTC)),
        ("ADDMONTHS(DATETIMEVALUE('2024-01-31 10:00:00'), 1)", datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("DATEVALUE('2024-01-31')", date(2024, 1, 31)),
        ("DATEVALUE(CreatedDate)", date(2024, 2, 1)),
        ("DATEVALUE(DATE(2024, 1, 31))", date(2024, 1, 31)),
        ("DATETIMEVALUE('2024-01-31 10:00:00')", datetime(2024, 1, 31, 10, tzinfo=UTC)),
        ("DATETIMEVALUE('2024-01-31T10:00:00+02:00')", datetime(2024, 1, 31, 8, tzinfo=UTC)),
        ("DATETIMEVALUE(DATE(2024, 1, 31))", datetime(2024, 1, 31, tzinfo=UTC)),
        ("DATETIMEVALUE(CreatedDate)", datetime(2024, 2, 1, 1, 30, tzinfo=UTC)),
        ("AS_OF()", NOON),
        ("NOW()", NOON),
        ("TODAY()", date(2024, 5, 6)),
        ("TODAY() = DATEVALUE(AS_OF())", True),
    ],
)  # fmt: skip
def test_worked_examples(text: str, expected: Value) -> None:
    """Salesforce help, date functions: the last day of a month stays the last day."""
    assert value(text, RECORD, Scope(as_of=NOON)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DATE(2023, 2, 29)", "day is out of range for month"),
        ("DATE(0, 1, 1)", "year 0 is out of range"),
        ("DATEVALUE('31.01.2024')", "not a date: '31.01.2024'; expected 2024-01-31"),
        ("DATETIMEVALUE('soon')", "not a datetime: 'soon'; expected 2024-01-31 10:00:00"),
        ("ADDMONTHS(DATE(2024, 1, 1), 99999999)", "a date outside the years 1 to 9999"),
        ("ADDMONTHS(DATE(9999, 1, 1), 12)", "year 10000 is out of range"),
        ("AS_OF()", "AS_OF() was asked, but no instant was given"),
        ("TODAY()", "TODAY() was asked, but no instant was given"),
    ],
)
def test_what_is_no_date_is_an_error(text: str, expected: str) -> None:
    assert stop(text) == expected
