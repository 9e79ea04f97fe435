"""A customer and its contract in one call; what comes with a customer (2.3; R6, R102)."""

from typing import Any

import httpx
import pytest
from metronome import Metronome

from api.live import START
from api.shop import JANUARY, Shop

PATH = "/v1/composite/createCustomerWithContract"
STRIPE = {"billing_provider": "stripe", "configuration": {"stripe_customer_id": "cus_1"}}
NETSUITE = {"provider": "netsuite", "configuration": {"netsuite_customer_id": "7"}}


@pytest.fixture
def shop(client: Metronome) -> Shop:
    return Shop(client)


def together(shop: Shop, **contract: Any) -> dict[str, Any]:
    return {
        "customer": {"name": "Beta", "ingest_aliases": ["beta"]},
        "contract": {"starting_at": JANUARY, "rate_card_id": shop.card} | contract,
    }


def test_both_are_made_in_one_call(shop: Shop, http: httpx.Client) -> None:
    made = http.post(PATH, json=together(shop, commits=[shop.prepaid(1000)], name="First")).json()
    told = made["data"]
    contract = shop.client.v2.contracts.retrieve(
        customer_id=told["customer_id"], contract_id=told["contract_id"]
    ).data

    assert (told["customer_name"], told["ingest_aliases"]) == ("Beta", ["beta"])
    assert (contract.name, len(contract.commits)) == ("First", 1)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"rate_card_id": "nothing"}, 404),
        ({"ending_before": JANUARY}, 400),
        ({"starting_at": "2026-01-01T00:30:00Z"}, 400),
        ({"customer_id": "someone"}, 400),
        ({"revenue_system_configuration": {"provider": "netsuite"}}, 404),
        ({"package_id": "p"}, 400),
    ],
)
def test_a_refused_contract_leaves_no_customer(
    shop: Shop, http: httpx.Client, wrong: dict[str, Any], status: int
) -> None:
    answer = http.post(PATH, json=together(shop, **wrong))

    assert answer.status_code == status, answer.text
    assert [one.name for one in shop.client.v1.customers.list()] == ["Acme"]
    assert http.post(PATH, json=together(shop)).status_code == 200


def test_a_taken_alias_or_key_leaves_neither(shop: Shop, http: httpx.Client) -> None:
    first = http.post(PATH, json=together(shop, uniqueness_key="k"))
    alias = http.post(PATH, json=together(shop))
    other = together(shop, uniqueness_key="k")
    other["customer"] = {"name": "Gamma"}
    key = http.post(PATH, json=other)

    assert (first.status_code, alias.status_code, key.status_code) == (200, 409, 409)
    assert sorted(one.name for one in shop.client.v1.customers.list()) == ["Acme", "Beta"]


def test_a_customer_brings_its_providers_and_revenue_systems(client: Metronome, http: Any) -> None:
    made = client.v1.customers.create(
        name="Beta",
        customer_billing_provider_configurations=[
            {**STRIPE, "delivery_method": "direct_to_billing_provider"}  # type: ignore[typeddict-item]
        ],
        customer_revenue_system_configurations=[NETSUITE],  # type: ignore[list-item]
        billing_config={
            "billing_provider_type": "aws_marketplace",
            "billing_provider_customer_id": "c",
            "aws_product_code": "p",
            "aws_region": "us-east-1",
        },
    ).data.id
    providers = client.v1.customers.retrieve_billing_configurations(customer_id=made).data
    systems = http.post(
        "/v1/getCustomerRevenueSystemConfigurations", json={"customer_id": made}
    ).json()["data"]

    assert {one.billing_provider for one in providers} == {"stripe", "aws_marketplace"}
    assert [one["configuration"] for one in systems] == [NETSUITE["configuration"]]


def test_a_wrong_configuration_leaves_no_customer(client: Metronome, http: Any) -> None:
    for name, wrong in (
        ("customer_billing_provider_configurations", {**STRIPE, "configuration": {}}),
        ("customer_revenue_system_configurations", {**NETSUITE, "configuration": {}}),
        ("customer_revenue_system_configurations", {"provider": "sap"}),
    ):
        assert http.post("/v1/customers", json={"name": "B", name: [wrong]}).status_code == 400
    assert client.v1.customers.list().data == []


