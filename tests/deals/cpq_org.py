"""A CPQ org for tests: the fields the shipped mapping uses, and records built on them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from closedwon.billing.catalog.types import USD
from closedwon.deals.mapping import DealMapping, MappingFacts, RateCardFact, load_mapping
from closedwon.deals.types import Deal, Record
from closedwon.formula.schema import FieldInfo, Schema
from closedwon.kernel.ids import id18

ROOT = Path(__file__).parents[2]
ORG = "00DHs000000000AIAQ"
NOW = datetime(2024, 6, 1, tzinfo=UTC)
COMMIT_PRODUCT = "76e57c3a-064f-49ad-8740-2bff58f2f808"
SUPPORT_PRODUCT = "0afe45f6-f048-44a5-8fc5-9e9b9592d029"

OBJECTS: Mapping[str, str] = {
    "Opportunity": """
        Id:id Name:string AccountId:reference:Account:Account CloseDate:date IsWon:boolean
        Amount:currency SystemModstamp:datetime StageName:picklist
        SBQQ__PrimaryQuote__c:reference:SBQQ__Quote__c
        SBQQ__AmendedContract__c:reference:Contract
        SBQQ__RenewedContract__c:reference:Contract SBQQ__Renewal__c:boolean
    """,
    "Account": "Id:id Name:string Billing_Customer_Id__c:string SystemModstamp:datetime",
    "Contract": """
        Id:id ContractNumber:string StartDate:date EndDate:date
        SBQQ__Opportunity__c:reference:Opportunity
    """,
    "SBQQ__Quote__c": """
        Id:id Name:string SystemModstamp:datetime SBQQ__Opportunity2__c:reference:Opportunity
        SBQQ__StartDate__c:date SBQQ__EndDate__c:date SBQQ__SubscriptionTerm__c:double
        SBQQ__PaymentTerms__c:picklist SBQQ__BillingFrequency__c:picklist
        SBQQ__LineItemCount__c:double SBQQ__NetAmount__c:currency SBQQ__Uncalculated__c:boolean
    """,
    "SBQQ__QuoteLine__c": """
        Id:id Name:string SystemModstamp:datetime SBQQ__Quote__c:reference:SBQQ__Quote__c
        SBQQ__Number__c:double SBQQ__Product__c:reference:Product2 SBQQ__ProductCode__c:string
        SBQQ__ProductName__c:string SBQQ__Quantity__c:double SBQQ__EffectiveQuantity__c:double
        SBQQ__ListPrice__c:currency SBQQ__NetTotal__c:currency SBQQ__Discount__c:percent
        SBQQ__Existing__c:boolean SBQQ__Optional__c:boolean SBQQ__Bundled__c:boolean
        SBQQ__SubscriptionPricing__c:picklist SBQQ__SubscriptionType__c:picklist
        SBQQ__DefaultSubscriptionTerm__c:double SBQQ__SubscriptionTerm__c:double
        SBQQ__EffectiveSubscriptionTerm__c:double SBQQ__ChargeType__c:picklist
        SBQQ__BillingType__c:picklist SBQQ__BillingFrequency__c:picklist
        SBQQ__StartDate__c:date SBQQ__EffectiveStartDate__c:date SBQQ__EffectiveEndDate__c:date
        SBQQ__SegmentKey__c:string
        Deal_Term_Type__c:picklist:Commit;Credit;Rate|Discount;Rate|Override;Fixed|Charge;Usage;Ignore;Subscription
        Billing_Product_Id__c:string Commit_Type__c:picklist Commit_Key__c:string
        Commit_Priority__c:double Rollover_Percent__c:percent Applicable_Tags__c:string
        Applicable_Products__c:string Rate_Discount__c:percent Override_Rate__c:double
        Invoice_Date__c:date
    """,
    "Payment_Installment__c": """
        Id:id Name:string SystemModstamp:datetime Quote__c:reference:SBQQ__Quote__c
        Quote_Line__c:reference:SBQQ__QuoteLine__c Commit_Key__c:string Sequence__c:double
        Due_Date__c:date Amount__c:currency
    """,
    "Product2": "Id:id Name:string ProductCode:string",
}


def _field(text: str) -> FieldInfo:
    name, kind, *rest = text.split(":")
    if kind == "reference":
        custom = name.removesuffix("__c") + "__r"
        relationship = rest[1] if len(rest) > 1 else custom
        return FieldInfo(
            name=name, type=kind, reference_to=(rest[0],), relationship_name=relationship
        )
    values = tuple(word.replace("|", " ") for word in rest[0].split(";")) if rest else ()
    return FieldInfo(name=name, type=kind, picklist_values=values)


SCHEMA: Schema = {
    name: {field.name: field for field in map(_field, fields.split())}
    for name, fields in OBJECTS.items()
}


def cpq_text() -> str:
    return (ROOT / "mappings" / "cpq.yaml").read_text(encoding="utf-8")


def tables() -> dict[str, str]:
    folder = ROOT / "mappings" / "tables"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.csv")}


def cpq(schema: Schema = SCHEMA) -> DealMapping:
    return load_mapping(cpq_text(), "mappings/cpq.yaml", schema, tables())


def facts(**changes: Any) -> MappingFacts:
    given = {
        "org_id": ORG,
        "as_of": NOW,
        "product_ids": frozenset({COMMIT_PRODUCT, SUPPORT_PRODUCT, "prod-storage"}),
        "tags": frozenset({"storage", "analysis"}),
        "rate_cards": {"default": RateCardFact(id="card-1", currency="USD")},
        "credit_types": {"USD": USD},
        **changes,
    }
    return MappingFacts(**given)


def sf_id(prefix: str, number: int) -> str:
    return id18(f"{prefix}Hs{number:0{15 - len(prefix) - 2}d}")


QUOTE_ID = sf_id("a0n", 1)
OPPORTUNITY_ID = sf_id("006", 1)
ACCOUNT_ID = sf_id("001", 1)


def a_quote(**changes: Any) -> Record:
    return {
        "Id": QUOTE_ID,
        "Name": "Q-1",
        "SBQQ__Opportunity2__c": OPPORTUNITY_ID,
        "SBQQ__StartDate__c": "2024-01-01",
        "SBQQ__EndDate__c": "2024-12-31",
        "SBQQ__Uncalculated__c": False,
        **changes,
    }


def a_line(number: int, **changes: Any) -> Record:
    quantity = changes.get("SBQQ__Quantity__c", Decimal(1))
    return {
        "Id": sf_id("a0k", number),
        "Name": f"QL-{number}",
        "SBQQ__Number__c": Decimal(number),
        "SBQQ__Quote__c": QUOTE_ID,
        "SBQQ__ProductCode__c": f"P-{number}",
        "SBQQ__ProductName__c": f"Product {number}",
        "SBQQ__Quantity__c": quantity,
        "SBQQ__EffectiveQuantity__c": quantity,
        "SBQQ__NetTotal__c": Decimal(100),
        "SBQQ__EffectiveStartDate__c": "2024-01-01",
        "SBQQ__EffectiveEndDate__c": "2024-12-31",
        **changes,
    }


def an_installment(number: int, amount: str, on: str, **changes: Any) -> Record:
    return {
        "Id": sf_id("a2T", number),
        "Name": f"PI-{number}",
        "Quote__c": QUOTE_ID,
        "Due_Date__c": on,
        "Amount__c": Decimal(amount),
        **changes,
    }


def a_deal(
    lines: Sequence[Record],
    installments: Sequence[Record] = (),
    quote: Record | None = None,
    **changes: Any,
) -> Deal:
    quote = a_quote() if quote is None else quote
    record = {
        "Id": OPPORTUNITY_ID,
        "Name": "Acme - deal",
        "AccountId": ACCOUNT_ID,
        "Account": {"Id": ACCOUNT_ID, "Name": "Acme"},
        "CloseDate": "2023-12-15",
        "IsWon": True,
        "SBQQ__PrimaryQuote__c": QUOTE_ID,
        "SBQQ__PrimaryQuote__r": quote,
        **changes,
    }
    return deal_of(
        record, quote, [{**line, "SBQQ__Quote__r": quote} for line in lines], installments
    )


def deal_of(
    record: Record, quote: Record | None, lines: Sequence[Record], installments: Sequence[Record]
) -> Deal:
    children = {
        "quote": () if quote is None else (quote,),
        "lines": tuple(lines),
        "installments": tuple(installments),
    }
    fingerprint = cpq_fingerprint(record, children)
    return Deal(
        opportunity_id=str(record["Id"]),
        record=record,
        children=children,
        fingerprint=fingerprint,
        read_at=NOW,
    )


def cpq_fingerprint(record: Record, children: Mapping[str, Sequence[Record]]) -> str:
    return MAPPING.fingerprint(record, children)


@cache
def infrax_records() -> dict[str, list[dict[str, Any]]]:
    dataset = ROOT / "src" / "closedwon" / "devorg" / "datasets" / "infrax.json"
    text = dataset.read_text(encoding="utf-8")
    found: dict[str, list[dict[str, Any]]] = json.loads(text, parse_float=Decimal)
    return found


def infrax_deal(opportunity_id: str) -> Deal:
    records = infrax_records()

    def by_id(name: str, record_id: object) -> dict[str, Any] | None:
        return next((one for one in records[name] if one["Id"] == record_id), None)

    opportunity = by_id("Opportunity", opportunity_id)
    assert opportunity is not None
    quote = by_id("SBQQ__Quote__c", opportunity["SBQQ__PrimaryQuote__c"])
    assert quote is not None
    record = {
        **opportunity,
        "Account": by_id("Account", opportunity["AccountId"]),
        "SBQQ__PrimaryQuote__r": quote,
        "SBQQ__AmendedContract__r": by_id("Contract", opportunity.get("SBQQ__AmendedContract__c")),
    }
    of_quote = [
        one for one in records["SBQQ__QuoteLine__c"] if one["SBQQ__Quote__c"] == quote["Id"]
    ]
    lines = [{**one, "SBQQ__Quote__r": quote} for one in of_quote]
    installments = [
        {**one, "Quote_Line__r": by_id("SBQQ__QuoteLine__c", one["Quote_Line__c"])}
        for one in records["Payment_Installment__c"]
        if one["Quote__c"] == quote["Id"]
    ]
    return deal_of(record, quote, lines, installments)


MAPPING = cpq()
INFRAX = "006Hs000000014qIAA"
UPSELL = "006Hs000000015RIAQ"
