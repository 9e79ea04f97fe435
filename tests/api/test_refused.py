"""Every row of the error catalogue (Appendix C) over HTTP: status, form, and nothing changed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from api.live import Server, running
from api.refused import APRIL, CASES, JANUARY, YEAR_END, Case, contract
from api.shop import Shop
from closedwon.billing.catalog.types import FIAT
from closedwon.store.tokens import Scope

NOW = "2026-03-02T12:00:00Z"
Ids = Mapping[str, str]
CODES = {"CustomerNotFound", "ContractNotFound", "NotificationConfigNotFound", "InvalidArgument"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("refused") / "state") as found:
        yield found


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with server.http(*Scope) as found:
        yield found


@pytest.fixture(scope="module")
def ids(server: Server, http: httpx.Client) -> Ids:
    """A customer with a contract since January, billed up to March, and what refusals need."""
    with server.sdk() as sdk:
        shop = Shop(sdk)
        return _world(shop, http)


def _world(shop: Shop, http: httpx.Client) -> Ids:
    def post(path: str, body: Any) -> Any:
        answer = http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json().get("data")

    made = {
        "customer": shop.customer,
        "card": shop.card,
        "commit": shop.commit,
        "storage": shop.storage,
        "seat": shop.seat,
        "analysis": shop.usage("By region", "used_gb", [], pricing_group_key=["region"]),
        "peruser": shop.usage(
            "Per user", "tokens", [], group="user", presentation_group_key=["user"]
        ),
        "fresh": shop.usage("Fresh", "fresh_gb", []),
        "share": shop.product("COMPOSITE", "Share", composite_product_ids=[shop.storage]),
        "other": post("/v1/customers", {"name": "Other"})["id"],
        "child": post("/v1/customers", {"name": "Child"})["id"],
        "sqlcustomer": post("/v1/customers", {"name": "Sql"})["id"],
        "unit": post("/v1/credit-types/create", {"name": "Tokens"})["id"],
        "eur": next(one for one, kind in FIAT.items() if kind.currency == "EUR"),
    }
    region = {"pricing_group_values": {"region": "eu"}}
    shop.rate(made["analysis"], 5, **region)
    shop.rate(made["peruser"], 1)
    metric = shop.client.v1.billable_metrics.list().data[0].id
    sql = shop.client.v1.billable_metrics.create(
        name="Sql", sql="SELECT count(*) AS value FROM events"
    ).data.id
    counted = shop.product("USAGE", "Counted", billable_metric_id=sql)
    shop.rate(counted, 1)
    post(
        "/v1/contracts/create",
        contract(customer_id=made["sqlcustomer"], starting_at=JANUARY, rate_card_id=shop.card),
    )
    held = shop.contract(
        uniqueness_key="contract", ending_before=YEAR_END, commits=[shop.prepaid(1000)]
    )
    gone = shop.contract(starting_at=APRIL, rate_card_id=None)
    post(
        "/v1/contracts/archive",
        {"customer_id": shop.customer, "contract_id": gone, "void_invoices": False},
    )
    parent = {"customer_id": shop.customer, "contract_id": held}
    child = contract(
        customer_id=made["child"],
        rate_card_id=shop.card,
        starting_at=APRIL,
        hierarchy_configuration={"parent": parent, "payer": "SELF"},
    )
    shop.client.v2.contracts.edit(
        customer_id=shop.customer,
        contract_id=held,
        uniqueness_key="edit",
        update_contract_name="Held",
    )
    shop.client.v1.usage.ingest(
        usage=[
            {
                "transaction_id": "used",
                "customer_id": "acme",
                "event_type": "used",
                "timestamp": "2026-01-01T00:00:00Z",
                "properties": {"storage_gb": "100", "region": "eu"},
            }
        ]
    )
    package = post("/v1/packages/create", {"name": "Package", "rate_card_id": shop.card})["id"]
    for key, is_unique in (("tier", False), ("number", True)):
        post(
            "/v1/customFields/addKey",
            {"entity": "customer", "key": key, "enforce_uniqueness": is_unique},
        )
    post(
        "/v1/customFields/setValues",
        {"entity": "customer", "entity_id": shop.customer, "custom_fields": {"number": "7"}},
    )
    made["childcontract"] = post("/v1/contracts/create", child)["id"]
    post("/closedwon/clock", {"now": NOW})
    (kept,) = shop.v2(held, include_balance=True).commits
    found = list(shop.client.v1.customers.invoices.list(customer_id=shop.customer))
    usage = [one for one in found if one.type == "USAGE"]
    final = [one.id for one in usage if one.status == "FINALIZED"]
    post("/v1/invoices/void", {"id": final[1]})
    post("/v1/invoices/regenerate", {"id": final[1]})
    return made | {
        "contract": held,
        "archived": gone,
        "package": package,
        "metric": metric,
        "held": kept.id,
        "segment": kept.access_schedule.schedule_items[0].id,
        "paid": kept.invoice_schedule.schedule_items[0].id,
        "final": final[0],
        "void": final[1],
        "draft": next(one.id for one in usage if one.status == "DRAFT"),
    }


def filled(given: Any, ids: Ids) -> Any:
    """With ids in place of words with a dollar sign, and without what is None."""
    if isinstance(given, dict):
        return {name: filled(value, ids) for name, value in given.items() if value is not None}
    if isinstance(given, list):
        return [filled(value, ids) for value in given]
    if isinstance(given, str):
        return re.sub(r"\$([a-z]+)", lambda found: ids[found.group(1)], given)
    return given


def asked(http: httpx.Client, case: Case, ids: Ids) -> httpx.Response:
    path, body = filled(case.path, ids), filled(case.body, ids)
    return http.request(case.method, path, json=None if case.method == "GET" else body)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.row}: {case.told}")
def test_a_refusal_of_the_catalogue_has_its_status_form_and_reason(
    http: httpx.Client, ids: Ids, case: Case
) -> None:
    answer = asked(http, case, ids)
    told = answer.json()

    assert answer.status_code == case.status, answer.text
    assert case.told in told["message"], told["message"]
    assert told["message"][0] != "."  # What is wrong is named from the body on.
    if case.path.startswith("/v2/"):
        assert told.keys() == {"code", "message"}
        assert told["code"] in CODES | {"BadRequest"}
        assert case.status != 404 or told["code"].endswith("NotFound")
    else:
        assert told.keys() == {"message"}
    assert answer.headers.get("x-should-retry") == ("false" if case.status == 409 else None)


def test_every_row_of_the_catalogue_has_a_call_and_each_its_own() -> None:
    rows = {case.row for case in CASES}

    assert len(rows) == 24
    assert len({(case.path, str(case.body)) for case in CASES}) == len(CASES)


def test_refusals_change_nothing(server: Server, http: httpx.Client, ids: Ids) -> None:
    def seen() -> list[str]:
        return [
            http.get("/v1/customers").text,
            http.post("/v2/contracts/list", json={"customer_id": ids["customer"]}).text,
            http.get(f"/v1/customers/{ids['customer']}/invoices").text,
            http.post("/v1/contract-pricing/products/list").text,
        ]

    before = seen()
    for case in CASES:
        asked(http, case, ids)

    assert seen() == before
