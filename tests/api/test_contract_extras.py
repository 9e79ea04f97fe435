"""Hierarchies, providers and client-gated terms of contracts through the official SDK (2.7)."""

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from api.live import START, Server
from api.shop import JANUARY, Shop
from closedwon.engine import providers
from closedwon.store.database import close, open_database
from closedwon.store.providers import ProviderConfiguration
from closedwon.store.stores import Stores

FEBRUARY, END = "2026-02-01T00:00:00Z", "2027-01-01T00:00:00Z"


@pytest.fixture
def shop(client: Metronome) -> Shop:
    return Shop(client)


def test_r158_discounts_services_and_royalties_read_as_they_were_sent(shop: Shop) -> None:
    work = shop.product("PROFESSIONAL_SERVICE", "Consulting")
    contract = shop.contract(
        discounts=[
            {
                "product_id": shop.support,
                "name": "Launch",
                "schedule": {"schedule_items": [{"amount": 100, "timestamp": FEBRUARY}]},
            }
        ],
        professional_services=[
            {"product_id": work, "unit_price": 20000, "quantity": 5, "max_amount": 100000}
        ],
        reseller_royalties=[
            {
                "reseller_type": "AWS",
                "fraction": 0.05,
                "netsuite_reseller_id": "ns-1",
                "starting_at": JANUARY,
                "aws_options": {"aws_offer_id": "offer"},
                "reseller_contract_value": 12.5,
            }
        ],
    )

    found = shop.v2(contract)

    assert (found.discounts[0].name, found.discounts[0].schedule.schedule_items[0].amount) == (
        "Launch",
        100,
    )
    assert found.professional_services[0].max_amount == 100000
    (royalty,) = found.reseller_royalties[0].segments
    assert (royalty.aws_offer_id, royalty.reseller_contract_value) == ("offer", 12.5)
    v1 = shop.client.v1.contracts.retrieve(customer_id=shop.customer, contract_id=contract).data
    assert v1.current.reseller_royalties[0].fraction == 0.05


def test_r301_a_parent_and_its_child_name_one_another(shop: Shop) -> None:
    parent = shop.contract(
        commits=[
            shop.prepaid(1000) | {"hierarchy_configuration": {"child_access": {"type": "ALL"}}}
        ],
        hierarchy_configuration={"parent_behavior": {"invoice_consolidation_type": "NONE"}},
    )
    mother = shop.customer
    shop.customer = shop.client.v1.customers.create(name="Daughter").data.id
    child = shop.contract(
        hierarchy_configuration={
            "parent": {"contract_id": parent, "customer_id": mother},
            "payer": "PARENT",
            "usage_statement_behavior": "consolidate",
        }
    )

    below = shop.v2(child).hierarchy_configuration
    assert (below.parent.contract_id, below.payer) == (parent, "PARENT")
    assert below.usage_statement_behavior == "CONSOLIDATE"
    assert [one.id for one in shop.client.v2.contracts.list(customer_id=shop.customer).data] == [
        child
    ]
    with pytest.raises(BadRequestError):
        shop.contract(
            hierarchy_configuration={
                "parent": {"contract_id": parent, "customer_id": mother},
                "usage_statement_behavior": "CONSOLIDATE",
            }
        )
    shop.customer = mother
    above = shop.v2(parent)
    assert [one.contract_id for one in above.hierarchy_configuration.children] == [child]
    assert above.commits[0].hierarchy_configuration.child_access.type == "ALL"


