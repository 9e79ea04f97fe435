"""Texts, lists of texts and ids."""

from decimal import Decimal

import pytest

from closedwon.formula import Value, ValueType
from formula.quote_lines import compiled, stop, value

ID18 = "a0kHs000000017LIAQ"
RECORD = {
    "Id": ID18,
    "Regions__c": "EU;US",
    "Applicable_Tags__c": " storage; compute;;gpu ",
    "SBQQ__StartDate__c": "2024-01-31",
    "CreatedDate": "2023-12-15T18:22:07.000+0000",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TEXT(1200.50)", "1200.5"),
        ("TEXT(12 / 10)", "1.2"),
        ("TEXT(SBQQ__StartDate__c)", "2024-01-31"),
        ("TEXT(CreatedDate)", "2023-12-15 18:22:07Z"),
        ("TEXT(Regions__c)", "EU;US"),
        ("VALUE(' 1200.50 ')", Decimal("1200.5")),
        ("VALUE('-3')", Decimal(-3)),
        ("UPPER('Ab')", "AB"),
        ("LOWER('Ab')", "ab"),
        ("TRIM('  a b ')", "a b"),
        ("LEN('abc')", Decimal(3)),
        ("LEFT('abc', 2)", "ab"),
        ("LEFT('abc', -1)", None),
        ("LEFT('abc', 2.9)", "ab"),
        ("RIGHT('abc', 2)", "bc"),
        ("RIGHT('abc', 9)", "abc"),
        ("RIGHT('abc', 0)", None),
        ("RIGHT('abc', -1)", None),
        ("MID('abcdef', 2, 3)", "bcd"),
        ("MID('abcdef', 0, 2)", "ab"),
        ("MID('abcdef', 9, 2)", None),
        ("MID('abcdef', 2, -1)", None),
        ("FIND('c', 'abcabc')", Decimal(3)),
        ("FIND('c', 'abcabc', 4)", Decimal(6)),
        ("FIND('c', 'abcabc', 0)", Decimal(3)),
        ("FIND('z', 'abc')", Decimal(0)),
        ("CONTAINS('abc', 'bc')", True),
        ("CONTAINS('abc', 'BC')", False),
        ("BEGINS('abc', 'ab')", True),
        ("BEGINS('abc', 'bc')", False),
        ("INCLUDES(Regions__c, 'US')", True),
        ("INCLUDES(Regions__c, 'U')", False),
        ("INCLUDES(SPLIT(Applicable_Tags__c, ';'), 'compute')", True),
        ("SUBSTITUTE('a-b-c', '-', '+')", "a+b+c"),
        ("SUBSTITUTE('aaa', 'a', '')", None),
        ("SPLIT(Applicable_Tags__c, ';')", ("storage", "compute", "gpu")),
        ("IF(FALSE, SPLIT('a', ';'), NULL)", ()),
        (f"CASESAFEID('{ID18[:15]}')", ID18),
        (f"CASESAFEID('{ID18[:15]}') = '{ID18[:15]}'", True),
        ("CASESAFEID('short')", "short"),
    ],
)
def test_worked_examples(text: str, expected: Value) -> None:
    """Salesforce help, text functions; SPLIT is ours (``;``-separated tags, salesforce.md 9.2)."""
    assert value(text, RECORD) == expected


def test_split_gives_a_list() -> None:
    assert compiled("SPLIT(Name, ';')").type is ValueType.LIST


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("VALUE('12 apples')", "not a number: '12 apples'"),
        ("VALUE('NaN')", "not a plain decimal number: 'NaN'"),
        ("VALUE('1_000')", "not a number: '1_000'"),
    ],
)
def test_what_is_no_number_is_an_error(text: str, expected: str) -> None:
    assert stop(text) == expected


def test_text_that_doubles_stops_at_the_limit() -> None:
    text = "SUBSTITUTE(" * 30 + "'a'" + ", 'a', 'aa')" * 30

    assert stop(text) == "a text of more than 200000 characters"
