"""Rates, quantities, seats, work and the past of contracts: v1.contracts."""

from typing import Any

from api.sdk.casing import does, holds, refuses
from api.sdk.granted import APRIL, JANUARY, JULY, MARCH, fields
from api.sdk.seats import seated
from api.sdk.world import World
from closedwon.billing.catalog.types import USD


@does("v1.contracts.retrieve_rate_schedule")
def retrieves_rates_by_every_selector(world: World) -> None:
    customer = world.customer()
    override = {
        "starting_at": APRIL,
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "applicable_product_tags": ["storage"],
    }
    contract = world.contract_of(customer, overrides=[override])
    which = {"customer_id": customer, "contract_id": contract}

    def rates(**asked: Any) -> list[Any]:
        return list(world.sdk.v1.contracts.retrieve_rate_schedule(**which, **asked).data)

    (now,) = rates(selectors=[{"product_id": world.shop.storage}])
    assert (now.list_rate.price, now.override_rate) == (2.3, None)
    (later,) = rates(at=APRIL, selectors=[{"product_tags": ["storage"]}])
    assert (later.product_name, later.override_rate.price) == ("Storage", 1.15)
    (seat,) = rates(selectors=[{"billing_frequency": "MONTHLY", "product_id": world.shop.seat}])
    assert (seat.list_rate.price, seat.billing_frequency, seat.entitled) == (2900, "MONTHLY", True)
    nowhere = {"pricing_group_values": {"region": "mars"}}
    assert rates(selectors=[nowhere, {"partial_pricing_group_values": {"region": "mars"}}]) == []
    first = world.sdk.v1.contracts.retrieve_rate_schedule(**which, limit=1)
    rest = rates(limit=100, next_page=first.next_page)
    assert {one.product_id for one in (*first.data, *rest)} >= {world.shop.storage, world.shop.seat}


@refuses("v1.contracts.retrieve_rate_schedule", 404, "contract")
def does_not_have_rates_of_nothing(world: World) -> None:
    world.sdk.v1.contracts.retrieve_rate_schedule(customer_id=world.settled, contract_id="nothing")


def seats(world: World) -> dict[str, str]:
    """A contract with three named seats, a fourth in April, one less in July."""
    which = seated(world, "ann", "bob", "eve")
    updates = {
        "add_seat_ids": [{"starting_at": APRIL, "seat_ids": ["cid"]}],
        "remove_seat_ids": [{"starting_at": JULY, "seat_ids": ["ann"]}],
    }
    world.sdk.v2.contracts.edit(
        customer_id=which["customer_id"],
        contract_id=which["contract_id"],
        update_subscriptions=[
            {"subscription_id": which["subscription_id"], "seat_updates": updates}  # type: ignore[typeddict-item]
        ],
    )
    return which


@does("v1.contracts.get_subscription_seats_history")
def tells_which_seats_there_were_when(world: World) -> None:
    which = seats(world)

    def told(**asked: Any) -> list[list[str]]:
        rows = world.sdk.v1.contracts.get_subscription_seats_history(**which, **asked).data
        return [one.assigned_seat_ids for one in rows]

    steps = [["ann", "bob", "eve"], ["ann", "bob", "cid", "eve"], ["bob", "cid", "eve"]]
    assert [sorted(one) for one in told()] == steps
    assert [sorted(one) for one in told(covering_date="2026-05-01T00:00:00Z")] == steps[1:2]
    assert len(told(starting_at=APRIL, ending_before="2026-05-01T00:00:00Z")) == 1
    first = world.sdk.v1.contracts.get_subscription_seats_history(**which, limit=2)
    assert [sorted(one) for one in told(cursor=first.next_page)] == steps[2:]


@refuses("v1.contracts.get_subscription_seats_history", 404, "subscription")
def does_not_tell_seats_of_nothing(world: World) -> None:
    world.sdk.v1.contracts.get_subscription_seats_history(
        customer_id=world.settled, contract_id=world.contract, subscription_id="nothing"
    )


@does("v1.contracts.list_seat_balances")
def lists_what_each_seat_has_left(world: World) -> None:
    which = seats(world)
    sold = which.pop("subscription_id")

    def left(**asked: Any) -> dict[str, float]:
        rows = world.sdk.v1.contracts.list_seat_balances(**which, **asked).data
        return {one.seat_id: one.balances[0].balance for one in rows if one.balances}

    assert left() == {"ann": 10, "bob": 10, "eve": 10}
    assert left(seat_ids=["bob", "zoe"], skip_missing_seat_ids=True) == {"bob": 10}
    assert left(subscription_ids=[sold], covering_date="2026-03-05T00:00:00Z") == left()
    assert left(starting_at=JULY, effective_before=JULY) == {}
    page = world.sdk.v1.contracts.list_seat_balances(
        **which, limit=2, include_credits_and_commits=True, include_ledgers=False
    )
    assert [len(one.credits or ()) for one in page.data] == [1, 1]
    assert left(cursor=page.pagination.next_page) == {"eve": 10}


@refuses("v1.contracts.list_seat_balances", 400, "seat")
def does_not_know_a_seat_nobody_has(world: World) -> None:
    world.sdk.v1.contracts.list_seat_balances(
        customer_id=world.settled, contract_id=world.contract, seat_ids=["zoe"]
    )