def test_r102_r103_a_contract_goes_to_a_provider_and_to_another_from_a_period_on(
    shop: Shop, server: Server
) -> None:
    db = open_database(server.settings.state_file)
    for at, code in enumerate(("cus_1", "cus_2")):
        configuration = ProviderConfiguration(
            id=f"configuration-{at}",
            customer_id=shop.customer,
            billing_provider="stripe",
            configuration={"stripe_customer_id": code},
            created_at=START,
        )
        providers.configure(Stores(db), configuration, by="test", now=START)
    close(db)
    contract = shop.contract(
        billing_provider_configuration={"billing_provider_configuration_id": "configuration-0"}
    )
    shop.client.v2.contracts.edit(
        customer_id=shop.customer,
        contract_id=contract,
        add_billing_provider_configuration_update={
            "billing_provider_configuration": {
                "billing_provider_configuration_id": "configuration-1"
            },
            "schedule": {"effective_at": "START_OF_NEXT_PERIOD"},
        },
    )

    first, second = shop.v2(contract).billing_provider_configuration_schedule

    assert first.billing_provider_configuration.configuration == {"stripe_customer_id": "cus_1"}
    assert first.effective_until == second.effective_at
    assert second.effective_at.month == 2
    with pytest.raises(NotFoundError):
        shop.contract(billing_provider_configuration={"billing_provider": "netsuite"})


def test_r264_thresholds_come_with_the_contract(shop: Shop, http: httpx.Client) -> None:
    threshold: dict[str, Any] = {
        "is_enabled": True,
        "threshold_amount": 20000,
        "commit": {"product_id": shop.commit, "name": "Accrued"},
        "payment_gate_config": {
            "payment_gate_type": "NONE",
            "tax_type": "PRECALCULATED",
            "precalculated_tax_config": {"tax_amount": 1.5, "tax_name": "VAT"},
        },
    }
    contract = shop.contract(spend_threshold_configuration=threshold)

    found = shop.v2(contract).spend_threshold_configuration

    assert (found.threshold_amount, found.commit.name, found.commit.priority) == (
        20000,
        "Accrued",
        100,
    )
    assert found.payment_gate_config.precalculated_tax_config.tax_amount == 1.5
    made = shop.client.v2.contracts.edit(
        customer_id=shop.customer,
        contract_id=contract,
        update_spend_threshold_configuration={"is_enabled": False, "commit": {"priority": 7}},
    ).data.edit
    assert made.update_spend_threshold_configuration.is_enabled is False
    assert shop.v2(contract).spend_threshold_configuration.commit.priority == 7
    with pytest.raises(BadRequestError):
        shop.contract(spend_threshold_configuration=threshold | {"threshold_amount": 1})


def test_g1_g5_other_spellings_of_fields_are_understood(shop: Shop, http: httpx.Client) -> None:
    commit = shop.prepaid(1000)
    commit["product"] = commit.pop("product_id")
    body = {
        "customer_id": shop.customer,
        "rate_card_id": shop.card,
        "starting_at": JANUARY,
        "commits": [commit],
        "prepaid_balance_configuration": {
            "is_enabled": False,
            "threshold_amount": 1000,
            "recharge_to_amount": 5000,
            "commit": {"product_id": shop.commit},
            "payment_gate_config": {"payment_gate_type": "none"},
            "discount_config": {"fraction": 0.9},
        },
    }

    answer = http.post("/v1/contracts/create", json=body)

    assert answer.status_code == 200, answer.text
    found = shop.v2(answer.json()["data"]["id"])
    assert found.commits[0].product.id == shop.commit
    threshold = found.prepaid_balance_threshold_configuration
    assert threshold.discount_configuration.payment_fraction == 0.9


def test_r3_amounts_are_exact_on_the_way_in_and_out(shop: Shop, http: httpx.Client) -> None:
    amount = "12345678901234567.89"
    body = (
        f'{{"customer_id":"{shop.customer}","starting_at":"{JANUARY}","commits":[{{"type":"PREPAID",'
        f'"product_id":"{shop.commit}","access_schedule":{{"schedule_items":[{{"amount":{amount},'
        f'"starting_at":"{JANUARY}","ending_before":"{END}"}}]}}}}]}}'
    )

    made = http.post("/v1/contracts/create", content=body)

    which = {"customer_id": shop.customer, "contract_id": made.json()["data"]["id"]}
    assert f'"amount":{amount}' in http.post("/v2/contracts/get", json=which).text
