"""An export read as a CRM: the same deals, frozen in time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from closedwon.crm.files import Export, FilesCrm
from closedwon.deals.types import Deal
from closedwon.formula.schema import FieldInfo
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.ids import id18
from closedwon.ports import Crm, Gone, Window
from closedwon.testing.crm_world import NOBODY, SOURCE
from crm.worlds import mapped_fields

TAKEN = datetime(2024, 4, 1, tzinfo=UTC)
OLD = "2024-03-01T10:00:00.000+0000"
WON, OPEN, DELETED = (id18(f"006Hs000000000{n}") for n in range(3))
ACCOUNT, QUOTE = id18("001Hs0000000001"), id18("a01Hs0000000001")
LINES = [id18(f"a02Hs000000000{n}") for n in range(3)]
SCHEMA = {
    "Opportunity": {
        "Amount": FieldInfo(name="Amount", type="currency"),
        "IsWon": FieldInfo(name="IsWon", type="boolean"),
        "IsDeleted": FieldInfo(name="IsDeleted", type="boolean"),
    },
    "SBQQ__QuoteLine__c": {"SBQQ__Number__c": FieldInfo(name="SBQQ__Number__c", type="double")},
}


@pytest.fixture
def crm(tmp_path: Path) -> Crm:
    (tmp_path / "Account.json").write_text(f'[{{"Id":"{ACCOUNT}","Name":"Alpha Inc"}}]')
    (tmp_path / "Opportunity.csv").write_text(
        "Id,Name,AccountId,StageName,CloseDate,Amount,IsWon,IsDeleted,SystemModstamp\n"
        f"{WON},Alpha,{ACCOUNT},Closed Won,2024-03-15,10.5,true,false,{OLD}\n"
        f"{OPEN},Beta,,Open,2024-03-15,,false,false,\n"
        f"{DELETED},Gamma,,Closed Won,2024-03-15,,true,true,{OLD}\n"
    )
    (tmp_path / "SBQQ__Quote__c.csv").write_text(f"Id,SBQQ__Opportunity2__c\n{QUOTE},{WON}\n")
    (tmp_path / "SBQQ__QuoteLine__c.csv").write_text(
        "Id,SBQQ__Quote__c,SBQQ__Number__c\n"
        f"{LINES[0]},{QUOTE},10\n{LINES[1]},{QUOTE},9\n{LINES[2]},,1\n"
    )
    export = Export(
        directory=tmp_path, org_id=id18("00DHs0000012345"), exported_at=TAKEN, schema=SCHEMA
    )
    return FilesCrm(export, SOURCE, mapped_fields)


def test_a_deal_has_its_parents_and_children_in_order(crm: Crm) -> None:
    deal = crm.deal(WON[:15], TAKEN)

    assert isinstance(deal, Deal)
    assert deal.record["Amount"] == Decimal("10.5")
    assert deal.record["Account"] == {"Id": ACCOUNT, "SystemModstamp": None, "Name": "Alpha Inc"}
    assert [row["Id"] for row in deal.children["quotes"]] == [QUOTE]
    assert [row["Id"] for row in deal.children["lines"]] == [LINES[1], LINES[0]]
    assert list(crm.deals([WON], TAKEN)) == [deal]


def test_deleted_and_unknown_deals_are_gone(crm: Crm) -> None:
    assert crm.deal(DELETED, TAKEN) == Gone(opportunity_id=DELETED, deleted=True)
    assert crm.deal(NOBODY, TAKEN) == Gone(opportunity_id=NOBODY, deleted=False)


def test_the_trigger_selects(crm: Crm) -> None:
    march = (datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 16, tzinfo=UTC))

    assert list(crm.won(*march)) == [WON]
    assert list(crm.won(march[0], march[1] - timedelta(days=1))) == []
    assert [id_ for id_, _ in crm.visible()] == [WON]
    assert crm.matching([WON, OPEN, DELETED, NOBODY]) == {WON}


def test_changes_are_found_by_stamp_and_led_to_their_deal(crm: Crm) -> None:
    since = TAKEN - timedelta(days=90)
    windows = [
        Window(object_name=name, since=since, until=TAKEN + timedelta(seconds=1))
        for name in ("Opportunity", "SBQQ__QuoteLine__c", "Unknown")
    ]

    found = list(crm.changes(windows))

    assert [(row.id, row.deleted) for row in found[:3]] == [
        (WON, False),
        (DELETED, True),
        (OPEN, False),
    ]
    assert [row.opportunity_ids for row in found[3:]] == [(WON,), (WON,), ()]
    assert list(crm.changes([Window(object_name="Opportunity", since=since, until=since)])) == []


def test_nothing_is_written_and_nothing_is_called(crm: Crm) -> None:
    with pytest.raises(Refused):
        crm.upsert("Meter_Customer__c", "Key__c", [{"Key__c": "x"}])
    with pytest.raises(NotFound):
        crm.describe("Account")
    assert crm.describe("Opportunity")["Amount"].type == "currency"
    assert (crm.usage().ours, crm.server_now(), crm.org_id()[:3]) == (0, TAKEN, "00D")
