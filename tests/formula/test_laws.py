"""Laws for all inputs: nothing but FormulaError, exact arithmetic, calendar steps."""

import calendar
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.formula import EvaluationError, FormulaError, Scope, Value, ValueType
from formula.quote_lines import LINE, compiled, value

WORDS = [
    "IF(", "SUM(lines,", "CASE(", "ROUND(", "Name", "SBQQ__Quantity__c", "SBQQ__Quote__r.Id", "lines",
    "SBQQ__StartDate__c", "TRUE", "NULL", "1", "0", "2.5", "'a'", "''", '"b"', "+", "-", "*", "/", "^",
    "&", "&&", "||", "!", "=", "<>", "<", ">=", "(", ")", ",", " ", "/*", "*/", "\n", "'", ".", "\\",
    "ADDMONTHS(", "TEXT(", "VALUE(", "SPLIT(", "ISBLANK(", "FIRST(lines,", "DATE(", "SUBSTITUTE(",
]  # fmt: skip
TYPES = {
    ValueType.NUMBER: Decimal,
    ValueType.TEXT: str,
    ValueType.DATE: date,
    ValueType.DATETIME: date,
    ValueType.BOOLEAN: bool,
    ValueType.LIST: tuple,
    ValueType.NULL: type(None),
}
law = settings(deadline=None)
"""A shared machine may pause; what is slow is told by the suite's own timeout."""
anything = st.text() | st.lists(st.sampled_from(WORDS), max_size=30).map("".join)
amounts = st.decimals(-(10**9), 10**9, places=4)
days = st.dates(date(1900, 1, 1), date(2200, 12, 31))
months = st.integers(-1_200, 1_200)


@law
@given(text=anything, name=st.none() | st.text(max_size=5), quantity=st.none() | amounts)
def test_any_text_compiles_or_is_refused_and_any_value_has_its_type(
    text: str, name: str | None, quantity: Decimal | None
) -> None:
    record = {"Name": name, "SBQQ__Quantity__c": quantity, "SBQQ__StartDate__c": "2024-02-29"}
    match outcome(text, record):
        case FormulaError() as error:
            assert error.line >= 1 <= error.column
            assert error.caret.endswith("^")
        case EvaluationError() as error:
            assert str(error.place) in str(error)
        case kind, found:
            assert found is None or isinstance(found, TYPES[kind])


def outcome(text: str, record: Mapping[str, Any]) -> Exception | tuple[ValueType, Value]:
    try:
        formula = compiled(text, collections={"lines": LINE})
        return formula.type, formula.evaluate(record, Scope(children={"lines": [record, {}]}))
    except (FormulaError, EvaluationError) as error:
        return error


def trees() -> st.SearchStrategy[tuple[str, Fraction]]:
    """Texts of sums, differences and products, each with its true value."""
    leaves = amounts.map(lambda amount: (f"({amount:f})", Fraction(amount)))

    def joined(
        parts: tuple[tuple[str, Fraction], str, tuple[str, Fraction]],
    ) -> tuple[str, Fraction]:
        (left, a), sign, (right, b) = parts
        true = {"+": a + b, "-": a - b, "*": a * b}[sign]
        return f"({left} {sign} {right})", true

    return st.recursive(
        leaves,
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(joined),
        max_leaves=2,
    )


@law
@given(left=trees(), right=trees())
def test_sums_and_products_of_amounts_are_exact(
    left: tuple[str, Fraction], right: tuple[str, Fraction]
) -> None:
    """Two products of amounts below 10^9 with four decimals stay within 40 digits."""
    found = value(f"{left[0]} + {right[0]}")

    assert isinstance(found, Decimal)
    assert Fraction(found) == left[1] + right[1]


@law
@given(a=amounts, b=amounts.filter(bool))
def test_a_quotient_is_exact_to_forty_digits(a: Decimal, b: Decimal) -> None:
    found = value(
        "SBQQ__Quantity__c / SBQQ__NetPrice__c", {"SBQQ__Quantity__c": a, "SBQQ__NetPrice__c": b}
    )

    assert isinstance(found, Decimal)
    true = Fraction(a) / Fraction(b)
    assert abs(Fraction(found) - true) <= abs(true) * Fraction(1, 2 * 10**39)


@law
@given(amount=amounts, digits=st.integers(-3, 5))
def test_rounding_is_the_nearest_and_ties_go_away_from_zero(amount: Decimal, digits: int) -> None:
    found = value(f"ROUND(SBQQ__Quantity__c, {digits})", {"SBQQ__Quantity__c": amount})

    assert isinstance(found, Decimal)
    unit = Fraction(10) ** -digits
    true = Fraction(amount)
    assert (Fraction(found) / unit).denominator == 1
    assert abs(Fraction(found) - true) <= unit / 2
    if abs(Fraction(found) - true) == unit / 2:
        assert abs(Fraction(found)) > abs(true)


def is_last(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


month_ends = days.map(lambda day: day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def later(day: date, months: int) -> date:
    found = value(f"ADDMONTHS(SBQQ__StartDate__c, {months})", {"SBQQ__StartDate__c": f"{day}"})
    assert isinstance(found, date)
    return found


@law
@given(day=days, months=months)
def test_addmonths_moves_the_month_and_keeps_the_day_or_the_months_end(
    day: date, months: int
) -> None:
    found = later(day, months)

    assert (found.year - day.year) * 12 + found.month - day.month == months
    assert is_last(found) if is_last(day) else found.day == day.day or is_last(found)


@law
@given(day=days.map(lambda day: day.replace(day=min(day.day, 27))), months=months)
def test_addmonths_of_an_ordinary_day_can_be_undone(day: date, months: int) -> None:
    assert later(later(day, months), -months) == day


@law
@given(day=month_ends, first=months, second=months)
def test_steps_from_month_end_to_month_end_add_up(day: date, first: int, second: int) -> None:
    assert later(later(day, first), second) == later(day, first + second)


@law
@given(day=days, count=st.integers(-10_000, 10_000))
def test_what_was_added_to_a_date_is_the_difference(day: date, count: int) -> None:
    record = {"SBQQ__StartDate__c": f"{day}"}

    assert value(f"(SBQQ__StartDate__c + ({count})) - SBQQ__StartDate__c", record) == count


@law
@given(text=st.text(max_size=20), old=st.text(max_size=3), new=st.text(max_size=3))
def test_text_in_a_record_is_never_taken_for_formula(text: str, old: str, new: str) -> None:
    record = {"Name": text, "Applicable_Tags__c": old, "Regions__c": new}
    expected = text.replace(old, new) if old else text

    assert value("SUBSTITUTE(Name, Applicable_Tags__c, Regions__c)", record) == (expected or None)
