"""What a compiled formula tells about itself, and what it computes end to end."""

from decimal import Decimal

from formula.quote_lines import compiled, value

from closedwon.formula import Scope, ValueType


def test_a_formula_knows_its_type_and_the_paths_it_reads() -> None:
    formula = compiled(
        "IF(ISBLANK(SBQQ__StartDate__c), SBQQ__Quote__r.SBQQ__StartDate__c, SBQQ__StartDate__c)"
        " + COUNT(lines, SBQQ__Optional__c) + COUNT(quotes)",
        collections={"lines": "SBQQ__QuoteLine__c", "quotes": "SBQQ__Quote__c"},
    )

    assert formula.type is ValueType.DATE
    assert formula.paths == {"SBQQ__StartDate__c", "SBQQ__Quote__r.SBQQ__StartDate__c"}
    assert formula.child_paths == {"lines": {"SBQQ__Optional__c"}, "quotes": frozenset()}


def test_a_rate_discount_becomes_a_multiplier() -> None:
    """Whole percents, as Salesforce JSON carries them (salesforce.md 2.2, 9.3)."""
    assert value("(100 - Rate_Discount__c) / 100", {"Rate_Discount__c": Decimal("10.0")}) == (
        Decimal("0.9")
    )


def test_a_commit_sums_its_lines() -> None:
    rows = [{"SBQQ__NetTotal__c": Decimal(text)} for text in ("50000.0", "200000.0", "250000.0")]
    total = value(
        "SUM(lines, SBQQ__NetTotal__c) * 100",
        scope=Scope(children={"lines": rows}),
        collections={"lines": "SBQQ__QuoteLine__c"},
    )

    assert total == Decimal(50_000_000)
