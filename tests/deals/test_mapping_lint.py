from closedwon.deals.mapping import lint, load_mapping
from closedwon.deals.types import Finding, Severity
from closedwon.formula.schema import Schema
from deals import cpq_org as org
from deals.test_mapping_load import TINY


def linted(text: str, schema: Schema = org.SCHEMA) -> dict[str, Finding]:
    mapping = load_mapping(text, "m.yaml", schema, {})
    return {finding.code: finding for finding in lint(mapping)}


def test_the_shipped_mapping_has_no_errors() -> None:
    assert [one for one in lint(org.MAPPING) if one.severity is Severity.PARK] == []


def test_a_rule_behind_one_that_takes_everything_is_an_error() -> None:
    text = TINY.replace(
        "  - otherwise", "  - {id: never, for: lines, when: TRUE, ignore: late}\n  - otherwise"
    )
    finding = linted(text)["rule_unreachable"]

    assert finding.severity is Severity.PARK
    assert "'never' never gets a row: rule 'charge'" in finding.message
    assert finding.place == "m.yaml:24:5"


def test_two_rules_with_one_condition_are_an_error() -> None:
    rule = "  - {{id: {}, for: lines, when: SBQQ__Optional__c, ignore: x}}\n"
    text = TINY.replace("rules:\n", "rules:\n" + rule.format("a") + rule.format("b"))

    assert "rule 'a' takes them all" in linted(text)["rule_unreachable"].message


def test_a_picklist_value_the_org_does_not_have_is_told_with_the_nearest() -> None:
    rule = "  - {id: a, for: lines, when: Deal_Term_Type__c = 'Comit', ignore: x}\n"
    finding = linted(TINY.replace("rules:\n", "rules:\n" + rule))["picklist_value_unknown"]

    assert "'Comit'; did you mean 'Commit'?" in finding.message
    assert finding.place.startswith("m.yaml:17:")


def test_a_field_salesforce_computes_is_told_once() -> None:
    lines = dict(org.SCHEMA["SBQQ__QuoteLine__c"])
    total = lines["SBQQ__NetTotal__c"]
    lines["SBQQ__NetTotal__c"] = type(total)(name=total.name, type=total.type, calculated=True)
    mapping = org.cpq({**org.SCHEMA, "SBQQ__QuoteLine__c": lines})

    found = [finding for finding in lint(mapping) if finding.code == "formula_field"]

    assert [finding.field for finding in found] == ["SBQQ__NetTotal__c"]


def test_a_term_that_depends_on_the_clock_is_an_error_and_a_gate_is_not() -> None:
    moving = TINY.replace("on: SBQQ__StartDate__c", "on: TODAY()")
    gate = "gates:\n  - {id: backdated, when: CloseDate < TODAY() - 90, message: old}\n"
    quoted = TINY.replace("name: SBQQ__ProductName__c", "name: '\"NOW (\"'")

    assert linted(moving)["depends_on_now"].severity is Severity.PARK
    assert "depends_on_now" not in linted(TINY + gate)
    assert "depends_on_now" not in linted(quoted)


def test_slips_of_money_that_would_go_unseen_are_told() -> None:
    commit = """
    commit:
      product: '"sku:x"'
      name: Name
      access: {amount: SBQQ__NetTotal__c, start: SBQQ__StartDate__c, end: SBQQ__StartDate__c}
"""
    lenient = commit + "      payments: {difference: allow}\n"

    assert "no_total" in linted(TINY)
    assert "commit_unpaid" in linted(TINY.replace("    for: lines\n", "    for: lines" + commit))
    assert "difference_accepted" in linted(
        TINY.replace("    for: lines\n", "    for: lines" + lenient)
    )


def test_r216_a_subscription_that_leans_on_the_rate_card_is_told() -> None:
    sold = """
    subscription:
      product: '"prod-seats"'
      name: Name
      frequency: '"MONTHLY"'
      quantity: SBQQ__Quantity__c
      start: SBQQ__StartDate__c
"""
    at_card = TINY.replace("    for: lines\n", "    for: lines" + sold)
    priced = TINY.replace("    for: lines\n", "    for: lines" + sold + "      price: 3\n")

    assert "subscription_at_card_rate" in linted(at_card)
    assert "subscription_at_card_rate" not in linted(priced)
