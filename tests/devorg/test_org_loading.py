"""Bulk loading and Prodly CSV exports."""

from decimal import Decimal
from pathlib import Path

import pytest

from closedwon.devorg.errors import OrgError
from closedwon.devorg.org import Org
from closedwon.kernel.errors import ConfigError

ACCOUNT, DEAL, QUOTE, LINE = "f711a030", "88a1b938", "0b1c", "de29918a"
EXPORT = {
    "Account.csv": "Guid,Name,Type,BillingNothing\nf711a030,Acme,#N/A,x\n",
    "Opportunity.csv": (
        "Guid,AccountId,Amount,CloseDate,Name,Probability,SBQQ__PrimaryQuote__c,StageName,"
        "sbaa__ApprovalStatus__c\n"
        '88a1b938,f711a030,100000.0,2019-01-29,"Acme, 1,000 widgets",100.0,0b1c,Closed Won,#N/A\n'
    ),
    "SBQQ__Quote__c.csv": (
        "Guid,SBQQ__Opportunity2__c,SBQQ__Primary__c,SBQQ__StartDate__c,SBQQ__SubscriptionTerm__c,"
        "SBQQ__MasterContract__c\n"
        "0b1c,88a1b938,true,2021-05-01,24.0,1234-not-exported\n"
    ),
    "SBQQ__QuoteLine__c.csv": (
        "Guid,SBQQ__Quote__c,SBQQ__Quantity__c,SBQQ__ListPrice__c,SBQQ__NetPrice__c,"
        "SBQQ__PricebookEntryId__c,SBQQ__RequiredBy__c,SBQQ__Existing__c\n"
        "de29918a,0b1c,2.0,33.449999999999996,802.8,01u5e000003SK1fAAG,#N/A,false\n"
        "de29918b,0b1c,1.0,0.0,0.0,#N/A,de29918a,false\n"
    ),
    "OpportunityLineItem.csv": "Guid,OpportunityId,Quantity,UnitPrice,TotalPrice\n05,88a1b938,1.0,2.0,2.0\n",
    "sbaa__Approval__c.csv": "Guid,Name\n1,x\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8-sig")
    return folder


def test_a_prodly_export_keeps_its_relations(empty_org: Org, tmp_path: Path) -> None:
    counts = empty_org.import_prodly(write(tmp_path, EXPORT))
    soql = (
        "SELECT Name, SBQQ__ListPrice__c, SBQQ__NetTotal__c, SBQQ__PricebookEntryId__c, "
        "SBQQ__RequiredBy__r.Name, SBQQ__EffectiveStartDate__c, CreatedDate, "
        "SBQQ__Quote__r.SBQQ__Opportunity2__r.Account.Name FROM SBQQ__QuoteLine__c ORDER BY Name"
    )
    first, second = empty_org.query(soql).rows

    assert counts == {
        "Account": 1, "Opportunity": 1, "OpportunityLineItem": 1, "SBQQ__QuoteLine__c": 2,
        "SBQQ__Quote__c": 1,
    }  # fmt: skip
    assert first["SBQQ__ListPrice__c"] == Decimal("33.449999999999996"), "noise is kept"
    assert first["SBQQ__NetTotal__c"] == Decimal("1605.60")
    assert first["SBQQ__PricebookEntryId__c"] == "01u5e000003SK1fAAG"
    assert first["SBQQ__EffectiveStartDate__c"] == "2021-05-01"
    assert first["CreatedDate"] == "2025-01-10T12:00:00.000+0000"
    assert second["SBQQ__RequiredBy__r"]["Name"] == first["Name"] == "QL-0000001"
    deal = first["SBQQ__Quote__r"]["SBQQ__Opportunity2__r"]
    assert deal["Account"]["Name"] == "Acme"


def test_an_imported_deal_is_won_and_has_products(empty_org: Org, tmp_path: Path) -> None:
    empty_org.import_prodly(write(tmp_path, EXPORT))
    deal = empty_org.query("SELECT FIELDS(ALL) FROM Opportunity WHERE IsWon = true LIMIT 1").rows[0]
    quote = empty_org.query("SELECT Id, SBQQ__MasterContract__c FROM SBQQ__Quote__c").rows[0]

    assert deal["Name"] == "Acme, 1,000 widgets"
    assert (deal["IsClosed"], deal["HasOpportunityLineItem"]) == (True, True)
    assert deal["Amount"] == Decimal(100_000)
    assert deal["SBQQ__PrimaryQuote__c"] == quote["Id"]
    assert quote["SBQQ__MasterContract__c"] is None, "a lookup to a row that was not exported"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no Prodly CSV"),
        ({"Account.csv": "Id,Name\n1,A\n"}, "Guid column"),
        ({"Account.csv": "Guid,Name\n1\n"}, "longer or shorter"),
        ({"Account.csv": "Guid,Name\n1,A,B\n"}, "longer or shorter"),
        ({"Account.csv": 'Guid,Name\n1,"A'}, "not a CSV export"),
    ],
)
def test_a_broken_export_is_refused(
    empty_org: Org, tmp_path: Path, files: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        empty_org.import_prodly(write(tmp_path, files))


def test_loading_keeps_ids_stamps_and_digits(empty_org: Org) -> None:
    product = {
        "Id": "01tHs000000014n",
        "name": "Seat",
        "SBQQ__SubscriptionTerm__c": 12,
        "SystemModstamp": "2023-10-02T11:12:44+02:00",
    }
    assert empty_org.load_records({"product2": [product]}) == 1
    found = empty_org.retrieve("Product2", "01tHs000000014nIAA")

    assert found["SystemModstamp"] == "2023-10-02T09:12:44.000+0000"
    assert found["CreatedDate"] == found["SystemModstamp"]
    assert found["SBQQ__SubscriptionTerm__c"] == Decimal(12)


def test_loading_again_replaces(infrax: Org) -> None:
    before = infrax.count("Opportunity")
    deal = {"Id": "006Hs000000014qIAA", "Name": "Renamed", "StageName": "Closed Lost",
            "CloseDate": "2023-12-15", "Billing_Contract_Id__c": "k"}  # fmt: skip
    infrax.load_records({"Opportunity": [deal]})
    found = infrax.retrieve("Opportunity", deal["Id"])

    assert infrax.count("Opportunity") == before
    assert (found["Name"], found["IsWon"], found["AccountId"]) == ("Renamed", False, None)
    assert infrax.find("Opportunity", "Billing_Contract_Id__c", "K") == (deal["Id"],)
    by_account = "SELECT COUNT() FROM Opportunity WHERE AccountId = '001Hs000000014mIAA'"
    assert infrax.query(by_account).total == 1


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ({"Nope": [{}]}, "INVALID_TYPE"),
        ({"Account": [{"Nope": 1}]}, "INVALID_FIELD"),
        ({"Account": [{"Id": "short"}]}, "MALFORMED_ID"),
        ({"Account": [{"Name": "A"}, {"AnnualRevenue": "x"}]}, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
    ],
)
def test_a_data_set_that_does_not_fit_is_refused_whole(
    empty_org: Org, records: dict[str, list[dict[str, object]]], code: str
) -> None:
    with pytest.raises(OrgError) as caught:
        empty_org.load_records(records)

    assert caught.value.code == code
    assert empty_org.count("Account") == 0
