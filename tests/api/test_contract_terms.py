"""Rates, quantities and seats of contracts through the official SDK (2.3; R92, R218, R230-R237)."""

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from api.live import Server
from api.shop import JANUARY, Shop

FEBRUARY, MARCH = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"


@pytest.fixture
def shop(client: Metronome) -> Shop:
    return Shop(client)


def seats(shop: Shop, **fields: Any) -> dict[str, Any]:
    return {
        "temporary_id": "seats",
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": shop.seat},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True},
    } | fields


def which(shop: Shop, contract: str) -> dict[str, str]:
    return {"customer_id": shop.customer, "contract_id": contract}


def later(server: Server, http: httpx.Client, now: str) -> None:
    assert http.post("/closedwon/clock", json={"now": now}).status_code == 200


def test_r92_rates_of_a_contract_have_its_overrides(shop: Shop) -> None:
    contract = shop.contract(
        overrides=[
            {
                "starting_at": FEBRUARY,
                "type": "MULTIPLIER",
                "multiplier": 0.9,
                "applicable_product_tags": ["storage"],
            }
        ]
    )
    schedule = shop.client.v1.contracts.retrieve_rate_schedule

    before = schedule(**which(shop, contract), selectors=[{"product_id": shop.storage}]).data
    after = schedule(
        **which(shop, contract), at=FEBRUARY, selectors=[{"product_tags": ["storage"]}]
    ).data

    assert [(one.list_rate.price, one.override_rate) for one in before] == [(2.3, None)]
    assert [(one.product_name, one.override_rate.price) for one in after] == [("Storage", 2.07)]
    first = schedule(**which(shop, contract), limit=2)
    rest = schedule(**which(shop, contract), limit=2, next_page=first.next_page)
    assert len({one.product_id for one in [*first.data, *rest.data]}) == 3
    assert rest.next_page is None
    with pytest.raises(NotFoundError):
        schedule(customer_id=shop.customer, contract_id="nothing")


def test_r218_quantities_are_told_with_what_they_cost(
    shop: Shop, server: Server, http: httpx.Client
) -> None:
    contract = shop.contract(subscriptions=[seats(shop, initial_quantity=10)])
    (sold,) = shop.v2(contract).subscriptions
    updates = [{"starting_at": FEBRUARY, "quantity": 12}, {"starting_at": MARCH, "quantity": 1}]
    shop.client.v2.contracts.edit(
        **which(shop, contract),
        update_subscriptions=[{"subscription_id": sold.id, "quantity_updates": updates}],
    )
    later(server, http, "2026-02-10T00:00:00Z")

    found = shop.client.v1.contracts.retrieve_subscription_quantity_history(
        **which(shop, contract), subscription_id=sold.id
    ).data

    assert [
        (row.starting_at.month, row.data[0].quantity, row.data[0].total) for row in found.history
    ] == [(1, 10, 29000), (2, 12, 34800)]
    with pytest.raises(NotFoundError):
        shop.client.v1.contracts.retrieve_subscription_quantity_history(
            **which(shop, contract), subscription_id="nothing"
        )


def named(shop: Shop) -> str:
    """A contract with two named seats, one without a name, and 10.00 for each that has one."""
    assistant = shop.usage("Assistant", "ai", ["ai"], "user", presentation_group_key=["user"])
    shop.rate(assistant, 1)
    config = {"seat_group_key": "user", "seat_ids": ["ann", "bob"], "initial_unassigned_seats": 1}
    return shop.contract(
        subscriptions=[seats(shop, quantity_management_mode="SEAT_BASED", seats_config=config)],
        recurring_credits=[
            {
                "product_id": shop.commit,
                "access_amount": {"unit_price": 1000},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": JANUARY,
                "applicable_product_tags": ["ai"],
                "subscription_config": {
                    "subscription_id": "seats",
                    "allocation": "INDIVIDUAL",
                    "apply_seat_increase_config": {"is_prorated": True},
                },
            }
        ],
    )


def test_r231_r237_seats_are_told_over_time(shop: Shop, server: Server, http: httpx.Client) -> None:
    contract = named(shop)
    (sold,) = shop.v2(contract).subscriptions
    assert sold.seat_config.seat_group_key == "user"
    assert [one.quantity for one in sold.quantity_schedule] == [3]
    shop.client.v2.contracts.edit(
        **which(shop, contract),
        update_subscriptions=[
            {
                "subscription_id": sold.id,
                "seat_updates": {
                    "add_seat_ids": [{"starting_at": FEBRUARY, "seat_ids": ["cid"]}],
                    "remove_seat_ids": [{"starting_at": MARCH, "seat_ids": ["ann"]}],
                },
            }
        ],
    )
    history = shop.client.v1.contracts.get_subscription_seats_history
    asked = which(shop, contract) | {"subscription_id": sold.id}

    rows = history(**asked).data

    assert [(row.total_quantity, row.assigned_seat_ids) for row in rows] == [
        (3, ["ann", "bob"]),
        (3, ["ann", "bob", "cid"]),
        (2, ["bob", "cid"]),
    ]
    assert [row.ending_before is None for row in rows] == [False, False, True]
    (then,) = history(**asked, covering_date="2026-02-05T00:00:00Z").data
    assert then.assigned_seat_ids == ["ann", "bob", "cid"]
    first = history(**asked, limit=2)
    assert [row.total_quantity for row in history(**asked, cursor=first.next_page).data] == [2]
    for wrong in ({"limit": 11}, {"covering_date": MARCH, "starting_at": MARCH}):
        with pytest.raises(BadRequestError):
            history(**asked, **wrong)


def test_r230_each_seat_has_its_own_balance(shop: Shop) -> None:
    contract = named(shop)
    listed = shop.client.v1.contracts.list_seat_balances

    found = listed(**which(shop, contract), include_credits_and_commits=True)

    assert [(one.seat_id, one.balances[0].balance) for one in found.data] == [
        ("ann", 1000),
        ("bob", 1000),
    ]
    assert found.data[0].credits[0].balance == 1000
    assert (found.pagination.seats_included, found.pagination.next_page) == (2, None)
    first = listed(**which(shop, contract), limit=1)
    assert first.pagination.seats_available_for_next_page == 1
    rest = listed(**which(shop, contract), limit=1, cursor=first.pagination.next_page)
    assert [one.seat_id for one in rest.data] == ["bob"]
    asked = {"seat_ids": ["bob", "zoe"]}
    with pytest.raises(BadRequestError):
        listed(**which(shop, contract), **asked)
    assert len(listed(**which(shop, contract), **asked, skip_missing_seat_ids=True).data) == 1
