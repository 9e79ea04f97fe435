"""Deals as a CPQ user enters them: account, products, a quote with lines, then the opportunity."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from closedwon.cli.demo.world import World
from stories.kit import create

Fields = Mapping[str, Any]
NEGOTIATING = "Negotiation/Review"


class Quoted(NamedTuple):
    """A deal that is quoted; winning it is a change of the opportunity's stage."""

    opportunity_id: str
    quote_id: str
    line_ids: tuple[str, ...]


def product(world: World, code: str, name: str, **fields: Any) -> str:
    """A product of the price book; returns its id."""
    return create(world, "Product2", Name=name, ProductCode=code, IsActive=True, **fields)


def quoted(
    world: World,
    account_id: str,
    name: str,
    *,
    quote: Fields,
    lines: Sequence[Fields],
    opportunity: Fields | None = None,
) -> Quoted:
    """A negotiated opportunity with its primary quote, calculated and saved."""
    deal = create(
        world,
        "Opportunity",
        Name=name,
        AccountId=account_id,
        StageName=NEGOTIATING,
        CloseDate=world.now.date().isoformat(),
        **(opportunity or {}),
    )
    quote_id = create(
        world,
        "SBQQ__Quote__c",
        SBQQ__Account__c=account_id,
        SBQQ__Opportunity2__c=deal,
        SBQQ__Primary__c=True,
        **{"SBQQ__Type__c": "Quote", "SBQQ__Status__c": "Accepted", **quote},
    )
    line_ids = tuple(
        create(world, "SBQQ__QuoteLine__c", SBQQ__Quote__c=quote_id, SBQQ__Number__c=number, **line)
        for number, line in enumerate(lines, start=1)
    )
    world.change("Opportunity", deal, SBQQ__PrimaryQuote__c=quote_id)
    return Quoted(deal, quote_id, line_ids)


def line(product_id: str, start: str, end: str, **fields: Any) -> dict[str, Any]:
    """One unit of a product from ``start`` to ``end``, both inclusive."""
    return {
        "SBQQ__Product__c": product_id,
        "SBQQ__Quantity__c": 1,
        "SBQQ__StartDate__c": start,
        "SBQQ__EndDate__c": end,
        **fields,
    }


def commit_line(product_id: str, dollars: int, start: str, end: str, **fields: Any) -> Fields:
    """A prepaid commit: a dollar a unit."""
    sold = {"SBQQ__Quantity__c": dollars, "SBQQ__ListPrice__c": 1, "SBQQ__NetPrice__c": 1}
    what = {"Deal_Term_Type__c": "Commit", "Commit_Type__c": "Prepaid"}
    return line(product_id, start, end, **{**sold, **what, **fields})


def fee_line(product_id: str, dollars: int, every: str, start: str, end: str) -> Fields:
    """A recurring line worth ``dollars`` over its whole stretch, invoiced ``every`` so often."""
    return line(
        product_id,
        start,
        end,
        SBQQ__NetPrice__c=dollars,
        SBQQ__ChargeType__c="Recurring",
        SBQQ__SubscriptionPricing__c="Fixed Price",
        SBQQ__BillingFrequency__c=every,
        SBQQ__BillingType__c="Advance",
    )


def discount_line(product_id: str, percent: int, tags: str, start: str, end: str) -> Fields:
    """A rate discount on everything with one of ``tags``."""
    return line(
        product_id,
        start,
        end,
        Deal_Term_Type__c="Rate Discount",
        Rate_Discount__c=percent,
        Applicable_Tags__c=tags,
        SBQQ__NetPrice__c=0,
    )


def amended(account_id: str, original: Quoted, start: str) -> dict[str, Any]:
    """Fields of the contract Salesforce makes of a won deal, for amending it."""
    return {
        "AccountId": account_id,
        "Status": "Draft",
        "StartDate": start,
        "SBQQ__Opportunity__c": original.opportunity_id,
        "SBQQ__Quote__c": original.quote_id,
    }


def sold(world: World, name: str, commit: str, start: str, end: str) -> tuple[str, Quoted]:
    """A new account that just bought 10,000 dollars of cloud; its id and the won deal."""
    account = create(world, "Account", Name=name)
    deal = quoted(
        world,
        account,
        f"{name} {start[:4]}",
        quote={"SBQQ__StartDate__c": start, "SBQQ__EndDate__c": end},
        lines=[commit_line(commit, 10_000, start, end, Applicable_Tags__c="cloud")],
    )
    world.change("Opportunity", deal.opportunity_id, StageName="Closed Won")
    return account, deal
