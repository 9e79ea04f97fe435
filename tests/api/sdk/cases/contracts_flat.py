"""Contracts read in the newer shape, and balances edited one by one: v2.contracts."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.granted import APRIL, END, JANUARY, JULY, MARCH, OCTOBER, specifiers
from api.sdk.world import World


@does("v2.contracts.retrieve")
def retrieves_what_is_and_what_was_known(world: World) -> None:
    which = {"customer_id": world.settled, "contract_id": world.contract}
    retrieve = world.sdk.v2.contracts.retrieve

    found = retrieve(**which, include_balance=True, include_ledgers=True).data
    known = retrieve(**which, as_of_date="2026-01-15T00:00:00Z", include_balance=True).data

    (commit,), (before,) = found.commits, known.commits
    assert (commit.id, found.customer_id, found.rate_card_id) == (
        before.id,
        world.settled,
        world.shop.card,
    )
    assert commit.balance is not None
    assert before.balance is not None
    assert commit.balance < 1000000
    assert [one.amount for one in commit.ledger or ()][:1] == [1000000]


@refuses("v2.contracts.retrieve", 400, "as_of_date")
def does_not_keep_ledgers_of_the_past(world: World) -> None:
    world.sdk.v2.contracts.retrieve(
        customer_id=world.settled,
        contract_id=world.contract,
        as_of_date=MARCH,
        include_ledgers=True,
    )


@does("v2.contracts.list")
def lists_the_contracts_asked_for(world: World) -> None:
    customer = world.customer()
    commit = world.shop.prepaid(10)
    early = world.contract_of(customer, starting_at=JANUARY, ending_before=APRIL, commits=[commit])
    late = world.contract_of(customer, starting_at=JULY)
    world.sdk.v1.contracts.archive(customer_id=customer, contract_id=late, void_invoices=False)

    def ids(**asked: Any) -> list[str]:
        return [one.id for one in world.sdk.v2.contracts.list(customer_id=customer, **asked).data]

    assert ids() == [early]
    assert sorted(ids(include_archived=True)) == sorted([early, late])
    assert ids(include_archived=True, starting_at=APRIL) == [late]
    assert ids(covering_date=MARCH) == [early]
    first = world.sdk.v2.contracts.list(customer_id=customer, include_archived=True, limit=1)
    cursor = first.next_page  # type: ignore[attr-defined]
    rest = ids(include_archived=True, cursor=cursor)
    assert sorted([first.data[0].id, *rest]) == sorted([early, late])
    listed = world.sdk.v2.contracts.list(
        customer_id=customer, include_balance=True, include_ledgers=True
    )
    (balance,) = listed.data[0].commits
    assert (balance.balance, [one.amount for one in balance.ledger or ()]) == (10, [10])


@refuses("v2.contracts.list", 404, "customer")
def does_not_list_for_nobody(world: World) -> None:
    world.sdk.v2.contracts.list(customer_id="nobody")


@does("v2.contracts.get_edit_history")
def tells_every_edit_once(world: World) -> None:
    customer = world.customer()
    which = {"customer_id": customer, "contract_id": world.contract_of(customer)}
    keys = [world.name("edit") for _ in range(3)]
    for key in keys:
        world.sdk.v2.contracts.edit(**which, update_contract_name=key, uniqueness_key=key)

    told = world.sdk.v2.contracts.get_edit_history(**which).data

    holds(told, [{"uniqueness_key": key, "update_contract_name": key} for key in keys])


@refuses("v2.contracts.get_edit_history", 404, "contract")
def does_not_tell_edits_of_nothing(world: World) -> None:
    world.sdk.v2.contracts.get_edit_history(customer_id=world.settled, contract_id="nothing")


@does("v2.contracts.edit_commit")
def edits_a_commit_of_the_customer(world: World) -> None:
    customer = world.customer()
    payer, other = (world.contract_of(customer, starting_at=JANUARY) for _ in range(2))
    paid = {
        "schedule_items": [{"timestamp": OCTOBER, "amount": 7}, {"timestamp": END, "amount": 3}]
    }
    made = world.sdk.v1.customers.commits.create(
        customer_id=customer,
        invoice_contract_id=payer,
        **world.shop.prepaid(10) | {"invoice_schedule": paid},
    ).data.id
    which = {"customer_id": customer, "commit_id": made}
    (before,) = world.sdk.v1.customers.commits.list(**which)
    first, second = before.invoice_schedule.schedule_items  # type: ignore[union-attr]
    sent = changed(world, other) | {"invoice_contract_id": other}
    payments = {
        "add_schedule_items": [
            {"timestamp": OCTOBER, "amount": 6},
            {"timestamp": OCTOBER, "unit_price": 2, "quantity": 4},
        ],
        "remove_schedule_items": [{"id": first.id}],
        "update_schedule_items": [
            {"id": second.id, "timestamp": OCTOBER, "unit_price": 5, "quantity": 3}
        ],
    }
    access = windows(before.access_schedule.schedule_items[0].id)  # type: ignore[union-attr]

    edit = world.sdk.v2.contracts.edit_commit
    edit(**which, **sent, access_schedule=access, invoice_schedule=payments)  # type: ignore[arg-type]

    (found,) = world.sdk.v1.customers.commits.list(**which)
    check(found, sent, {"invoice_contract": {"id": other}})
    items = found.invoice_schedule.schedule_items  # type: ignore[union-attr]
    assert sorted(one.amount for one in items or ()) == [6, 8, 15]
    narrow = {"specifiers": specifiers(world)}
    more = {"update_schedule_items": [{"id": second.id, "amount": 9.5}]}
    edit(**which, **narrow, invoice_schedule=more)  # type: ignore[arg-type]
    again = world.sdk.v1.customers.commits.list(**which)
    holds(list(again), [narrow | {"applicable_product_ids": None}])
    added = found.access_schedule.schedule_items[1].id  # type: ignore[union-attr]
    edit(**which, access_schedule={"remove_schedule_items": [{"id": added}]})
    (last,) = world.sdk.v1.customers.commits.list(**which)
    assert len(last.access_schedule.schedule_items) == 1  # type: ignore[union-attr]


@refuses("v2.contracts.edit_commit", 404, "commit")
def does_not_edit_a_credit_as_a_commit(world: World) -> None:
    world.sdk.v2.contracts.edit_commit(
        customer_id=world.settled, commit_id=credit_of(world), name="x"
    )


@does("v2.contracts.edit_credit")
def edits_a_credit_of_the_customer(world: World) -> None:
    customer = world.customer()
    contract = world.contract_of(customer, starting_at=JANUARY)
    which = {"customer_id": customer, "credit_id": credit_of(world, customer)}
    (before,) = world.sdk.v1.customers.credits.list(**which)
    sent = changed(world, contract)
    access = windows(before.access_schedule.schedule_items[0].id)  # type: ignore[union-attr]

    edit = world.sdk.v2.contracts.edit_credit
    edit(**which, **sent, access_schedule=access)  # type: ignore[arg-type]

    (found,) = world.sdk.v1.customers.credits.list(**which)
    check(found, sent, {})
    narrow = {"specifiers": specifiers(world)}
    edit(**which, **narrow)  # type: ignore[arg-type]
    holds(list(world.sdk.v1.customers.credits.list(**which)), [narrow])
    added = found.access_schedule.schedule_items[1].id  # type: ignore[union-attr]
    edit(**which, access_schedule={"remove_schedule_items": [{"id": added}]})
    (last,) = world.sdk.v1.customers.credits.list(**which)
    assert len(last.access_schedule.schedule_items) == 1  # type: ignore[union-attr]


@refuses("v2.contracts.edit_credit", 404, "credit")
def does_not_edit_a_commit_as_a_credit(world: World) -> None:
    (commit,) = world.sdk.v2.contracts.retrieve(
        customer_id=world.settled, contract_id=world.contract
    ).data.commits
    world.sdk.v2.contracts.edit_credit(customer_id=world.settled, credit_id=commit.id, name="x")


def credit_of(world: World, customer: str = "") -> str:
    """A customer's own credit."""
    access = {"schedule_items": [{"amount": 10, "starting_at": JANUARY, "ending_before": END}]}
    return world.sdk.v1.customers.credits.create(
        customer_id=customer or world.customer(),
        product_id=world.shop.commit,
        priority=1,
        access_schedule=access,  # type: ignore[arg-type]
    ).data.id


