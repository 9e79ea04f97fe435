"""A small described org: quote lines, their quote, its opportunity, and tags of products."""

from typing import Any

import pytest

from closedwon.formula import (
    EvaluationError,
    FieldInfo,
    Formula,
    FormulaError,
    Schema,
    Scope,
    Value,
    compile_formula,
)


def field(name: str, kind: str, to: tuple[str, ...] = (), relation: str | None = None) -> FieldInfo:
    return FieldInfo(name=name, type=kind, reference_to=to, relationship_name=relation)


def described(*fields: FieldInfo) -> dict[str, FieldInfo]:
    return {one.name: one for one in fields}


LINE = "SBQQ__QuoteLine__c"
ORG: Schema = {
    LINE: described(
        field("Id", "id"),
        field("Name", "string"),
        field("SBQQ__Quote__c", "reference", ("SBQQ__Quote__c",), "SBQQ__Quote__r"),
        field("SBQQ__RequiredBy__c", "reference", (LINE,)),
        field("OwnerId", "reference", ("Group", "User"), "Owner"),
        field("Lost__c", "reference", ("Nowhere__c",), "Lost__r"),
        field("SBQQ__Quantity__c", "double"),
        field("SBQQ__PriorQuantity__c", "double"),
        field("SBQQ__NetPrice__c", "currency"),
        field("SBQQ__NetTotal__c", "currency"),
        field("SBQQ__Optional__c", "boolean"),
        field("SBQQ__Existing__c", "boolean"),
        field("SBQQ__StartDate__c", "date"),
        field("SBQQ__EndDate__c", "date"),
        field("CreatedDate", "datetime"),
        field("SBQQ__ChargeType__c", "picklist"),
        field("Applicable_Tags__c", "string"),
        field("Regions__c", "multipicklist"),
        field("Rate_Discount__c", "percent"),
        field("Place__c", "address"),
    ),
    "SBQQ__Quote__c": described(
        field("Id", "id"),
        field("SBQQ__StartDate__c", "date"),
        field("SBQQ__Opportunity2__c", "reference", ("Opportunity",), "SBQQ__Opportunity2__r"),
    ),
    "Opportunity": described(field("Name", "string"), field("Amount", "currency")),
    "User": described(field("Name", "string"), field("Email", "email")),
    "Group": described(field("Name", "string")),
}


def compiled(text: str, **options: Any) -> Formula:
    """A formula over a quote line."""
    return compile_formula(text, LINE, ORG, **options)


def value(
    text: str, record: dict[str, Any] | None = None, scope: Scope | None = None, **options: Any
) -> Value:
    """What ``text`` gives for a quote line with these fields."""
    return compiled(text, **options).evaluate(record or {}, scope or Scope())


def refusal(text: str, **options: Any) -> FormulaError:
    """The error that compiling ``text`` raises."""
    with pytest.raises(FormulaError) as caught:
        compiled(text, **options)
    return caught.value


def stop(text: str, record: dict[str, Any] | None = None, scope: Scope | None = None) -> str:
    """The message of the error that evaluating ``text`` raises, without its place."""
    with pytest.raises(EvaluationError) as caught:
        value(text, record, scope)
    return caught.value.message.partition(": ")[2]
