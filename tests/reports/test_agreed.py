"""Fees of subscriptions are agreed, by their terms: a wrong invoice is unexplained (G2)."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.subscriptions.build import WHOLE_CENTS, more, seats
from billing.subscriptions.test_placement import IN_ARREARS, world
from billing.world import World, at, charge, commit
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.subscriptions import QuantityUpdate, Subscription
from closedwon.billing.invoices.types import Invoice, Line, LineType
from closedwon.finance.figures.picture import Picture
from closedwon.kernel.calendar import Frequency
from closedwon.reports.reconcile import Bridge, compared

D = Decimal
FEE = charge("fee", {"2026-01-01": "5"})


def bridge(found: World, now: str) -> Bridge:
    seen = Picture(
        account=found.account,
        bill=found.bill(now),
        catalog=found.catalog,
        now=at(now),
        environment="test",
    )
    (row,) = compared([seen], ()).bridge
    return row


def with_terms(found: World, *subscriptions: Subscription) -> None:
    (contract,) = found.account.contracts
    changed = replace(contract, subscriptions=subscriptions)
    found.account = replace(found.account, contracts=(changed,))


def rebill(found: World, **wrong: Decimal) -> None:
    """The first invoice bills other seats, or another price, than the terms have."""
    first, *others = found.account.finalized
    lines = tuple(_wrong(line, wrong) for line in first.lines)
    found.account = replace(found.account, finalized=(replace(first, lines=lines), *others))


def _wrong(line: Line, wrong: Mapping[str, Decimal]) -> Line:
    changed = replace(line, **wrong)  # type: ignore[arg-type]
    assert changed.quantity is not None
    assert changed.unit_price is not None
    return replace(changed, total=changed.quantity * changed.unit_price)


def billing_seats(invoice: Invoice) -> bool:
    return any(line.type is LineType.SUBSCRIPTION for line in invoice.lines)


def test_g2_fees_of_subscriptions_are_agreed_by_their_terms() -> None:
    found = world(
        seats(quantity_updates=(more("2025-07-16", "2"),), rounding=WHOLE_CENTS), charges=(FEE,)
    )
    found.finalize("2025-08-05")

    row = bridge(found, "2025-08-05")

    # 10, 10 and 12 seats by the month, 16/31 of two more in July; September's and a fee wait.
    assert row.invoiced == 3 * 29000 + 2 * 1497 + 5800
    assert row.waiting == 12 * 2900 + 500
    assert row.unexplained == 0


@pytest.mark.parametrize("statement", [Frequency.MONTHLY, Frequency.QUARTERLY])
@pytest.mark.parametrize("fields", [{}, IN_ARREARS, {"is_prorated": False}])
@pytest.mark.parametrize("end", [None, "2025-08-20"])
def test_g2_whatever_the_terms_billing_does_what_they_say(
    statement: Frequency, fields: dict[str, object], end: str | None
) -> None:
    updates = (more("2025-06-11", "5"), more("2025-07-05", "-3"))
    sold = seats("2025-06-10", quantity_updates=updates, **fields)
    found = world(sold, statement=statement, end=end)

    for now in ("2025-06-10", "2025-07-02", "2025-08-10", "2025-10-03"):
        found.finalize(now)
        row = bridge(found, now)
        assert row.agreed > 0
        assert row.unexplained == 0


def test_g2_r240_a_fee_that_a_balance_pays_in_part_is_explained() -> None:
    paid = commit(
        "own",
        ("100", "2025-06-01", "2026-06-01"),
        applicability=Applicability(product_ids=("p-Seat",)),
    )
    found = world(seats("2025-06-11"), commits=(paid,))

    found.finalize("2025-07-02")

    assert any(x.type is LineType.APPLIED for i in found.account.finalized for x in i.lines)
    assert bridge(found, "2025-07-02").unexplained == 0


def test_g2_r225_a_decrease_recorded_late_takes_nothing_back() -> None:
    found = world(seats())
    found.finalize("2025-07-05")
    with_terms(found, seats(quantity_updates=(more("2025-06-01", "-4", recorded="2025-07-06"),)))

    found.finalize("2025-08-02")

    assert found.account.finalized[-1].total == 6 * 2900
    assert bridge(found, "2025-08-02").unexplained == 0


@settings(max_examples=40, deadline=None)
@given(
    updates=st.lists(
        st.tuples(st.integers(1, 60), st.integers(-40, 30), st.integers(-2, 3)), max_size=4
    ),
    fields=st.sampled_from([{}, IN_ARREARS, {"is_prorated": False}, {"rounding": WHOLE_CENTS}]),
)
def test_g2_r225_changes_recorded_whenever_leave_nothing_unexplained(
    updates: list[tuple[int, int, int]], fields: dict[str, object]
) -> None:
    """Each is recorded so many days after the last one, and begins so many days after that."""
    found = world(seats(**fields))
    now = at("2025-06-01")
    known: tuple[QuantityUpdate, ...] = ()
    for passed, ahead, delta in updates:
        now += timedelta(days=passed)
        found.finalize(f"{now:%F}")
        start = max(now + timedelta(days=ahead), at("2025-06-01"))
        known = (*known, more(f"{start:%F}", str(delta), recorded=f"{now:%F}"))
        with_terms(found, seats(quantity_updates=known, **fields))
        assert bridge(found, f"{now:%F}").unexplained == 0
    found.finalize("2026-03-02")

    assert bridge(found, "2026-03-02").unexplained == 0


def test_g2_r227_a_period_billed_in_advance_is_not_refunded_by_an_earlier_end() -> None:
    found = world(seats())
    found.finalize("2025-07-05")
    with_terms(found, seats(end="2025-07-16"))

    row = bridge(found, "2025-07-20")

    assert (row.agreed, row.unexplained) == (2 * 29000, 0)


def test_g2_a_period_billed_after_the_end_is_unexplained() -> None:
    found = world(seats())
    found.finalize("2025-08-02")
    with_terms(found, seats(end="2025-07-01"))

    assert bridge(found, "2025-08-02").unexplained == -2 * 29000


@pytest.mark.parametrize(
    ("wrong", "left"),
    [({"quantity": D(11)}, -2900), ({"unit_price": D(2800)}, 1000), ({"unit_price": D(0)}, 29000)],
)
def test_g2_an_invoice_of_other_seats_or_another_price_than_agreed_is_unexplained(
    wrong: dict[str, Decimal], left: int
) -> None:
    found = world(seats())
    found.finalize("2025-08-02")
    rebill(found, **wrong)

    assert bridge(found, "2025-08-02").unexplained == left


def test_g2_a_seat_that_an_invoice_forgot_waits_for_one_of_its_own() -> None:
    found = world(seats())
    found.finalize("2025-08-02")
    rebill(found, quantity=D(9))

    row = bridge(found, "2025-08-02")

    assert (row.waiting, row.unexplained) == (29000 + 2900, 0)


def test_g2_a_fee_that_is_billed_twice_is_unexplained() -> None:
    found = world(seats())
    found.finalize("2025-07-02")
    twice = next(i for i in found.account.finalized if billing_seats(i))
    found.account = replace(
        found.account, finalized=(*found.account.finalized, replace(twice, id="again"))
    )

    assert bridge(found, "2025-07-02").unexplained == -29000


def test_g2_r160_what_is_archived_is_not_owed_from_then_on() -> None:
    fees = charge("fees", {"2025-06-01": "5", "2026-01-01": "7"})
    found = world(seats(), charges=(fees,))
    found.finalize("2025-06-15")
    (contract,) = found.account.contracts
    archived = replace(contract, archived_at=at("2025-06-20"))
    found.account = replace(found.account, contracts=(archived,))

    row = bridge(found, "2025-08-02")

    assert (row.agreed, row.invoiced, row.unexplained) == (29500, 29500, 0)
