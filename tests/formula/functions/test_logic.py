"""IF, CASE, AND, OR, NOT, ISPICKVAL."""

from decimal import Decimal

import pytest

from closedwon.formula import Value, ValueType
from formula.quote_lines import compiled, value

USAGE = {"SBQQ__ChargeType__c": "Usage", "SBQQ__Quantity__c": Decimal(2)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IF(SBQQ__Quantity__c > 1, 'many', 'one')", "many"),
        ("IF(SBQQ__Quantity__c > 2, 'many', 'one')", "one"),
        ("if(true, 1, null)", Decimal(1)),
        ("AND(TRUE, TRUE, FALSE)", False),
        ("AND(TRUE, TRUE)", True),
        ("OR(FALSE, FALSE, TRUE)", True),
        ("OR(FALSE)", False),
        ("NOT(FALSE)", True),
        ("CASE(SBQQ__ChargeType__c, 'One-Time', 1, 'Usage', 2, 3)", Decimal(2)),
        ("CASE(SBQQ__ChargeType__c, 'One-Time', 1, 3)", Decimal(3)),
        ("CASE(SBQQ__Quantity__c, 2.00, 'two', 'other')", "two"),
        ("CASE(SBQQ__Quantity__c, 1, 'one', NULL)", None),
        ("CASE(TRUE, FALSE, 'no', TRUE, 'yes', 'never')", "yes"),
        ("CASE(DATE(2024, 1, 1), DATE(2024, 1, 1), 'new year', 'other')", "new year"),
        ("ISPICKVAL(SBQQ__ChargeType__c, 'Usage')", True),
        ("ISPICKVAL(SBQQ__ChargeType__c, 'usage')", False),
    ],
)
def test_worked_examples(text: str, expected: Value) -> None:
    """Salesforce, "Formula Operators and Functions by Context"."""
    assert value(text, USAGE) == expected


def test_a_choice_has_the_type_of_what_it_chooses_from() -> None:
    assert compiled("IF(TRUE, NULL, DATE(2024, 1, 1))").type is ValueType.DATE
    assert compiled("CASE(1, 1, NULL, NULL)").type is ValueType.NULL
    assert compiled("BLANKVALUE(SBQQ__Quantity__c, 1)").type is ValueType.NUMBER
