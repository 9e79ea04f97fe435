"""Lists of contracts and seats that the SDK does not page by itself, read by their cursors."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.sdk.granted import APRIL, JULY, MARCH, OCTOBER
from api.sdk.seats import seated
from api.sdk.world import World, settled_world

Asked = Callable[..., Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with settled_world(tmp_path_factory.mktemp("pages") / "state") as found:
        yield found


def one_by_one(asked: Asked, cursor_of: Callable[[Any], str | None]) -> list[Any]:
    """Rows, a page of one each, to the page that has no next one."""
    rows, page = [], asked(limit=1)
    while True:
        (row,) = page.data
        rows.append(row)
        cursor = cursor_of(page)
        if cursor is None:
            return rows
        page = asked(limit=1, cursor=cursor)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_contracts_are_read_one_by_one(world: World, version: str) -> None:
    customer = world.customer()
    made = {world.contract_of(customer, starting_at=start) for start in (MARCH, APRIL, JULY)}

    def asked(**page: Any) -> Any:
        return getattr(world.sdk, version).contracts.list(customer_id=customer, **page)

    rows = [one.id for one in one_by_one(asked, lambda page: page.next_page)]

    assert rows == [one.id for one in asked().data]
    assert (set(rows), len(rows)) == (made, len(made))


def test_seats_are_read_one_by_one(world: World) -> None:
    which = seated(world, "ann", "bob", "cid")
    del which["subscription_id"]

    def asked(**page: Any) -> Any:
        return world.sdk.v1.contracts.list_seat_balances(**which, **page)

    rows = one_by_one(asked, lambda page: page.pagination.next_page)

    assert [one.seat_id for one in rows] == ["ann", "bob", "cid"]


def test_times_of_seats_are_read_one_by_one(world: World) -> None:
    which = seated(world, "ann")
    subscription = which.pop("subscription_id")
    come = [
        {"starting_at": at, "seat_ids": [name]}
        for at, name in ((APRIL, "bob"), (JULY, "cid"), (OCTOBER, "eve"))
    ]
    update: Any = {"subscription_id": subscription, "seat_updates": {"add_seat_ids": come}}
    world.sdk.v2.contracts.edit(**which, update_subscriptions=[update])

    def asked(**page: Any) -> Any:
        return world.sdk.v1.contracts.get_subscription_seats_history(
            **which, subscription_id=subscription, **page
        )

    rows = one_by_one(asked, lambda page: page.next_page)

    assert [one.total_quantity for one in rows] == [1, 2, 3, 4]
