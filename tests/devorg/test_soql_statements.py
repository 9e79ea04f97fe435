"""SOQL beyond the corpus: precedence, nulls, ordering, grouping, and what must be refused."""

from decimal import Decimal
from typing import Any

import pytest

from closedwon.devorg.errors import OrgError
from closedwon.devorg.org import Org


@pytest.fixture
def shop(empty_org: Org) -> Org:
    """Four accounts: Alpha, beta (no type), Gamma and Delta."""
    accounts: list[dict[str, Any]] = [
        {"Name": "Alpha", "Type": "Customer", "AnnualRevenue": Decimal(10), "Site": "100%"},
        {"Name": "beta", "NumberOfEmployees": 7},
        {"Name": "Gamma", "Type": "Prospect", "AnnualRevenue": Decimal(200), "Site": "a_b"},
        {"Name": "Delta", "Type": "Customer", "NumberOfEmployees": 70, "Site": "axb"},
    ]
    for account in accounts:
        empty_org.create("Account", account, empty_org.admin_id)
    return empty_org


def names(org: Org, condition: str) -> list[str]:
    answer = org.query(f"SELECT Name FROM Account {condition}")
    return [row["Name"] for row in answer.rows]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Type = 'Customer' AND (Name = 'Delta' OR Name = 'beta')", ["Delta"]),
        ("NOT Type = 'Customer' AND Name != 'Gamma'", ["beta"]),
        ("NOT (Type = 'Customer' OR Name = 'Gamma')", ["beta"]),
        ("Type != 'Customer'", ["beta", "Gamma"]),
        ("Type = null", ["beta"]),
        ("Type != null", ["Alpha", "Delta", "Gamma"]),
        ("Type IN ('prospect', null)", ["beta", "Gamma"]),
        ("Type NOT IN ('Customer')", ["beta", "Gamma"]),
        ("AnnualRevenue > 10.0", ["Gamma"]),
        ("AnnualRevenue >= 10.00", ["Alpha", "Gamma"]),
        ("AnnualRevenue < 1e3", ["Alpha", "Gamma"]),
        ("NOT AnnualRevenue > 100", ["Alpha", "beta", "Delta"]),
        ("NumberOfEmployees = 7", ["beta"]),
        ("Name > 'beta'", ["Delta", "Gamma"]),
        ("Name <= 'BETA'", ["Alpha", "beta"]),
        (r"Site LIKE '100\%'", ["Alpha"]),
        (r"Site LIKE 'a\_b'", ["Gamma"]),
        ("Site LIKE 'a_b'", ["Delta", "Gamma"]),
        ("Name LIKE '%TA'", ["beta", "Delta"]),
        ("Name = 'Alph\\u0061'", ["Alpha"]),
        ("Account.Name = 'Alpha'", ["Alpha"]),
        ("CreatedDate = TODAY", ["Alpha", "beta", "Delta", "Gamma"]),
        ("CreatedDate < TODAY", []),
        ("CreatedDate <= TODAY", ["Alpha", "beta", "Delta", "Gamma"]),
        ("CreatedDate > TODAY", []),
        ("Parent.Type = null", ["Alpha", "beta", "Delta", "Gamma"]),
        ("IsPartnerless__c = true", None),
    ],
)
def test_conditions(shop: Org, condition: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(OrgError, match="No such column"):
            names(shop, f"WHERE {condition}")
        return
    assert sorted(names(shop, f"WHERE {condition}"), key=str.lower) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("Name", ["Alpha", "beta", "Delta", "Gamma"]),
        ("Name DESC", ["Gamma", "Delta", "beta", "Alpha"]),
        ("AnnualRevenue, Name", ["beta", "Delta", "Alpha", "Gamma"]),
        ("AnnualRevenue NULLS LAST, Name DESC", ["Alpha", "Gamma", "Delta", "beta"]),
        ("AnnualRevenue DESC, Name", ["beta", "Delta", "Gamma", "Alpha"]),
        ("AnnualRevenue DESC NULLS LAST, Name", ["Gamma", "Alpha", "beta", "Delta"]),
        ("Type, Name LIMIT 2 OFFSET 1", ["Alpha", "Delta"]),
        ("Id DESC LIMIT 1", ["Delta"]),
        ("Name LIMIT 0", []),
    ],
)
def test_ordering(shop: Org, order: str, expected: list[str]) -> None:
    assert names(shop, f"ORDER BY {order}") == expected


