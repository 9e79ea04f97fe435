"""Contracts changed through the official SDK: amend, edit, end, filter, archive, history (2.8)."""

from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from api.shop import JANUARY, Shop

FEBRUARY, JULY, END = (f"{day}T00:00:00Z" for day in ("2026-02-01", "2026-07-01", "2027-01-01"))


TRACKER: dict[str, Any] = {
    "alias": "bought",
    "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
    "reset_frequency": "BILLING_PERIOD",
    "applicable_spend_specifiers": [
        {"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL", "THRESHOLD_RECHARGE"]}
    ],
}


@pytest.fixture
def shop(client: Metronome) -> Shop:
    return Shop(client)


def edited(shop: Shop, contract: str, **changes: Any) -> Any:
    """What a v2 edit answers."""
    return shop.client.v2.contracts.edit(
        customer_id=shop.customer, contract_id=contract, **changes
    ).data.edit


def multiplier(value: float) -> dict[str, Any]:
    return {
        "starting_at": JANUARY,
        "type": "MULTIPLIER",
        "multiplier": value,
        "applicable_product_tags": ["storage"],
    }


def test_r111_an_amendment_adds_terms_and_shows_in_v1(shop: Shop) -> None:
    contract = shop.contract(commits=[shop.prepaid(1000)])
    amendment = shop.client.v1.contracts.amend(
        customer_id=shop.customer,
        contract_id=contract,
        starting_at=JANUARY,
        commits=[shop.prepaid(2000)],
        overrides=[multiplier(0.8)],
    ).data.id

    found = shop.client.v1.contracts.retrieve(customer_id=shop.customer, contract_id=contract).data

    assert [len(part.commits) for part in (found.initial, found.current)] == [1, 2]
    (shown,) = found.amendments
    assert (shown.id, len(shown.commits), shown.overrides[0].multiplier) == (amendment, 1, 0.8)
    with pytest.raises(BadRequestError):
        shop.client.v1.contracts.amend(
            customer_id=shop.customer,
            contract_id=contract,
            starting_at=JANUARY,
            commits=[shop.prepaid(1) | {"product_id": "nothing"}],
        )


def test_r112_an_edit_adds_updates_archives_and_removes_at_once(shop: Shop) -> None:
    contract = shop.contract(
        ending_before=END,
        commits=[shop.prepaid(1000), shop.prepaid(500)],
        overrides=[multiplier(0.9)],
    )
    before = shop.v2(contract)
    kept, gone = before.commits
    made = edited(
        shop,
        contract,
        add_commits=[shop.prepaid(300)],
        update_contract_name="Renamed",
        update_net_payment_terms_days=45,
        update_commits=[
            {
                "commit_id": kept.id,
                "priority": 7,
                "access_schedule": {
                    "update_schedule_items": [
                        {"id": kept.access_schedule.schedule_items[0].id, "amount": 1500}
                    ]
                },
            }
        ],
        archive_commits=[{"id": gone.id}],
        remove_overrides=[{"id": before.overrides[0].id}],
    )

    after = shop.v2(contract)
    assert (after.name, after.net_payment_terms_days, after.overrides) == ("Renamed", 45, [])
    found = {one.id: one for one in after.commits}
    assert found[kept.id].priority == 7
    assert found[kept.id].access_schedule.schedule_items[0].amount == 1500
    assert found[gone.id].archived_at is not None
    assert made.add_commits[0].id in found
    assert (made.archive_commits[0].id, made.remove_overrides[0].id) == (
        gone.id,
        before.overrides[0].id,
    )
    assert made.update_commits[0].access_schedule.update_schedule_items[0].amount == 1500
    assert made.update_contract_name == "Renamed"


def test_r224_quantities_are_updated_and_told_in_the_history(shop: Shop) -> None:
    contract = shop.contract(
        subscriptions=[
            {
                "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": shop.seat},
                "collection_schedule": "ADVANCE",
                "proration": {"is_prorated": True},
                "initial_quantity": 10,
            }
        ]
    )
    (sold,) = shop.v2(contract).subscriptions
    updates = [
        {"starting_at": FEBRUARY, "quantity_delta": 5},
        {"starting_at": JULY, "quantity": 3},
    ]
    made = edited(
        shop,
        contract,
        update_subscriptions=[{"subscription_id": sold.id, "quantity_updates": updates}],
    )

    (after,) = shop.v2(contract).subscriptions
    assert [one.quantity for one in after.quantity_schedule] == [10, 15, 3]
    assert [one.quantity_delta for one in made.update_subscriptions[0].quantity_updates] == [
        5,
        None,
    ]
    below = [{"starting_at": FEBRUARY, "quantity_delta": -50}]
    update = {"subscription_id": sold.id, "quantity_updates": below}
    with pytest.raises(BadRequestError) as caught:
        edited(shop, contract, update_subscriptions=[update])
    assert caught.value.response.json()["code"] == "InvalidArgument"


