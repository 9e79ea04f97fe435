"""Rounding, extremes and remainders of exact numbers."""

from decimal import Decimal

import pytest

from formula.quote_lines import stop, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ROUND(1.5, 0)", "2"),
        ("ROUND(1.2345, 0)", "1"),
        ("ROUND(-1.5, 0)", "-2"),
        ("ROUND(225.49823, 2)", "225.50"),
        ("ROUND(1.005, 2)", "1.01"),
        ("ROUND(-2.5, 0)", "-3"),
        ("ROUND(-0.4, 0)", "0"),
        ("ROUND(1250, -2)", "1300"),
        ("ROUND(1.25, 1.9)", "1.3"),
        ("ROUND(5, 2)", "5"),
        ("TRUNC(8.9)", "8"),
        ("TRUNC(-8.9)", "-8"),
        ("TRUNC(8.987, 2)", "8.98"),
        ("TRUNC(1299, -2)", "1200"),
        ("FLOOR(2.5)", "2"),
        ("FLOOR(-2.5)", "-2"),
        ("CEILING(2.5)", "3"),
        ("CEILING(-2.5)", "-3"),
        ("MFLOOR(-2.5)", "-3"),
        ("MCEILING(-2.5)", "-2"),
        ("ABS(-3.1)", "3.1"),
        ("MIN(3, 1, 2)", "1"),
        ("MAX(3, 1, 2)", "3"),
        ("MAX(7)", "7"),
        ("MOD(3, 2)", "1"),
        ("MOD(-3, 2)", "-1"),
        ("MOD(7.5, 2)", "1.5"),
    ],
)
def test_worked_examples(text: str, expected: str) -> None:
    """Salesforce help, ROUND, TRUNC, FLOOR, CEILING, MFLOOR, MCEILING, MOD; MOD as its engine does."""
    assert value(text) == Decimal(expected)


def test_rounding_to_zero_leaves_no_sign() -> None:
    assert str(value("ROUND(-0.4, 0)")) == "0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MOD(1, 0)", "division by zero"),
        ("ROUND(1.5, 91)", "rounding to 91 digits; expected -90 to 90"),
        ("ROUND(1.5, -91)", "rounding to -91 digits; expected -90 to 90"),
    ],
)
def test_what_has_no_result_is_an_error(text: str, expected: str) -> None:
    assert stop(text) == expected
