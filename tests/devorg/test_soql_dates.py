"""Date literals as ranges (salesforce.md 3.2), from Wednesday 2024-05-15."""

from datetime import date

import pytest

from closedwon.devorg.soql.date_literals import day_range

TODAY = date(2024, 5, 15)


@pytest.mark.parametrize(
    ("literal", "first", "after"),
    [
        ("YESTERDAY", "2024-05-14", "2024-05-15"),
        ("TODAY", "2024-05-15", "2024-05-16"),
        ("TOMORROW", "2024-05-16", "2024-05-17"),
        ("LAST_WEEK", "2024-05-05", "2024-05-12"),
        ("THIS_WEEK", "2024-05-12", "2024-05-19"),
        ("NEXT_MONTH", "2024-06-01", "2024-07-01"),
        ("LAST_QUARTER", "2024-01-01", "2024-04-01"),
        ("THIS_FISCAL_QUARTER", "2024-04-01", "2024-07-01"),
        ("NEXT_YEAR", "2025-01-01", "2026-01-01"),
        ("LAST_FISCAL_YEAR", "2023-01-01", "2024-01-01"),
        ("LAST_90_DAYS", "2024-02-15", "2024-05-16"),
        ("NEXT_90_DAYS", "2024-05-16", "2024-08-14"),
        ("LAST_N_DAYS:3", "2024-05-12", "2024-05-16"),
        ("LAST_N_DAYS:0", "2024-05-15", "2024-05-16"),
        ("NEXT_N_DAYS:3", "2024-05-16", "2024-05-19"),
        ("N_DAYS_AGO:3", "2024-05-12", "2024-05-13"),
        ("LAST_N_WEEKS:2", "2024-04-28", "2024-05-12"),
        ("NEXT_N_MONTHS:2", "2024-06-01", "2024-08-01"),
        ("LAST_N_QUARTERS:2", "2023-10-01", "2024-04-01"),
        ("N_YEARS_AGO:1", "2023-01-01", "2024-01-01"),
        ("LAST_N_FISCAL_YEARS:2", "2022-01-01", "2024-01-01"),
        ("N_MONTHS_AGO:5", "2023-12-01", "2024-01-01"),
    ],
)
def test_ranges(literal: str, first: str, after: str) -> None:
    name, _, count = literal.partition(":")
    found = day_range(name, int(count) if count else None, TODAY)

    assert found == (date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("SOMEDAY", None),
        ("LAST_FISCAL_WEEK", None),
        ("LAST_N_DAYS", None),
        ("TODAY", 3),
        ("LAST_N_DECADES", 1),
        ("LAST_N_DAYS", 10_000),
        ("LAST_N_YEARS", 9_999),
    ],
)
def test_what_is_no_literal_has_no_range(name: str, count: int | None) -> None:
    assert day_range(name, count, TODAY) is None
