"""Contracts amended, listed, filtered, ended and archived: v1.contracts."""

from typing import Any

from api.sdk.casing import does, holds, refuses
from api.sdk.granted import APRIL, END, JANUARY, JULY, MARCH, fields
from api.sdk.shown import shown
from api.sdk.terms import every_term
from api.sdk.world import World

OF_CONTRACTS_ALONE = ("recurring_commits", "recurring_credits", "subscriptions")
"""Lists an amendment does not have (R111)."""


@does("v1.contracts.amend")
def amends_with_everything_an_amendment_has(world: World) -> None:
    which = contract_of_its_own(world, multiplier_override_prioritization="EXPLICIT")
    terms = every_term(world)
    for name in OF_CONTRACTS_ALONE:
        del terms[name]
    terms["overrides"][3]["override_specifiers"][1]["recurring_commit_ids"] = ["first"]
    sent: dict[str, Any] = {
        "total_contract_value": 99.5,
        "netsuite_sales_order_id": "NS-9",
        "salesforce_opportunity_id": "006-9",
        "custom_fields": fields(world, "contract"),
    }

    made = world.sdk.v1.contracts.amend(**which, starting_at=APRIL, **terms, **sent).data.id

    found = world.sdk.v1.contracts.retrieve(**which).data
    (amendment,) = found.amendments
    ids = ("netsuite_sales_order_id", "salesforce_opportunity_id")
    holds(amendment, shown(terms) | {name: sent[name] for name in ids} | {"id": made})
    holds(amendment, {"starting_at": APRIL})
    holds(found, {"custom_fields": sent["custom_fields"]})
    assert (found.initial.total_contract_value, found.current.total_contract_value) == (None, 99.5)
    (told,) = world.sdk.v2.contracts.get_edit_history(**which).data
    assert [len(rows or ()) for rows in (told.add_commits, told.add_overrides)] == [4, 6]


@refuses("v1.contracts.amend", 400, "R100")
def does_not_amend_with_a_window_that_ends_first(world: World) -> None:
    override = {"starting_at": MARCH, "ending_before": JANUARY, "entitled": False}
    world.sdk.v1.contracts.amend(
        customer_id=world.settled,
        contract_id=world.contract,
        starting_at=MARCH,
        overrides=[override | {"product_id": world.shop.storage}],  # type: ignore[list-item]
    )


@does("v1.contracts.retrieve")
def retrieves_what_is_left_and_why(world: World) -> None:
    found = world.sdk.v1.contracts.retrieve(
        customer_id=world.settled,
        contract_id=world.contract,
        include_balance=True,
        include_ledgers=True,
    ).data

    (commit,) = found.current.commits
    moved = [one.amount for one in commit.ledger or ()]
    assert moved[0] == 1000000
    assert commit.balance is not None
    assert 0 < commit.balance < sum(moved) < moved[0]  # A draft has drawn, and is not posted.


@refuses("v1.contracts.retrieve", 404, "contract")
def does_not_show_one_customer_s_contract_to_another(world: World) -> None:
    world.sdk.v1.contracts.retrieve(customer_id=world.customer(), contract_id=world.contract)


@does("v1.contracts.list")
def lists_the_contracts_asked_for(world: World) -> None:
    customer = world.customer()
    commit = world.shop.prepaid(10)
    early = world.contract_of(customer, starting_at=JANUARY, ending_before=APRIL, commits=[commit])
    late = world.contract_of(customer, starting_at=JULY)
    world.sdk.v1.contracts.archive(customer_id=customer, contract_id=late, void_invoices=False)

    def ids(**asked: Any) -> list[str]:
        found = world.sdk.v1.contracts.list(customer_id=customer, **asked).data
        return [one.id for one in found]

    assert ids() == [early]
    assert sorted(ids(include_archived=True)) == sorted([early, late])
    assert ids(include_archived=True, starting_at=APRIL) == [late]
    assert ids(covering_date=MARCH) == [early]
    listed = world.sdk.v1.contracts.list(customer_id=customer, include_archived=True, limit=1)
    cursor = listed.next_page  # type: ignore[attr-defined]
    rest = world.sdk.v1.contracts.list(customer_id=customer, include_archived=True, cursor=cursor)
    assert sorted(one.id for one in (*listed.data, *rest.data)) == sorted([early, late])
    listed = world.sdk.v1.contracts.list(
        customer_id=customer, include_balance=True, include_ledgers=True
    )
    (balance,) = listed.data[0].current.commits
    assert (balance.balance, [one.amount for one in balance.ledger or ()]) == (10, [10])


