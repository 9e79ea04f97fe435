"""Formula and roll-up fields, re-stated from what the fields mean (salesforce.md 8.2, 8.4)."""

from closedwon.devorg.schema.types import Summary

LINE = "SBQQ__QuoteLine__c"
QUOTE = "SBQQ__Quote__c"
SUBSCRIPTION = "SBQQ__Subscription__c"
OPTION = "SBQQ__ProductOption__c"

_OWNED = "OR(SBQQ__Existing__c, SBQQ__CarryoverLine__c)"
_KEPT = "(BLANKVALUE(SBQQ__PriorQuantity__c, 0) - BLANKVALUE(SBQQ__UpgradedQuantity__c, 0))"
_NOT_REFUNDED = (
    f"AND(ISBLANK(TEXT(SBQQ__SubscriptionPricing__c)), NOT(SBQQ__AllowAssetRefund__c), "
    f"SBQQ__Quantity__c < {_KEPT})"
)
_ALL_OR_NOTHING = (
    'OR(ISPICKVAL(SBQQ__DiscountScheduleType__c, "Slab"), '
    'ISPICKVAL(SBQQ__PricingMethod__c, "Block"))'
)
_PERCENT_OF_TOTAL = 'ISPICKVAL(SBQQ__SubscriptionPricing__c, "Percent Of Total")'
_RENEWED_AS_NEW = "AND(SBQQ__Renewal__c, NOT(SBQQ__Existing__c), ISBLANK(SBQQ__PriorQuantity__c))"

_EFFECTIVE_QUANTITY = f"""
IF({_ALL_OR_NOTHING},
  IF({_OWNED},
    IF(OR(SBQQ__Quantity__c = {_KEPT}, {_NOT_REFUNDED}), 0, 1),
    IF(SBQQ__Quantity__c = 0, 0, 1)),
  IF({_OWNED},
    IF(SBQQ__Quantity__c >= {_KEPT},
      IF({_PERCENT_OF_TOTAL}, SBQQ__Quantity__c, SBQQ__Quantity__c - {_KEPT}),
      IF({_NOT_REFUNDED}, 0, SBQQ__Quantity__c - {_KEPT})),
    SBQQ__Quantity__c))
"""

_LIST_TOTAL = f"""
IF(OR(SBQQ__Bundled__c, {_RENEWED_AS_NEW}), 0,
  BLANKVALUE(SBQQ__ProratedListPrice__c, 0) *
    IF(ISPICKVAL(SBQQ__PricingMethod__c, "Block"), SBQQ__EffectiveQuantity__c,
      IF(OR(NOT({_OWNED}), {_PERCENT_OF_TOTAL}),
        SBQQ__Quantity__c, SBQQ__Quantity__c - {_KEPT})))
"""


def _total(price: str) -> str:
    return f"IF({_RENEWED_AS_NEW}, 0, BLANKVALUE({price}, 0) * SBQQ__EffectiveQuantity__c)"


def _first_given(field: str, *, stops_at_quote: str) -> str:
    """The line's own value, else its group's, else the quote's."""
    of_quote = f"SBQQ__Quote__r.{stops_at_quote}"
    of_group = f"IF(ISBLANK(SBQQ__Group__r.{field}), {of_quote}, SBQQ__Group__r.{field})"
    return f"IF(ISBLANK({field}), {of_group}, {field})"


_START = _first_given("SBQQ__StartDate__c", stops_at_quote="SBQQ__StartDate__c")
_END = _first_given("SBQQ__EndDate__c", stops_at_quote="SBQQ__EndDate__c")
_TERM = _first_given("SBQQ__SubscriptionTerm__c", stops_at_quote="SBQQ__SubscriptionTerm__c")

