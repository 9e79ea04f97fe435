"""``invoices show``, ``providers`` and ``deliveries``: what leaves the house (R102, R278)."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.world import at
from build import infrax, setup
from cli.cli_kit import Office
from closedwon.devorg.org import Org
from closedwon.devorg.schema import org_schema
from closedwon.store import Stores
from closedwon.store.database import close, open_database, writing
from closedwon.wiring import share

NOW = at("2024-03-02")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A state with an InfraX contract, its invoices final up to NOW; Salesforce is not asked."""
    (tmp_path / "state").mkdir()
    world = setup(str(tmp_path / "state" / "state.db"))
    infrax(world.engine, world.usage)
    while world.engine.finalize(NOW).remaining:
        pass
    close(world.db)
    org = Org.open(":memory:", org_schema(share() / "salesforce"), lambda: NOW)
    yield Office(org, tmp_path / "state", [NOW])
    org.close()


def test_r4_a_stored_invoice_is_shown_as_page_and_as_json(office: Office, tmp_path: Path) -> None:
    (first, *_) = json.loads(office.run("invoices", "--format", "json"))
    shown = office.run("invoices", "show", first["invoice"])
    assert shown.startswith("<!doctype html>")
    assert "USD 250,000.00" in shown

    file = tmp_path / "invoice.json"
    office.run("invoices", "show", first["invoice"], "--format", "json", "-o", str(file))
    assert json.loads(file.read_text())["total"] == 25000000


def test_r282_an_open_invoice_is_marked_as_draft(office: Office) -> None:
    known = json.loads(office.run("invoices", "--open", "--format", "json"))
    draft = next(one for one in known if one["status"] == "DRAFT")
    assert "Draft: not final" in office.run("invoices", "show", draft["invoice"])


def test_an_invoice_that_does_not_exist_is_told(office: Office) -> None:
    assert "no such stored invoice" in office.run("invoices", "show", "nowhere", expect=1)


def test_the_seller_of_the_settings_is_printed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSEDWON_INVOICE_SELLER", "ACME Inc.\n1 Main St")
    (first, *_) = json.loads(office.run("invoices", "--format", "json"))
    assert "<strong>ACME Inc.</strong><br>1 Main St" in office.run(
        "invoices", "show", first["invoice"]
    )


def test_r102_a_contract_is_sent_to_stripe_from_the_terminal(office: Office) -> None:
    words = ("providers", "add", "customer", "stripe", "stripe_customer_id=cus_1")
    configuration = office.run(*words).strip()
    assert office.run(*words).strip() == configuration
    assert office.run("providers", "assign", "first", configuration) == "2024-03-01 00:00 stripe\n"
    (row,) = json.loads(office.run("providers", "list", "--format", "json"))
    assert row["fields"] == {"stripe_customer_id": "cus_1"}
    office.run("providers", "archive", configuration)
    assert "no such configuration in use" in office.run(
        "providers", "assign", "first", configuration, expect=1
    )


def test_r103_mistakes_are_told(office: Office) -> None:
    assert "unknown billing provider" in office.run(
        "providers", "add", "customer", "paypal", expect=1
    )
    assert "expected NAME=VALUE" in office.run("providers", "add", "customer", "x", "y", expect=2)
    assert "no such contract" in office.run("providers", "assign", "nothing", "x", expect=1)


def test_r278_deliveries_are_listed_and_given_up_ones_released(office: Office) -> None:
    db = open_database(office.state / "state.db")
    stores = Stores(db)
    with writing(db):
        stores.outbox.add("e1", "webhook", "crm", "{}", NOW)
        stores.outbox.intend(stores.outbox.due("webhook", ["crm"], NOW, 1)[0])
        stores.outbox.give_up("e1", "answered 500", NOW)
    close(db)

    (row,) = json.loads(office.run("deliveries", "list", "--state", "given_up", "--format", "json"))
    assert (row["id"], row["error"], row["attempts"]) == ("e1", "answered 500", 1)
    assert "deliveries: 1 given up" in office.run("status")
    assert "released e1" in office.run("deliveries", "release", "e1")
    assert "deliveries: 1 waiting" in office.run("status")
    assert "given up" in office.run("deliveries", "release", "e1", expect=1)


def test_pdf_without_its_extra_ends_with_a_usage_error(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    (first, *_) = json.loads(office.run("invoices", "--format", "json"))
    told = office.run("invoices", "show", first["invoice"], "--format", "pdf", expect=2)
    assert "pip install closedwon[pdf]" in told


def test_r115_balances_and_invoices_as_of_an_instant(office: Office) -> None:
    then = json.loads(office.run("invoices", "--as-of", "2024-02-01", "--format", "json"))
    now = json.loads(office.run("invoices", "--format", "json"))
    assert 0 < len(then) < len(now)
    assert [one for one in now if one["issued_at"] <= "2024-02-01T00:00:00+00:00"] == then

    before = json.loads(office.run("balance", "--as-of", "2024-01-01", "--format", "json"))
    after = json.loads(office.run("balance", "--format", "json"))
    assert sum(row["used"] for row in before) < sum(row["used"] for row in after)
    unknown = office.run("invoices", "--known-at", "2024-02-01", "--format", "json")
    assert json.loads(unknown) == []  # all of it was brought in on March 2
    assert "not an instant" in office.run("balance", "--as-of", "yesterday", expect=2)


def test_r363_audit_and_rebuild_say_that_all_is_well(office: Office) -> None:
    told = office.run("audit", "verify")
    assert told.startswith("ok ")
    rows = json.loads(office.run("audit", "list", "--format", "json"))
    assert {"create", "finalize"} <= {row["action"] for row in rows}
    head, count = told.split()[-1], told.split()[1]
    assert office.run("audit", "verify", "--position", count, "--head", head).startswith("ok ")
    cut = office.run("audit", "verify", "--position", count, "--head", "0" * 64, expect=1)
    assert "BROKEN" in cut
    verified = office.run("rebuild", "--verify")
    assert "ledger_entry" in verified
    assert "no (" not in verified


def test_r354_the_ledger_is_listed_in_words_of_finance(office: Office) -> None:
    rows = json.loads(office.run("ledger", "--format", "json"))

    assert {"prepaid_segment_start", "prepaid_automated_invoice_deduction"} <= {
        row["movement"] for row in rows
    }
    assert {row["unit"] for row in rows} == {"USD"}
    assert "nothing to show" in office.run("ledger", "--commit", "nowhere")
