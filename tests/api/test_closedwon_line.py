"""Our own routes over the line: deals, plans, what is parked, trace, reconcile (D9, D10; G2, G13)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from api.live import Server, running
from api.played import exact_json
from cli.cli_kit import OPPORTUNITY, Office, an_office
from closedwon.devorg.org import Org
from closedwon.store.tokens import Scope

QUOTE_LINE = "a0kHs000000017wIAA"
START = datetime(2024, 1, 5, tzinfo=UTC)
PARKED_AT = START + timedelta(minutes=5)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One deal, provisioned, then edited after close: its change is held for a person."""
    with an_office(tmp_path_factory.mktemp("state"), START) as found:
        found.run("backfill", "--from", "2023-01-01", "--to", "2024-01-01")
        change = {"Invoice_Date__c": "2024-04-01"}
        found.org.update("SBQQ__QuoteLine__c", QUOTE_LINE, change, Org.admin_id)
        found.clock[0] = PARKED_AT
        found.run("sync", expect=3)
        yield found


@pytest.fixture(scope="module")
def http(office: Office) -> Iterator[httpx.Client]:
    with running(office.state, start=PARKED_AT) as server, server.http(*Scope) as client:
        yield client


def test_g2_deals_are_listed_with_what_came_of_them(http: httpx.Client) -> None:
    (deal,) = http.get("/closedwon/deals").json()["data"]

    assert (deal["opportunity_id"], deal["outcome"], deal["kind"]) == (
        OPPORTUNITY,
        "parked",
        "new",
    )
    assert deal["contract_id"]
    assert http.get("/closedwon/deals", params={"outcome": "PROVISIONED"}).json()["data"] == []
    assert http.get("/closedwon/deals", params={"outcome": "lost"}).status_code == 400


@pytest.mark.parametrize("opportunity_id", [OPPORTUNITY, OPPORTUNITY[:15]])
def test_d9_a_deal_says_what_stops_it_and_how_to_go_on(
    http: httpx.Client, opportunity_id: str
) -> None:
    deal = http.get(f"/closedwon/deals/{opportunity_id}").json()["data"]

    (reason,) = deal["parked"]
    assert (deal["opportunity_id"], reason["code"]) == (OPPORTUNITY, "edited_after_close")
    assert reason["fix"]


def test_the_plan_of_a_deal_says_what_it_does_to_money(http: httpx.Client) -> None:
    plan = exact_json(http.get(f"/closedwon/deals/{OPPORTUNITY}/plan"))["data"]

    assert (plan["state"], plan["steps"]) == ("held", ["revise contract"])
    assert [hold["code"] for hold in plan["holds"]] == ["edited_after_close"]
    assert plan["money"]["currency"] == "USD"
    assert {row["on"] for row in plan["money"]["invoices"]} >= {"2024-04-01"}
    assert plan["money"]["first_bill"] == min(row["on"] for row in plan["money"]["invoices"])


@pytest.mark.parametrize(
    "path",
    [
        "/closedwon/deals/006000000000000AAA",
        "/closedwon/deals/nothing",
        "/closedwon/deals/nothing/plan",
        "/closedwon/parked/nothing",
        "/closedwon/trace?id=nothing",
    ],
)
def test_what_was_never_seen_is_not_found(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404


def test_d10_an_opportunity_is_traced_to_its_terms_and_invoices(http: httpx.Client) -> None:
    told = exact_json(http.get("/closedwon/trace", params={"id": OPPORTUNITY}))["data"]
    kinds = {term["kind"] for term in told["terms"]}
    commits = [term for term in told["terms"] if term["kind"] == "commit"]
    billed = sum(line["total"] for term in commits for line in term["lines"])

    assert kinds >= {"commit", "override"}
    assert {term["source"]["opportunity_id"] for term in told["terms"]} == {OPPORTUNITY}
    assert billed == Decimal(50_000_000)
    assert all(term["edit_id"] and term["source"]["place"] for term in commits)


def test_d10_a_quote_line_is_traced_to_its_own_terms_only(http: httpx.Client) -> None:
    whole = http.get("/closedwon/trace", params={"id": OPPORTUNITY}).json()["data"]["terms"]
    line = http.get("/closedwon/trace", params={"id": QUOTE_LINE}).json()["data"]["terms"]

    assert line
    assert all(QUOTE_LINE in term["source"]["quote_line_ids"] for term in line)
    assert {term["id"] for term in line} < {term["id"] for term in whole}


def test_g2_the_crm_and_billing_are_reconciled_as_the_report_says(
    office: Office, http: httpx.Client
) -> None:
    told = exact_json(http.get("/closedwon/reconcile"))["data"]
    report = office.run("report", "reconcile", "--format", "csv")

    (side,) = told["currencies"]
    assert told["is_explained"]
    assert (side["currency"], side["crm_total"]) == ("USD", Decimal(50_500_000))
    assert (
        side["difference"] == side["explained"] == sum(one["amount"] for one in side["differences"])
    )
    assert all(row["unexplained"] == 0 for row in told["customers"])
    figures = (side["crm_total"], side["billing_total"], side["difference"])
    told_there = ",".join(str(figure / 100) for figure in figures)
    assert report.splitlines()[1].startswith(f"USD,{told_there},")


def test_g13_what_is_parked_is_shown_and_released(http: httpx.Client) -> None:
    (reason,) = http.get("/closedwon/parked").json()["data"]
    assert (reason["subject"], reason["code"]) == (OPPORTUNITY, "edited_after_close")
    none = http.get("/closedwon/parked", params={"code": "other"}).json()
    assert none == {"data": [], "next_page": None}

    release = {"subject": OPPORTUNITY}
    done = http.post("/closedwon/parked/release", json=release)
    again = http.post("/closedwon/parked/release", json=release)
    (past,) = http.get(f"/closedwon/parked/{OPPORTUNITY}").json()["data"]

    assert done.json()["data"] == {"subject": OPPORTUNITY, "goes_on_with": "apply"}
    assert again.status_code == 404
    assert past["released_by"] == "admin-ingest-read-write"
    assert http.get("/closedwon/parked").json()["data"] == []
    assert http.get(f"/closedwon/deals/{OPPORTUNITY}/plan").json()["data"]["state"] == "released"


def test_d1_the_last_verification_is_remembered(http: httpx.Client) -> None:
    assert http.get("/closedwon/rebuild").json()["data"] == {"verified": None, "rebuilt": None}

    proof = http.post("/closedwon/verify").json()["data"]
    told: dict[str, Any] = http.get("/closedwon/rebuild").json()["data"]

    assert told["rebuilt"] is None
    assert told["verified"]["is_sound"] is proof["is_sound"] is True
    assert told["verified"]["rows"] == sum(table["rows"] for table in proof["tables"])
    assert told["verified"]["at"].startswith("2024-01-05")


def test_without_a_crm_the_reconciliation_is_of_billing_alone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("alone") / "state") as server:
        told = _read(server, "/closedwon/reconcile")
        assert (told["currencies"], told["customers"], told["is_explained"]) == ([], [], True)
        assert _read(server, "/closedwon/deals") == []
        assert _read(server, "/closedwon/parked") == []


def _read(server: Server, path: str) -> Any:
    with server.http(Scope.READ) as client:
        return client.get(path).json()["data"]
