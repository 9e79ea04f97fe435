"""Commits, credits and what is left of them through the official SDK (2.3; R109, R195-R215)."""

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from api.shop import JANUARY, Shop
from closedwon.kernel.ids import derive

FEBRUARY, JULY, END = (f"{day}T00:00:00Z" for day in ("2026-02-01", "2026-07-01", "2027-01-01"))


@pytest.fixture
def shop(client: Metronome) -> Shop:
    return Shop(client)


def access(amount: float, start: str = JANUARY, end: str = END) -> dict[str, Any]:
    return {"schedule_items": [{"amount": amount, "starting_at": start, "ending_before": end}]}


def credit(shop: Shop, amount: float, **fields: Any) -> str:
    """A credit of the customer itself."""
    given = {"access_schedule": access(amount), "priority": 1, "product_id": shop.commit} | fields
    return shop.client.v1.customers.credits.create(customer_id=shop.customer, **given).data.id


def net(shop: Shop, **fields: Any) -> float:
    return shop.client.v1.contracts.get_net_balance(
        customer_id=shop.customer, **fields
    ).data.balance


def test_r109_r212_a_commit_of_the_customer_is_created_listed_and_billed(shop: Shop) -> None:
    contract = shop.contract()
    commits = shop.client.v1.customers.commits
    given = shop.prepaid(1000) | {"name": "Own", "uniqueness_key": "own-1"}
    made = commits.create(
        customer_id=shop.customer,
        invoice_contract_id=contract,
        applicable_contract_ids=[contract],
        **given,
    ).data.id

    (found,) = commits.list(customer_id=shop.customer, include_balance=True, include_ledgers=True)

    assert (found.id, found.name, found.uniqueness_key) == (made, "Own", "own-1")
    assert (found.balance, found.applicable_contract_ids) == (1000, [contract])
    assert (found.invoice_contract.id, found.contract) == (contract, None)
    assert found.ledger[0].type == "PREPAID_COMMIT_SEGMENT_START"
    with pytest.raises(ConflictError):
        commits.create(customer_id=shop.customer, invoice_contract_id=contract, **given)
    with pytest.raises(BadRequestError):
        commits.create(customer_id=shop.customer, **shop.prepaid(1))


def test_r109_credits_are_listed_by_filters_to_the_last_page(shop: Shop) -> None:
    ids = [credit(shop, 100 + at) for at in range(3)]
    late = credit(shop, 7, access_schedule=access(7, JULY))
    inside = shop.contract(
        credits=[{"product_id": shop.commit, "access_schedule": access(50), "priority": 1}]
    )
    listed = shop.client.v1.customers.credits.list

    assert [one.id for one in listed(customer_id=shop.customer, limit=2)] == sorted([*ids, late])
    now = listed(customer_id=shop.customer, covering_date=FEBRUARY)
    assert {one.id for one in now} == set(ids)
    assert [one.id for one in listed(customer_id=shop.customer, credit_id=late)] == [late]
    every = list(listed(customer_id=shop.customer, include_contract_credits=True))
    assert [one.contract.id for one in every if one.contract] == [inside]
    with pytest.raises(BadRequestError):
        listed(customer_id=shop.customer, limit=26)
    with pytest.raises(NotFoundError):
        listed(customer_id="nobody")


def test_r199_balances_are_listed_together_and_summed(shop: Shop) -> None:
    shop.contract(commits=[shop.prepaid(1000)])
    credit(shop, 50.5)
    nothing = credit(shop, 0)
    listed = shop.client.v1.contracts.list_balances

    rows = list(
        listed(
            customer_id=shop.customer,
            include_contract_balances=True,
            include_balance=True,
            exclude_zero_balances=True,
        )
    )

    assert sorted((one.type, one.balance) for one in rows) == [("CREDIT", 50.5), ("PREPAID", 1000)]
    assert nothing not in {one.id for one in rows}
    assert net(shop) == 1050.5
    assert net(shop, filters=[{"balance_types": ["CREDIT"]}]) == 50.5
    assert net(shop, invoice_inclusion_mode="FINALIZED") == 1050.5
    with pytest.raises(NotFoundError):
        net(shop, credit_type_id="nothing")


def test_r198_an_entry_by_hand_moves_the_balance(shop: Shop) -> None:
    made = credit(shop, 100)
    (found,) = shop.client.v1.customers.credits.list(customer_id=shop.customer)
    segment = found.access_schedule.schedule_items[0].id
    adjust = shop.client.v1.contracts.add_manual_balance_entry
    which = {"id": made, "customer_id": shop.customer, "reason": "goodwill"}

    adjust(**which, segment_id=segment, amount=-30, uniqueness_key="by-hand")

    assert net(shop) == 70
    (found,) = shop.client.v1.customers.credits.list(
        customer_id=shop.customer, include_ledgers=True
    )
    assert [(one.type, one.amount) for one in found.ledger] == [
        ("CREDIT_SEGMENT_START", 100),
        ("CREDIT_MANUAL", -30),
    ]
    with pytest.raises(ConflictError):
        adjust(**which, segment_id=segment, amount=-1, uniqueness_key="by-hand")
    with pytest.raises(NotFoundError):
        adjust(**which, segment_id="nothing", amount=-1)


