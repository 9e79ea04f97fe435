"""What update_* requests make of terms (metronome.md 2.8; R112, R113, R215)."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billing.balances.test_recurring import recurring
from billing.world import at, cents, charge, commit, contract, span
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create, Revise
from closedwon.billing.contracts.patches import (
    AccessPatch,
    AmountPatch,
    ChargePatch,
    CommitPatch,
    Patches,
    PointUpdate,
    RecurringPatch,
    SchedulePatch,
    SegmentUpdate,
    ended,
    patched,
)
from closedwon.billing.contracts.recurring import (
    ProrationRounding,
    RecurringAmount,
    RoundingMethod,
    SeatLink,
)
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import (
    Collection,
    QuantityUpdate,
    Subscription,
)
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import NotFound, Refused

COMMIT = commit(
    "c",
    ("10", "2025-01-01", "2026-01-01"),
    ("20", "2026-01-01", "2027-01-01"),
    payments={"2025-01-01": "10", "2026-01-01": "15"},
    priority=Decimal(5),
    applicability=Applicability(product_tags=("cloud",)),
)
ROUNDING = ProrationRounding(method=RoundingMethod.FLOOR, decimal_places=0)
SUBSCRIPTION = Subscription(
    id="s",
    product_id="p-seat",
    frequency=Frequency.MONTHLY,
    window=span("2025-01-01"),
    collection=Collection.ADVANCE,
    is_prorated=True,
    rounding=ROUNDING,
    initial_quantity=Decimal(3),
)


def signed() -> Contract:
    terms = Added(
        commits=(COMMIT,),
        charges=(charge("fee", {"2025-03-01": "5", "2025-09-01": "5"}),),
        recurring=(recurring("r", "30", invoice="20", access_rounding=ROUNDING),),
        subscriptions=(SUBSCRIPTION,),
    )
    return contract(
        "k", Create(customer_id="customer", term=span("2025-01-01", "2027-01-01"), terms=terms)
    )


def edited(*patches: CommitPatch) -> Any:
    return patched(signed(), Patches(commits=patches)).commits[0]


def test_r112_an_access_schedule_is_added_to_updated_and_cut() -> None:
    new = commit("n", ("7", "2026-01-01", "2026-02-01")).segments[0]
    access = AccessPatch(
        add=(new,),
        update=(SegmentUpdate(id="c1", amount=cents("11"), ending_before=at("2025-12-01")),),
        remove_ids=("c2",),
    )
    found = edited(CommitPatch(id="c", access=access)).segments

    assert [(s.id, s.amount, s.window) for s in found] == [
        ("c1", cents("11"), span("2025-01-01", "2025-12-01")),
        ("n1", cents("7"), span("2026-01-01", "2026-02-01")),
    ]


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"amount": Decimal(300)}, (300, 300, 1)),
        ({"unit_price": Decimal(4), "quantity": Decimal(5)}, (20, 4, 5)),
        ({"quantity": Decimal(2)}, (2000, 1000, 2)),
        ({"amount": Decimal(8), "unit_price": Decimal(4), "quantity": Decimal(2)}, (8, 4, 2)),
    ],
)
def test_r148_a_point_takes_an_amount_or_price_and_quantity(
    update: dict[str, Decimal], expected: tuple[int, int, int]
) -> None:
    patch = SchedulePatch(update=(PointUpdate(id="c@2025-01-01", **update),))
    first, second = edited(CommitPatch(id="c", invoice=patch)).payments

    assert (first.amount, first.unit_price, first.quantity) == expected
    assert second == COMMIT.payments[1]


def test_r148_amounts_that_do_not_agree_are_refused() -> None:
    wrong = PointUpdate(
        id="c@2025-01-01", amount=Decimal(9), unit_price=Decimal(4), quantity=Decimal(2)
    )
    with pytest.raises(Refused, match="unit_price x quantity"):
        edited(CommitPatch(id="c", invoice=SchedulePatch(update=(wrong,))))


def test_r112_nulls_clear_and_what_is_left_out_stays() -> None:
    cleared = edited(
        CommitPatch(id="c", priority=None, product_tags=None, product_ids=None, name="new")
    )
    assert (cleared.priority, cleared.applicability, cleared.name) == (
        None,
        Applicability(),
        "new",
    )
    assert edited(CommitPatch(id="c")) == COMMIT


def test_r165_specifiers_take_the_place_of_ids_and_tags_and_back() -> None:
    only = (Specifier(product_id="p"),)
    there = edited(CommitPatch(id="c", specifiers=only))
    assert there.applicability == Applicability(specifiers=only)
    back = CommitPatch(id="c", product_ids=("q",)).of(there)
    assert back.applicability == Applicability(product_ids=("q",))


def test_r112_two_patches_of_one_term_add_up_and_unknown_ids_are_named() -> None:
    both = edited(CommitPatch(id="c", name="a"), CommitPatch(id="c", description="b"))
    assert (both.name, both.description) == ("a", "b")
    with pytest.raises(NotFound, match="no such term"):
        edited(CommitPatch(id="other"))
    with pytest.raises(NotFound, match="no such schedule item"):
        edited(CommitPatch(id="c", access=AccessPatch(remove_ids=("x",))))


def test_r113_charges_change_by_point() -> None:
    patch = ChargePatch(id="fee", invoice=SchedulePatch(remove_ids=("fee@2025-09-01",)))
    found = patched(signed(), Patches(charges=(patch,))).charges[0]
    assert [point.id for point in found.items] == ["fee@2025-03-01"]


def test_r114_r207_a_recurring_term_takes_amounts_an_end_and_roundings() -> None:
    patch = RecurringPatch(
        id="r",
        access=AmountPatch(unit_price=Decimal(4000)),
        invoice=AmountPatch(quantity=Decimal(2)),
        ending_before=at("2026-01-01"),
        rate_type="COMMIT_RATE",
        access_rounding=None,
    )
    found = patched(signed(), Patches(recurring=(patch,))).recurring[0]

    assert (found.access.unit_price, found.access.quantity) == (4000, 1)
    assert found.invoice == RecurringAmount(unit_price=cents("20"), quantity=Decimal(2))
    assert (found.window.end, found.access_rounding) == (at("2026-01-01"), None)
    opened = RecurringPatch(id="r", ending_before=None).of(found)
    assert opened.window.end is None
    assert opened.rate_type == "COMMIT_RATE"


def test_r229_the_quantity_of_a_linked_term_is_that_of_its_subscription() -> None:
    linked = recurring(
        access=RecurringAmount(unit_price=Decimal(1), quantity=None),
        seats=SeatLink(subscription_id="s", is_prorated=True),
    )
    with pytest.raises(Refused, match="R229"):
        RecurringPatch(id="grant", access=AmountPatch(quantity=Decimal(1))).of(linked)
    with pytest.raises(Refused, match="free recurring"):
        RecurringPatch(id="grant", invoice=AmountPatch(unit_price=Decimal(1))).of(linked)


def test_r225_an_edit_dates_the_updates_it_brings() -> None:
    update = QuantityUpdate(starting_at=at("2025-02-01"), delta=Decimal(1))
    base = signed()
    added = Added(subscriptions=(replace(SUBSCRIPTION, quantity_updates=(update,)),))
    after = contract(
        "k",
        Create(
            customer_id="customer",
            term=base.term,
            terms=Added(subscriptions=base.subscriptions),
        ),
        Revise(replace=added),
        at_instant=at("2025-02-07"),
    )
    assert [u.recorded_at for u in after.subscriptions[0].quantity_updates] == [at("2025-02-07")]


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ("2026-06-01", [span("2025-01-01", "2026-01-01"), span("2026-01-01", "2026-06-01")]),
        ("2028-01-01", [span("2025-01-01", "2026-01-01"), span("2026-01-01", "2028-01-01")]),
        ("2025-06-01", [span("2025-01-01", "2025-06-01")]),
    ],
)
def test_r215_access_ends_earlier_or_later(access: str, expected: list[Any]) -> None:
    assert [s.window for s in ended(COMMIT, at(access), None).segments] == expected


def test_r215_payments_stop_and_access_cannot_end_before_it_begins() -> None:
    assert [p.id for p in ended(COMMIT, None, at("2026-01-01")).payments] == ["c@2025-01-01"]
    with pytest.raises(Refused, match="archive it"):
        ended(COMMIT, at("2025-01-01"), None)
    assert ended(COMMIT, None, None) == replace(COMMIT)
