"""Reading fields and paths from records as Salesforce sends them (salesforce.md 2.2)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedwon.formula import Value, field_at
from formula.quote_lines import LINE, ORG, stop, value

ID18 = "a0kHs000000017LIAQ"


@pytest.mark.parametrize(
    ("name", "json", "expected"),
    [
        ("SBQQ__Quantity__c", Decimal("36.0"), Decimal(36)),
        ("SBQQ__Quantity__c", 36, Decimal(36)),
        ("SBQQ__Quantity__c", Decimal("1.2345678E7"), Decimal(12345678)),
        ("Rate_Discount__c", Decimal("10.0"), Decimal(10)),
        ("SBQQ__StartDate__c", "2024-02-29", date(2024, 2, 29)),
        ("SBQQ__StartDate__c", "", None),
        ("CreatedDate", "2023-12-15T18:22:07.000+0000", datetime(2023, 12, 15, 18, 22, 7, tzinfo=UTC)),
        ("CreatedDate", "2023-12-15T18:22:07+02:00", datetime(2023, 12, 15, 16, 22, 7, tzinfo=UTC)),
        ("CreatedDate", "", None),
        ("SBQQ__Optional__c", True, True),
        ("SBQQ__Optional__c", None, False),
        ("Name", "x", "x"),
        ("Name", "", None),
        ("Id", ID18, ID18),
        ("Id", ID18[:15], ID18),
        ("Id", "", None),
        ("Id", "not an id here!", "not an id here!"),
    ],
)  # fmt: skip
def test_json_becomes_a_typed_value(name: str, json: Any, expected: Value) -> None:
    assert value(name, {name: json}) == expected


@pytest.mark.parametrize(
    ("name", "json", "expected"),
    [
        ("SBQQ__Quantity__c", 1.5, "SBQQ__Quantity__c holds '1.5'; expected an exact number"),
        ("SBQQ__Quantity__c", True, "SBQQ__Quantity__c holds 'True'; expected an exact number"),
        ("SBQQ__Quantity__c", "1", "SBQQ__Quantity__c holds '1'; expected an exact number"),
        ("SBQQ__StartDate__c", "2024-02-30", "SBQQ__StartDate__c holds '2024-02-30'; day is out of range for month"),
        ("SBQQ__StartDate__c", "20240230", "SBQQ__StartDate__c holds '20240230'; expected a date like 2024-01-31"),
        ("SBQQ__StartDate__c", 5, "SBQQ__StartDate__c holds '5'; expected a date like 2024-01-31"),
        ("CreatedDate", "2024-01-01", "CreatedDate holds '2024-01-01'; [refused] an instant needs its zone: '2024-01-01'; expected 2024-01-01T00:00:00Z"),
        ("SBQQ__Optional__c", "true", "SBQQ__Optional__c holds 'true'; expected true or false"),
        ("Name", 5, "Name holds '5'; expected text"),
        ("Id", 5, "Id holds '5'; expected text"),
    ],
)  # fmt: skip
def test_a_value_of_another_form_is_refused(name: str, json: Any, expected: str) -> None:
    assert stop(name, {name: json}) == expected


def test_a_path_walks_through_nested_parents() -> None:
    record = {"SBQQ__Quote__r": {"SBQQ__Opportunity2__r": {"Amount": Decimal("505000.0")}}}
    path = "SBQQ__Quote__r.SBQQ__Opportunity2__r.Amount"

    assert value(path, record) == Decimal(505_000)
    assert value(path, {"SBQQ__Quote__r": None}) is None
    assert value(path, {"SBQQ__Quote__r": {"SBQQ__Opportunity2__r": None}}) is None
    assert value(path, {}) is None


def test_a_parent_that_is_no_record_is_refused() -> None:
    assert stop("SBQQ__Quote__r.SBQQ__StartDate__c", {"SBQQ__Quote__r": "a0q"}) == (
        "SBQQ__Quote__r.SBQQ__StartDate__c holds 'a0q'; expected a parent record at SBQQ__Quote__r"
    )


def test_a_custom_lookup_without_a_relationship_name_is_followed_by_its_r() -> None:
    assert (
        value("SBQQ__RequiredBy__r.Name", {"SBQQ__RequiredBy__r": {"Name": "parent"}}) == "parent"
    )


def test_a_polymorphic_path_takes_the_object_that_has_the_field() -> None:
    assert value("Owner.Email", {"Owner": {"Email": "a@b.example"}}) == "a@b.example"


def test_percents_can_be_read_as_fractions() -> None:
    """The formula engine of Salesforce sees 0.10 where the JSON says 10.0 (S 2.2)."""
    record = {"Rate_Discount__c": Decimal("10.0")}

    assert value("Rate_Discount__c", record, percent_as_fraction=True) == Decimal("0.1")
    assert value("Rate_Discount__c", {}, percent_as_fraction=True) is None
    assert value("Rate_Discount__c", {}, percent_as_fraction=True, blank_as_zero=True) == 0


def test_a_field_can_be_looked_up_without_a_formula() -> None:
    found = field_at(ORG, LINE, "SBQQ__Quote__r.SBQQ__Opportunity2__r.Amount")

    assert found is ORG["Opportunity"]["Amount"]
    assert field_at(ORG, LINE, "SBQQ__Quote__r.Nope") is None
    assert field_at(ORG, LINE, "Nope__r.Name") is None
    assert field_at(ORG, "Nope", "Nope__r.Name") is None