@pytest.mark.parametrize(
    ("condition", "days"),
    [
        ("= TODAY", [10]),
        ("!= TODAY", [9, 11]),
        ("> TODAY", [11]),
        (">= TODAY", [10, 11]),
        ("< TODAY", [9]),
        ("<= TODAY", [9, 10]),
        ("IN (YESTERDAY, 2025-01-11)", [9, 11]),
        ("> LAST_MONTH", [9, 10, 11]),
    ],
)
def test_a_date_literal_is_a_range_of_days(empty_org: Org, condition: str, days: list[int]) -> None:
    for day in (9, 10, 11):
        fields = {"Name": "x", "StageName": "Prospecting", "CloseDate": f"2025-01-{day:02d}"}
        empty_org.create("Opportunity", fields, empty_org.admin_id)
    soql = f"SELECT CloseDate FROM Opportunity WHERE CloseDate {condition} ORDER BY CloseDate"

    assert [int(row["CloseDate"][-2:]) for row in empty_org.query(soql).rows] == days


def test_child_rows_of_query_all_include_deleted_ones(infrax: Org) -> None:
    infrax.delete("SBQQ__QuoteLine__c", "a0kHs000000014xIAA", infrax.admin_id)
    soql = (
        "SELECT (SELECT Id FROM SBQQ__LineItems__r ORDER BY Id DESC LIMIT 10) FROM SBQQ__Quote__c "
        "WHERE Id = 'a0nHs000000014tIAA'"
    )
    live, every = (
        infrax.query(soql, all_rows=all_rows).rows[0]["SBQQ__LineItems__r"]
        for all_rows in (False, True)
    )

    assert (live["totalSize"], every["totalSize"]) == (5, 6)
    assert every["records"][-1]["Id"] == "a0kHs000000014xIAA"


def test_no_child_rows_are_null(empty_org: Org) -> None:
    empty_org.create("Account", {"Name": "A"}, empty_org.admin_id)
    row = empty_org.query("SELECT Name, (SELECT Id FROM Opportunities) FROM Account").rows[0]

    assert row["Opportunities"] is None


def test_aliases_stand_for_the_root_and_for_paths(shop: Org) -> None:
    soql = "SELECT o.Name, a.Name FROM Opportunity o, o.Account a WHERE a.Name = 'Alpha'"
    account = shop.query("SELECT Id FROM Account WHERE Name = 'Alpha'").rows[0]["Id"]
    fields = {
        "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2025-02-01",
        "AccountId": account,
    }  # fmt: skip
    shop.create("Opportunity", fields, shop.admin_id)

    row = shop.query(soql).rows[0]

    assert (row["Name"], row["Account"]["Name"]) == ("Deal", "Alpha")


def test_groups_can_be_filtered_sorted_and_counted(shop: Org) -> None:
    soql = (
        "SELECT Type, COUNT(Id) n, COUNT(AnnualRevenue), MAX(Name), AVG(NumberOfEmployees) "
        "FROM Account GROUP BY Type HAVING COUNT(Id) >= 1 AND Type != 'Prospect' "
        "ORDER BY COUNT(Id) DESC"
    )
    rows = [{k: v for k, v in row.items() if k != "attributes"} for row in shop.query(soql).rows]

    assert rows == [
        {"Type": "Customer", "n": 2, "expr0": 1, "expr1": "Delta", "expr2": Decimal(70)},
        {"Type": None, "n": 1, "expr0": 0, "expr1": "beta", "expr2": Decimal(7)},
    ]


def test_groups_over_two_fields_keep_each_in_its_place(shop: Org) -> None:
    soql = (
        "SELECT Type, IsDeleted d, COUNT(Id) n FROM Account WHERE Type != null "
        "GROUP BY Type, IsDeleted ORDER BY Type DESC LIMIT 1 OFFSET 1"
    )
    row = shop.query(soql).rows[0]

    assert (row["Type"], row["d"], row["n"]) == ("Customer", False, 2)


def test_a_sum_of_no_rows_is_null_and_a_count_zero(shop: Org) -> None:
    soql = "SELECT SUM(AnnualRevenue) s, COUNT(Id) n FROM Account WHERE Name = 'nobody'"
    row = shop.query(soql).rows[0]

    assert (row["s"], row["n"]) == (None, 0)


