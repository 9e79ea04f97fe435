"""The InfraX deals, read as the shipped mapping's shape, with CPQ's own totals checked."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from closedwon.deals.source import ChildSource, DealSource
from closedwon.deals.types import Deal
from closedwon.devorg.schema import OrgSchema
from closedwon.devorg.seed import shipped_records
from closedwon.ports import Unready
from crm.salesforce.dev_world import DevWorld, Switch, dev_world
from crm.salesforce.org import CLIENT

TO_ROOT = "SBQQ__Quote__r.SBQQ__Opportunity2__c"
CPQ = DealSource(
    root="Opportunity",
    trigger="IsWon = true AND SBQQ__PrimaryQuote__c != null",
    fields=("Account.Name", "Name", "SBQQ__PrimaryQuote__c"),
    children=(
        ChildSource(
            name="quote",
            object_name="SBQQ__Quote__c",
            link="Id",
            parent="deal.SBQQ__PrimaryQuote__c",
            to_root="SBQQ__Opportunity2__c",
            fields=("SBQQ__LineItemCount__c", "SBQQ__NetAmount__c", "SBQQ__Uncalculated__c"),
        ),
        ChildSource(
            name="lines",
            object_name="SBQQ__QuoteLine__c",
            link="SBQQ__Quote__c",
            parent="quote.Id",
            to_root=TO_ROOT,
            fields=("SBQQ__NetTotal__c", "SBQQ__Optional__c", "SBQQ__Product__r.Name"),
            order_by="SBQQ__Number__c",
        ),
        ChildSource(
            name="installments",
            object_name="Payment_Installment__c",
            link="Quote__c",
            parent="quote.Id",
            to_root="Quote__r.SBQQ__Opportunity2__c",
            fields=("Amount__c", "Due_Date__c"),
            order_by="Due_Date__c",
        ),
    ),
)
YEARS = 3 * 365 * 86_400


@pytest.fixture
def infrax_world(served: tuple[Switch, str], pushed_schema: OrgSchema) -> Iterator[DevWorld]:
    switch, url = served
    with dev_world(pushed_schema, CLIENT, switch, url, CPQ) as world:
        world.org.load_records(shipped_records())
        world.advance(YEARS)
        yield world


def test_the_deal_and_its_amendment_are_read_to_the_cent(infrax_world: DevWorld) -> None:
    ids = [id_ for id_, _ in infrax_world.crm.visible()]

    first, amendment = infrax_world.crm.deals(ids, infrax_world.now())

    assert isinstance(first, Deal)
    assert isinstance(amendment, Deal)
    assert first.record["Account"]["Name"] == "Northwind Analytics"
    assert [len(rows) for rows in first.children.values()] == [
        1,
        6,
        len(first.children["installments"]),
    ]
    assert sum(line["SBQQ__NetTotal__c"] for line in first.children["lines"]) == Decimal(505000)
    assert sum(line["SBQQ__NetTotal__c"] for line in amendment.children["lines"]) == Decimal(300000)
    days = [row["Due_Date__c"] for row in first.children["installments"]]
    assert days == sorted(days) != []
    assert all(line["SBQQ__Product__r"]["Name"] for line in first.children["lines"])


def test_a_quote_saved_but_not_calculated_waits(infrax_world: DevWorld) -> None:
    world = infrax_world
    (id_, _), *_ = world.crm.visible()
    deal = world.crm.deal(id_, world.now())
    assert isinstance(deal, Deal)
    quote = deal.children["quote"][0]["Id"]
    saved = world.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    world.update(
        "SBQQ__Quote__c",
        quote,
        {
            "SBQQ__LastSavedOn__c": saved,
            "SBQQ__LastCalculatedOn__c": "2020-01-01T00:00:00.000+0000",
        },
    )
    world.advance(120)

    found = world.crm.deal(id_, world.now())

    assert isinstance(found, Unready)
    assert "not calculated" in found.reason