def test_r114_generators_and_charges_are_updated(shop: Shop) -> None:
    contract = shop.contract(
        ending_before=END,
        recurring_commits=[
            {
                "product_id": shop.commit,
                "access_amount": {"unit_price": 3000, "quantity": 1},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": JANUARY,
            }
        ],
        scheduled_charges=[
            {
                "product_id": shop.support,
                "schedule": {"schedule_items": [{"amount": 100, "timestamp": JULY}]},
            }
        ],
    )
    before = shop.v2(contract)
    (term,), (charge,) = before.recurring_commits, before.scheduled_charges
    point = charge.schedule.schedule_items[0].id
    edited(
        shop,
        contract,
        update_recurring_commits=[
            {"recurring_commit_id": term.id, "access_amount": {"unit_price": 4000}}
        ],
        update_scheduled_charges=[
            {
                "scheduled_charge_id": charge.id,
                "invoice_schedule": {
                    "add_schedule_items": [{"timestamp": END, "unit_price": 50, "quantity": 3}],
                    "remove_schedule_items": [{"id": point}],
                },
            }
        ],
    )

    after = shop.v2(contract)
    assert after.recurring_commits[0].access_amount.unit_price == 4000
    (item,) = after.scheduled_charges[0].schedule.schedule_items
    assert (item.amount, item.unit_price, item.quantity) == (150, 50, 3)


def test_r115_the_history_tells_ends_and_filters_oldest_first(shop: Shop) -> None:
    contract, contracts = shop.contract(), shop.client.v1.contracts
    which = {"customer_id": shop.customer, "contract_id": contract}
    edited(shop, contract, add_overrides=[multiplier(0.5)])
    contracts.update_end_date(**which, ending_before=END)
    contracts.set_usage_filter(
        **which, group_key="region", group_values=["us"], starting_at=FEBRUARY
    )

    rows = shop.client.v2.contracts.get_edit_history(**which).data

    assert [bool(one.add_overrides) for one in rows] == [True, False, False]
    assert rows[1].update_contract_end_date is not None
    assert rows[2].add_usage_filters[0].group_values == ["us"]
    assert shop.v2(contract).ending_before is not None
    contracts.update_end_date(**which)
    assert shop.v2(contract).ending_before is None


def test_r123_an_archived_contract_is_hidden_and_not_edited(shop: Shop) -> None:
    contract = shop.contract()
    shop.client.v1.contracts.archive(
        customer_id=shop.customer, contract_id=contract, void_invoices=False
    )

    contracts = shop.client.v2.contracts
    assert contracts.list(customer_id=shop.customer).data == []
    (found,) = contracts.list(customer_id=shop.customer, include_archived=True).data
    assert found.archived_at is not None
    with pytest.raises(BadRequestError):
        edited(shop, contract, update_contract_name="Too late")


def test_r257_thresholds_and_trackers_come_change_and_go(shop: Shop) -> None:
    contract = shop.contract()
    edited(
        shop,
        contract,
        add_spend_trackers=[TRACKER],
        add_prepaid_balance_threshold_configuration={
            "is_enabled": False,
            "threshold_amount": 1000,
            "recharge_to_amount": 5000,
            "commit": {"product_id": shop.commit, "applicable_product_tags": ["storage"]},
            "payment_gate_config": {
                "payment_gate_type": "STRIPE",
                "stripe_config": {"payment_type": "INVOICE", "invoice_metadata": {"po": "7"}},
            },
            "discount_configuration": {
                "payment_fraction": 0.9,
                "cap": {"amount": 10000, "spend_tracker_alias": "bought"},
            },
        },
    )
    found = shop.v2(contract)
    threshold = found.prepaid_balance_threshold_configuration
    assert (threshold.recharge_to_amount, threshold.commit.priority) == (5000, 100)
    assert threshold.payment_gate_config.stripe_config.invoice_metadata == {"po": "7"}
    assert threshold.discount_configuration.cap.amount == 10000
    assert found.spend_trackers[0].accumulated_spend.amount == 0

    update = {"threshold_amount": 1200, "discount_configuration": None}
    made = edited(
        shop,
        contract,
        update_prepaid_balance_threshold_configuration=update,
        archive_spend_trackers=["bought"],
    )

    found = shop.v2(contract)
    assert found.prepaid_balance_threshold_configuration.threshold_amount == 1200
    assert found.prepaid_balance_threshold_configuration.discount_configuration is None
    assert found.spend_trackers is None
    shown = made.update_prepaid_balance_threshold_configuration
    assert shown.threshold_amount == 1200


def test_r7_r112_edits_that_cannot_be_change_nothing(shop: Shop) -> None:
    contract = shop.contract(commits=[shop.prepaid(1000)])
    edited(shop, contract, update_contract_name="One", uniqueness_key="edit-1")
    cases: list[tuple[type[Exception], dict[str, Any]]] = [
        (ConflictError, {"update_contract_name": "Two", "uniqueness_key": "edit-1"}),
        (BadRequestError, {}),
        (NotFoundError, {"update_commits": [{"commit_id": "nothing", "priority": 1}]}),
        (BadRequestError, {"remove_overrides": [{"id": "nothing"}]}),
        (NotFoundError, {"archive_spend_trackers": ["nothing"]}),
        (NotFoundError, {"add_spend_trackers": [TRACKER | {"credit_type_id": "nothing"}]}),
        (BadRequestError, {"update_spend_threshold_configuration": {"is_enabled": True}}),
        (
            BadRequestError,
            {"update_contract_name": "Two", "add_commits": [{"type": "PREPAID"}]},
        ),
    ]
    for error, changes in cases:
        with pytest.raises(error):
            edited(shop, contract, **changes)

    found = shop.v2(contract)
    assert (found.name, len(found.commits)) == ("One", 1)