FORMULAS = {
    f"{LINE}.SBQQ__ProductCode__c": "SBQQ__Product__r.ProductCode",
    f"{LINE}.SBQQ__ProductName__c": "SBQQ__Product__r.Name",
    f"{LINE}.SBQQ__ProductFamily__c": "TEXT(SBQQ__Product__r.Family)",
    f"{LINE}.SBQQ__ComponentVisibility__c": (
        "TEXT(SBQQ__ProductOption__r.SBQQ__QuoteLineVisibility__c)"
    ),
    f"{LINE}.SBQQ__EffectiveQuantity__c": _EFFECTIVE_QUANTITY,
    f"{LINE}.SBQQ__NetTotal__c": _total("SBQQ__NetPrice__c"),
    f"{LINE}.SBQQ__CustomerTotal__c": _total("SBQQ__CustomerPrice__c"),
    f"{LINE}.SBQQ__PartnerTotal__c": _total("SBQQ__PartnerPrice__c"),
    f"{LINE}.SBQQ__RegularTotal__c": _total("SBQQ__RegularPrice__c"),
    f"{LINE}.SBQQ__ListTotal__c": _LIST_TOTAL,
    f"{LINE}.SBQQ__AdditionalDiscount__c": (
        "(SBQQ__RegularPrice__c - SBQQ__CustomerPrice__c) * SBQQ__EffectiveQuantity__c"
    ),
    f"{LINE}.SBQQ__PackageTotal__c": "SBQQ__NetTotal__c + SBQQ__ComponentTotal__c",
    f"{LINE}.SBQQ__PackageListTotal__c": "SBQQ__ListTotal__c + SBQQ__ComponentListTotal__c",
    f"{LINE}.SBQQ__EffectiveStartDate__c": _START,
    f"{LINE}.SBQQ__EffectiveEndDate__c": (
        f'IF(ISPICKVAL(SBQQ__SubscriptionType__c, "Evergreen"), NULL, {_END})'
    ),
    f"{LINE}.SBQQ__EffectiveSubscriptionTerm__c": _TERM,
    f"{QUOTE}.SBQQ__Uncalculated__c": "SBQQ__LastSavedOn__c > SBQQ__LastCalculatedOn__c",
    f"{SUBSCRIPTION}.SBQQ__ContractNumber__c": "SBQQ__Contract__r.ContractNumber",
    f"{SUBSCRIPTION}.SBQQ__ProductName__c": "SBQQ__Product__r.Name",
    f"{SUBSCRIPTION}.SBQQ__ProductId__c": "SBQQ__Product__c",
    f"{SUBSCRIPTION}.SBQQ__DimensionType__c": "TEXT(SBQQ__Dimension__r.SBQQ__Type__c)",
    f"{SUBSCRIPTION}.SBQQ__StartDate__c": (
        "IF(ISBLANK(SBQQ__SubscriptionStartDate__c), SBQQ__Contract__r.StartDate, "
        "SBQQ__SubscriptionStartDate__c)"
    ),
    f"{SUBSCRIPTION}.SBQQ__EndDate__c": (
        "IF(ISBLANK(SBQQ__SubscriptionEndDate__c), SBQQ__Contract__r.EndDate, "
        "SBQQ__SubscriptionEndDate__c)"
    ),
    f"{OPTION}.SBQQ__ProductCode__c": "SBQQ__OptionalSKU__r.ProductCode",
    f"{OPTION}.SBQQ__ProductName__c": "SBQQ__OptionalSKU__r.Name",
    f"{OPTION}.SBQQ__ProductFamily__c": "TEXT(SBQQ__OptionalSKU__r.Family)",
    f"{OPTION}.SBQQ__ProductSubscriptionPricing__c": (
        "TEXT(SBQQ__OptionalSKU__r.SBQQ__SubscriptionPricing__c)"
    ),
    "Contract.SBQQ__ExpirationDate__c": "EndDate",
    "Contract.SBQQ__ActiveContract__c": (
        'IF(AND(ISPICKVAL(Status, "Activated"), OR(SBQQ__Evergreen__c, EndDate >= TODAY())), 1, 0)'
    ),
    "Opportunity.ExpectedRevenue": "Amount * Probability",
    "Opportunity.FiscalYear": "YEAR(CloseDate)",
    "Opportunity.FiscalQuarter": "CEILING(MONTH(CloseDate) / 3)",
    "Opportunity.Fiscal": ('TEXT(YEAR(CloseDate)) & " " & TEXT(CEILING(MONTH(CloseDate) / 3))'),
    "OpportunityLineItem.ProductCode": "Product2.ProductCode",
    "OpportunityLineItem.Name": 'Opportunity.Name & " " & Product2.Name',
    "OpportunityLineItem.ListPrice": "PricebookEntry.UnitPrice",
    "OpportunityLineItem.Subtotal": "UnitPrice * Quantity",
    "PricebookEntry.Name": "Product2.Name",
    "PricebookEntry.ProductCode": "Product2.ProductCode",
    "OrderItem.TotalPrice": "UnitPrice * Quantity",
    "Asset.ProductCode": "Product2.ProductCode",
    "Asset.StockKeepingUnit": "Product2.StockKeepingUnit",
}
"""``Object.Field`` -> formula text; percents read as fractions."""

BLANK_AS_BLANK = frozenset(
    f"{LINE}.SBQQ__{name}__c"
    for name in (
        "NetTotal",
        "CustomerTotal",
        "PartnerTotal",
        "RegularTotal",
        "ListTotal",
        "EffectiveSubscriptionTerm",
    )
)
"""Formulas that ask whether a number is blank; in all others a blank number counts as zero."""


def _sum(field: str) -> Summary:
    """Over the lines that are not optional."""
    return Summary(
        operation="SUM", child=LINE, link="SBQQ__Quote__c", field=field, unless="SBQQ__Optional__c"
    )


SUMMARIES = {
    f"{QUOTE}.SBQQ__NetAmount__c": _sum("SBQQ__NetTotal__c"),
    f"{QUOTE}.SBQQ__CustomerAmount__c": _sum("SBQQ__CustomerTotal__c"),
    f"{QUOTE}.SBQQ__RegularAmount__c": _sum("SBQQ__RegularTotal__c"),
    f"{QUOTE}.SBQQ__ListAmount__c": _sum("SBQQ__ListTotal__c"),
    f"{QUOTE}.SBQQ__LineItemCount__c": Summary(
        operation="COUNT", child=LINE, link="SBQQ__Quote__c"
    ),
    "Order.TotalAmount": Summary(
        operation="SUM", child="OrderItem", link="OrderId", field="TotalPrice"
    ),
    "Order.SBQQ__TaxAmount__c": Summary(
        operation="SUM", child="OrderItem", link="OrderId", field="SBQQ__TaxAmount__c"
    ),
}
"""``Object.Field`` -> roll-up."""
