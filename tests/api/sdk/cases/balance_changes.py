"""Balances ended, moved by hand and summed: v1.customers, v1.contracts."""

from typing import Any

from api.sdk.casing import does, holds, refuses
from api.sdk.granted import END, JANUARY, JULY, OCTOBER, fields
from api.sdk.seats import seated
from api.sdk.world import World
from closedwon.billing.catalog.types import USD


def credit(world: World, customer: str, amount: float = 100, **more: Any) -> str:
    """A credit of the customer itself."""
    window = {"amount": amount, "starting_at": JANUARY, "ending_before": END}
    return world.sdk.v1.customers.credits.create(
        customer_id=customer,
        product_id=world.shop.commit,
        priority=1,
        access_schedule={"schedule_items": [window]},  # type: ignore[list-item]
        **more,
    ).data.id


@does("v1.customers.commits.update_end_date")
def ends_a_commit_and_its_payments(world: World) -> None:
    customer = world.customer()
    contract = world.contract_of(customer, starting_at=JANUARY)
    points = [{"timestamp": JULY, "amount": 5}, {"timestamp": OCTOBER, "amount": 5}]
    given = world.shop.prepaid(10) | {"invoice_schedule": {"schedule_items": points}}
    commits = world.sdk.v1.customers.commits
    made = commits.create(customer_id=customer, invoice_contract_id=contract, **given).data.id

    commits.update_end_date(
        customer_id=customer,
        commit_id=made,
        access_ending_before=OCTOBER,
        invoices_ending_before=OCTOBER,
    )

    (found,) = commits.list(customer_id=customer)
    holds(found.access_schedule, {"schedule_items": [{"amount": 10, "ending_before": OCTOBER}]})
    holds(found.invoice_schedule, {"schedule_items": points[:1]})


@refuses("v1.customers.commits.update_end_date", 400, "R215")
def does_not_end_without_a_date(world: World) -> None:
    world.sdk.v1.customers.commits.update_end_date(customer_id=world.settled, commit_id="any")


@does("v1.customers.credits.update_end_date")
def ends_a_credit(world: World) -> None:
    customer = world.customer()
    which = {"customer_id": customer, "credit_id": credit(world, customer)}

    world.sdk.v1.customers.credits.update_end_date(**which, access_ending_before=OCTOBER)

    (found,) = world.sdk.v1.customers.credits.list(**which)
    holds(found.access_schedule, {"schedule_items": [{"ending_before": OCTOBER}]})


@refuses("v1.customers.credits.update_end_date", 404, "credit")
def does_not_end_another_customer_s_credit(world: World) -> None:
    world.sdk.v1.customers.credits.update_end_date(
        customer_id=world.settled,
        credit_id=credit(world, world.customer()),
        access_ending_before=OCTOBER,
    )


@does("v1.contracts.get_net_balance")
def sums_what_is_left_by_every_filter(world: World) -> None:
    customer = world.customer()
    told = fields(world, "contract_credit")
    made = credit(world, customer, 100, custom_fields=told)
    credit(world, customer, 20.5)
    world.contract_of(customer, starting_at=JANUARY, commits=[world.shop.prepaid(7)])

    def net(**asked: Any) -> float:
        return world.sdk.v1.contracts.get_net_balance(customer_id=customer, **asked).data.balance

    assert net() == 127.5
    assert net(credit_type_id=USD, access_type="SPEND", invoice_inclusion_mode="FINALIZED") == 127.5
    assert net(filters=[{"balance_types": ["CREDIT"]}]) == 120.5
    assert net(filters=[{"ids": [made]}, {"balance_types": ["PREPAID_COMMIT"]}]) == 107
    assert net(filters=[{"custom_fields": told, "balance_types": ["CREDIT"]}]) == 100


@refuses("v1.contracts.get_net_balance", 404, "credit type")
def does_not_sum_an_unknown_unit(world: World) -> None:
    world.sdk.v1.contracts.get_net_balance(customer_id=world.settled, credit_type_id="nothing")


@does("v1.contracts.add_manual_balance_entry")
def moves_balances_by_hand(world: World) -> None:
    which = seated(world, "ann", "bob")
    customer, seats = which["customer_id"], which["contract_id"]
    (granted, *_) = (
        world.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=seats).data.credits or ()
    )
    made = credit(world, customer, applicable_product_ids=[world.shop.storage])
    (own,) = world.sdk.v1.customers.credits.list(customer_id=customer)
    move = world.sdk.v1.contracts.add_manual_balance_entry
    key = world.name("entry")

    move(
        customer_id=customer,
        id=made,
        segment_id=segment(own),
        amount=-30.5,
        reason="Goodwill",
        timestamp="2026-02-01T00:00:00Z",
        uniqueness_key=key,
    )
    move(
        customer_id=customer,
        contract_id=seats,
        id=granted.id,
        segment_id=segment(granted),
        amount=-5,
        reason="Returned",
        per_group_amounts={"ann": -3, "bob": -2},
        uniqueness_key=f"{key} of seats",
    )

    (found,) = world.sdk.v1.customers.credits.list(
        customer_id=customer, include_balance=True, include_ledgers=True
    )
    entry = {"amount": -30.5, "reason": "Goodwill", "timestamp": "2026-02-01T00:00:00Z"}
    holds([one for one in found.ledger or () if one.type == "CREDIT_MANUAL"], [entry])
    assert found.balance == 69.5
    left = world.sdk.v1.contracts.list_seat_balances(customer_id=customer, contract_id=seats)
    assert [one.balances[0].balance for one in left.data] == [7, 8]


@refuses("v1.contracts.add_manual_balance_entry", 409, "uniqueness key")
def does_not_move_a_balance_twice(world: World) -> None:
    customer = world.customer()
    made, key = credit(world, customer), world.name("entry")
    (own,) = world.sdk.v1.customers.credits.list(customer_id=customer)
    for _ in range(2):
        world.sdk.v1.contracts.add_manual_balance_entry(
            customer_id=customer,
            id=made,
            segment_id=segment(own),
            amount=1,
            reason="Once",
            uniqueness_key=key,
        )


def segment(balance: Any) -> str:
    """The one access window."""
    (one,) = balance.access_schedule.schedule_items
    found: str = one.id
    return found
