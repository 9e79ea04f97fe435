from datetime import UTC, datetime
from pathlib import Path

import pytest

from closedwon.deals.mapping import (
    FixtureOutcome,
    MappingError,
    coverage,
    load_fixture,
    run_fixture,
    scaffold,
)
from closedwon.deals.types import Rejected
from deals import cpq_org as org

FILES = sorted((org.ROOT / "mappings" / "tests").glob("*.yaml"))
SMALL = """\
mapping: cpq
base:
  deal: {IsWon: true, AccountId: 001Hs000000014mIAA, Account: {Name: Acme}}
  quote: {SBQQ__StartDate__c: 2024-01-01, SBQQ__SubscriptionTerm__c: 12}
cases:
  - name: one machine
    given:
      lines: [{SBQQ__ProductCode__c: M, SBQQ__NetTotal__c: 10}]
    expect: {total: 10, charges: [{items: [10 on 2024-01-01]}]}
"""


def outcome(path: Path) -> FixtureOutcome:
    text = path.read_text(encoding="utf-8")
    return run_fixture(org.MAPPING, load_fixture(text, path.name, org.MAPPING))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_tests_beside_the_mapping_pass(path: Path) -> None:
    found = outcome(path)

    assert [line for case in found.cases for line in case.differences] == []
    assert found.passed


def test_every_rule_of_the_shipped_mapping_is_reached_by_a_test() -> None:
    assert coverage(org.MAPPING, map(outcome, FILES)).never == ()


def test_a_rule_no_test_reaches_is_told() -> None:
    found = coverage(org.MAPPING, [run_fixture(org.MAPPING, load(SMALL))])

    assert found.fired == ("one-time",)
    assert "commit" in found.never


def load(text: str):  # noqa: ANN201 - the type is long and shown by the call
    return load_fixture(text, "t.yaml", org.MAPPING)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("total: 10,", "total: 11,", "t.yaml:9:21: total is '10', expected '11'"),
        ("10 on 2024-01-01]", "10 on 2024-01-02]", "charges[1].items[1] is '10 on 2024-01-01'"),
        ("charges: [{items: [10 on 2024-01-01]}]", "charges: []", "has 1 entries, expected 0"),
        ("total: 10,", "total: 10, park: [x],", "expected park, but the deal was mapped"),
        ("charges: [{items", "charges: [{item", "charges[1].item is not there; there are name"),
        ("SBQQ__NetTotal__c: 10", "SBQQ__NetTotal__c: -1", "parked: lines 1: the line takes back"),
    ],
)
def test_a_failing_case_says_where_and_what(old: str, new: str, told: str) -> None:
    (case,) = run_fixture(org.MAPPING, load(SMALL.replace(old, new))).cases

    assert not case.passed
    assert any(told in line for line in case.differences), case.differences


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("SBQQ__NetTotal__c", "SBQQ__NetTotl__c", "did you mean 'SBQQ__NetTotal__c'?"),
        ("SBQQ__NetTotal__c: 10", "SBQQ__NetTotal__c: ten", "a plain decimal number"),
        ("IsWon: true", "IsWon: yes", "true or false"),
        ("mapping: cpq", "mapping: rlm", "a test of cpq"),
        ("lines: [", "line: [", "did you mean 'lines'?"),
        ("{total: 10", "{totl: 10", "did you mean 'total'?"),
    ],
)
def test_a_fixture_that_does_not_fit_the_org_is_refused(old: str, new: str, told: str) -> None:
    with pytest.raises(MappingError) as caught:
        load(SMALL.replace(old, new))

    assert told in str(caught.value)


@pytest.mark.parametrize("opportunity_id", [org.INFRAX, org.UPSELL])
@pytest.mark.parametrize("known", [{}, {org.INFRAX: "base"}])
def test_a_test_written_from_a_real_deal_passes_as_it_stands(
    opportunity_id: str, known: dict[str, str]
) -> None:
    deal = org.infrax_deal(opportunity_id)
    ends = {"base": datetime(2027, 1, 1, tzinfo=UTC)}
    facts = org.facts(contract_of=known, contract_ends=ends)

    text = scaffold(org.MAPPING, deal, facts, "as in Salesforce")
    (case,) = run_fixture(org.MAPPING, load(text)).cases

    assert case.differences == ()
    assert isinstance(case.outcome, Rejected) is (opportunity_id == org.UPSELL and not known)
    assert "SystemModstamp" not in text