def test_r215_ends_move_and_r205_balances_are_archived(shop: Shop, http: httpx.Client) -> None:
    contract = shop.contract()
    own = credit(shop, 100)
    commit = shop.client.v1.customers.commits.create(
        customer_id=shop.customer, invoice_contract_id=contract, **shop.prepaid(10, start=JULY)
    ).data.id
    shop.client.v1.customers.credits.update_end_date(
        customer_id=shop.customer, credit_id=own, access_ending_before=FEBRUARY
    )
    shop.client.v1.customers.commits.update_end_date(
        customer_id=shop.customer, commit_id=commit, invoices_ending_before=FEBRUARY
    )

    (ended,) = shop.client.v1.customers.credits.list(customer_id=shop.customer)
    assert ended.access_schedule.schedule_items[0].ending_before.month == 2
    (unpaid,) = shop.client.v1.customers.commits.list(customer_id=shop.customer)
    assert unpaid.invoice_schedule is None
    body = {"customer_id": shop.customer, "commit_id": commit}
    assert http.post("/v2/contracts/commits/archive", json=body).status_code == 200
    assert list(shop.client.v1.customers.commits.list(customer_id=shop.customer)) == []
    assert http.post("/v2/contracts/credits/archive", json=body).status_code == 404
    with pytest.raises(BadRequestError):
        shop.client.v1.customers.commits.update_end_date(
            customer_id=shop.customer, commit_id=commit
        )


def test_r113_r197_a_balance_is_edited_wherever_it_is_held(shop: Shop) -> None:
    own = credit(shop, 100)
    contract = shop.contract(commits=[shop.prepaid(1000)])
    (held,) = shop.v2(contract).commits
    edit = shop.client.v2.contracts
    edit.edit_credit(
        customer_id=shop.customer,
        credit_id=own,
        name="Better",
        priority=3,
        applicable_contract_ids=[contract],
        applicable_product_tags=["storage"],
        access_schedule={
            "add_schedule_items": [{"amount": 5, "starting_at": JULY, "ending_before": END}]
        },
    )
    edit.edit_commit(
        customer_id=shop.customer, commit_id=held.id, specifiers=[{"product_id": shop.storage}]
    )

    (found,) = shop.client.v1.customers.credits.list(customer_id=shop.customer)
    assert (found.name, found.priority) == ("Better", 3)
    assert (found.applicable_contract_ids, found.applicable_product_tags) == (
        [contract],
        ["storage"],
    )
    assert [one.amount for one in found.access_schedule.schedule_items] == [100, 5]
    assert shop.v2(contract).commits[0].specifiers[0].product_id == shop.storage
    with pytest.raises(NotFoundError):
        edit.edit_commit(customer_id=shop.customer, commit_id=own, priority=1)


def test_r190_a_true_up_is_dropped(shop: Shop, http: httpx.Client) -> None:
    postpaid = shop.prepaid(1000) | {
        "type": "POSTPAID",
        "invoice_schedule": {"schedule_items": [{"amount": 1000, "timestamp": END}]},
    }
    contract = shop.contract(commits=[postpaid, shop.prepaid(5)])
    owed, paid = shop.v2(contract).commits
    body = {"customer_id": shop.customer, "contract_id": contract}
    path = "/v1/contracts/commits/disableTrueup"

    assert http.post(path, json=body | {"commit_id": owed.id}).status_code == 200
    assert shop.v2(contract).commits[0].invoice_schedule.do_not_invoice is True
    assert http.post(path, json=body | {"commit_id": paid.id}).status_code == 400
    ledger = shop.v2(contract, include_ledgers=True).commits[0].ledger
    assert [one.type for one in ledger] == ["POSTPAID_COMMIT_INITIAL_BALANCE"]


def test_r200_r262_a_gated_purchase_is_released_by_its_workflow(
    shop: Shop, http: httpx.Client
) -> None:
    contract = shop.contract()
    gated = shop.prepaid(1000) | {"payment_gate_config": {"payment_gate_type": "EXTERNAL"}}
    shop.client.v2.contracts.edit(
        customer_id=shop.customer, contract_id=contract, add_commits=[gated]
    )
    (commit,) = shop.v2(contract, include_balance=True).commits
    path = "/v1/contracts/commits/threshold-billing/release"

    assert commit.balance == 0
    assert http.post(path, json={"workflow_id": "x", "outcome": "paid"}).status_code == 404
    workflow = derive("workflow", commit.id)
    assert http.post(path, json={"workflow_id": workflow, "outcome": "paid"}).json() == {}
    assert shop.v2(contract, include_balance=True).commits[0].balance == 1000
    assert http.post(path, json={"workflow_id": workflow, "outcome": "FAILED"}).status_code == 400
