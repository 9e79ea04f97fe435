"""One deal from the command line: rehearse, backfill, sync, look, edit, park, release."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.cli_kit import OPPORTUNITY, Office, an_office
from closedwon.devorg.org import Org

UPSELL = "006Hs000000015RIAQ"
START = datetime(2024, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with an_office(tmp_path_factory.mktemp("state"), START) as found:
        yield found


def meter_rows(org: Org) -> int:
    return sum(
        org.count(name)
        for name in ("Meter_Customer__c", "Meter_Contract__c", "Meter_Commit__c", "Meter_Spend__c")
    )


def test_a_deal_is_rehearsed_backfilled_pushed_and_left_alone(office: Office) -> None:
    rehearsed = office.run("backfill", "--from", "2023-01-01", "--to", "2024-01-01", "--dry-run")
    assert "505,000.00 USD (access 500,000.00)" in rehearsed
    assert "0 seen" in office.run("status")

    done = office.run("backfill", "--from", "2023-01-01", "--to", "2024-01-01")
    assert "1 provisioned + 0 parked" in done
    assert "505,000.00 USD" in done

    first = json.loads(office.run("sync", "--format", "json"))
    assert {row["step"]: row["done"] for row in first}["push"] > 0
    assert meter_rows(office.org) == 3

    office.clock[0] += timedelta(minutes=5)
    again = json.loads(office.run("sync", "--format", "json"))
    assert [row for row in again if row["done"] or row["parked"] or row["waiting"]] == []
    assert office.run("sync", "--detailed-exitcode").count("push") == 1


def test_what_billing_holds_can_be_looked_at_in_every_format(office: Office) -> None:
    balances = json.loads(office.run("balance", "--format", "json"))
    assert [(row["granted"], row["active"]) for row in balances] == [
        (50000, "yes"),
        (200000, ""),
        (250000, ""),
    ]
    assert "250,000.00" in office.run("invoices", "--open")
    csv = office.run("invoices", "--format", "csv", "--lines")
    assert csv.startswith("invoice,type,status")
    contract = json.loads(office.run("contracts", "--format", "jsonl"))
    assert "create" in office.run("contracts", "--history", contract["contract"]).lower()
    invoice = json.loads(office.run("invoices", "--format", "json"))[0]
    told = office.run("explain", invoice["invoice"], "1")
    assert OPPORTUNITY in told
    assert "mappings/cpq.yaml:" in told
    forwards = json.loads(office.run("trace", OPPORTUNITY, "--format", "json"))
    assert invoice["invoice"] in {row["invoice"] for row in forwards}
    assert "[not_found]" in office.run("trace", "nothing", expect=1)


def test_a_file_is_written_instead_of_stdout(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "deals.json"

    told = office.run("deals", "--format", "json", "-o", str(file))

    assert "wrote" in told
    assert json.loads(file.read_text())[0]["opportunity"] == OPPORTUNITY


def test_usage_is_stored_once_and_moves_the_balance(office: Office, tmp_path: Path) -> None:
    customer = json.loads(office.run("usage", "senders", "--format", "json"))
    assert customer == []
    file = tmp_path / "usage.csv"
    file.write_text(
        "transaction_id,customer_id,event_type,timestamp,quantity\n"
        "t1,001Hs000000014mIAA,analysis,2024-01-02T00:00:00Z,100\n"
    )

    assert "accepted 1, duplicates 0" in office.run("usage", "ingest", str(file))
    assert "accepted 0, duplicates 1" in office.run("usage", "ingest", str(file))

    balances = json.loads(office.run("balance", "--format", "json"))
    assert (balances[0]["used"], balances[0]["remaining"]) == (125, 49875)
    sender = json.loads(office.run("usage", "senders", "--format", "json"))[0]
    assert (sender["events"], sender["customer"]) == (1, "Northwind Analytics")

    assert "3 rows would be sent" not in office.run("push", "--dry-run")
    office.run("push")
    (row,) = office.org.query("SELECT Spend_This_Month__c FROM Meter_Customer__c").rows
    assert row["Spend_This_Month__c"] == 125


def test_bad_usage_lines_are_told_and_fail_the_command(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"transaction_id": "x"}\n')

    told = office.run("usage", "ingest", str(file), expect=1)

    assert "bad.jsonl:1" in told
    assert "rejected 1" in told


def test_an_edited_deal_is_held_shown_saved_and_applied_by_a_person(
    office: Office, tmp_path: Path
) -> None:
    line = "a0kHs000000017wIAA"
    office.org.update("SBQQ__QuoteLine__c", line, {"Invoice_Date__c": "2024-04-01"}, Org.admin_id)
    office.clock[0] += timedelta(minutes=5)
    plans = tmp_path / "plans.json"

    told = office.run(
        "plan", "--save", str(plans), "--format", "json", "--detailed-exitcode", expect=10
    )
    assert "changed after it was provisioned" in told
    assert "0 parked" in office.run("status").splitlines()[0]

    office.run("sync", expect=3)
    (parked,) = json.loads(office.run("parked", "list", "--format", "json"))
    assert (parked["subject"], parked["code"]) == (OPPORTUNITY, "edited_after_close")
    assert "plan held" in office.run("parked", "show", OPPORTUNITY)

    office.run("apply", str(plans))
    assert "1 provisioned + 0 parked" in office.run("status")
    drafts = json.loads(office.run("invoices", "--open", "--format", "json"))
    assert "2024-04-01" in {row["issued_at"][:10] for row in drafts}

    assert "Error: [conflict]" in office.run("apply", str(plans), expect=1)


def test_a_parked_deal_is_released_from_salesforce_by_its_tick(office: Office) -> None:
    line = "a0kHs000000017wIAA"
    office.org.update("SBQQ__QuoteLine__c", line, {"Invoice_Date__c": "2024-05-01"}, Org.admin_id)
    office.clock[0] += timedelta(minutes=5)
    office.run("sync", expect=3)
    (row,) = office.org.query("SELECT Id, Stage__c FROM Meter_Sync_Record__c").rows
    assert row["Stage__c"] == "Ready For Review"

    office.org.update("Meter_Sync_Record__c", row["Id"], {"Retry__c": True}, Org.admin_id)
    office.clock[0] += timedelta(minutes=5)
    office.run("sync")

    (row,) = office.org.query("SELECT Stage__c, Retry__c FROM Meter_Sync_Record__c").rows
    assert (row["Stage__c"], row["Retry__c"]) == ("Provisioned", False)


def test_releasing_what_is_not_parked_is_an_error_with_a_name(office: Office) -> None:
    told = office.run("parked", "release", OPPORTUNITY, expect=1)

    assert "[not_found] nothing of that name is parked" in told


def test_the_mapping_can_be_tried_and_explained_on_a_live_deal(office: Office) -> None:
    tried = json.loads(office.run("mapping", "try", OPPORTUNITY))
    assert tried["kind"] == "new"
    told = office.run("mapping", "explain", OPPORTUNITY)
    assert "by rate-discount (mappings/cpq.yaml:" in told


def test_the_org_and_the_machine_pass_the_doctor(office: Office) -> None:
    told = office.run("doctor")

    assert told.count("ok     ") == 5
    assert "0 missing" in office.run("salesforce", "schema", "--check")


def test_one_step_can_be_run_alone_and_an_unknown_one_is_a_usage_error(office: Office) -> None:
    assert "figures" in office.run("sync", "--only", "figures")
    assert "sweep" in office.run("sync", "--only", "sweep")
    assert "no such step" in office.run("sync", "--only", "nonsense", expect=2)


def test_a_backfill_that_was_not_interrupted_cannot_be_resumed(office: Office) -> None:
    assert "no backfill was interrupted" in office.run("backfill", "--resume", expect=1)
    assert "give --from and --to" in office.run("backfill", expect=2)
