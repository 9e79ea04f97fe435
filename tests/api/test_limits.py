"""Limits and defaults of Appendix E, other spellings of G1 and G5, words in any case (2.1)."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.live import Server, running
from api.shop import JANUARY, Shop
from closedwon.api.openapi.examples import example
from closedwon.api.resources import ROUTES
from closedwon.kernel.strict_json import dumps
from closedwon.store.tokens import Scope

END = "2027-01-01T00:00:00Z"
WHICH = {"customer_id": "$customer", "contract_id": "$contract"}
USAGE = {"window_size": "none", "starting_on": JANUARY, "ending_before": "2026-02-01T00:00:00Z"}
PAGED = [route for route in ROUTES if route.is_paged]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("limits") / "state") as found:
        yield found


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with server.http(*Scope) as found:
        yield found


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[Shop]:
    with server.sdk() as sdk:
        yield Shop(sdk)


@pytest.fixture(scope="module")
def ids(shop: Shop) -> dict[str, str]:
    sold = {
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": shop.seat},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "quantity_management_mode": "SEAT_BASED",
        "seat_config": {"seat_group_key": "user", "initial_seat_ids": ["ada"]},
    }
    contract = shop.contract(subscriptions=[sold])
    (subscription,) = shop.v2(contract).subscriptions
    metric = shop.client.v1.billable_metrics.list().data[0].id
    return {
        "$customer": shop.customer,
        "$contract": contract,
        "$subscription": subscription.id,
        "$metric": metric,
    }


def filled(given: Any, ids: dict[str, str]) -> Any:
    if isinstance(given, dict):
        return {name: filled(value, ids) for name, value in given.items()}
    if isinstance(given, list):
        return [filled(value, ids) for value in given]
    return ids.get(given, given) if isinstance(given, str) else given


@pytest.mark.parametrize(
    ("path", "body", "most"),
    [
        ("/v1/contracts/customerCommits/list", {"customer_id": "$customer"}, 25),
        ("/v1/contracts/customerCredits/list", {"customer_id": "$customer"}, 25),
        ("/v1/contracts/customerBalances/list", {"customer_id": "$customer"}, 25),
        ("/v1/contracts/list", {"customer_id": "$customer"}, 20),
        ("/v2/contracts/list", {"customer_id": "$customer"}, 20),
        ("/v1/contracts/seatBalances/list", WHICH, 100),
        (
            "/v1/contracts/getSubscriptionSeatsHistory",
            {**WHICH, "subscription_id": "$subscription"},
            10,
        ),
        ("/v2/notifications/offset/list", {}, 400),
        ("/v1/contracts/listNamedSchedules", {"customer_id": "$customer"}, 100),
    ],
)
def test_a_limit_in_the_body_goes_from_1_to_its_most(
    http: httpx.Client, ids: dict[str, str], path: str, body: dict[str, Any], most: int
) -> None:
    def status(limit: Any) -> int:
        return http.post(path, json=filled({**body, "limit": limit}, ids)).status_code

    assert [status(1), status(most)] == [200, 200]
    assert [status(0), status(most + 1), status("1"), status(1.5)] == [400] * 4


@pytest.mark.parametrize("route", PAGED, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"next_page": "%"}], ids=str
)
def test_a_limit_in_the_query_goes_from_1_to_100(
    http: httpx.Client, route: Any, query: dict[str, str]
) -> None:
    body = example(route.name).get("request", {})
    content = None if route.method == "GET" else dumps(body)
    answer = http.request(route.method, route.path, params=query, content=content)

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{next(iter(query))}: ")


def test_packages_come_by_ten_and_up_to_a_hundred(http: httpx.Client, shop: Shop) -> None:
    for at in range(11):
        body = {"name": f"Package {at}", "rate_card_id": shop.card}
        assert http.post("/v1/packages/create", json=body).status_code == 200
    path = "/v1/packages/list"
    first = http.post(path, json={}).json()
    rest = http.post(path, params={"next_page": first["next_page"]}, json={}).json()
    whole = http.post(path, params={"limit": "100"}, json={}).json()

    assert [len(one["data"]) for one in (first, rest, whole)] == [10, 1, 11]
    assert (rest["next_page"], whole["next_page"]) == (None, None)


@pytest.mark.parametrize(("count", "status"), [(200, 200), (201, 400)])
def test_a_usage_question_has_200_values_of_a_key(
    http: httpx.Client, ids: dict[str, str], count: int, status: int
) -> None:
    values = [f"v{at}" for at in range(count)]
    metric = {"id": "$metric", "group_by": {"key": "region", "values": values}}
    groups = {**USAGE, "customer_id": "$customer", "billable_metric_id": "$metric"}
    asked = [
        ("/v1/usage", {**USAGE, "billable_metrics": [metric]}),
        ("/v1/usage/groups", {**groups, "group_by": metric["group_by"]}),
        (
            "/v1/usage/groups",
            {**groups, "group_key": ["region"], "group_filters": {"region": values}},
        ),
    ]
    assert [http.post(path, json=filled(body, ids)).status_code for path, body in asked] == [
        status
    ] * 3


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/customers", {"name": "A", "ingest_aliases": ["k" * 128]}, 200),
        ("/v1/customers", {"name": "A", "ingest_aliases": ["k" * 129]}, 400),
        ("/v1/customers", {"name": "A", "ingest_aliases": [""]}, 400),
        ("/v1/customers", {"name": "A", "ingest_aliases": [f"a{at}" for at in range(2000)]}, 200),
        ("/v1/customers", {"name": "A", "ingest_aliases": [f"b{at}" for at in range(2001)]}, 400),
        ("/v1/contracts/create", {"uniqueness_key": "u" * 128}, 200),
        ("/v1/contracts/create", {"uniqueness_key": "u" * 129}, 400),
        ("/v1/contracts/create", {"uniqueness_key": ""}, 400),
        ("/v1/events/search", {"transactionIds": ["t"]}, 200),
        ("/v1/events/search", {"transactionIds": []}, 400),
    ],
    ids=lambda value: str(value)[:60],
)
def test_lengths_and_numbers_have_the_limits_of_the_vendor(
    http: httpx.Client, ids: dict[str, str], path: str, body: dict[str, Any], status: int
) -> None:
    whole = {"customer_id": "$customer", "starting_at": END} if "contracts" in path else {}

    assert http.post(path, json=filled({**whole, **body}, ids)).status_code == status


def test_a_customer_s_name_is_cut_and_not_refused(http: httpx.Client) -> None:
    made = http.post("/v1/customers", json={"name": "n" * 200}).json()["data"]

    assert made["name"] == "n" * 160


def terms(shop: Shop) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """By what drifts: as the API spells it, and as the vendor's pages do."""
    commit = shop.prepaid(1000, JANUARY, END)
    discount = {"payment_fraction": 0.9, "cap": {"amount": 5000, "spend_tracker_alias": "t"}}
    drifted = {"fraction": 0.9, "cap": {"amount": 5000, "spend_tracker_alias": "t"}}
    recharge = {
        "is_enabled": False,
        "threshold_amount": 1000,
        "recharge_to_amount": 5000,
        "commit": {"product_id": shop.commit},
        "payment_gate_config": {"payment_gate_type": "NONE"},
    }
    tracker = {
        "alias": "t",
        "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
        "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [
            {"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL"]},
        ],
    }
    cut = {
        "starting_at": JANUARY,
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "is_commit_specific": True,
        "product_id": shop.storage,
    }
    seat = {
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": shop.seat},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "quantity_management_mode": "SEAT_BASED",
    }
    seats = {"seat_group_key": "user", "initial_seat_ids": ["ada"], "initial_unassigned_seats": 2}
    paged = {
        "group_key": "user",
        "seat_ids": ["ada"],
        "initial_unassigned_seats_quantity": 2,
    }
    without = {name: value for name, value in commit.items() if name != "product_id"}
    attributes = {"counts_as_discounted": True}
    name = "prepaid_balance_threshold_configuration"
    return {
        "product_id": (
            {"commits": [commit]},
            {"commits": [{**without, "product": shop.commit}]},
        ),
        "counts_as_discounted": (
            {"commits": [{**commit, "spend_tracker_attributes": attributes}]},
            {"commits": [{**commit, "spend_tracker_attributes": {"count_as_discounted": True}}]},
        ),
        name: (
            {name: {**recharge, "discount_configuration": discount}, "spend_trackers": [tracker]},
            {
                "prepaid_balance_configuration": {**recharge, "discount_config": drifted},
                "spend_trackers": [tracker],
            },
        ),
        "target": (
            {"overrides": [{**cut, "target": "COMMIT_RATE"}]},
            {"overrides": [{**cut, "rate_target": "commit_rate"}]},
        ),
        "seat_config": (
            {"subscriptions": [{**seat, "seat_config": seats}]},
            {"subscriptions": [{**seat, "seats_config": paged}]},
        ),
    }


