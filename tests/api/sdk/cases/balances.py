"""Commits and credits of customers, and what is left of them: v1.customers, v1.contracts."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.granted import END, JANUARY, JULY, OCTOBER, fields, specifiers, steps
from api.sdk.world import World
from closedwon.billing.catalog.types import USD


def sent(world: World, entity: str, **more: Any) -> dict[str, Any]:
    """Everything a balance of a customer can be given, but when it is paid."""
    return {
        "product_id": world.shop.commit,
        "priority": 2.5,
        "name": "Own",
        "description": "Of the customer itself",
        "rate_type": "COMMIT_RATE",
        "netsuite_sales_order_id": "NS-7",
        "salesforce_opportunity_id": "006-7",
        "applicable_product_ids": [world.shop.storage],
        "applicable_product_tags": ["analysis"],
        "custom_fields": fields(world, entity),
        "uniqueness_key": world.name("balance"),
        "access_schedule": {
            "access_type": "SPEND",
            "credit_type_id": USD,
            "schedule_items": [{"amount": 100.5, "starting_at": JANUARY, "ending_before": END}],
        },
        **more,
    }


def read(given: dict[str, Any]) -> dict[str, Any]:
    """How it is listed."""
    found = dict(given)
    found["product"] = {"id": found.pop("product_id")}
    access = dict(found["access_schedule"])
    access["credit_type"] = {"id": access.pop("credit_type_id")}
    found["access_schedule"] = access
    return found


@does("v1.customers.commits.create")
def creates_commits_of_a_customer(world: World) -> None:
    customer = world.customer()
    contract = world.contract_of(customer, starting_at=JANUARY)
    points = [
        {"timestamp": JULY, "amount": 50.25},
        {"timestamp": OCTOBER, "unit_price": 25, "quantity": 2},
    ]
    paid = {"credit_type_id": USD, "do_not_invoice": False, "schedule_items": points}
    named = sent(world, "commit", type="PREPAID", applicable_contract_ids=[contract])
    create = world.sdk.v1.customers.commits.create
    create(customer_id=customer, **named, invoice_contract_id=contract, invoice_schedule=paid)  # type: ignore[arg-type]
    narrow = {"specifiers": specifiers(world), "type": "PREPAID"}
    bare = {name: named[name] for name in ("product_id", "priority", "access_schedule")}
    for schedule in (steps("EACH", amount=10), steps("DIVIDED", unit_price=5, quantity=4)):
        create(
            customer_id=customer,
            **bare,
            **narrow,  # type: ignore[arg-type]
            invoice_contract_id=contract,
            invoice_schedule={"recurring_schedule": schedule},  # type: ignore[typeddict-item]
        )

    found = {one.name: one for one in world.sdk.v1.customers.commits.list(customer_id=customer)}
    rows = list(world.sdk.v1.customers.commits.list(customer_id=customer))
    assert len(rows) == 3
    own = found["Own"]
    holds(own, read(named) | {"invoice_contract": {"id": contract}, "contract": None})
    holds(own.invoice_schedule, {"credit_type": {"id": USD}, "schedule_items": points})
    others = [one for one in rows if one.id != own.id]
    for one in others:
        holds(one, narrow)
    payments = [[p.amount for p in one.invoice_schedule.schedule_items] for one in others]  # type: ignore[union-attr]
    assert sorted(payments) == [[5, 5, 5, 5], [10, 10, 10, 10]]


@refuses("v1.customers.commits.create", 409, "uniqueness key")
def does_not_create_a_commit_twice(world: World) -> None:
    customer, given = world.customer(), sent(world, "commit", type="PREPAID")
    for _ in range(2):
        world.sdk.v1.customers.commits.create(customer_id=customer, **given)


@does("v1.customers.credits.create")
def creates_credits_of_a_customer(world: World) -> None:
    customer = world.customer()
    contract = world.contract_of(customer, starting_at=JANUARY)
    named = sent(world, "contract_credit", applicable_contract_ids=[contract])
    create = world.sdk.v1.customers.credits.create
    made = create(customer_id=customer, **named).data.id
    narrow = {"specifiers": specifiers(world)}
    bare = {name: named[name] for name in ("product_id", "priority", "access_schedule")}
    other = create(customer_id=customer, **bare, **narrow).data.id  # type: ignore[arg-type]

    found = {one.id: one for one in world.sdk.v1.customers.credits.list(customer_id=customer)}
    assert found.keys() == {made, other}
    holds(found[made], read(named) | {"contract": None, "type": "CREDIT"})
    holds(found[other], narrow)


@refuses("v1.customers.credits.create", 400, "product")
def does_not_give_what_there_is_not(world: World) -> None:
    given = sent(world, "contract_credit", product_id="nothing")
    world.sdk.v1.customers.credits.create(customer_id=world.customer(), **given)


def three(world: World, kind: str) -> tuple[str, list[str], str]:
    """A customer, three balances of its own (now, now, from July on), one of a contract."""
    customer = world.customer()
    ids = []
    for start in (JANUARY, JANUARY, JULY):
        window = {"amount": 10, "starting_at": start, "ending_before": END}
        given: Any = {
            "customer_id": customer,
            "product_id": world.shop.commit,
            "priority": 1,
            "access_schedule": {"schedule_items": [window]},
        }
        if kind == "commits":
            ids.append(world.sdk.v1.customers.commits.create(**given, type="PREPAID").data.id)
        else:
            ids.append(world.sdk.v1.customers.credits.create(**given).data.id)
    term = {"product_id": world.shop.commit, "access_schedule": given["access_schedule"]}
    term |= {"type": "PREPAID"} if kind == "commits" else {}
    contract = world.contract_of(customer, **{kind: [term]})
    found = world.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data
    return customer, ids, getattr(found, kind)[0].id


def check_lists(listed: Any, ids: list[str], inside: str, id_name: str, include: str) -> None:
    """Each filter of a list of balances."""

    def found(**asked: Any) -> set[str]:
        return {one.id for one in listed(**asked)}

    now, _, late = ids
    assert found() == set(ids)
    assert found(**{include: True}) == {*ids, inside}
    assert found(**{id_name: now}) == {now}
    assert found(covering_date="2026-02-01T00:00:00Z") == set(ids) - {late}
    assert found(effective_before=JULY) == set(ids) - {late}
    assert found(starting_at=END) == set()
    (one,) = listed(**{id_name: now}, include_balance=True, include_ledgers=True)
    assert (one.balance, [entry.amount for entry in one.ledger]) == (10, [10])
    assert found(include_archived=True) == set(ids)
    page = listed(limit=2)
    rest = listed(limit=2, next_page=page.next_page)
    assert {one.id for one in (*page.data, *rest.data)} == set(ids)


@does("v1.customers.commits.list")
def lists_commits_by_every_filter(world: World) -> None:
    customer, ids, inside = three(world, "commits")

    def listed(**asked: Any) -> Any:
        return world.sdk.v1.customers.commits.list(customer_id=customer, **asked)

    check_lists(listed, ids, inside, "commit_id", "include_contract_commits")
    assert len(list(listed(access_type="SPEND"))) == 3


@refuses("v1.customers.commits.list", 400, "limit")
def does_not_list_more_than_25_commits(world: World) -> None:
    world.sdk.v1.customers.commits.list(customer_id=world.settled, limit=26)


@pages("v1.customers.commits.list")
def pages_of_commits(world: World) -> Paging:
    customer, ids, _ = three(world, "commits")
    return paging(world.sdk.v1.customers.commits.list, customer, ids)


@does("v1.customers.credits.list")
def lists_credits_by_every_filter(world: World) -> None:
    customer, ids, inside = three(world, "credits")

    def listed(**asked: Any) -> Any:
        return world.sdk.v1.customers.credits.list(customer_id=customer, **asked)

    check_lists(listed, ids, inside, "credit_id", "include_contract_credits")


@refuses("v1.customers.credits.list", 404, "customer")
def does_not_list_credits_of_nobody(world: World) -> None:
    world.sdk.v1.customers.credits.list(customer_id="nobody")


@pages("v1.customers.credits.list")
def pages_of_credits(world: World) -> Paging:
    customer, ids, _ = three(world, "credits")
    return paging(world.sdk.v1.customers.credits.list, customer, ids)


def paging(listed: Any, customer: str, ids: list[str]) -> Paging:
    """The rows of one customer's list."""

    def asked(**page: Any) -> Any:
        return listed(customer_id=customer, **page)

    return Paging(asked=asked, key=lambda row: row.id, expected=frozenset(ids))