def changed(world: World, contract: str) -> dict[str, Any]:
    """All that is no schedule."""
    access = {"type": "CONTRACT_IDS", "contract_ids": [contract]}
    return {
        "name": "New name",
        "description": "New description",
        "priority": 9.5,
        "product_id": world.shop.support,
        "rate_type": "COMMIT_RATE",
        "applicable_contract_ids": [contract],
        "applicable_product_ids": [world.shop.storage],
        "applicable_product_tags": ["analysis"],
        "hierarchy_configuration": {"child_access": access},
    }


def windows(known: str) -> dict[str, Any]:
    """One window more, and the known one moved."""
    return {
        "add_schedule_items": [{"amount": 5, "starting_at": OCTOBER, "ending_before": END}],
        "update_schedule_items": [
            {"id": known, "amount": 20, "starting_at": JANUARY, "ending_before": OCTOBER}
        ],
    }


def check(found: Any, sent: dict[str, Any], more: dict[str, Any]) -> None:
    """A balance reads as it was edited."""
    told = {**sent, **more, "product": {"id": sent["product_id"]}}
    holds(found, {name: told[name] for name in told.keys() - {"product_id", "invoice_contract_id"}})
    rows = found.access_schedule.schedule_items
    moved = {"amount": 20, "starting_at": JANUARY, "ending_before": OCTOBER}
    holds(rows, [moved, {"amount": 5, "starting_at": OCTOBER, "ending_before": END}])


def of_three(world: World, version: str) -> Paging:
    """A customer's contracts, in either shape."""
    customer = world.customer()
    made = frozenset(world.contract_of(customer, starting_at=at) for at in (MARCH, APRIL, JULY))

    def asked(**page: Any) -> Any:
        return getattr(world.sdk, version).contracts.list(customer_id=customer, **page)

    return Paging(asked=asked, key=lambda row: row.id, expected=made)


@pages("v1.contracts.list")
def pages_of_contracts(world: World) -> Paging:
    return of_three(world, "v1")


@pages("v2.contracts.list")
def pages_of_flat_contracts(world: World) -> Paging:
    return of_three(world, "v2")
