import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.deals.mapping import MappingError, load_mapping
from closedwon.formula.schema import Schema
from deals import cpq_org as org

TINY = """\
name: tiny
source:
  root: Opportunity
  trigger: IsWon = true
  children:
    lines:
      object: SBQQ__QuoteLine__c
      link: SBQQ__Quote__c
      parent: deal.SBQQ__PrimaryQuote__c
      to_root: SBQQ__Quote__r.SBQQ__Opportunity2__c
customer: {account_id: AccountId, name: Account.Name}
contract:
  kind: '"new"'
  start: CloseDate
  currency: '"USD"'
rules:
  - id: charge
    for: lines
    scheduled_charge:
      product: '"sku:" & SBQQ__ProductCode__c'
      name: SBQQ__ProductName__c
      amount: SBQQ__NetTotal__c
      on: SBQQ__StartDate__c
  - otherwise: reject
"""


def problems(
    text: str, schema: Schema = org.SCHEMA, tables: dict[str, str] | None = None
) -> list[str]:
    with pytest.raises(MappingError) as caught:
        load_mapping(text, "m.yaml", schema, tables or {})
    return [str(problem) for problem in caught.value.problems]


def test_the_fields_to_read_follow_from_the_formulas() -> None:
    source = load_mapping(TINY, "m.yaml", org.SCHEMA, {}).source

    assert source.fields == (
        "Account.Name", "AccountId", "CloseDate", "Id", "Name", "SBQQ__PrimaryQuote__c",
        "SystemModstamp",
    )  # fmt: skip
    (lines,) = source.children
    assert lines.fields == (
        "Id", "Name", "SBQQ__NetTotal__c", "SBQQ__ProductCode__c", "SBQQ__ProductName__c",
        "SBQQ__Quote__c", "SBQQ__Quote__r.SBQQ__Opportunity2__c", "SBQQ__StartDate__c",
        "SystemModstamp",
    )  # fmt: skip


def test_computed_fields_are_not_read_from_the_crm() -> None:
    lines = next(one for one in org.MAPPING.source.children if one.name == "lines")

    assert "Starts_On" not in lines.fields
    assert "SBQQ__EffectiveStartDate__c" in lines.fields


def test_every_problem_of_a_file_is_told_at_once_with_its_place() -> None:
    text = (
        TINY.replace("trigger: IsWon", "triger: IsWon")
        .replace("SBQQ__NetTotal__c", "SBQQ__NetTotals__c")
        .replace("start: CloseDate", "start: Name")
        .replace("for: lines", "for: line")
    )
    found = problems(text)

    assert found[0].startswith("m.yaml:3:3: found no 'trigger', expected trigger: SOQL")
    assert found[1].startswith("m.yaml:4:3: found key 'triger', expected one of root, trigger")
    assert found[1].endswith("did you mean 'trigger'?")
    assert found[2] == "m.yaml:14:10: found one giving text, expected a formula giving date"
    assert found[3].startswith("m.yaml:18:10: found for: line, expected for: one of deal, lines")


def test_an_unknown_field_names_the_nearest_one_where_it_stands() -> None:
    (found,) = problems(TINY.replace("SBQQ__NetTotal__c", "SBQQ__NetTotals__c"))

    assert found.startswith("m.yaml:22:15: ")
    assert "SBQQ__NetTotal__c" in found.split("did you mean")[1]


def test_a_formula_in_a_block_is_blamed_at_its_true_position() -> None:
    text = TINY.replace("amount: SBQQ__NetTotal__c", "amount: |\n        1 +\n          Nowhere__c")

    assert problems(text)[0].startswith("m.yaml:24:11: ")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  - otherwise: reject\n", "", "a last rule `otherwise: reject` or `ignore`"),
        ("  - id: charge\n    for", "  - for", "id: a name for explanations"),
        ("      on: SBQQ__StartDate__c\n", "", "either on or schedule"),
        ("object: SBQQ__QuoteLine__c", "object: SBQQ__QuoteLines__c", "did you mean"),
        ("link: SBQQ__Quote__c", "link: SBQQ__Quotes__c", "a field of SBQQ__QuoteLine__c"),
        ("parent: deal.SBQQ__PrimaryQuote__c", "parent: quote.Id", "deal.<field>"),
        ("otherwise: reject", "otherwise: maybe", "one of reject, ignore"),
        ("name: tiny", "name: Tiny Mapping", "small letters"),
        ("    scheduled_charge:", "    ignore: no\n    scheduled_charge:", "outputs ("),
        ("currency: '\"USD\"'", "currency: 1 + 1", "a formula giving text"),
        ("name: tiny", "name: tiny\neffective_from: yesterday", "a date like 2024-01-31"),
    ],
)
def test_what_a_mapping_must_have(old: str, new: str, told: str) -> None:
    assert old in TINY
    assert any(told in line for line in problems(TINY.replace(old, new)))


