"""The blank rules of src/closedwon/formula/README.md, line by line."""

from decimal import Decimal
from typing import Any

import pytest

from closedwon.formula import Value
from formula.quote_lines import refusal, value

ONE: dict[str, Any] = {
    "SBQQ__Quantity__c": Decimal(5),
    "SBQQ__StartDate__c": "2024-01-01",
    "Name": "a",
}
BLANK_NUMBER = "SBQQ__NetPrice__c"
BLANK_DATE = "SBQQ__EndDate__c"
BLANK_TEXT = "Applicable_Tags__c"


@pytest.mark.parametrize(
    "text",
    [
        f"SBQQ__Quantity__c + {BLANK_NUMBER}",
        f"{BLANK_NUMBER} - SBQQ__Quantity__c",
        f"SBQQ__Quantity__c * {BLANK_NUMBER}",
        f"SBQQ__Quantity__c / {BLANK_NUMBER}",
        f"SBQQ__Quantity__c ^ {BLANK_NUMBER}",
        f"-{BLANK_NUMBER}",
        f"ROUND({BLANK_NUMBER}, 2)",
        f"ROUND(1, {BLANK_NUMBER})",
        f"MAX(1, 2, {BLANK_NUMBER})",
        f"ABS({BLANK_NUMBER})",
        f"SBQQ__StartDate__c + {BLANK_NUMBER}",
        f"{BLANK_DATE} - SBQQ__StartDate__c",
        f"ADDMONTHS({BLANK_DATE}, 1)",
        f"YEAR({BLANK_DATE})",
        f"LEFT({BLANK_TEXT}, 2)",
        f"MID('abc', 1, {BLANK_NUMBER})",
        f"UPPER({BLANK_TEXT})",
        f"VALUE({BLANK_TEXT})",
        f"TEXT({BLANK_NUMBER})",
        f"DATEVALUE({BLANK_TEXT})",
        f"{BLANK_TEXT} & {BLANK_TEXT}",
        "TRIM('   ')",
        "''",
        "NULL",
        "SBQQ__Quote__r.SBQQ__StartDate__c",
    ],
)
def test_computing_with_a_blank_gives_a_blank(text: str) -> None:
    assert value(text, ONE) is None


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "=", "<>"])
def test_numbers_and_dates_never_compare_with_a_blank(sign: str) -> None:
    assert value(f"SBQQ__Quantity__c {sign} {BLANK_NUMBER}", ONE) is False
    assert value(f"{BLANK_NUMBER} {sign} SBQQ__Quantity__c", ONE) is False
    assert value(f"{BLANK_NUMBER} {sign} {BLANK_NUMBER}", ONE) is False
    assert value(f"SBQQ__StartDate__c {sign} {BLANK_DATE}", ONE) is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{BLANK_TEXT} = ''", True),
        (f"{BLANK_TEXT} <> ''", False),
        (f"{BLANK_TEXT} <> 'a'", True),
        (f"{BLANK_TEXT} = 'a'", False),
        (f"{BLANK_TEXT} = Regions__c", True),
        (f"{BLANK_TEXT} < 'a'", False),
        (f"'a' > {BLANK_TEXT}", False),
        (f"CASE({BLANK_TEXT}, '', TRUE, FALSE)", True),
        (f"CASE({BLANK_NUMBER}, 0, TRUE, FALSE)", False),
        ("ISPICKVAL(SBQQ__ChargeType__c, '')", True),
        ("ISPICKVAL(SBQQ__ChargeType__c, 'Usage')", False),
    ],
)
def test_a_blank_text_is_the_empty_text(text: str, expected: bool) -> None:  # noqa: FBT001 - a column
    """As in Salesforce, where texts are never null."""
    assert value(text, ONE) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"'x' & {BLANK_TEXT} & 'y'", "xy"),
        (f"{BLANK_TEXT} + 'y'", "y"),
        (f"CONTAINS('abc', {BLANK_TEXT})", False),
        (f"CONTAINS({BLANK_TEXT}, 'a')", False),
        (f"BEGINS('abc', {BLANK_TEXT})", False),
        (f"INCLUDES(Regions__c, {BLANK_TEXT})", False),
        (f"FIND('a', {BLANK_TEXT})", Decimal(0)),
        (f"LEN({BLANK_TEXT})", Decimal(0)),
        (f"SPLIT({BLANK_TEXT}, ';')", ()),
        (f"SUBSTITUTE({BLANK_TEXT}, 'a', 'b')", None),
        (f"SUBSTITUTE('abc', {BLANK_TEXT}, 'b')", "abc"),
        (f"SUBSTITUTE('abc', 'b', {BLANK_TEXT})", "ac"),
    ],
)
def test_text_functions_state_their_answer_for_a_blank(text: str, expected: Value) -> None:
    assert value(text, ONE) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SBQQ__Optional__c",
        "IF(SBQQ__Quantity__c > 1, NULL, TRUE)",
        "NOT(IF(TRUE, NULL, TRUE)) = FALSE",
        "AND(TRUE, IF(TRUE, NULL, TRUE))",
        "SBQQ__Optional__c <> SBQQ__Existing__c",
    ],
)
def test_a_boolean_is_never_blank(text: str) -> None:
    assert value(text, ONE) is False


@pytest.mark.parametrize("name", ["ISBLANK", "ISNULL"])
@pytest.mark.parametrize("text", [BLANK_NUMBER, BLANK_DATE, BLANK_TEXT, "''", "SPLIT('', ';')"])
def test_isblank_sees_blanks_of_every_type(name: str, text: str) -> None:
    assert value(f"{name}({text})", ONE) is True
    assert value(f"{name}({text})", {**ONE, text: ""} if text == BLANK_TEXT else ONE) is True
    assert value(f"{name}(SBQQ__Quantity__c)", ONE) is False


@pytest.mark.parametrize("name", ["BLANKVALUE", "NULLVALUE"])
def test_blankvalue_substitutes_blanks_only(name: str) -> None:
    assert value(f"{name}({BLANK_NUMBER}, 7)", ONE) == Decimal(7)
    assert value(f"{name}(SBQQ__Quantity__c, 7)", ONE) == Decimal(5)
    assert value(f"{name}(SPLIT('', ';'), SPLIT('a;b', ';'))", ONE) == ("a", "b")


def test_blank_number_fields_count_as_zero_on_request() -> None:
    """Salesforce, "Treat blank fields as zeroes"; the rule of EffectiveQuantity (S 8.4)."""
    text = f"SBQQ__Quantity__c - {BLANK_NUMBER} + SBQQ__Quote__r.SBQQ__Opportunity2__r.Amount"

    assert value(text, ONE, blank_as_zero=True) == Decimal(5)
    assert value(f"BLANKVALUE({BLANK_NUMBER}, 7)", ONE, blank_as_zero=True) == Decimal(0)
    assert value(f"{BLANK_NUMBER} = 0", ONE, blank_as_zero=True) is True
    assert value(BLANK_DATE, ONE, blank_as_zero=True) is None
    assert value("IF(TRUE, NULL, 1)", ONE, blank_as_zero=True) is None


def test_isblank_of_a_number_that_counts_as_zero_is_refused() -> None:
    error = refusal(f"ISBLANK({BLANK_NUMBER})", blank_as_zero=True)

    assert "can never be true" in error.what
    assert error.column == 9