@does("v1.contracts.list_balances")
def lists_commits_and_credits_together(world: World) -> None:
    customer, ids, inside = three(world, "credits")

    def listed(**asked: Any) -> Any:
        return world.sdk.v1.contracts.list_balances(customer_id=customer, **asked)

    check_lists(listed, ids, inside, "id", "include_contract_balances")
    assert len(list(listed(access_type="SPEND"))) == 3
    nothing = world.sdk.v1.customers.commits.create(
        customer_id=customer,
        type="PREPAID",
        **{
            name: value
            for name, value in world.shop.prepaid(0).items()
            if name in {"product_id", "priority", "access_schedule"}
        },
    ).data.id
    assert nothing in {one.id for one in listed()}
    assert nothing not in {one.id for one in listed(exclude_zero_balances=True)}


@refuses("v1.contracts.list_balances", 400, "covering_date")
def does_not_list_balances_of_a_day_and_a_range(world: World) -> None:
    world.sdk.v1.contracts.list_balances(
        customer_id=world.settled, covering_date=JULY, starting_at=JULY
    )


@pages("v1.contracts.list_balances")
def pages_of_balances(world: World) -> Paging:
    customer, ids, _ = three(world, "commits")
    return paging(world.sdk.v1.contracts.list_balances, customer, ids)