def test_all_fields_come_in_describe_order(shop: Org) -> None:
    row = shop.query("SELECT FIELDS(ALL) FROM Account LIMIT 200").rows[0]

    described = [field["name"] for field in shop.describe("Account")["fields"]]
    assert list(row) == ["attributes", *described]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = :name", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY"),
        (r"SELECT Id FROM Account WHERE Name = 'x\q'", "MALFORMED_QUERY"),
        (r"SELECT Id FROM Account WHERE Name = 'x\%'", "MALFORMED_QUERY"),
        (r"SELECT Id FROM Account WHERE Name = '\uD800'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account; DELETE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account -- comment", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT -1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT 1.5", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account FOR UPDATE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WITH SECURITY_ENFORCED", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account USING SCOPE mine", "MALFORMED_QUERY"),
        ("SELECT TYPEOF Owner WHEN User THEN Name END FROM Account", "MALFORMED_QUERY"),
        ("SELECT COUNT(Id) FROM Account GROUP BY ROLLUP(Type)", "MALFORMED_QUERY"),
        ("SELECT CALENDAR_YEAR(CreatedDate) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CALENDAR_YEAR(CreatedDate) = 2024", "MALFORMED_QUERY"),
        ("SELECT convertCurrency(AnnualRevenue) FROM Account", "MALFORMED_QUERY"),
        ("SELECT COUNT(), Id FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id, COUNT() FROM Account GROUP BY Id", "MALFORMED_QUERY"),
        ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Name n FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account HAVING COUNT(Id) > 1", "MALFORMED_QUERY"),
        ("SELECT COUNT(Id) FROM Account GROUP BY AnnualRevenue", "MALFORMED_QUERY"),
        ("SELECT COUNT(Id) a, COUNT(Name) a FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account ORDER BY Description", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account ORDER BY Nope", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE IsDeleted = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE AnnualRevenue = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate = 2024-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Nope.Name = 'x'", "INVALID_FIELD"),
        ("SELECT Nope.Name FROM Account", "INVALID_FIELD"),
        ("SELECT (SELECT Id FROM Nopes) FROM Account", "INVALID_FIELD"),
        ("SELECT Parent.Parent.Parent.Parent.Parent.Parent.Id FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CreatedDate = SOMEDAY", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CreatedDate = TODAY:3", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2024-13-01T00:00:00Z", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Id = 'short'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Account WHERE AnnualRevenue LIKE '1%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Account WHERE IsDeleted > true", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Account WHERE Name INCLUDES ('x')", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Id FROM Account)", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Contact)", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)",
         "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 1)",
         "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' OR Id IN (SELECT AccountId FROM Contact)",
         "MALFORMED_QUERY"),
        (("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Id IN "
         "(SELECT ContactId FROM Asset))"), "MALFORMED_QUERY"),
        ("SELECT Id FROM Name", "INVALID_TYPE"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_and_never_wrong(shop: Org, soql: str, code: str) -> None:
    with pytest.raises(OrgError) as caught:
        shop.query(soql)

    assert caught.value.code == code


def test_deep_nesting_is_malformed_and_not_a_crash(shop: Org) -> None:
    soql = "SELECT Id FROM Account WHERE " + "NOT " * 20_000 + "Name = 'x'"

    with pytest.raises(OrgError, match="too complex"):
        shop.query(soql)


def test_a_long_list_of_ids_is_no_problem(shop: Org) -> None:
    known = [row["Id"] for row in shop.query("SELECT Id FROM Account").rows]
    listed = ", ".join(f"'{each}'" for each in known * 1_000)

    assert shop.query(f"SELECT Id FROM Account WHERE Id IN ({listed})").total == 4


def test_rows_are_pages_of_what_the_query_found(shop: Org) -> None:
    answer = shop.query("SELECT Name FROM Account ORDER BY Name")
    shop.create("Account", {"Name": "Aaa"}, shop.admin_id)

    assert answer.total == len(answer.rows) == 4
    assert [row["Name"] for row in answer.rows[1:3]] == ["beta", "Delta"]
    assert answer.rows[-1]["Name"] == "Gamma"
    assert answer.rows[4:] == []
