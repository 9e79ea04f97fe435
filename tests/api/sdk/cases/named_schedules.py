"""Named schedules of customers, contracts and rate cards: JSON values over time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import NOW, World

LATER = NOW + timedelta(days=30)
VALUE = {"limit": 10, "steps": [1.5, True, None], "name": "gold"}


def _follows_its_updates(resource: Any, **owner: Any) -> None:
    """A value until ``LATER``, another one from then on; each where it is asked for."""
    named = {**owner, "schedule_name": "limits"}
    resource.update(**named, starting_at=NOW, ending_before=LATER, value=VALUE)
    resource.update(**named, starting_at=LATER, value="none")

    whole = [
        {"starting_at": NOW, "ending_before": LATER, "value": VALUE},
        {"starting_at": LATER, "ending_before": None, "value": "none"},
    ]
    holds(resource.retrieve(**named).data, whole)
    holds(resource.retrieve(**named, covering_date=NOW).data, whole[:1])
    holds(resource.retrieve(**named, covering_date=LATER).data, whole[1:])
    assert resource.retrieve(**named, covering_date=NOW - timedelta(hours=1)).data == []


def keeps_the_schedules_of_a_customer(world: World) -> None:
    _follows_its_updates(world.sdk.v1.customers.named_schedules, customer_id=world.customer())


def keeps_the_schedules_of_a_contract(world: World) -> None:
    customer = world.customer()
    contract = world.contract_of(customer)
    owner = {"customer_id": customer, "contract_id": contract}
    resource = world.sdk.v1.contracts.rate_cards.named_schedules
    _follows_its_updates(resource, **owner)
    _follows_its_updates(resource, **owner, properties={"region": "eu"})


def keeps_the_schedules_of_a_card(world: World) -> None:
    card = world.sdk.v1.contracts.rate_cards.create(name=world.name()).data.id
    _follows_its_updates(world.sdk.v1.contracts.named_schedules, rate_card_id=card)


OWNERS: dict[str, Callable[[World], None]] = {
    "v1.customers.named_schedules": keeps_the_schedules_of_a_customer,
    "v1.contracts.rate_cards.named_schedules": keeps_the_schedules_of_a_contract,
    "v1.contracts.named_schedules": keeps_the_schedules_of_a_card,
}
for resource, follows in OWNERS.items():
    does(f"{resource}.update")(follows)
    does(f"{resource}.retrieve")(follows)


@refuses("v1.customers.named_schedules.update", 400, "end")
def does_not_take_a_window_that_ends_before_it_starts(world: World) -> None:
    world.sdk.v1.customers.named_schedules.update(
        customer_id=world.customer(),
        schedule_name="limits",
        starting_at=LATER,
        ending_before=NOW,
        value=1,
    )


@refuses("v1.customers.named_schedules.retrieve", 404, "schedule")
def does_not_show_a_schedule_of_nobody(world: World) -> None:
    world.sdk.v1.customers.named_schedules.retrieve(customer_id="none", schedule_name="limits")


@refuses("v1.contracts.rate_cards.named_schedules.update", 404, "contract")
def does_not_write_to_the_contract_of_another_customer(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.named_schedules.update(
        customer_id=world.customer(),
        contract_id=world.contract,
        schedule_name="limits",
        starting_at=NOW,
        value=1,
    )


@refuses("v1.contracts.rate_cards.named_schedules.retrieve", 404, "contract")
def does_not_show_the_contract_of_another_customer(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.named_schedules.retrieve(
        customer_id=world.customer(), contract_id=world.contract, schedule_name="limits"
    )


@refuses("v1.contracts.named_schedules.update", 404, "card")
def does_not_write_to_a_card_there_is_not(world: World) -> None:
    world.sdk.v1.contracts.named_schedules.update(
        rate_card_id="none", schedule_name="limits", starting_at=NOW, value=1
    )


@refuses("v1.contracts.named_schedules.retrieve", 404, "schedule")
def does_not_show_a_card_there_is_not(world: World) -> None:
    world.sdk.v1.contracts.named_schedules.retrieve(rate_card_id="none", schedule_name="limits")


@does("v1.contracts.rate_cards.named_schedules.list")
def lists_the_schedules_of_contracts(world: World) -> None:
    customer = world.customer()
    first, second = world.contract_of(customer), world.contract_of(customer)
    resource = world.sdk.v1.contracts.rate_cards.named_schedules
    eu = {"region": "eu"}
    for contract, name, fields in (
        (first, "limits", {"properties": {**eu, "zone": "1"}}),
        (first, "limits", {}),
        (first, "prices", {}),
        (second, "limits", {"ending_before": LATER}),
    ):
        resource.update(
            customer_id=customer,
            contract_id=contract,
            schedule_name=name,
            starting_at=NOW,
            value=VALUE,
            **fields,  # type: ignore[arg-type]
        )

    def listed(**asked: Any) -> list[tuple[str, str, Any, int]]:
        found = list(resource.list(customer_id=customer, **asked))
        for row in found:
            holds(row.segments, [{"starting_at": NOW, "value": VALUE}] * len(row.segments))
        return [
            (row.contract_id, row.schedule_name, row.properties or {}, len(row.segments))
            for row in found
        ]

    of_eu = (first, "limits", {**eu, "zone": "1"}, 1)
    assert [row[:2] for row in listed()].count((first, "limits")) == 2
    assert len(listed()) == 4
    assert listed(contract_id=first, properties=eu) == [of_eu]
    assert listed(schedule_name="prices") == [(first, "prices", {}, 1)]
    assert listed(contract_id=second, covering_date=LATER, limit=1) == [(second, "limits", {}, 0)]


@refuses("v1.contracts.rate_cards.named_schedules.list", 404, "contract")
def does_not_list_the_contract_of_another_customer(world: World) -> None:
    world.sdk.v1.contracts.rate_cards.named_schedules.list(
        customer_id=world.customer(), contract_id=world.contract
    )


@pages("v1.contracts.rate_cards.named_schedules.list")
def pages_of_schedules(world: World) -> Paging:
    customer = world.customer()
    contract = world.contract_of(customer)
    resource = world.sdk.v1.contracts.rate_cards.named_schedules
    names = frozenset(world.name("schedule") for _ in range(3))
    for name in names:
        resource.update(
            customer_id=customer,
            contract_id=contract,
            schedule_name=name,
            starting_at=NOW,
            value=1,
        )

    def asked(**fields: Any) -> Any:
        return resource.list(customer_id=customer, **fields)

    return Paging(asked=asked, key=lambda row: row.schedule_name, expected=names)