@refuses("v1.contracts.list", 400, "covering_date")
def does_not_list_by_a_day_and_a_start(world: World) -> None:
    world.sdk.v1.contracts.list(customer_id=world.settled, covering_date=MARCH, starting_at=MARCH)


@does("v1.contracts.set_usage_filter")
def filters_usage_from_an_instant_on(world: World) -> None:
    which = contract_of_its_own(world)
    sent = {"group_key": "region", "group_values": ["eu"], "starting_at": APRIL}
    world.sdk.v1.contracts.set_usage_filter(**which, **sent)  # type: ignore[arg-type]

    holds(world.sdk.v2.contracts.retrieve(**which).data.usage_filter, [sent])
    (told,) = world.sdk.v2.contracts.get_edit_history(**which).data
    holds(told.add_usage_filters, [sent])


@refuses("v1.contracts.set_usage_filter", 400, "group_values")
def does_not_filter_everything_out(world: World) -> None:
    world.sdk.v1.contracts.set_usage_filter(
        customer_id=world.settled,
        contract_id=world.contract,
        group_key="region",
        group_values=[],
        starting_at=APRIL,
    )


@does("v1.contracts.update_end_date")
def ends_a_contract_and_opens_it_again(world: World) -> None:
    which = contract_of_its_own(world)
    update = world.sdk.v1.contracts.update_end_date

    update(**which, ending_before=END, allow_ending_before_finalized_invoice=True)
    holds(world.sdk.v2.contracts.retrieve(**which).data, {"ending_before": END})
    update(**which)
    assert world.sdk.v2.contracts.retrieve(**which).data.ending_before is None
    told = world.sdk.v2.contracts.get_edit_history(**which).data
    holds(told, [{"update_contract_end_date": END}, {"update_contract_end_date": None}])


@refuses("v1.contracts.update_end_date", 400, "finalized")
def does_not_end_before_what_is_final(world: World) -> None:
    world.sdk.v1.contracts.update_end_date(
        customer_id=world.settled, contract_id=world.contract, ending_before="2026-01-15T00:00:00Z"
    )


@does("v1.contracts.archive")
def archives_a_contract_with_its_invoices(world: World) -> None:
    customer = world.customer()
    contract = world.contract_of(
        customer, starting_at=JANUARY, commits=[world.shop.prepaid(10, start=JANUARY)]
    )
    world.run_due()
    which = {"customer_id": customer, "contract_id": contract}
    listed = world.sdk.v1.customers.invoices.list
    (before,) = listed(customer_id=customer, status="FINALIZED", type="SCHEDULED")

    world.sdk.v1.contracts.archive(**which, void_invoices=True)

    assert world.sdk.v2.contracts.list(customer_id=customer).data == []
    assert world.sdk.v1.contracts.retrieve(**which).data.archived_at is not None
    assert before.id in {one.id for one in listed(customer_id=customer, status="VOID")}
    assert list(listed(customer_id=customer, status="DRAFT")) == []


@refuses("v1.contracts.archive", 400, "archived")
def does_not_archive_twice(world: World) -> None:
    which = contract_of_its_own(world)
    for _ in range(2):
        world.sdk.v1.contracts.archive(**which, void_invoices=False)


def contract_of_its_own(world: World, **terms: Any) -> dict[str, str]:
    """A new customer's contract, as requests name it."""
    customer = world.customer()
    return {"customer_id": customer, "contract_id": world.contract_of(customer, **terms)}
