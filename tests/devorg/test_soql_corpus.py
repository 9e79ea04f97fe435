"""The conformance corpus of salesforce.md, Appendix C, over the InfraX records."""

from decimal import Decimal
from typing import Any

import pytest

from closedwon.devorg.errors import OrgError
from closedwon.devorg.org import Org

YEAR_ONE = "006Hs000000014qIAA"
AMENDMENT = "006Hs000000015RIAQ"
LINES = "SBQQ__QuoteLine__c"


def rows(org: Org, soql: str, *, all_rows: bool = False) -> list[dict[str, Any]]:
    return list(org.query(soql, all_rows=all_rows).rows)


def ids(org: Org, soql: str) -> list[str]:
    return [row["Id"] for row in rows(org, soql)]


def test_won_opportunities_come_in_order_of_their_stamps(infrax: Org) -> None:
    soql = (
        "SELECT Id, Name FROM Opportunity WHERE IsWon = true AND SBQQ__PrimaryQuote__c != null "
        "ORDER BY SystemModstamp, Id"
    )
    assert ids(infrax, soql) == [YEAR_ONE, AMENDMENT]


def test_names_are_case_insensitive_and_answered_in_their_own_case(infrax: Org) -> None:
    row = rows(infrax, "select id from opportunity")[0]

    assert list(row) == ["attributes", "Id"]
    assert row["attributes"] == {
        "type": "Opportunity",
        "url": f"/services/data/v60.0/sobjects/Opportunity/{row['Id']}",
    }


def test_child_rows_are_nested_results(infrax: Org) -> None:
    soql = (
        "SELECT Id, (SELECT Id, SBQQ__NetTotal__c FROM SBQQ__LineItems__r "
        "WHERE SBQQ__Optional__c = false) FROM SBQQ__Quote__c ORDER BY Id"
    )
    nested = [row["SBQQ__LineItems__r"] for row in rows(infrax, soql)]

    assert [each["totalSize"] for each in nested] == [6, 5]
    assert all(each["done"] and len(each["records"]) == each["totalSize"] for each in nested)
    totals = [sum(row["SBQQ__NetTotal__c"] for row in each["records"]) for each in nested]
    assert totals == [Decimal(505_000), Decimal(300_000)]


def test_a_path_nests_every_parent_with_its_attributes(infrax: Org) -> None:
    soql = f"SELECT SBQQ__Quote__r.SBQQ__Opportunity2__r.Account.Name FROM {LINES} LIMIT 1"
    quote = rows(infrax, soql)[0]["SBQQ__Quote__r"]
    opportunity = quote["SBQQ__Opportunity2__r"]
    account = opportunity["Account"]

    assert account["Name"] == "Northwind Analytics"
    types = [each["attributes"]["type"] for each in (quote, opportunity, account)]
    assert types == ["SBQQ__Quote__c", "Opportunity", "Account"]


@pytest.mark.parametrize(
    ("soql", "total"),
    [
        (f"SELECT Id FROM {LINES} WHERE SystemModstamp >= 2024-12-18T11:31:08Z", 5),
        ("SELECT Id FROM Opportunity WHERE CloseDate = LAST_N_DAYS:30", 1),
        ("SELECT Id FROM Account WHERE Name LIKE 'north%'", 1),
        (r"SELECT Id FROM Account WHERE Name = 'O\'Brien'", 0),
        ("SELECT Id FROM Account WHERE Billing_Customer_Id__c != 'x'", 1),
        ("SELECT Id FROM Account WHERE Billing_Customer_Id__c = ''", 1),
        (("SELECT Id FROM Opportunity WHERE AccountId IN "
         "(SELECT Id FROM Account WHERE Type = 'Customer')"), 2),
        ("SELECT Id FROM Account WHERE Id NOT IN (SELECT AccountId FROM Opportunity)", 0),
        ("SELECT Id FROM Opportunity WHERE Id = '006Hs000000014q'", 1),
        ("SELECT Id FROM Opportunity WHERE Id = '006HS000000014Q'", 0),
        ("SELECT Id FROM Opportunity ORDER BY Amount DESC NULLS LAST LIMIT 1 OFFSET 1", 1),
        ("SELECT Id FROM Opportunity WHERE NOT (StageName LIKE 'Closed%')", 0),
        ((f"SELECT Id FROM {LINES} WHERE "
         "SBQQ__Quote__r.SBQQ__Opportunity2__r.SBQQ__AmendedContract__c = null"), 6),
        ("SELECT Id FROM Opportunity WHERE SBQQ__AmendedContract__r.ContractNumber = null", 1),
        ("SELECT Id FROM Opportunity WHERE SystemModstamp > 2024-01-01T00:00:00+01:00", 1),
    ],
)  # fmt: skip
def test_filters_find_as_many_rows_as_salesforce(infrax: Org, soql: str, total: int) -> None:
    answer = infrax.query(soql)

    assert (answer.total, len(list(answer.rows))) == (total, total)