@does("v1.contracts.retrieve_subscription_quantity_history")
def tells_what_was_paid_for(world: World) -> None:
    customer = world.customer()
    sold = {
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": world.shop.seat},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True},
        "initial_quantity": 10,
    }
    contract = world.contract_of(customer, subscriptions=[sold])
    which = {"customer_id": customer, "contract_id": contract}
    (kept,) = world.sdk.v2.contracts.retrieve(**which).data.subscriptions or ()

    found = world.sdk.v1.contracts.retrieve_subscription_quantity_history(
        **which, subscription_id=kept.id or ""
    ).data

    row = {"quantity": 10, "unit_price": 2900, "total": 29000}
    holds(found.history, [{"starting_at": MARCH, "data": [row]}])
    assert (found.subscription_id, found.fiat_credit_type_id) == (kept.id, USD)


@refuses("v1.contracts.retrieve_subscription_quantity_history", 404, "subscription")
def does_not_tell_quantities_of_nothing(world: World) -> None:
    world.sdk.v1.contracts.retrieve_subscription_quantity_history(
        customer_id=world.settled, contract_id=world.contract, subscription_id="nothing"
    )


def advised(world: World) -> tuple[dict[str, str], str]:
    """A contract with ten hours of advice at 150 dollars, and the service's id."""
    customer = world.customer()
    advice = {
        "product_id": world.shop.product("PROFESSIONAL_SERVICE", world.name("Advice")),
        "unit_price": 15000,
        "quantity": 10,
        "max_amount": 150000,
    }
    contract = world.contract_of(customer, professional_services=[advice])
    which = {"customer_id": customer, "contract_id": contract}
    (service,) = world.sdk.v2.contracts.retrieve(**which).data.professional_services or ()
    return which, service.id


@does("v1.contracts.schedule_pro_services_invoice")
def bills_work_as_it_is_done(world: World) -> None:
    which, advice = advised(world)
    service = {"professional_service_id": advice, "amendment_id": "any"}

    (made,) = world.sdk.v1.contracts.schedule_pro_services_invoice(
        **which,
        issued_at=APRIL,
        line_items=[
            {**service, "quantity": 2},
            {**service, "quantity": 1, "unit_price": 9000},
            {**service, "amount": 1050},
        ],
    ).data

    holds(made, {"issued_at": APRIL, "type": "SCHEDULED", "total": 40050})
    assert [one.total for one in made.line_items] == [30000, 9000, 1050]


@refuses("v1.contracts.schedule_pro_services_invoice", 400, "R159")
def does_not_bill_more_work_than_was_agreed(world: World) -> None:
    which, advice = advised(world)
    world.sdk.v1.contracts.schedule_pro_services_invoice(
        **which,
        issued_at=APRIL,
        line_items=[{"professional_service_id": advice, "quantity": 11}],
    )


def past(world: World) -> dict[str, Any]:
    """An invoice of December, of a contract whose own invoices begin in January."""
    customer = world.customer()
    window = {
        "inclusive_start_date": "2025-12-01T00:00:00Z",
        "exclusive_end_date": JANUARY,
    }
    grouped = {"presentation_group_values": {"team": "a"}, "pricing_group_values": {}}
    line = {"product_id": world.shop.storage, **window}
    return {
        "customer_id": customer,
        "contract_id": world.contract_of(
            customer,
            starting_at=window["inclusive_start_date"],
            usage_statement_schedule={
                "frequency": "MONTHLY",
                "invoice_generation_starting_at": JANUARY,
            },
        ),
        "credit_type_id": USD,
        "issue_date": "2026-01-02T00:00:00Z",
        "billable_status": "billable",
        "breakdown_granularity": "DAY",
        "custom_fields": fields(world, "invoice"),
        **window,
        "usage_line_items": [
            {**line, "quantity": 100, **grouped},
            {**line, "subtotals_with_quantity": [{**window, "quantity": 50}]},
        ],
    }


@does("v1.contracts.create_historical_invoices")
def keeps_what_another_system_billed(world: World) -> None:
    wanted = past(world)
    create = world.sdk.v1.contracts.create_historical_invoices

    (shown,) = create(invoices=[wanted], preview=True).data  # type: ignore[list-item]
    (made,) = create(invoices=[wanted], preview=False).data  # type: ignore[list-item]

    (found,) = world.sdk.v1.customers.invoices.list(
        customer_id=wanted["customer_id"], ending_before=JANUARY
    )
    assert (shown.total, made.total, found.total) == (345, 345, 345)
    holds(
        found,
        {
            "id": made.id,
            "status": "FINALIZED",
            "issued_at": wanted["issue_date"],
            "start_timestamp": wanted["inclusive_start_date"],
            "end_timestamp": wanted["exclusive_end_date"],
            "custom_fields": wanted["custom_fields"],
        },
    )


@refuses("v1.contracts.create_historical_invoices", 400, "credit_type_id")
def does_not_keep_the_past_in_another_currency(world: World) -> None:
    wanted = past(world) | {"credit_type_id": "EUR"}
    world.sdk.v1.contracts.create_historical_invoices(
        invoices=[wanted],  # type: ignore[list-item]
        preview=True,
    )
