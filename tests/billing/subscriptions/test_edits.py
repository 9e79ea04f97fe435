"""Edits of subscriptions, folded into the contract (2.8; R118, R224, R225, R239)."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from billing.subscriptions.build import WHOLE_CENTS, more, named, seat_update, seats
from billing.world import at, span
from closedwon.billing.contracts.edits import Added, ChangeEnd, Create, Edit, Revise
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    QuantityMode,
    QuantityUpdate,
    SeatConfig,
    Subscription,
)
from closedwon.billing.subscriptions.edits import SubscriptionChange, updated
from closedwon.billing.subscriptions.grid import live
from closedwon.billing.subscriptions.history import history
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval

NOW = at("2025-06-15T10:20:00")


def edits(subscription: Subscription, end: str | None = None) -> list[Edit]:
    create = Create(
        customer_id="customer",
        term=span("2025-06-01", end),
        terms=Added(subscriptions=(subscription,)),
    )
    return [Edit(id="e0", contract_id="c", at=at("2025-05-20"), by="test", change=create)]


def revised(past: list[Edit], change: SubscriptionChange, when: datetime = NOW) -> list[Edit]:
    old = contract_of(past).subscriptions[0]
    revise = Revise(replace=Added(subscriptions=(updated(old, change, when),)))
    return [*past, Edit(id=f"e{len(past)}", contract_id="c", at=when, by="test", change=revise)]


def only(past: list[Edit]) -> Subscription:
    return contract_of(past).subscriptions[0]


def ended(past: list[Edit], end: str | None) -> Contract:
    change = ChangeEnd(ending_before=None if end is None else at(end))
    return contract_of([*past, Edit(id="end", contract_id="c", at=NOW, by="test", change=change)])


def test_r224_r225_an_edit_adds_updates_and_remembers_when() -> None:
    once = revised(edits(seats()), SubscriptionChange(quantity_updates=(more("2025-06-11", "5"),)))
    later = at("2025-06-18")
    again = SubscriptionChange(quantity_updates=(more("2025-06-11", "5"),), name="People")

    found = only(revised(once, again, later))

    assert [held.quantity for held in history(found)] == [10, 20]
    assert [update.recorded_at for update in found.quantity_updates] == [NOW, later]
    assert found.name == "People"


def test_r229_two_edits_of_one_instant_are_still_told_apart() -> None:
    change = SubscriptionChange(quantity_updates=(more("2025-06-11", "5"),))

    found = only(revised(revised(edits(seats()), change), change))

    first, second = (update.recorded_at for update in found.quantity_updates)
    assert first is not None
    assert second is not None
    assert NOW == first < second


def test_r227_ending_rounding_and_description_change_or_stay() -> None:
    ending = SubscriptionChange(
        ending_before=at("2025-08-01"), rounding=WHOLE_CENTS, description="per person"
    )
    once = revised(edits(seats()), ending)
    found = only(once)
    opened = only(revised(once, SubscriptionChange(ending_before=None, rounding=None)))

    assert (found.window.end, found.rounding) == (at("2025-08-01"), WHOLE_CENTS)
    assert (opened.window.end, opened.rounding, opened.description) == (None, None, "per person")
    with pytest.raises(Refused, match="R227"):
        updated(found, SubscriptionChange(ending_before=at("2025-06-01")), NOW)


def test_r239_the_switch_keeps_the_quantity_and_unassigns_every_seat() -> None:
    switch = SubscriptionChange(
        seat_group_key="user_id",
        seat_updates=(seat_update("2025-06-16", add_seat_ids=("a", "b")),),
    )

    found = only(revised(edits(seats()), switch))
    last = history(found)[-1]

    assert found.mode is QuantityMode.SEAT_BASED
    assert found.seats is not None
    assert found.seats.since == at("2025-06-15T10:00:00")
    assert (last.quantity, last.seat_ids, last.unassigned) == (10, ("a", "b"), 8)


@pytest.mark.parametrize(
    ("subscription", "rule"),
    [
        (named("a"), "SEAT_BASED already"),
        (seats(initial_quantity=Decimal("2.5")), "whole"),
        (seats(quantity_updates=(more("2025-07-01", "1"),)), "R239"),
    ],
)
def test_r239_a_switch_that_does_not_fit_is_refused(subscription: Subscription, rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        updated(subscription, SubscriptionChange(seat_group_key="user_id"), NOW)


def test_r224_r232_updates_of_the_other_kind_and_below_zero_are_refused() -> None:
    below = SubscriptionChange(quantity_updates=(more("2025-06-11", "-11"),))
    named_seat = SubscriptionChange(seat_updates=(seat_update("2025-06-16", add_seat_ids=("a",)),))
    counted = SubscriptionChange(quantity_updates=(more("2025-06-11", "1"),))

    with pytest.raises(Refused, match="R224"):
        updated(seats(), below, NOW)
    with pytest.raises(Refused, match="R232"):
        updated(seats(), named_seat, NOW)
    with pytest.raises(Refused, match="R232"):
        updated(named("a"), counted, NOW)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"collection": Collection.ARREARS}, "R221"),
        (
            {
                "collection": Collection.ARREARS,
                "invoice_behavior": InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
                "anchor_date": at("2025-06-01"),
            },
            "R217",
        ),
        ({"anchor_date": at("2025-06-02")}, "R217"),
        ({"initial_quantity": Decimal(-1)}, "R224"),
        ({"mode": QuantityMode.SEAT_BASED}, "seat_config"),
    ],
)
def test_r217_r221_r224_what_no_subscription_can_be(fields: dict[str, object], rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        seats(**fields)


def test_r117_r118_the_contract_s_end_ends_seats_and_a_later_one_extends_arrears_only() -> None:
    in_arrears = {
        "collection": Collection.ARREARS,
        "invoice_behavior": InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
    }
    advance, arrears = edits(seats(), "2025-12-01"), edits(seats(**in_arrears), "2025-12-01")

    def lives(contract: Contract) -> Interval | None:
        return live(contract, contract.subscriptions[0])

    assert lives(ended(advance, "2025-09-01")) == span("2025-06-01", "2025-09-01")
    assert lives(ended(advance, "2026-12-01")) == span("2025-06-01", "2025-12-01")
    assert lives(ended(arrears, "2026-12-01")) == span("2025-06-01", "2026-12-01")
    assert lives(ended(edits(seats("2025-10-01"), "2025-12-01"), "2025-09-01")) is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: QuantityUpdate(starting_at=NOW),
        lambda: QuantityUpdate(starting_at=at("2025-06-11")),
        lambda: seat_update("2025-06-11", add_unassigned=-1),
        lambda: seat_update("2025-06-11", remove_unassigned=-1),
        lambda: SeatConfig(seat_group_key=""),
        lambda: SeatConfig(seat_group_key="k", initial_unassigned=-1),
        lambda: SeatConfig(seat_group_key="k", initial_seat_ids=("a", "a")),
        lambda: SeatConfig(seat_group_key="k", initial_seat_ids=("a",), since=NOW),
        lambda: seats("2025-06-01T00:30:00"),
        lambda: seats("2025-06-01", "2025-07-01T00:30:00"),
        lambda: seats("2025-06-02", anchor_date=at("2025-06-01T00:30:00")),
    ],
)
def test_r2_r224_r230_updates_and_seats_that_make_no_sense(wrong: Callable[[], object]) -> None:
    with pytest.raises(Refused):
        wrong()