def test_revenue_systems_are_set_read_and_archived(shop: Shop, http: httpx.Client) -> None:
    rows = [{"customer_id": shop.customer, **NETSUITE}]
    (made,) = http.post("/v1/setCustomerRevenueSystemConfigurations", json={"data": rows}).json()[
        "data"
    ]
    get = {"customer_id": shop.customer}
    (read,) = http.post("/v1/getCustomerRevenueSystemConfigurations", json=get).json()["data"]
    gone = {**get, "customer_revenue_system_configuration_ids": [made["id"]]}
    archived = http.post("/v1/archiveCustomerRevenueSystemConfigurations", json=gone)
    left = http.post("/v1/getCustomerRevenueSystemConfigurations", json=get).json()["data"]
    every = http.post(
        "/v1/getCustomerRevenueSystemConfigurations", json={**get, "include_archived": True}
    ).json()["data"]

    assert read == made
    assert (read["provider"], read["archived_at"]) == ("netsuite", None)
    assert archived.json()["data"] == gone
    assert (left, [one["archived_at"][:4] for one in every]) == ([], [str(START.year)])


def test_revenue_systems_are_the_customer_s_own_and_all_or_none(
    shop: Shop, http: httpx.Client
) -> None:
    other = shop.client.v1.customers.create(name="Other").data.id
    rows = [{"customer_id": other, **NETSUITE}, {"customer_id": "nobody", **NETSUITE}]
    refused = http.post("/v1/setCustomerRevenueSystemConfigurations", json={"data": rows})
    made = http.post("/v1/setCustomerRevenueSystemConfigurations", json={"data": rows[:1]}).json()
    foreign = {
        "customer_id": shop.customer,
        "customer_revenue_system_configuration_ids": [made["data"][0]["id"]],
    }
    stays = http.post("/v1/archiveCustomerRevenueSystemConfigurations", json=foreign)
    of_other = {"customer_id": other, "include_archived": True}
    found = http.post("/v1/getCustomerRevenueSystemConfigurations", json=of_other).json()["data"]

    assert (refused.status_code, stays.status_code) == (404, 404)
    assert [one["archived_at"] for one in found] == [None]


def test_a_contract_names_its_revenue_system_from_the_start_or_later(
    shop: Shop, http: httpx.Client
) -> None:
    rows = {"data": [{"customer_id": shop.customer, **NETSUITE}]}
    made = http.post("/v1/setCustomerRevenueSystemConfigurations", json=rows).json()["data"][0]
    early = shop.v2(shop.contract(revenue_system_configuration={"provider": "netsuite"}))
    late = shop.contract()
    update: Any = {
        "revenue_system_configuration": {"revenue_system_configuration_id": made["id"]},
        "schedule": {"effective_at": "START_OF_NEXT_PERIOD"},
    }

    def edit() -> Any:
        return shop.client.v2.contracts.edit(
            customer_id=shop.customer,
            contract_id=late,
            add_revenue_system_configuration_update=update,
        )

    assert shop.v2(late).revenue_system_configuration_schedule is None
    edit()
    with pytest.raises(Exception, match="the contract has one"):
        edit()

    (first,) = early.revenue_system_configuration_schedule
    (second,) = shop.v2(late).revenue_system_configuration_schedule
    assert first.effective_at.isoformat() == "2026-01-01T00:00:00+00:00"
    assert second.effective_at.isoformat() == "2026-02-01T00:00:00+00:00"
    assert {first.revenue_system_configuration.id, second.revenue_system_configuration.id} == {
        made["id"]
    }


def test_named_schedules_of_contracts_are_listed_page_by_page(shop: Shop) -> None:
    contracts = [shop.contract(), shop.contract()]
    schedules = shop.client.v1.contracts.rate_cards.named_schedules
    for contract_id in contracts:
        for name, properties in (("margin", {"region": "eu"}), ("margin", {}), ("cap", {})):
            schedules.update(
                customer_id=shop.customer,
                contract_id=contract_id,
                schedule_name=name,
                starting_at=JANUARY,
                value=[name, properties],
                properties=properties,
            )
    listed = list(schedules.list(customer_id=shop.customer, limit=1))
    ours = schedules.list(customer_id=shop.customer, contract_id=contracts[0]).data
    europe = schedules.list(customer_id=shop.customer, properties={"region": "eu"}).data
    caps = schedules.list(customer_id=shop.customer, schedule_name="cap").data
    before = schedules.list(customer_id=shop.customer, covering_date="2025-01-01T00:00:00Z").data
    one = schedules.retrieve(
        customer_id=shop.customer,
        contract_id=contracts[0],
        schedule_name="margin",
        properties={"region": "eu"},
    ).data

    assert len(listed) == 6
    assert {(row.contract_id, row.schedule_name) for row in listed} == {
        (contract_id, name) for contract_id in contracts for name in ("margin", "cap")
    }
    assert (len(ours), len(europe), len(caps)) == (3, 2, 2)
    assert [row.segments for row in before] == [[]] * 6
    assert [row.value for row in one] == [["margin", {"region": "eu"}]]
    with pytest.raises(Exception, match="no such contract"):
        schedules.list(customer_id=shop.customer, contract_id="other")
