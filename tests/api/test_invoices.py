"""Invoices through the SDK: filters, pages, what is refused (R51, R144, R282-R291)."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from metronome import BadRequestError, NotFoundError

from api.live import Server
from api.played import Story, dollars, exact_json
from billing.world import at, charge, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import add_catalog, add_customer, event
from closedwon.billing.contracts.edits import Added, Create
from closedwon.engine import Engine
from closedwon.store.tokens import Scope
from closedwon.testing.usage import MemoryUsage

INVOICES = "/v1/customers/customer/invoices"


@pytest.fixture
def start() -> datetime:
    return at("2025-02-01")


@pytest.fixture
def story(server: Server) -> Iterator[Story]:
    """March: 250 calls at a dollar, 100 of them paid; a fee on March 15. April has begun."""
    with server.sdk() as sdk, server.http(*Scope) as http:
        found = Story(server, sdk, http)
        found.built(calls)
        found.until(at("2025-04-10"))
        yield found


def calls(engine: Engine, used: MemoryUsage) -> None:
    add_catalog(
        engine,
        [usage("Calls", "calls"), usage("Idle"), fixed_product("commit"), fixed_product("fee")],
        [metric("Calls"), metric("Idle")],
        [rate("Calls", "100.5"), rate("Idle", "7")],
    )
    add_customer(engine)
    terms = Added(
        commits=(commit("paid", ("100.50", "2025-03-01", "2026-01-01")),),
        charges=(charge("fee", {"2025-03-15": "9"}),),
    )
    create = Create(
        customer_id="customer", term=span("2025-03-01"), rate_card_id="card", terms=terms
    )
    engine.create_contract("k", create, by="test", now=at("2025-02-01"))
    for day in ("2025-03-10", "2025-03-20"):
        used.use(event("customer", "Calls", at(day), "125"))
    used.use(event("customer", "Calls", at("2025-04-05"), "0.3"))


def test_r132_a_finalized_invoice_holds_lines_balances_and_exact_numbers(story: Story) -> None:
    (march,) = story.invoices(type="USAGE", status="FINALIZED")
    plain, covered = (
        [one for one in march.line_items if one.type == "usage" and (one.commit_id == "paid") == by]
        for by in (False, True)
    )
    applied = next(one for one in march.line_items if one.type == "applied_commit_or_credit")

    assert dollars(march.total) == Decimal("150.75")
    assert (march.contract_id, march.credit_type.name) == ("k", "USD (cents)")
    assert march.end_timestamp == at("2025-04-01")
    assert march.issued_at == at("2025-04-02")
    assert [(one.quantity, one.unit_price) for one in covered] == [(100, 100.5)]
    assert {one.name: one.quantity for one in plain} == {"Calls": 150, "Idle": 0}
    assert covered[0].product_tags == ["calls"]
    assert covered[0].product_type == "UsageProductListItem"
    assert (applied.commit_segment_id, applied.commit_type) == ("paid1", "PrepaidCommit")
    assert applied.applied_commit_or_credit is not None
    assert applied.applied_commit_or_credit.type == "PREPAID"
    drafts = story.exact(INVOICES, status="draft", type="usage")["data"]
    assert [one["total"] for one in drafts] == [Decimal("30.15")]


def test_r51_lines_without_quantity_are_hidden_when_asked(story: Story) -> None:
    (shown,) = story.invoices(type="USAGE", status="FINALIZED", skip_zero_qty_line_items=True)
    one = story.sdk.v1.customers.invoices.retrieve(
        customer_id="customer", invoice_id=shown.id, skip_zero_qty_line_items=True
    ).data

    assert "Idle" not in {line.name for line in shown.line_items}
    assert [line.name for line in one.line_items] == [line.name for line in shown.line_items]
    assert dollars(one.total) == Decimal("150.75")


def test_r289_r144_lists_are_sorted_filtered_and_paged_to_the_end(story: Story) -> None:
    oldest = story.invoices()
    newest = story.invoices(sort="date_desc", limit=1)

    assert [one.type for one in oldest] == ["SCHEDULED", "USAGE", "USAGE"]
    assert [one.id for one in newest] == [one.id for one in reversed(oldest)]
    assert [one.id for one in story.invoices(limit=2)] == [one.id for one in oldest]
    march = story.invoices(starting_on=at("2025-03-01"), ending_before=at("2025-04-01"))
    assert [one.id for one in march] == [one.id for one in oldest[:2]]
    assert story.invoices(contract_id="other") == []
    assert story.sdk.v1.customers.invoices.list(customer_id="customer", limit=3).next_page is None


def test_list_prices_are_shown_when_asked(story: Story) -> None:
    plain = story.exact(INVOICES, type="usage", status="finalized")["data"][0]["line_items"]
    with_prices = story.exact(
        INVOICES, type="usage", status="finalized", include_list_prices="true"
    )["data"][0]["line_items"]

    assert all("list_price" not in line for line in plain)
    assert {
        line["name"]: line["list_price"]["price"] for line in with_prices if "list_price" in line
    } == {"Calls": Decimal("100.5"), "Idle": Decimal(7)}


def test_what_does_not_exist_is_a_404(story: Story) -> None:
    invoices = story.sdk.v1.customers.invoices
    with pytest.raises(NotFoundError):
        invoices.retrieve(customer_id="customer", invoice_id="nothing")
    with pytest.raises(NotFoundError):
        list(invoices.list(customer_id="nobody"))
    with pytest.raises(NotFoundError):
        story.sdk.v1.invoices.void(id="nothing")
    with pytest.raises(NotFoundError):
        story.sdk.v1.invoices.regenerate(id="nothing")


def test_an_invoice_is_shown_under_its_own_customer_only(story: Story) -> None:
    made = story.sdk.v1.customers.create(name="Other").data
    (march,) = story.invoices(type="USAGE", status="FINALIZED")

    with pytest.raises(NotFoundError):
        story.sdk.v1.customers.invoices.retrieve(customer_id=made.id, invoice_id=march.id)


@pytest.mark.parametrize(
    "query",
    [
        {"status": "PAID"},
        {"type": "PLAN"},
        {"sort": "newest"},
        {"starting_on": "yesterday"},
        {"skip_zero_qty_line_items": "yes"},
        {"colour": "red"},
    ],
)
def test_a_wrong_filter_names_itself(story: Story, query: dict[str, str]) -> None:
    answer = story.http.get(INVOICES, params=query)

    assert answer.status_code == 400
    assert next(iter(query)) in answer.json()["message"]


def test_r283_r284_states_that_do_not_fit_are_refused(story: Story) -> None:
    march = story.invoices(type="USAGE", status="FINALIZED")[0]
    with pytest.raises(BadRequestError, match="R284"):
        story.sdk.v1.invoices.regenerate(id=march.id)
    story.sdk.v1.invoices.void(id=march.id)
    with pytest.raises(BadRequestError, match="R283"):
        story.sdk.v1.invoices.void(id=march.id)
    story.sdk.v1.invoices.regenerate(id=march.id)
    with pytest.raises(BadRequestError, match="once"):
        story.sdk.v1.invoices.regenerate(id=march.id)


def test_r284_the_same_request_again_makes_one_invoice(story: Story) -> None:
    march = story.invoices(type="USAGE", status="FINALIZED")[0]
    story.sdk.v1.invoices.void(id=march.id)

    keyed = {"Idempotency-Key": "once"}
    made = [story.sdk.v1.invoices.regenerate(id=march.id, extra_headers=keyed) for _ in "ab"]

    assert made[0] == made[1]
    assert len(story.invoices(type="USAGE", status="FINALIZED")) == 1


def test_r291_a_draft_is_issued_when_told_and_only_a_draft(story: Story) -> None:
    final, draft = story.invoices(type="USAGE")
    path = "/v1/contracts/updateInvoiceIssueDate"
    later = "2025-05-07T00:00:00Z"

    assert story.http.post(path, json={"invoice_id": draft.id, "issue_date": later}).json() == {
        "data": {"id": draft.id}
    }
    assert story.invoices(type="USAGE")[1].issued_at == at("2025-05-07")
    wrong = {
        "invoice_id": final.id,
        "issue_date": later,
    }
    assert story.http.post(path, json=wrong).status_code == 400
    early = {"invoice_id": draft.id, "issue_date": "2025-04-20T00:00:00Z"}
    assert story.http.post(path, json={**early, "customer_id": "customer"}).status_code == 400
    unknown = {"invoice_id": "nothing", "issue_date": later}
    assert story.http.post(path, json=unknown).status_code == 404


def test_r287_breakdowns_by_day_sum_to_the_invoice(story: Story) -> None:
    listed = story.sdk.v1.customers.invoices.list_breakdowns
    days = list(
        listed(
            customer_id="customer",
            starting_on=at("2025-03-01"),
            ending_before=at("2025-05-01"),
            skip_zero_qty_line_items=True,
            limit=20,
        )
    )
    march = [one for one in days if one.status == "FINALIZED"]

    assert [one.breakdown_start_timestamp for one in days] == sorted(
        one.breakdown_start_timestamp for one in days
    )
    assert (len(march), len(days)) == (31, 61)
    assert sum(dollars(one.total) for one in march) == Decimal("150.75")
    used = {
        one.breakdown_start_timestamp: [dollars(line.total) for line in one.line_items]
        for one in march
        if one.line_items
    }
    assert used == {
        at("2025-03-10"): [Decimal("100.50"), Decimal("25.125"), Decimal("-100.50")],
        at("2025-03-20"): [Decimal("125.625")],
    }
    back = listed(
        customer_id="customer",
        starting_on=at("2025-03-01"),
        ending_before=at("2025-05-01"),
        sort="date_desc",
    )
    assert len(back.data) == 35  # a page is at most 35 days (Appendix E)
    assert [(one.id, one.breakdown_start_timestamp) for one in back] == [
        (one.id, one.breakdown_start_timestamp) for one in reversed(days)
    ]


def test_r287_hours_are_24_to_a_page_and_only_whole_windows_count(story: Story) -> None:
    page = story.sdk.v1.customers.invoices.list_breakdowns(
        customer_id="customer",
        starting_on="2025-03-09T12:30:00Z",
        ending_before=at("2025-03-11"),
        window_size="HOUR",
    )

    assert len(page.data) == 24
    hours = list(page)
    assert len(hours) == 35
    assert hours[0].breakdown_start_timestamp == at("2025-03-09T13:00:00")
    assert hours[-1].breakdown_end_timestamp == at("2025-03-11")
    assert sum(dollars(one.total) for one in hours) == Decimal("25.125")


def test_r287_a_range_that_ends_before_it_starts_is_refused(story: Story) -> None:
    with pytest.raises(BadRequestError, match="ending_before"):
        story.sdk.v1.customers.invoices.list_breakdowns(
            customer_id="customer", starting_on=at("2025-03-02"), ending_before=at("2025-03-01")
        )


def test_r288_spend_by_group_leaves_balances_out(server: Server) -> None:
    def regional(engine: Engine, used: MemoryUsage) -> None:
        calls_by = metric("Calls", group_keys=(("region",),))
        add_catalog(engine, [usage("Calls")], [calls_by], [rate("Calls", "100")])
        add_customer(engine)
        create = Create(customer_id="customer", term=span("2025-03-01"), rate_card_id="card")
        engine.create_contract("k", create, by="test", now=at("2025-02-01"))
        used.use(event("customer", "Calls", at("2025-03-05"), "3", region="eu"))
        used.use(event("customer", "Calls", at("2025-03-06"), "4", region="us"))

    asked = {
        "starting_on": "2025-03-01T00:00:00Z",
        "ending_before": "2025-04-01T00:00:00Z",
        "group_keys": ["region"],
    }
    path = f"{INVOICES}/spend-breakdowns"
    with server.sdk() as sdk, server.http(*Scope) as http:
        found = Story(server, sdk, http)
        found.built(regional)
        found.until(at("2025-04-03"))
        told = exact_json(http.post(path, json={**asked, "limit": 1}))
        more = exact_json(http.post(path, json={**asked, "next_page": told["next_page"]}))
        eu = exact_json(http.post(path, json={**asked, "group_filters": {"region": ["eu"]}}))
        unknown = http.post(path, json={**asked, "group_keys": ["colour"]})
        by_day = http.post(path, json={**asked, "window_size": "DAY"})

    rows = told["data"] + more["data"]
    assert {row["group"]["region"]: row["total"] for row in rows} == {"eu": 300, "us": 400}
    assert more["next_page"] is None
    assert [row["quantity"] for row in eu["data"]] == [3]
    assert (unknown.status_code, by_day.status_code) == (400, 501)
