"""``invoices show``: the document of one invoice, final or open."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.world import at
from build import infrax, setup
from cli.cli_kit import Office
from closedwon.devorg.org import Org
from closedwon.devorg.schema import org_schema
from closedwon.store.database import close
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