@pytest.mark.parametrize(
    "what",
    [
        "product_id",
        "counts_as_discounted",
        "prepaid_balance_threshold_configuration",
        "target",
        "seat_config",
    ],
)
def test_g1_g5_both_spellings_make_the_same_contract(
    http: httpx.Client, shop: Shop, what: str
) -> None:
    made = []
    for given in terms(shop)[what]:
        body = {"customer_id": shop.customer, "starting_at": JANUARY, "rate_card_id": shop.card}
        answer = http.post("/v1/contracts/create", json={**body, **given})
        assert answer.status_code == 200, answer.text
        which = {"customer_id": shop.customer, "contract_id": answer.json()["data"]["id"]}
        made.append(http.post("/v2/contracts/get", json=which).json()["data"])

    assert _nameless(made[0]) == _nameless(made[1])


def _nameless(shape: Any) -> Any:
    """Without ids that were made for it."""
    if isinstance(shape, dict):
        own = {name: _nameless(value) for name, value in shape.items() if name != "id"}
        return own | ({"id": shape["id"]} if "name" in shape and len(shape) == 2 else {})
    if isinstance(shape, list):
        return [_nameless(one) for one in shape]
    return shape


def test_g5_an_edit_takes_one_subscription_under_its_other_name(
    http: httpx.Client, shop: Shop
) -> None:
    sold = {
        "subscription_rate": {"billing_frequency": "monthly", "product_id": shop.seat},
        "collection_schedule": "advance",
        "proration": {"is_prorated": False, "invoice_behavior": "bill_immediately"},
        "initial_quantity": 1,
    }
    contract = shop.contract()
    body = {"customer_id": shop.customer, "contract_id": contract, "add_subscription": [sold]}

    assert http.post("/v2/contracts/edit", json=body).status_code == 200
    assert len(shop.v2(contract).subscriptions) == 1


def test_g3_a_fraction_above_one_is_refused_whatever_examples_say(
    http: httpx.Client, shop: Shop
) -> None:
    commit = {**shop.prepaid(1000), "rollover_fraction": 100}
    body = {"customer_id": shop.customer, "starting_at": JANUARY, "commits": [commit]}

    assert http.post("/v1/contracts/create", json=body).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/v1/customers", "/v1/customers/$customer/invoices", "/v1/auditLogs", "/v1/credit-types/list"],
)
def test_a_webhook_correlation_id_changes_nothing(
    http: httpx.Client, ids: dict[str, str], path: str
) -> None:
    asked = path.replace("$customer", ids["$customer"])
    plain, marked = (
        http.get(asked, params=query) for query in ({}, {"webhook_notification_id": "x"})
    )

    assert plain.status_code == 200
    assert marked.json()["data"] == plain.json()["data"]
