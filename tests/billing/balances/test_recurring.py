"""Generators of commits and credits (R201-R210, R114, R211; S13)."""

from datetime import datetime
from decimal import Context, Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.world import (
    World,
    at,
    catalog,
    cents,
    dollars,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.balances.recurring import child_id, children
from closedwon.billing.contracts.edits import Added, Change, ChangeEnd, Create, Edit, Follow, Revise
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.recurring import (
    Allocation,
    Proration,
    ProrationRounding,
    RecurringAmount,
    RecurringCommit,
    RoundingMethod,
    SeatLink,
)
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import (
    Collection,
    QuantityMode,
    QuantityUpdate,
    SeatConfig,
    Subscription,
)
from closedwon.billing.contracts.terms import (
    Commit,
    CommitKind,
    StatementDay,
    StatementSchedule,
    Transition,
    TransitionType,
)
from closedwon.billing.expand import lived
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

SIGNED_AT = at("2024-12-01")
CENTS = ProrationRounding(method=RoundingMethod.HALF_UP, decimal_places=0)


def recurring(name: str = "grant", access: Any = "30", **more: Any) -> RecurringCommit:
    """Amounts in dollars; ``access`` may be a whole RecurringAmount."""
    cost = more.pop("invoice", None)
    granted = RecurringAmount(unit_price=cents(access)) if isinstance(access, str) else access
    fields = {
        "id": name,
        "kind": CommitKind.PREPAID,
        "product_id": "p-commit",
        "name": name,
        "access": granted,
        "invoice": None if cost is None else RecurringAmount(unit_price=cents(cost)),
        "window": span("2025-01-01"),
        "created_at": SIGNED_AT,
    }
    return RecurringCommit(**{**fields, **more})


def contract(
    term: RecurringCommit,
    *later: tuple[str, Change],
    start: str = "2025-01-01",
    end: str | None = None,
    **more: Any,
) -> Contract:
    created = Create(
        customer_id="customer",
        term=span(start, end),
        rate_card_id="card",
        terms=Added(recurring=(term,)),
        **more,
    )
    changes = [(SIGNED_AT, created), *((at(day), change) for day, change in later)]
    return contract_of(
        [
            Edit(id=f"k-e{n}", contract_id=more.get("name", "k"), at=when, by="test", change=change)
            for n, (when, change) in enumerate(changes)
        ]
    )


def part(dollars: str, hours: int, of: int) -> Decimal:
    """A share as it is kept: to 28 digits (R4)."""
    return Context(prec=28).divide(cents(dollars) * hours, Decimal(of))


def windows(found: tuple[Commit, ...]) -> list[tuple[datetime, datetime]]:
    return [(child.segments[0].window.start, child.segments[0].window.until) for child in found]


def amounts(found: tuple[Commit, ...]) -> list[Decimal]:
    return [child.segments[0].amount for child in found]


def test_r201_without_a_frequency_one_child_per_billing_period_partial_ones_prorated() -> None:
    found = children(
        contract(recurring(window=span("2025-01-15"))),
        at("2025-01-20"),
    )

    assert windows(found) == [
        (at("2025-01-15"), at("2025-02-01")),
        (at("2025-02-01"), at("2025-03-01")),
    ]
    assert amounts(found)[0] == part("30", 17, 31)
    assert str(amounts(found)[0] / 100).startswith("16.451612")
    assert amounts(found)[1] == cents("30")


@pytest.mark.parametrize(
    ("proration", "first", "last"),
    [
        (Proration.NONE, "31", "30"),
        (Proration.FIRST, "17", "30"),
        (Proration.LAST, "31", "10"),
        (Proration.FIRST_AND_LAST, "17", "10"),
    ],
)
def test_r201_proration_says_which_partial_periods_are_cut(
    proration: Proration, first: str, last: str
) -> None:
    """A dollar per day of the month: January has 31, April 30."""
    january = recurring(access="31", window=span("2025-01-15"), proration=proration)
    april = recurring(access="30", window=span("2025-04-01", "2025-04-11"), proration=proration)

    assert amounts(children(contract(january), at("2025-01-15")))[0] == cents(first)
    assert amounts(children(contract(april), at("2025-04-15"))) == [cents(last)]


def test_r202_with_a_frequency_the_grid_hangs_at_its_own_start_and_the_first_is_full() -> None:
    term = recurring(window=span("2025-01-15"), frequency=Frequency.MONTHLY)
    found = children(contract(term), at("2025-01-20"))

    assert windows(found)[0] == (at("2025-01-15"), at("2025-02-15"))
    assert amounts(found) == [cents("30"), cents("30")]


def test_r9_r202_month_ends_are_counted_from_the_start_without_drift() -> None:
    term = recurring(window=span("2025-01-31"), frequency=Frequency.MONTHLY)
    found = children(contract(term), at("2025-03-31"))

    assert [start for start, _ in windows(found)] == [
        at("2025-01-31"),
        at("2025-02-28"),
        at("2025-03-31"),
        at("2025-04-30"),
    ]


def test_r201_follows_quarterly_statements_from_their_anchor() -> None:
    statement = StatementSchedule(frequency=Frequency.QUARTERLY, day=StatementDay.CONTRACT_START)
    found = children(contract(recurring(), statement=statement), at("2025-05-01"))

    assert windows(found)[:2] == [
        (at("2025-01-01"), at("2025-04-01")),
        (at("2025-04-01"), at("2025-07-01")),
    ]


def test_r203_two_periods_let_leftovers_live_one_more_and_the_contract_cuts_them() -> None:
    signed = contract(recurring(duration_periods=2), end="2025-03-15")
    found = children(signed, at("2025-12-01"))

    assert windows(found)[0] == (at("2025-01-01"), at("2025-03-01"))
    world = World(CATALOG, [signed])
    last = world.bill("2025-03-10").balances[-1]
    assert (last.granted, len(found)) == (part("30", 14, 31), 3)
    assert {p.remaining for p in world.bill("2025-03-20").balances} == {Decimal(0)}


def test_r204_a_child_is_made_at_most_one_period_ahead() -> None:
    signed = contract(recurring())

    assert [
        len(children(signed, at(day))) for day in ("2024-12-15", "2025-01-01", "2025-03-20")
    ] == [1, 2, 4]


def test_r204_upgrade_example_access_and_invoice_share_one_fraction() -> None:
    signed = contract(recurring(invoice="20", window=span("2025-01-21")), start="2025-01-21")
    first = children(signed, at("2025-01-21"))[0]

    assert first.segments[0].amount == part("30", 11, 31)
    assert str(first.segments[0].amount).startswith("1064.516")
    assert str(first.payments[0].amount).startswith("709.677")
    assert first.payments[0].timestamp == at("2025-01-21")
    assert (first.cost_total / first.access_total).quantize(Decimal("0.001")) == Decimal("0.667")
    assert (first.recurring_id, first.created_at) == ("grant", at("2025-01-21"))


def test_r204_children_have_ids_of_their_own_that_stay() -> None:
    signed = contract(recurring())
    early, late = children(signed, at("2025-01-05")), children(signed, at("2025-03-05"))

    assert [child.id for child in early] == [child.id for child in late][:2]
    assert early[0].id == child_id("grant", at("2025-01-01"))
    assert len({child.segments[0].id for child in late}) == len(late)


@pytest.mark.parametrize(
    ("method", "places", "amount"),
    [
        (RoundingMethod.HALF_UP, 0, "1645"),
        (RoundingMethod.CEILING, 0, "1646"),
        (RoundingMethod.FLOOR, -2, "1600"),
        (RoundingMethod.HALF_UP, -2, "1600"),
        (RoundingMethod.CEILING, -2, "1700"),
        (RoundingMethod.HALF_UP, 2, "1645.16"),
    ],
)
def test_r207_only_prorated_amounts_are_rounded(
    method: RoundingMethod, places: int, amount: str
) -> None:
    rounding = ProrationRounding(method=method, decimal_places=places)
    term = recurring(access="30.005", window=span("2025-01-15"), access_rounding=rounding)
    exact = recurring(access="30", window=span("2025-01-15"), access_rounding=rounding)

    assert amounts(children(contract(exact), at("2025-01-15")))[0] == Decimal(amount)
    assert amounts(children(contract(term), at("2025-01-15")))[1] == Decimal("3000.5")


def test_r207_places_lie_within_five() -> None:
    with pytest.raises(Refused, match=r"-5\.\.5"):
        ProrationRounding(method=RoundingMethod.FLOOR, decimal_places=6)


def test_r208_a_daily_grid_makes_one_child_a_day() -> None:
    found = children(contract(recurring(frequency=Frequency.DAILY)), at("2025-01-02"))

    assert windows(found)[1] == (at("2025-01-02"), at("2025-01-03"))


def test_r209_no_child_begins_at_the_end_and_the_last_is_cut() -> None:
    to_edge = recurring(window=span("2025-01-01", "2025-03-01"))
    inside = recurring(window=span("2025-01-01", "2025-02-15"))

    assert len(children(contract(to_edge), at("2025-12-01"))) == 2
    assert windows(children(contract(inside), at("2025-12-01")))[-1] == (
        at("2025-02-01"),
        at("2025-02-15"),
    )
    assert amounts(children(contract(inside), at("2025-12-01")))[-1] == cents("15")


def test_r114_an_edit_changes_only_children_whose_access_has_not_begun() -> None:
    """$30 becomes $40 on Feb 10: the March child is the first of $40."""
    edited = contract(
        recurring(), ("2025-02-10", Revise(replace=Added(recurring=(recurring(access="40"),))))
    )

    assert amounts(children(edited, at("2025-03-05"))) == [
        cents(amount) for amount in ("30", "30", "40", "40")
    ]


def test_r114_a_child_that_begins_at_the_very_instant_has_begun() -> None:
    raised = Revise(replace=Added(recurring=(recurring(access="40"),)))

    assert amounts(children(contract(recurring(), ("2025-02-01", raised)), at("2025-02-05"))) == [
        cents("30"),
        cents("30"),
        cents("40"),
    ]


def test_r114_edits_add_up_and_the_state_is_a_fold() -> None:
    edited = contract(
        recurring(),
        ("2025-02-10", Revise(replace=Added(recurring=(recurring(access="40"),)))),
        ("2025-03-10", Revise(replace=Added(recurring=(recurring(access="50"),)))),
    )

    assert amounts(children(edited, at("2025-04-01"))) == [
        cents(amount) for amount in ("30", "30", "40", "50", "50")
    ]


def test_r211_a_new_rate_type_is_that_of_every_child() -> None:
    new = recurring(rate_type="COMMIT_RATE")
    edited = contract(recurring(), ("2025-02-10", Revise(replace=Added(recurring=(new,)))))

    assert {c.rate_type for c in children(edited, at("2025-03-05"))} == {"COMMIT_RATE"}


def test_r117_an_earlier_contract_end_stops_the_generator_and_keeps_the_running_child() -> None:
    ended = contract(recurring(), ("2025-02-10", ChangeEnd(ending_before=at("2025-02-20"))))
    found = children(ended, at("2025-12-01"))

    assert amounts(found) == [cents("30"), cents("30")]
    assert World(CATALOG, [ended]).bill("2025-02-25").entries[-1].timestamp == at("2025-02-20")


def test_r117_r201_told_ahead_the_last_child_is_prorated() -> None:
    ended = contract(
        recurring(access="28"), ("2025-01-10", ChangeEnd(ending_before=at("2025-02-11")))
    )

    assert amounts(children(ended, at("2025-12-01"))) == [cents("28"), cents("10")]


def test_r118_a_later_end_lets_the_generator_go_on_from_there() -> None:
    longer = contract(
        recurring(),
        ("2025-01-20", ChangeEnd(ending_before=at("2025-04-01"))),
        end="2025-02-01",
    )

    assert len(children(longer, at("2025-12-01"))) == 3


def test_r205_a_child_is_archived_by_itself() -> None:
    february = child_id("grant", at("2025-02-01"))
    edited = contract(recurring(), ("2025-02-10", Revise(archive_ids=(february,))))
    found = {child.id: child.archived_at for child in children(edited, at("2025-03-05"))}

    assert [day for day in found.values() if day] == [at("2025-02-10")]
    assert found[february] == at("2025-02-10")
    with pytest.raises(Refused, match="no such term"):
        contract(recurring(), ("2025-02-10", Revise(archive_ids=("nobody",))))


def test_lived_adds_children_once_and_explains_them_by_the_edit_of_their_generator() -> None:
    account = World(CATALOG, [contract(recurring())]).account
    once = lived(account, at("2025-01-15"))

    assert lived(once, at("2025-01-15")) == once
    (first, second) = once.contracts[0].commits
    assert once.contracts[0].edit_of[first.id] == once.contracts[0].edit_of["grant"]
    assert second.segments[0].window.start == at("2025-02-01")


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"kind": CommitKind.POSTPAID}, "PREPAID or CREDIT"),
        ({"kind": CommitKind.CREDIT, "invoice": "1"}, "credit is free"),
        ({"duration_periods": 0}, "at least one period"),
        ({"rollover_fraction": Decimal(2)}, r"0\.\.1"),
        ({"access": RecurringAmount(unit_price=Decimal(1), quantity=None)}, "not both"),
    ],
)
def test_r100_r203_what_a_generator_cannot_be(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(Refused, match=match):
        recurring(**wrong)


CATALOG = catalog(
    [usage_product("Calls"), fixed_product("commit")], [metric("Calls")], [rate("Calls", "100")]
)


def upgrade() -> World:
    """S13: A with a free ten a month, followed mid-month by B that pays for thirty."""
    to_b = Transition(type=TransitionType.RENEWAL, from_contract_id="A")
    follow = Follow(transition=to_b, to_contract_id="B", at=at("2025-01-21"))
    free = recurring("free", "10", kind=CommitKind.CREDIT, rollover_fraction=Decimal(1))
    first = contract(free, ("2025-01-21", follow), name="A")
    paid = recurring(
        "paid",
        invoice="20",
        window=span("2025-01-21"),
        duration_periods=2,
        access_rounding=CENTS,
        invoice_rounding=CENTS,
    )
    second = contract(paid, name="B", start="2025-01-21", transition=to_b)
    world = World(CATALOG, [first, second])
    world.use("Calls", "2025-01-10", "8")
    world.use("Calls", "2025-01-25", "6")
    return world


def test_s13_r210_r121_an_upgrade_in_mid_period_to_the_cent() -> None:
    world = upgrade()
    world.finalize("2025-01-22")
    billed = world.finalize("2025-02-02")
    usage = {i.end: i.total for i in world.invoices()}
    scheduled = {i.issued_at: dollars(i.total) for i in world.invoices("SCHEDULED")}

    assert usage == {at("2025-01-21"): Decimal(0), at("2025-02-01"): Decimal(0)}
    assert scheduled == {at("2025-01-21"): Decimal("7.10"), at("2025-02-01"): Decimal("20.00")}
    left = {b.granted: dollars(b.remaining) for b in billed.balances if b.is_active}
    assert left == {cents("10.65"): Decimal("6.65"), cents("30"): Decimal("30.00"), cents("2"): 0}
    rolled = next(c for c in billed.commits if c.rolled_over_from is not None)
    assert rolled.rolled_over_from is not None
    assert rolled.rolled_over_from.commit_id == child_id("free", at("2025-01-01"))
    assert (rolled.kind, rolled.segments[0].amount) == (CommitKind.CREDIT, cents("2"))
    child = next(c for c in billed.commits if c.recurring_id == "paid" and not c.rolled_over_from)
    assert child.segments[0].window == span("2025-01-21", "2025-03-01")


@given(
    start=st.integers(0, 24 * 60),
    length=st.integers(1, 24 * 200),
    price=st.integers(0, 10**6),
    now=st.integers(0, 300),
)
@settings(max_examples=40, deadline=None)
def test_r10_r201_prorated_children_of_a_split_term_sum_to_the_hours_they_cover(
    start: int, length: int, price: int, now: int
) -> None:
    """However a term lies on the grid: access windows abut, and the share is the hours'."""
    begin = at("2025-01-01").timestamp() + 3600 * start
    window = span(
        *(
            datetime.fromtimestamp(t, at("2025-01-01").tzinfo).replace(tzinfo=None).isoformat()
            for t in (begin, begin + 3600 * length)
        )
    )
    term = recurring(window=window, access=str(price))
    until = datetime.fromtimestamp(at("2025-01-01").timestamp() + 86400 * now, window.start.tzinfo)
    found = children(contract(term), until)

    for child in found:
        held = child.segments[0].window
        month = held.start.replace(day=1, hour=0)
        ends = at(f"{month.year + month.month // 12}-{month.month % 12 + 1:02}-01")
        part = (held.until - held.start) / (ends - month)
        assert abs(child.segments[0].amount - cents(str(price)) * Decimal(part)) < Decimal("0.0001")
    for one, next_one in pairwise(found):
        assert one.segments[0].window.end == next_one.segments[0].window.start
    assert found[0].segments[0].window.start == window.start
    assert sum(child.segments[0].window.start > until for child in found) <= 1


def seated(allocation: Allocation, *updates: QuantityUpdate) -> Contract:
    """Ten seats, five more on Feb 11 (known that day); ten dollars a seat and month."""
    shape: dict[str, Any] = {"initial_quantity": Decimal(10), "quantity_updates": updates}
    if allocation is Allocation.INDIVIDUAL:
        named = SeatConfig(seat_group_key="user", initial_seat_ids=("a", "b"))
        shape = {"mode": QuantityMode.SEAT_BASED, "seats": named}
    subscription = Subscription(
        id="seats",
        product_id="p-seat",
        frequency=Frequency.MONTHLY,
        collection=Collection.ADVANCE,
        is_prorated=True,
        window=span("2025-01-01"),
        **shape,
    )
    linked = recurring(
        access=RecurringAmount(unit_price=cents("10"), quantity=None),
        seats=SeatLink(subscription_id="seats", allocation=allocation, is_prorated=True),
    )
    return contract_of(
        [
            Edit(
                id="e",
                contract_id="k",
                at=SIGNED_AT,
                by="test",
                change=Create(
                    customer_id="customer",
                    term=span("2025-01-01"),
                    rate_card_id="card",
                    terms=Added(recurring=(linked,), subscriptions=(subscription,)),
                ),
            )
        ]
    )


def test_r229_a_pool_follows_the_seats_and_a_rise_adds_to_the_running_child() -> None:
    update = QuantityUpdate(
        starting_at=at("2025-02-11"), delta=Decimal(5), recorded_at=at("2025-02-11")
    )
    signed = seated(Allocation.POOLED, update)

    before = children(signed, at("2025-02-10"))[1].segments[0]
    after = children(signed, at("2025-02-12"))[1].segments[0]
    assert (before.granted, after.amount) == (cents("100"), cents("100"))
    assert after.granted == cents("100") + part("50", 18, 28)
    bill = World(CATALOG, [signed]).bill("2025-02-12")
    entries = [(e.type, e.amount) for e in bill.entries if e.segment_id == after.id]
    assert entries == [
        ("SEGMENT_START", cents("100")),
        ("SEAT_BASED_ADJUSTMENT", part("50", 18, 28)),
    ]


def test_r230_individual_children_name_their_seats_and_the_key() -> None:
    first = children(seated(Allocation.INDIVIDUAL), at("2025-01-05"))[0]

    assert first.seat_group_key == "user"
    assert first.segments[0].seats == {"a": cents("10"), "b": cents("10")}
    assert first.segments[0].amount == cents("20")
