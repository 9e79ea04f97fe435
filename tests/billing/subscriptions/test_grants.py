"""Credits that follow seats (R229-R231, R235, R236)."""

from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from billing.subscriptions.build import WHOLE_CENTS, more, named, seat_update, seats
from billing.world import at, span
from closedwon.billing.contracts.recurring import Allocation, SeatLink
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.subscriptions.grants import SeatGrant, grant

JUNE = span("2025-06-01", "2025-07-01")
JULY = span("2025-07-01", "2025-08-01")
POOLED = SeatLink(subscription_id="seats", is_prorated=True)
INDIVIDUAL = SeatLink(subscription_id="seats", allocation=Allocation.INDIVIDUAL, is_prorated=True)


def june(link: SeatLink, subscription: Subscription, cents: str = "1000") -> SeatGrant:
    return grant(link, subscription, JUNE, JUNE, Decimal(cents), WHOLE_CENTS)


def test_r229_s4_pool_grows_with_seats_and_shrinks_with_the_next_period() -> None:
    subscription = seats(quantity_updates=(more("2025-06-11", "5"), more("2025-06-20", "-3")))

    first = june(POOLED, subscription)
    second = grant(POOLED, subscription, JULY, JULY, Decimal(1000), WHOLE_CENTS)

    assert first.amount == 10000
    assert [(a.at, a.amount) for a in first.adjustments] == [(at("2025-06-11"), Decimal(3333))]
    assert (second.amount, second.adjustments) == (Decimal(12000), ())


def test_r229_every_rise_brings_its_own_share() -> None:
    changes = (more("2025-06-11", "5"), more("2025-06-16", "2"), more("2025-06-21", "0.5"))

    granted = june(POOLED, seats(quantity_updates=changes))

    assert [a.amount for a in granted.adjustments] == [3333, 1000, 167]


def test_r229_without_rounding_the_share_is_exact_and_without_proration_whole() -> None:
    subscription = seats(quantity_updates=(more("2025-06-11", "5"),))
    exact = grant(POOLED, subscription, JUNE, JUNE, Decimal(1000))
    full = june(SeatLink(subscription_id="seats", is_prorated=False), subscription)

    assert exact.adjustments[0].amount.quantize(Decimal("0.0001")) == Decimal("3333.3333")
    assert full.adjustments[0].amount == 5000


def test_r229_seats_that_come_back_within_a_period_bring_nothing_twice() -> None:
    changes = (more("2025-06-05", "-4"), more("2025-06-11", "4"), more("2025-06-16", "1"))

    granted = june(POOLED, seats(quantity_updates=changes))

    assert [(a.at, a.amount) for a in granted.adjustments] == [(at("2025-06-16"), Decimal(500))]


def test_r207_r229_a_partial_period_is_granted_its_share_rounded_once() -> None:
    part = span("2025-06-21", "2025-07-01")

    granted = grant(POOLED, seats("2025-06-21"), part, JUNE, Decimal(1001), WHOLE_CENTS)
    unprorated = grant(POOLED, seats("2025-06-21"), part, part, Decimal(1001), WHOLE_CENTS)

    assert granted.amount == Decimal(3337)
    assert unprorated.amount == Decimal(10010)


def test_r225_r229_what_was_granted_stays_when_an_update_is_recorded_late() -> None:
    """Dated to the first, known on the fifth: the start entry was posted with ten seats."""
    rise = more("2025-06-01", "5", recorded="2025-06-05")
    fall = more("2025-06-01", "-9", recorded="2025-06-10")

    granted = june(POOLED, seats(quantity_updates=(rise, fall)))

    assert granted.amount == 10000
    assert [(a.at, a.amount) for a in granted.adjustments] == [(at("2025-06-01"), Decimal(5000))]
    late = seats(quantity_updates=(more("2025-06-20", "5", recorded="2025-07-03"),))
    assert june(POOLED, late).adjustments == ()


def test_r227_credits_go_on_when_the_subscription_ends() -> None:
    ended = seats(end="2025-06-10")

    assert grant(POOLED, ended, JULY, JULY, Decimal(1000)).amount == 10000


def test_r230_r231_r235_s5_named_seats_own_their_credit_and_a_later_one_its_share() -> None:
    subscription = named(
        "a", "b", "c", unassigned=1, seat_updates=(seat_update("2025-06-16", add_seat_ids=("d",)),)
    )

    granted = june(INDIVIDUAL, subscription, "2500")

    assert granted.amount == 7500
    assert granted.seats == {"a": Decimal(2500), "b": Decimal(2500), "c": Decimal(2500)}
    (late,) = granted.adjustments
    assert (late.at, late.amount, late.seat_id) == (at("2025-06-16"), Decimal(1250), "d")


def test_r236_a_removed_seat_keeps_its_credit_and_its_replacement_gets_its_own() -> None:
    swap = seat_update("2025-06-16", remove_seat_ids=("a",), add_seat_ids=("d",))
    back = seat_update("2025-06-20", add_seat_ids=("a",))

    granted = june(INDIVIDUAL, named("a", "b", seat_updates=(swap, back)), "2500")

    assert granted.seats == {"a": Decimal(2500), "b": Decimal(2500)}
    assert [(a.seat_id, a.amount) for a in granted.adjustments] == [("d", Decimal(1250))]


changes = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.integers(-3, 5),
        st.one_of(st.none(), st.integers(1, 45)),
    ),
    max_size=6,
)


@given(changes=changes, cut=st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_r229_law_a_later_record_never_changes_what_was_granted_before(
    changes: list[tuple[int, int, int | None]], cut: int
) -> None:
    """Grants with the first records only are a prefix of the grants with all of them."""
    ordered = sorted(changes, key=lambda change: change[2] or 0)
    updates = [
        more(f"2025-06-{day:02}", str(delta), _day(recorded)) for day, delta, recorded in ordered
    ]
    known, later = updates[:cut], updates[cut:]
    stamps = {update.recorded_at for update in known}
    assume(all(u.recorded_at and u.recorded_at > JUNE.start for u in later))
    assume(not stamps & {update.recorded_at for update in later})
    base = seats(initial_quantity=Decimal(30), quantity_updates=tuple(known))
    whole = seats(initial_quantity=Decimal(30), quantity_updates=tuple(updates))

    first, second = june(POOLED, base), june(POOLED, whole)

    assert second.amount == first.amount
    assert second.adjustments[: len(first.adjustments)] == first.adjustments


def _day(number: int | None) -> str | None:
    if number is None:
        return None
    return f"2025-06-{number:02}" if number <= 30 else f"2025-07-{number - 30:02}"
