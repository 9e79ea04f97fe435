"""Previews of events and imports of the past, through the SDK (R44, R286)."""

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from api.live import START, Server
from api.played import Story
from billing.world import at, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import add_catalog, add_customer, event
from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import StatementSchedule
from closedwon.billing.pricing import Tier, Tiered
from closedwon.engine import Engine
from closedwon.kernel.exact import exact
from closedwon.testing.usage import MemoryUsage

FREE = Tiered(tiers=(Tier(size=exact("100"), price=exact("0")), Tier(price=exact("50"))))


def calls(engine: Engine, used: MemoryUsage) -> None:
    """A hundred calls a month are free; billing began here in January, the contract in November."""
    add_catalog(
        engine,
        [usage("Calls"), fixed_product("commit")],
        [metric("Calls")],
        [rate("Calls", FREE)],
    )
    add_customer(engine)
    create = Create(
        customer_id="customer",
        term=span("2025-11-01"),
        rate_card_id="card",
        statement=StatementSchedule(invoice_generation_starting_at=at("2026-01-01")),
        terms=Added(commits=(commit("paid", ("20", "2025-11-01", "2026-12-01")),)),
    )
    engine.create_contract("k", create, by="test", now=START)
    engine.add_custom_field_key("invoice", "number", False, START)
    used.use(event("customer", "Calls", at("2026-01-02"), "99"))


@pytest.fixture
def story(server: Server, client: Metronome, http: httpx.Client) -> Story:
    found = Story(server, client, http)
    found.built(calls)
    found.until(at("2026-01-05"))
    return found


def units(drafts: Any) -> list[tuple[float | None, float]]:
    (draft,) = drafts.data
    return [(one.quantity, one.total) for one in draft.line_items if one.type == "usage"]


def test_r44_merge_adds_to_what_was_used_and_replace_does_not(story: Story) -> None:
    preview = story.sdk.v1.customers.preview_events
    five: Any = [{"event_type": "Calls", "properties": {"value": "5"}}]
    number: Any = [{"event_type": "Calls", "properties": {"value": 5}}]

    merged = preview(customer_id="customer", events=five, mode="merge")
    assert [q for q, _ in units(merged)] == [100, 4]
    assert sum(total for _, total in units(merged)) == 200
    assert units(preview(customer_id="customer", events=number)) == [(5, 0)]
    assert [one.total for one in story.invoices(status="DRAFT")] == [0]


def test_r44_what_cannot_be_previewed_is_refused(story: Story) -> None:
    preview = story.sdk.v1.customers.preview_events
    with pytest.raises(BadRequestError, match="R44"):
        preview(customer_id="customer", events=[], mode="merge")
    with pytest.raises(BadRequestError):
        preview(customer_id="customer", events=[{"event_type": "Calls"}] * 101)
    with pytest.raises(BadRequestError, match="timestamp"):
        preview(customer_id="customer", events=[{"event_type": "Calls", "timestamp": "soon"}])
    with pytest.raises(NotFoundError):
        preview(customer_id="nobody", events=[{"event_type": "Calls"}])


NOVEMBER: dict[str, Any] = {
    "customer_id": "customer",
    "contract_id": "k",
    "credit_type_id": USD,
    "inclusive_start_date": "2025-11-01T00:00:00Z",
    "exclusive_end_date": "2025-12-01T00:00:00Z",
    "issue_date": "2025-12-02T00:00:00Z",
    "usage_line_items": [
        {
            "product_id": "p-Calls",
            "inclusive_start_date": "2025-11-01T00:00:00Z",
            "exclusive_end_date": "2025-12-01T00:00:00Z",
            "quantity": 150,
        }
    ],
}


def test_r286_the_past_is_priced_previewed_and_then_kept(story: Story) -> None:
    create = story.sdk.v1.contracts.create_historical_invoices
    wanted: Any = {**NOVEMBER, "custom_fields": {"number": "N-7"}}

    (shown,) = create(invoices=[wanted], preview=True).data
    assert [one.type for one in story.invoices(ending_before=at("2026-01-01"))] == []
    (made,) = create(invoices=[wanted], preview=False).data
    (listed,) = story.invoices(ending_before=at("2026-01-01"))

    assert (shown.id, shown.total) == (made.id, made.total)
    assert (listed.id, listed.status, listed.total) == (made.id, "FINALIZED", 500)
    assert listed.issued_at == at("2025-12-02")
    assert listed.custom_fields == {"number": "N-7"}
    with pytest.raises(BadRequestError, match="billed already"):
        create(invoices=[wanted], preview=False)


def test_r286_subtotals_are_stretches_of_their_line(story: Story) -> None:
    halves = [
        {
            "inclusive_start_date": f"2025-11-{start}T00:00:00Z",
            "exclusive_end_date": end,
            "quantity": 75,
        }
        for start, end in (("01", "2025-11-16T00:00:00Z"), ("16", "2025-12-01T00:00:00Z"))
    ]
    line = {k: v for k, v in NOVEMBER["usage_line_items"][0].items() if k != "quantity"}
    line["subtotals_with_quantity"] = halves
    create = story.sdk.v1.contracts.create_historical_invoices

    (made,) = create(invoices=[{**NOVEMBER, "usage_line_items": [line]}], preview=True).data
    assert made.total == 500


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"credit_type_id": "EUR"}, "credit_type_id"),
        ({"contract_id": "other"}, "contract"),
        ({"customer_id": "nobody"}, "contract"),
        ({"usage_line_items": []}, "usage_line_items"),
        ({"inclusive_start_date": "2026-01-01T00:00:00Z"}, ""),
        ({"custom_fields": {"unknown": "x"}}, "unknown"),
    ],
)
def test_r286_one_wrong_invoice_keeps_all_of_them_out(
    story: Story, change: dict[str, Any], told: str
) -> None:
    october = {
        **NOVEMBER,
        "inclusive_start_date": "2025-12-01T00:00:00Z",
        "exclusive_end_date": "2026-01-01T00:00:00Z",
        "issue_date": "2026-01-02T00:00:00Z",
        "usage_line_items": [
            {
                **NOVEMBER["usage_line_items"][0],
                "inclusive_start_date": "2025-12-01T00:00:00Z",
                "exclusive_end_date": "2026-01-01T00:00:00Z",
            }
        ],
    }
    wrong = {**NOVEMBER, **change}

    answer = story.http.post(
        "/v1/contracts/createHistoricalInvoices",
        json={"invoices": [october, wrong], "preview": False},
    )

    assert answer.status_code in {400, 404}
    assert told in answer.json()["message"]
    assert story.invoices(ending_before=at("2026-01-01")) == []