@pytest.mark.parametrize(
    ("soql", "code", "says"),
    [
        ("SELECT Id FROM Opportunity WHERE SystemModstamp >= '2024-12-18T11:31:08Z'",
         "INVALID_FIELD", "must be of type dateTime and should not be enclosed in quotes"),
        ("SELECT Id FROM Opportunity WHERE CloseDate >= 2024-01-01T00:00:00Z",
         "INVALID_FIELD", "must be of type date"),
        ("SELECT StageName, COUNT(Id) FROM Opportunity",
         "MALFORMED_QUERY", "Field must be grouped or aggregated: StageName"),
        ("SELECT MAX(SystemModstamp) FROM Opportunity LIMIT 1", "MALFORMED_QUERY", "LIMIT"),
        ("SELECT Id FROM Opportunity WHERE IsWon = true AND Amount > 1 OR Amount < 0",
         "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY",
         "The SOQL FIELDS function must have a LIMIT of at most 200"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FROM XYZZY", "INVALID_TYPE",
         ("\nSELECT Id FROM XYZZY\n               ^\nERROR at Row:1:Column:16\n"
         "sObject type 'XYZZY' is not supported.")),
        ("SELECT Id FROM Opportunity LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT CurrencyIsoCode FROM Opportunity", "INVALID_FIELD",
         "No such column 'CurrencyIsoCode' on entity 'Opportunity'."),
        ("SELECT Id FROM Opportunity WHERE StageName NOT LIKE 'Closed%'",
         "MALFORMED_QUERY", "unexpected token: 'LIKE'"),
        ("SELECT Id FROM Account ALL ROWS", "MALFORMED_QUERY", "unexpected token: 'ROWS'"),
        ("SELECT Id FROM Opportunity WHERE SystemModstamp > 2024-01-01T00:00:00 01:00",
         "MALFORMED_QUERY", "unexpected token"),
        (f"SELECT Id FROM {LINES} GROUP BY SBQQ__NetTotal__c", "MALFORMED_QUERY",
         "can not be grouped"),
        ("SELECT Id FROM Account" + " " * 99_979, "MALFORMED_QUERY", "longer than 100000"),
    ],
)  # fmt: skip
def test_wrong_statements_are_refused_as_salesforce_refuses_them(
    infrax: Org, soql: str, code: str, says: str
) -> None:
    with pytest.raises(OrgError) as caught:
        infrax.query(soql)

    assert (caught.value.code, caught.value.status) == (code, 400)
    assert says in caught.value.message


def test_the_caret_stands_under_the_unknown_column(infrax: Org) -> None:
    with pytest.raises(OrgError) as caught:
        infrax.query("SELECT Id,Foo FROM Account")

    assert caught.value.message.startswith(
        "\nSELECT Id,Foo FROM Account\n          ^\nERROR at Row:1:Column:11\n"
        "No such column 'Foo' on entity 'Account'."
    )


def test_a_bare_count_has_a_total_and_no_rows(infrax: Org) -> None:
    answer = infrax.query(f"SELECT COUNT() FROM {LINES}")

    assert (answer.total, list(answer.rows)) == (11, [])


def test_a_counted_field_is_one_aggregate_row(infrax: Org) -> None:
    answer = rows(infrax, f"SELECT COUNT(Id) FROM {LINES}")

    assert answer == [{"attributes": {"type": "AggregateResult"}, "expr0": 11}]


def test_number_formulas_can_be_summed_per_group(infrax: Org) -> None:
    soql = (
        f"SELECT SBQQ__Quote__c q, SUM(SBQQ__NetTotal__c) total FROM {LINES} "
        "GROUP BY SBQQ__Quote__c ORDER BY SBQQ__Quote__c"
    )
    found = [(row["q"], row["total"]) for row in rows(infrax, soql)]

    assert found == [
        ("a0nHs000000014tIAA", Decimal(505_000)),
        ("a0nHs000000015UIAQ", Decimal(300_000)),
    ]


def test_viewing_rows_moves_no_stamp(infrax: Org) -> None:
    stamps = "SELECT SystemModstamp, LastModifiedDate FROM Opportunity ORDER BY Id"
    before = rows(infrax, stamps)

    assert len(rows(infrax, "SELECT Id FROM Opportunity FOR VIEW")) == 2
    assert rows(infrax, stamps) == before


def test_labels_and_formats_are_text(infrax: Org) -> None:
    labels = rows(infrax, "SELECT toLabel(StageName) FROM Opportunity")
    amounts = rows(infrax, "SELECT FORMAT(Amount) a FROM Opportunity ORDER BY Id")

    assert {row["StageName"] for row in labels} == {"Closed Won"}
    assert [row["a"] for row in amounts] == ["$505,000.00", "$300,000.00"]


def test_deleting_a_quote_takes_its_lines_into_the_recycle_bin(infrax: Org) -> None:
    infrax.delete("SBQQ__Quote__c", "a0nHs000000015UIAQ", infrax.admin_id)
    deleted = f"SELECT Id FROM {LINES} WHERE IsDeleted = true"

    assert len(rows(infrax, deleted, all_rows=True)) == 5
    assert rows(infrax, deleted) == []
    assert infrax.query(f"SELECT COUNT() FROM {LINES}").total == 6


def test_an_owner_reads_as_a_name(infrax: Org) -> None:
    owner = rows(infrax, "SELECT Owner.Name, Owner.Type FROM Opportunity LIMIT 1")[0]["Owner"]

    assert (owner["Name"], owner["Type"]) == ("Org Admin", "User")
    assert owner["attributes"]["type"] == "Name"


def test_a_missing_parent_is_null(infrax: Org) -> None:
    soql = "SELECT SBQQ__AmendedContract__r.ContractNumber FROM Opportunity ORDER BY Id"
    parents = [row["SBQQ__AmendedContract__r"] for row in rows(infrax, soql)]

    assert parents[0] is None
    assert parents[1]["ContractNumber"] == "00000117"