def test_rules_after_otherwise_and_ids_used_twice_are_refused() -> None:
    rule = "  - {id: charge, for: lines, ignore: again}\n"
    middle = "  - {otherwise: ignore}\n"
    found = "\n".join(problems(TINY.replace("rules:\n", "rules:\n" + rule + middle)))

    assert "found rule id 'charge' again" in found
    assert "found otherwise in the middle" in found


def test_tables_are_checked_with_the_file_and_line_they_are_wrong_on() -> None:
    text = TINY + "tables:\n  terms: {file: terms.csv}\n  gone: {file: term.csv}\n"
    found = problems(text, tables={"terms.csv": "A,B\n1,2\n1,3\n4\n"})

    assert any("table file 'term.csv'" in line and "'terms.csv'" in line for line in found)
    assert "terms.csv:3:1: found key '1' again, expected it once" in found
    assert "terms.csv:4:1: found 1 cells, expected 2 cells" in found


def test_an_org_without_our_custom_fields_still_maps_plain_deals() -> None:
    custom = re.compile(r"^(?!SBQQ__).*__c$")
    plain: dict[str, Any] = {
        name: {key: field for key, field in fields.items() if not custom.match(key)}
        for name, fields in org.SCHEMA.items()
        if name != "Payment_Installment__c"
    }

    source = org.cpq(plain).source

    assert [child.name for child in source.children] == ["quote", "lines"]
    read = {field for child in source.children for field in child.fields} | {*source.fields}
    assert "Account.Billing_Customer_Id__c" not in read
    assert "Account.Name" in read
    assert "Deal_Term_Type__c" not in read
    assert "SBQQ__NetTotal__c" in read


def test_the_version_changes_with_the_file_and_with_its_tables() -> None:
    text, tables = org.cpq_text(), org.tables()
    version = org.MAPPING.version
    more = {**tables, "payment-terms.csv": tables["payment-terms.csv"] + "Net 10,10\n"}

    assert load_mapping(text, "other.yaml", org.SCHEMA, tables).version == version
    assert load_mapping(text + "# x\n", "m.yaml", org.SCHEMA, tables).version != version
    assert load_mapping(text, "m.yaml", org.SCHEMA, more).version != version


LINES = TINY.splitlines()


