"""What subscriptions charge, without invoices (R216-R228)."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.subscriptions.build import WHOLE_CENTS, more, named, seat_update, seats, sets
from billing.world import at, contract, span
from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    QuantityUpdate,
    Subscription,
)
from closedwon.billing.contracts.terms import StatementDay, StatementSchedule
from closedwon.billing.pricing import Flat, Tier, Tiered
from closedwon.billing.rating.rates import Priced
from closedwon.billing.subscriptions.charges import Charge, Owed, charges
from closedwon.billing.subscriptions.grid import boundaries
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval

ARREARS = {
    "collection": Collection.ARREARS,
    "invoice_behavior": InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
}


def price(cents: str = "2900") -> Callable[[datetime], Priced | None]:
    flat = Flat(price=Decimal(cents))
    priced = Priced(
        list_price=flat,
        price=flat,
        commit_price=None,
        credit_type_id="usd",
        rate_id="rate",
        override_id=None,
    )
    return lambda _: priced


def signed(start: str = "2025-06-01", end: str | None = None, **more: object) -> Contract:
    create = Create(customer_id="customer", term=span(start, end), **more)  # type: ignore[arg-type]
    return contract("c", create)


def made(
    subscription: Subscription,
    until: str = "2025-07-31",
    billed: Iterable[Owed] = (),
    on: Contract | None = None,
) -> list[Charge]:
    terms = signed() if on is None else on
    return list(charges(terms, subscription, price(), list(billed), at(until)))


def told(found: Iterable[Charge]) -> list[tuple[str, str, str, str]]:
    """Date, start of service, quantity, unit price in cents."""
    return [
        (
            c.at.strftime("%m-%d"),
            c.window.start.strftime("%m-%d"),
            str(c.quantity),
            f"{c.unit_price:f}",
        )
        for c in found
    ]


def bills(found: Iterable[Charge]) -> list[Owed]:
    return [Owed(c.window, Decimal(0), c.quantity) for c in found]


def test_r219_r221_r223_s4_increase_is_charged_its_share_rounded_per_unit() -> None:
    subscription = seats(
        rounding=WHOLE_CENTS,
        quantity_updates=(more("2025-06-11", "5"), more("2025-06-20", "-3")),
    )

    assert told(made(subscription)) == [
        ("06-01", "06-01", "10", "2900"),
        ("06-11", "06-11", "5", "1933"),
        ("07-01", "07-01", "12", "2900"),
    ]
    assert [c.is_prorated for c in made(subscription)] == [False, True, False]


def test_r221_on_the_next_collection_date_and_without_proration() -> None:
    later = seats(
        invoice_behavior=InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
        rounding=WHOLE_CENTS,
        quantity_updates=(more("2025-06-11", "5"),),
    )
    full = seats(is_prorated=False, quantity_updates=(more("2025-06-11", "5"),))

    assert told(made(later))[1] == ("07-01", "06-11", "5", "1933")
    assert told(made(full))[1] == ("06-11", "06-11", "5", "2900")


def test_r219_arrears_bills_opening_and_increases_at_the_end() -> None:
    subscription = seats(
        **ARREARS,
        rounding=WHOLE_CENTS,
        quantity_updates=(more("2025-06-11", "5"), more("2025-06-20", "-3")),
    )

    assert told(made(subscription, "2025-08-01")) == [
        ("07-01", "06-01", "10", "2900"),
        ("07-01", "06-11", "5", "1933"),
        ("08-01", "07-01", "12", "2900"),
    ]
    assert not any(c.stands_alone for c in made(subscription))


def test_r217_periods_follow_the_statement_and_partial_ones_are_prorated() -> None:
    subscription = seats("2025-06-16", "2025-07-11", rounding=WHOLE_CENTS)
    full = seats("2025-06-16", "2025-07-11", is_prorated=False)

    assert told(made(subscription)) == [
        ("06-16", "06-16", "10", "1450"),
        ("07-01", "07-01", "10", "935"),
    ]
    assert {c.unit_price for c in made(full)} == {Decimal(2900)}


def test_r9_r217_an_anchor_of_its_own_steps_from_the_anchor() -> None:
    subscription = seats("2025-02-10", anchor_date=at("2025-01-31"))
    periods = made(subscription, "2025-05-01", on=signed("2025-01-01"))

    assert [(c.window.start, c.window.end) for c in periods[:3]] == [
        (at("2025-02-10"), at("2025-02-28")),
        (at("2025-02-28"), at("2025-03-31")),
        (at("2025-03-31"), at("2025-04-30")),
    ]


@pytest.mark.parametrize(
    ("frequency", "end"),
    [
        (Frequency.WEEKLY, "2025-03-12"),
        (Frequency.QUARTERLY, "2025-06-05"),
        (Frequency.ANNUAL, "2026-03-05"),
    ],
)
def test_r217_every_frequency_steps_from_the_statement_anchor(
    frequency: Frequency, end: str
) -> None:
    terms = signed("2025-03-05", statement=StatementSchedule(day=StatementDay.CONTRACT_START))
    first = made(seats("2025-03-05", frequency=frequency), "2025-03-05", on=terms)

    assert [(c.window.end, c.unit_price) for c in first] == [(at(end), Decimal(2900))]


def test_r218_one_price_a_period_sampled_at_its_start() -> None:
    asked: list[datetime] = []

    def price_at(instant: datetime) -> Priced | None:
        asked.append(instant)
        return price("1000" if instant < at("2025-06-15") else "1200")(instant)

    subscription = seats(quantity_updates=(more("2025-06-20", "1"),))
    found = list(charges(signed(), subscription, price_at, [], at("2025-07-01")))

    assert asked == [at("2025-06-01"), at("2025-07-01")]
    assert [c.list_price for c in found] == [c.unit_price for c in found]
    assert found[0].unit_price == 1000
    assert found[1].unit_price < 1000
    assert found[2].unit_price == 1200


def test_r216_without_an_entitled_rate_nothing_is_charged() -> None:
    assert list(charges(signed(), seats(), lambda _: None, [], at("2025-08-01"))) == []


def test_r222_r224_updates_of_one_instant_count_together_and_decreases_wait() -> None:
    updates = (sets("2025-06-11", "4"), more("2025-06-11", "8"), more("2025-06-20", "-2"))
    back = (*updates, more("2025-06-25", "2"))

    assert told(made(seats(is_prorated=False, quantity_updates=updates)))[1:] == [
        ("06-11", "06-11", "2", "2900"),
        ("07-01", "07-01", "10", "2900"),
    ]
    assert told(made(seats(is_prorated=False, quantity_updates=back)))[1:] == [
        ("06-11", "06-11", "2", "2900"),
        ("07-01", "07-01", "12", "2900"),
    ]


def test_r221_a_quantity_need_not_be_whole() -> None:
    half = seats(is_prorated=False, quantity_updates=(more("2025-06-11", "0.5"),))

    assert told(made(half, "2025-06-30"))[1] == ("06-11", "06-11", "0.5", "2900")


def test_r224_a_quantity_below_zero_is_refused() -> None:
    with pytest.raises(Refused, match="R224"):
        made(seats(quantity_updates=(more("2025-06-11", "-11"),)))
    with pytest.raises(Refused, match="R224"):
        sets("2025-06-11", "-1")


def test_r226_quantity_zero_charges_nothing_and_keeps_the_subscription() -> None:
    subscription = seats(
        initial_quantity=Decimal(0), is_prorated=False, quantity_updates=(sets("2025-07-01", "3"),)
    )

    assert told(made(subscription)) == [("07-01", "07-01", "3", "2900")]


def test_r225_only_a_late_increase_gives_a_charge_of_its_own() -> None:
    first = made(seats(), "2025-06-01")
    raised = seats(rounding=WHOLE_CENTS, quantity_updates=(more("2025-06-01", "2"),))
    lowered = seats(quantity_updates=(more("2025-06-01", "-2"),))

    again = made(raised, "2025-06-30", bills(first))

    assert told(again) == [("06-01", "06-01", "2", "2900")]
    assert {c.id for c in again}.isdisjoint(c.id for c in first)
    assert made(lowered, "2025-06-30", bills(first)) == []
    assert made(raised, "2025-06-30", bills([*first, *again])) == []


def test_r225_an_increase_moved_earlier_owes_the_days_in_between() -> None:
    """Five seats were billed from the 11th; they turn out to have come on the 5th."""
    known = seats(quantity_updates=(sets("2025-06-11", "15"),))
    billed = bills(made(known, "2025-06-30"))
    earlier = seats(
        rounding=WHOLE_CENTS,
        quantity_updates=(sets("2025-06-05", "15"), sets("2025-06-11", "15")),
    )

    (owed,) = made(earlier, "2025-06-30", billed)

    assert (owed.window, owed.quantity) == (
        Interval(at("2025-06-05"), at("2025-06-11")),
        Decimal(5),
    )
    assert owed.unit_price == 580


def test_r227_the_end_prorates_what_is_not_billed_and_refunds_nothing() -> None:
    billed = bills(made(seats(), "2025-06-01"))
    ended = seats(end="2025-06-16")

    assert made(ended, billed=billed) == []
    assert told(made(seats(end="2025-06-16", **ARREARS))) == [("06-16", "06-01", "10", "1450")]


def test_r227_an_end_taken_back_owes_the_rest() -> None:
    billed = bills(made(seats(end="2025-06-16"), "2025-06-01"))

    assert told(made(seats(), "2025-06-30", billed)) == [("06-16", "06-16", "10", "1450")]


def test_r231_r232_r233_r234_named_and_unassigned_seats_are_counted() -> None:
    updates = (
        seat_update("2025-07-01", add_seat_ids=("c", "d", "a")),  # one fills, one is new
        seat_update("2025-08-01", remove_seat_ids=("a", "nobody")),
        seat_update("2025-09-01", add_unassigned=2),
        seat_update("2025-10-01", remove_unassigned=5),
    )
    subscription = named("a", "b", unassigned=1, is_prorated=False, seat_updates=updates)

    found = made(subscription, "2025-10-01")

    assert [str(c.quantity) for c in found if c.window.start.day == 1] == ["3", "4", "3", "5", "3"]


counts = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=5)


def _updates(found: list[tuple[int, int]]) -> tuple[QuantityUpdate, ...]:
    first = at("2025-06-01")
    return tuple(
        QuantityUpdate(starting_at=first + timedelta(days=day), quantity=Decimal(quantity))
        for day, quantity in found
    )


@given(found=counts)
@settings(max_examples=60, deadline=None)
def test_r219_r221_law_arrears_and_advance_charge_the_same_units(
    found: list[tuple[int, int]],
) -> None:
    updates = _updates(found)
    advance = made(seats(quantity_updates=updates), "2025-08-31")
    arrears = made(seats(quantity_updates=updates, **ARREARS), "2025-09-01")

    def units(charged: list[Charge]) -> list[tuple[Interval, Decimal, Decimal]]:
        return sorted((c.window, c.quantity, c.unit_price) for c in charged)

    assert units(advance) == units(arrears)


@given(found=counts, stops=st.lists(st.integers(0, 90), max_size=4), late=counts)
@settings(max_examples=80, deadline=None)
def test_r225_law_a_seat_day_is_charged_once_however_often_it_is_billed(
    found: list[tuple[int, int]], stops: list[int], late: list[tuple[int, int]]
) -> None:
    """Bill up to some days, then learn of more updates: no instant is ever over-billed by it."""
    billed: list[Charge] = []
    before = seats(quantity_updates=_updates(found))
    for stop in sorted(stops):
        until = at("2025-06-01") + timedelta(days=stop)
        billed += charges(signed(), before, price(), bills(billed), until)
    after = seats(quantity_updates=_updates([*found, *late]))
    end = at("2025-08-31")
    whole = list(charges(signed(), after, price(), [], end))
    rest = list(charges(signed(), after, price(), bills(billed), end))

    assert len({c.id for c in (*billed, *rest)}) == len(billed) + len(rest)
    for day in range(92):
        instant = at("2025-06-01") + timedelta(days=day)
        assert _covered(billed + rest, instant) == max(
            _covered(billed, instant), _covered(whole, instant)
        )


def _covered(found: Iterable[Charge], instant: datetime) -> Decimal:
    return sum((c.quantity for c in found if c.window.covers(instant)), Decimal(0))


def test_r67_a_subscription_has_one_price_for_every_seat() -> None:
    tiered = Tiered(tiers=(Tier(size=Decimal(5), price=Decimal(2)), Tier(price=Decimal(1))))
    priced = price()(at("2025-06-01"))
    assert priced is not None

    for wrong in (replace(priced, price=tiered), replace(priced, list_price=tiered)):
        with pytest.raises(Refused, match="R67"):
            list(charges(signed(), seats(), lambda _, found=wrong: found, [], at("2025-06-01")))


def test_r225_an_increase_that_was_more_and_earlier_owes_both() -> None:
    """Billed ten, fifteen from the 11th; it turns out to be eighteen from the 5th."""
    billed = bills(made(seats(quantity_updates=(sets("2025-06-11", "15"),)), "2025-06-30"))
    truth = seats(is_prorated=True, quantity_updates=(sets("2025-06-05", "18"),))

    owed = made(truth, "2025-06-30", billed)

    assert [(c.window.start.day, c.window.until.day, c.quantity) for c in owed] == [
        (5, 11, 5),
        (5, 1, 3),
    ]


def test_r123_r217_an_archived_contract_and_one_that_ended_before_have_no_periods() -> None:
    terms = signed("2025-06-01", "2025-06-20")
    gone = replace(terms, archived_at=at("2025-06-10"))

    assert made(seats("2025-06-25"), on=terms) == []
    assert list(boundaries(terms, seats("2025-06-25"))) == []
    assert [c.window.end for c in made(seats(), on=gone)] == [at("2025-06-10")]
    assert list(boundaries(gone, seats())) == [at("2025-06-01"), at("2025-06-10")]
