"""What SQLite decides and what Python tests must be the same condition."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedwon.devorg.org import Org
from closedwon.devorg.schema import OrgSchema, org_schema
from closedwon.devorg.seed import shipped_records
from closedwon.devorg.soql.faults import Text
from closedwon.devorg.soql.parse import parsed
from closedwon.devorg.soql.plan import Planner
from closedwon.devorg.soql.run import Runner
from devorg.conftest import SOURCE, Clock

FIELDS = {
    "Id": "id",
    "SBQQ__Quote__c": "id",
    "SBQQ__Quote__r.SBQQ__Opportunity2__c": "id",
    "SBQQ__Quote__r.SBQQ__Opportunity2__r.SBQQ__AmendedContract__c": "id",
    "SBQQ__UpgradedSubscription__c": "id",
    "SystemModstamp": "datetime",
    "SBQQ__Quote__r.SystemModstamp": "datetime",
    "CreatedDate": "datetime",
    "SBQQ__StartDate__c": "date",
    "SBQQ__EffectiveEndDate__c": "date",
    "SBQQ__Existing__c": "boolean",
    "SBQQ__Taxable__c": "boolean",
    "SBQQ__Quote__r.SBQQ__Opportunity2__r.IsWon": "boolean",
    "SBQQ__UpgradedSubscription__r.SBQQ__Bundle__c": "boolean",
    "Commit_Key__c": "text",
    "SBQQ__ChargeType__c": "text",
    "SBQQ__ProductCode__c": "text",
    "SBQQ__Product__r.Name": "text",
    "SBQQ__UpgradedSubscription__r.Name": "text",
    "SBQQ__Quantity__c": "number",
    "SBQQ__NetTotal__c": "number",
}
VALUES = {
    "id": ["'a0nHs000000014tIAA'", "'006Hs000000015R'", "'a0kHs000000014xIAA'", "null", "''"],
    "datetime": ["2023-12-14T17:03:26Z", "2024-12-18T12:31:08+01:00", "TODAY", "LAST_YEAR"],
    "date": ["2024-01-01", "2025-12-31", "LAST_YEAR", "THIS_MONTH", "null"],
    "boolean": ["true", "false", "null"],
    "text": ["'C1'", "'recurring'", "'PLAT-COMMIT'", "'Negotiated Rate Discount'", "null", "''"],
    "number": ["0", "1.0", "50000", "-5", "null"],
}
ORDERED = {"id", "datetime", "date", "text", "number"}


@st.composite
def one_test(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(sorted(FIELDS)))
    kind = FIELDS[name]
    values = VALUES[kind]
    signs = ["=", "!="] + (["<", ">", "<=", ">="] if kind in ORDERED else [])
    if draw(st.booleans()):
        listed = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
        word = draw(st.sampled_from(["IN", "NOT IN"]))
        return f"{name} {word} ({', '.join(listed)})"
    return f"{name} {draw(st.sampled_from(signs))} {draw(st.sampled_from(values))}"


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        inner.map("NOT ({})".format),
        lists.map(lambda parts: "(" + " AND ".join(parts) + ")"),
        lists.map(lambda parts: "(" + " OR ".join(parts) + ")"),
    )


@pytest.fixture(scope="module")
def lines() -> Org:
    org = Org.open(":memory:", org_schema(SOURCE), Clock())
    org.load_records(shipped_records())
    return org


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(condition=st.recursive(one_test(), joined, max_leaves=5))
def test_sqlite_and_python_choose_the_same_rows(lines: Org, condition: str) -> None:
    soql = f"SELECT Id FROM SBQQ__QuoteLine__c WHERE {condition}"
    reading = lines._reading()
    planner = Planner(
        reading=reading, text=Text(soql), api_version="60.0", all_rows=False, select=None
    )
    plan = planner.plan(parsed(soql))
    code = lines._storage.object_code("SBQQ__QuoteLine__c")
    every = lines._storage.rows("where r.object = ?", (code,))
    by_python = {stored.seq for stored in every if plan.filter.test(reading.wrap(stored))}

    runner = Runner(reading=reading, renew=lines._reading, api_version="60.0", all_rows=False)
    assert set(runner.numbers(plan)) == by_python


@settings(max_examples=200, deadline=None)
@given(
    garbage=st.text(alphabet=string.ascii_letters + " '\"(),.=<>:*\\\n0123456789-+", max_size=60)
)
def test_no_text_crashes_the_parser(schema_org: Org, garbage: str) -> None:
    from closedwon.devorg.errors import OrgError

    def status() -> int:
        try:
            schema_org.query("SELECT Id FROM Account WHERE " + garbage)
        except OrgError as error:
            return error.status
        return 200

    assert status() in (200, 400)


@pytest.fixture(scope="module")
def schema_org() -> Org:
    return Org.open(":memory:", OrgSchema(org_schema().objects), Clock())