@settings(max_examples=120, deadline=None)
@given(st.integers(0, len(LINES) - 1), st.sampled_from(["", "x", "\t", ": ", "[", "'", "- "]))
def test_a_broken_line_gives_problems_with_places_and_never_a_crash(at: int, junk: str) -> None:
    indent = re.match(r" *", LINES[at])
    assert indent is not None
    broken = indent.group() + junk + LINES[at].strip() if junk else ""
    text = "\n".join([*LINES[:at], broken, *LINES[at + 1 :]]) + "\n"
    with suppress(MappingError):
        assert load_mapping(text, "m.yaml", org.SCHEMA, {}).rules


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rules:\n", "checks: none\nrules:\n", "a list (lines beginning with '-')"),
        ("rules:\n", "rules: {}\nruled:\n", "found a table, expected a list"),
        ("customer: {account_id: AccountId, name: Account.Name}", "customer: Acme", "a table with"),
        ("trigger: IsWon = true", "trigger: [IsWon]", "found a list, expected text"),
        ("trigger: IsWon = true", "trigger:", "found nothing, expected text"),
        ("    lines:\n", "    sold lines:\n", "a name of letters, digits and _"),
        ("children:\n", "children: none\n  more:\n", "a table of names and values"),
        ("contract:\n", "contract:\n  total_tolerance: a cent\n", "a plain decimal number"),
        ("rules:\n", "fields: {line: {A: Id}}\nrules:\n", "fields of 'line', expected one of deal"),
        ("rules:\n", "fields: {lines: {Name: Id}}\nrules:\n", "a name the object does not have"),
        ("rules:\n", "fields: {lines: {A: Nope__c, B: A}}\nrules:\n", "Nope__c"),
        ("rules:\n", "checks: [{code: a, must: Nope__c, message: m, fix: f}]\nrules:\n", "Nope__c"),
        ("rules:\n", "gates: [{id: a, when: Nope__c, message: m}]\nrules:\n", "Nope__c"),
        ("rules:\n", "optional_fields: {nowhere: {A__c: string}}\nrules:\n", "optional_fields of"),
        ("account_id: AccountId", "account_id: Nope__c", "Nope__c"),
        ("  kind: '\"new\"'\n", "", "no 'kind', expected kind: "),
        ("customer: {account_id: AccountId, name: Account.Name}\n", "", "no 'customer'"),
        ("source:\n  root: Opportunity", "source:\n  root: Opportunities", "an object of the org"),
        ("    lines:\n", "    deal:\n", "a child named deal, expected another name"),
        ("otherwise: reject", "otherwise: reject\n    when: TRUE", "'when' beside otherwise"),
        ("amount: SBQQ__NetTotal__c", "amount: {table: t, key: Name}", "a table, expected a form"),
        (
            "product: '\"sku:\" & SBQQ__ProductCode__c'",
            "product: {table: t, key: Name}",
            "found table 't', expected a loaded table",
        ),
    ],
)
def test_whatever_is_written_wrongly_is_told_with_what_is_expected(
    old: str, new: str, told: str
) -> None:
    assert old in TINY
    found = problems(TINY.replace(old, new, 1))

    assert any(told in line for line in found), found
    assert all(re.match(r"m\.yaml:\d+:\d+: ", line) for line in found)


OUTPUTS = "    for: lines\n"


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("commit: {product: Name, name: Name}", "no 'access', expected access"),
        (
            "commit: {product: Name, name: Name, access: {amount: 1, start: Nope__c, end: NULL}}",
            "Nope__c",
        ),
        (
            (
                "commit: {product: Name, name: Name, access: {amount: 1, start: NULL, end: NULL},"
                " payments: {for: lines, match: Id}}"
            ),
            "payments for rows without 'amount'",
        ),
        ("override: {multiplier: 1, start: Nope__c}", "Nope__c"),
        ("override: {start: NULL}", "either multiplier or price"),
        (
            (
                "scheduled_charge: {product: Name, name: Name, amount: 1,"
                " schedule: {start: Nope__c, end: NULL, frequency: Name, amounts: EACH}}"
            ),
            "Nope__c",
        ),
        ("scheduled_charge: {product: Nope__c, name: Name, amount: 1, on: NULL}", "Nope__c"),
    ],
)
def test_outputs_that_lack_something_are_refused(output: str, told: str) -> None:
    rule = f"rules:\n  - id: more\n    for: lines\n    when: FALSE\n    {output}\n"
    found = problems(TINY.replace("rules:\n", rule))

    assert any(told in line for line in found), found


@pytest.mark.parametrize(
    ("csv_text", "told"),
    [
        ("", "0 lines, 0 columns"),
        ("A\n1\n", "2 columns and 1.."),
        ("A,A\n1,2\n", "different columns"),
        ('A,B\n"1,2\n', "expected CSV"),
    ],
)
def test_a_table_that_is_no_table_is_refused(csv_text: str, told: str) -> None:
    found = problems(TINY + "tables: {t: {file: t.csv}}\n", tables={"t.csv": csv_text})

    assert any("t.csv:1:1: " in line and told in line for line in found), found


def test_a_column_and_a_key_of_a_table_are_named_or_refused() -> None:
    tables = {"t.csv": "SKU,Id,Name\nM,prod,Machine\n"}
    lookup = "product: {table: t, key: SBQQ__ProductCode__c, column: "
    text = TINY.replace("product: '\"sku:\" & SBQQ__ProductCode__c'", lookup + "Price}")
    named = text + "tables: {t: {file: t.csv, key: Skus}}\n"

    found = problems(text + "tables: {t: {file: t.csv}}\n", tables=tables)

    assert any("found column 'Price', expected one of SKU, Id, Name" in line for line in found)
    assert any("did you mean 'SKU'?" in line for line in problems(named, tables=tables))
