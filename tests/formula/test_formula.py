"""What a compiled formula tells about itself, and formula fields that build on one another."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from closedwon.formula import (
    FormulaError,
    Place,
    Scope,
    Value,
    ValueType,
    evaluate_fields,
    in_order,
    raw,
)
from formula.quote_lines import LINE, compiled, refusal, value

LINES = {"lines": LINE}


def test_a_formula_knows_its_type_and_the_paths_it_reads() -> None:
    formula = compiled(
        "IF(ISBLANK(SBQQ__StartDate__c), SBQQ__Quote__r.SBQQ__StartDate__c, SBQQ__StartDate__c)"
        " + COUNT(lines, SBQQ__Optional__c) + COUNT(quotes)",
        collections={**LINES, "quotes": "SBQQ__Quote__c"},
        place=Place("cpq.yaml", 4, 9),
    )

    assert formula.type is ValueType.DATE
    assert formula.paths == {"SBQQ__StartDate__c", "SBQQ__Quote__r.SBQQ__StartDate__c"}
    assert formula.child_paths == {"lines": {"SBQQ__Optional__c"}, "quotes": frozenset()}
    assert formula.place == Place("cpq.yaml", 4, 9)
    assert formula.text.startswith("IF(")


def test_paths_of_branches_not_taken_are_read_too() -> None:
    assert compiled("IF(TRUE, 1, SBQQ__Quantity__c)").paths == {"SBQQ__Quantity__c"}


def test_a_rate_discount_becomes_a_multiplier() -> None:
    """Whole percents, as Salesforce JSON carries them (salesforce.md 2.2, 9.3)."""
    text = "(100 - Rate_Discount__c) / 100"

    assert value(text, {"Rate_Discount__c": Decimal("10.0")}) == Decimal("0.9")


def test_a_commit_sums_its_lines_in_cents() -> None:
    """The InfraX commit: 50k, 200k and 250k (salesforce.md 9)."""
    rows = [{"SBQQ__NetTotal__c": Decimal(text)} for text in ("50000.0", "200000.0", "250000.0")]
    text = "SUM(lines, SBQQ__NetTotal__c) * 100"

    assert value(text, {}, Scope(children={"lines": rows}), collections=LINES) == 50_000_000


EFFECTIVE_QUANTITY = """
IF(SBQQ__Existing__c,
   SBQQ__Quantity__c - SBQQ__PriorQuantity__c, /* a delta */
   SBQQ__Quantity__c)
"""


@pytest.mark.parametrize(
    ("existing", "quantity", "prior", "expected"),
    [(False, "24.0", None, "24"), (True, "150.0", "100.0", "50"), (True, "0.0", "100.0", "-100")],
)
def test_formula_fields_build_on_one_another(
    existing: bool,  # noqa: FBT001 - a column
    quantity: str,
    prior: str | None,
    expected: str,
) -> None:
    """EffectiveQuantity and NetTotal, for lines that are neither Slab nor Block (S 8.4)."""
    record = {
        "SBQQ__Existing__c": existing,
        "SBQQ__Quantity__c": Decimal(quantity),
        "SBQQ__PriorQuantity__c": prior and Decimal(prior),
        "SBQQ__NetPrice__c": Decimal("802.80"),
        "SBQQ__NetTotal__c": Decimal(1),
    }
    formulas = {
        "Twice__c": compiled("SBQQ__NetTotal__c * 2", blank_as_zero=True),
        "SBQQ__NetTotal__c": compiled("SBQQ__NetPrice__c * SBQQ__Quantity__c"),
        "SBQQ__Quantity__c": compiled("SBQQ__NetPrice__c", blank_as_zero=True),
    }
    assert [name for name, _ in in_order(formulas)] == [
        "SBQQ__Quantity__c",
        "SBQQ__NetTotal__c",
        "Twice__c",
    ]

    quantity_field = ("SBQQ__Quantity__c", compiled(EFFECTIVE_QUANTITY, blank_as_zero=True))
    total_field = ("SBQQ__NetTotal__c", formulas["SBQQ__NetTotal__c"])
    found = evaluate_fields(record, (quantity_field, total_field))

    assert found["SBQQ__Quantity__c"] == Decimal(expected)
    assert found["SBQQ__NetTotal__c"] == Decimal(expected) * Decimal("802.80")
    assert record["SBQQ__NetTotal__c"] == 1


def test_formula_fields_in_a_circle_are_refused() -> None:
    formulas = {
        "SBQQ__NetTotal__c": compiled("SBQQ__NetPrice__c * 2"),
        "SBQQ__NetPrice__c": compiled("SBQQ__NetTotal__c / 2"),
    }

    with pytest.raises(FormulaError, match="SBQQ__NetPrice__c depends on itself"):
        in_order(formulas)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, None),
        (True, True),
        ("x", "x"),
        (Decimal("1.50"), Decimal("1.50")),
        (date(2024, 1, 31), "2024-01-31"),
        (datetime(2023, 12, 15, 18, 22, 7, 999_000, tzinfo=UTC), "2023-12-15T18:22:07.999+0000"),
        (("a", "b"), "a;b"),
        ((), None),
    ],
)
def test_a_value_goes_back_as_salesforce_writes_it(found: Value, expected: object) -> None:
    assert raw(found) == expected


def test_given_names_are_typed_and_read_from_the_scope() -> None:
    names = {"$margin": ValueType.NUMBER, "label": ValueType.TEXT}
    scope = Scope(names={"$margin": Decimal("0.5"), "label": "x"}, children={"lines": [{}]})

    assert value("10 * $margin", {}, scope, names=names) == 5
    assert value("FIRST(lines, label)", {}, scope, names=names, collections=LINES) == "x"
    assert compiled("label", names=names).paths == frozenset()


def test_a_name_that_is_also_a_field_is_refused() -> None:
    assert refusal("Name", names={"Name": ValueType.TEXT}).what == (
        f"Name is both a given name and a field of {LINE}"
    )
