"""Our own routes: explain, what-if, forecast, parked customers, proof of the state (D1, D2, D9, D10)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.live import Server
from api.played import Story, exact_json
from billing.world import at, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import SIGNED, add_catalog, add_customer, event
from closedwon.billing.contracts.edits import Added, Create
from closedwon.engine import Engine
from closedwon.store.database import writing
from closedwon.store.tokens import Scope
from closedwon.testing.usage import MemoryUsage

CUSTOMER = {"customer_id": "customer"}


@pytest.fixture
def start() -> datetime:
    return at("2024-12-15")


@pytest.fixture
def story(server: Server) -> Iterator[Story]:
    """A hundred dollars bought, a call a day at a dollar since January; it is March 1."""
    with server.sdk() as sdk, server.http(*Scope) as http:
        found = Story(server, sdk, http)
        found.built(calls)
        found.until(at("2025-03-03"))
        yield found


def calls(engine: Engine, used: MemoryUsage) -> None:
    add_catalog(
        engine,
        [usage("Calls"), fixed_product("commit")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(engine)
    bought = commit("paid", ("100", "2025-01-01", "2026-01-01"), source=SIGNED)
    create = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(commits=(bought,)),
    )
    engine.create_contract("k", create, by="sales", now=at("2024-12-10"), source=SIGNED)
    for day in ("2025-01-10", "2025-02-10"):
        used.use(event("customer", "Calls", at(day), "30"))


def test_d10_a_covered_line_is_explained_back_to_its_deal(story: Story) -> None:
    january = story.invoices(type="USAGE", status="FINALIZED")[0]
    told = story.exact(f"/closedwon/invoices/{january.id}/lines/1/explain")["data"]

    assert (told["line_item"]["name"], told["line_item"]["total"]) == ("Calls", 3000)
    assert told["billable_metric_id"] == "m-Calls"
    assert told["events_sent_by"] == ["customer"]
    price, paid = told["causes"]
    assert (price["kind"], price["name"]) == ("rate", "Calls on Card")
    assert (paid["kind"], paid["id"], paid["edit"]["by"]) == ("commit", "paid", "sales")
    assert paid["source"] == {
        "opportunity_id": SIGNED.opportunity_id,
        "quote_id": SIGNED.quote_id,
        "quote_line_ids": list(SIGNED.line_ids),
        "rule": SIGNED.rule,
        "place": SIGNED.place,
    }


@pytest.mark.parametrize(("line", "status"), [("0", 404), ("99", 404), ("one", 400), ("-1", 400)])
def test_a_line_that_is_not_there_cannot_be_explained(story: Story, line: str, status: int) -> None:
    january = story.invoices(type="USAGE", status="FINALIZED")[0]

    assert story.http.get(f"/closedwon/invoices/{january.id}/lines/{line}/explain").status_code == (
        status
    )
    assert story.http.get("/closedwon/invoices/nothing/lines/1/explain").status_code == 404


def test_d2_a_what_if_prices_new_terms_over_usage_that_repeats(story: Story) -> None:
    wanted = {
        **CUSTOMER,
        "starting_at": "2025-03-01T00:00:00Z",
        "rate_card_id": "card",
        "overrides": [
            {
                "starting_at": "2025-03-01T00:00:00Z",
                "type": "MULTIPLIER",
                "multiplier": 0.5,
                "product_id": "p-Calls",
            }
        ],
        "usage_months": 2,
        "months": 3,
    }
    told = exact_json(story.http.post("/closedwon/whatif", json=wanted))["data"]

    assert told["credit_type"]["name"] == "USD (cents)"
    assert [one["price"] for one in told["proposed"]["months"]] == [1500] * 3
    assert [one["list_value"] for one in told["proposed"]["months"]] == [3000] * 3
    assert [one["price"] for one in told["today"]["months"]] == [3000] * 3
    assert told["proposed"]["effective_discount"] == Decimal("0.5")
    assert [one["drawn"] for one in told["today"]["months"]] == [3000, 1000, 0]
    assert told["today"]["invoiced"] == 5000
    with story.engine() as engine:
        assert [one.id for one in engine.contracts("customer")] == ["k"]


def test_d2_a_what_if_extends_a_contract(story: Story) -> None:
    credit = {
        "product_id": "p-commit",
        "priority": 1,
        "access_schedule": {
            "schedule_items": [
                {
                    "amount": 100000,
                    "starting_at": "2025-03-01T00:00:00Z",
                    "ending_before": "2026-03-01T00:00:00Z",
                }
            ]
        },
    }
    wanted = {
        **CUSTOMER,
        "contract_id": "k",
        "starting_at": "2025-03-01T00:00:00Z",
        "credits": [credit],
        "months": 3,
        "usage_months": 2,
    }
    told = exact_json(story.http.post("/closedwon/whatif", json=wanted))["data"]

    assert (told["today"]["invoiced"], told["proposed"]["invoiced"]) == (5000, 0)


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"customer_id": "nobody"}, 404, "nobody"),
        ({"contract_id": "other"}, 404, "other"),
        ({"months": 0}, 400, "months"),
        ({"spend_trackers": []}, 400, "spend_trackers"),
        ({"contract_id": "k", "ending_before": "2027-01-01T00:00:00Z"}, 400, "ending_before"),
        ({"rate_card_id": "nothing"}, 404, "nothing"),
    ],
)
def test_a_what_if_that_cannot_be_is_refused(
    story: Story, change: dict[str, Any], status: int, told: str
) -> None:
    wanted = {**CUSTOMER, "starting_at": "2025-03-01T00:00:00Z", "rate_card_id": "card"}
    if "contract_id" in change:
        del wanted["rate_card_id"]
    answer = story.http.post("/closedwon/whatif", json={**wanted, **change})

    assert (answer.status_code, told in answer.json()["message"]) == (status, True)


def test_the_forecast_says_pace_and_last_day(story: Story) -> None:
    told = story.exact("/closedwon/customers/customer/forecast")["data"]

    assert told["remaining"] == 4000
    assert told["spend_per_day"] > 0
    last = at("2025-03-03") + timedelta(days=int(told["remaining"] / told["spend_per_day"]))
    assert told["exhausted_on"] == last.date().isoformat()
    assert story.http.get("/closedwon/customers/nobody/forecast").status_code == 404


def test_d9_a_parked_customer_is_listed_and_released(story: Story) -> None:
    release = {"json": CUSTOMER}
    assert story.exact("/closedwon/problems") == {"data": [], "next_page": None}
    assert story.http.post("/closedwon/problems/release", **release).status_code == 404
    with story.engine() as engine:
        other = add_customer(engine, "other").id
        with writing(engine.db):
            for customer_id in ("customer", other):
                engine.stores.problems.park(customer_id, "code", "why", at("2025-03-03"))

    first = story.exact("/closedwon/problems", limit="1")
    rest = story.exact("/closedwon/problems", next_page=first["next_page"])
    assert [one["customer_id"] for one in first["data"] + rest["data"]] == ["customer", other]
    assert first["data"][0]["message"] == "why"
    assert story.http.post("/closedwon/problems/release", **release).json() == {"data": CUSTOMER}
    left = story.exact("/closedwon/problems")["data"]
    assert [one["customer_id"] for one in left] == [other]


def test_d1_the_state_is_proven_and_a_broken_cache_is_named(story: Story) -> None:
    told = exact_json(story.http.post("/closedwon/verify"))["data"]

    assert (told["is_sound"], told["findings"]) == (True, [])
    assert {one["table"] for one in told["tables"]} >= {"invoice_line", "ledger_entry"}
    with story.engine() as engine:
        before = engine.content_hash()
        assert told["content_hash"] == before
        with engine.db.conn:
            engine.db.conn.execute("update contract_term set term_id = 'x' || term_id")
    broken = exact_json(story.http.post("/closedwon/verify"))["data"]
    assert broken["is_sound"] is False
    assert [one["table"] for one in broken["tables"] if one["wrong"]] == ["contract_term"]


def test_the_proof_is_for_administrators(server: Server) -> None:
    with server.http(Scope.READ, Scope.WRITE) as http:
        assert http.post("/closedwon/verify").status_code == 403
