"""Recurring schedules become points, to the last digit (R148, R152, R153)."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.world import at, span
from closedwon.billing.invoices.schedule import (
    Amount,
    Distribution,
    RecurringSchedule,
    point,
    schedule_items,
)
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

MONEY = st.decimals(0, 10**9, places=4, allow_nan=False)


def schedule(price: Amount, start: str, end: str, frequency: str, how: str) -> RecurringSchedule:
    return RecurringSchedule(
        window=span(start, end),
        frequency=Frequency(frequency),
        distribution=Distribution(how),
        price=price,
    )


def amount(text: str) -> Amount:
    return Amount(amount=Decimal(text))


def test_r152_seed_2_a_quarterly_fee_has_four_dates_and_none_on_the_end() -> None:
    fee = schedule(amount("100000"), "2024-11-01", "2025-11-01", "QUARTERLY", "EACH")
    found = schedule_items("fee", fee)
    assert [item.timestamp for item in found] == [
        at("2024-11-01"),
        at("2025-02-01"),
        at("2025-05-01"),
        at("2025-08-01"),
    ]
    assert {item.amount for item in found} == {Decimal(100000)}
    assert {(item.unit_price, item.quantity) for item in found} == {(Decimal(100000), Decimal(1))}


def test_r152_r9_month_ends_are_stepped_from_the_anchor() -> None:
    fee = schedule(amount("1"), "2025-01-31", "2025-05-01", "MONTHLY", "EACH")
    days = [f"{item.timestamp:%m-%d}" for item in schedule_items("fee", fee)]
    assert days == ["01-31", "02-28", "03-31", "04-30"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("EACH", ["1000000", "1000000", "1000000"]),
        ("DIVIDED_ROUNDED", ["333333", "333333", "333334"]),
        (
            "DIVIDED",
            ["333333.3333333333333333333333"] * 2 + ["333333.3333333333333333333334"],
        ),
    ],
)
def test_r153_a_million_cents_over_three_dates(how: str, expected: list[str]) -> None:
    found = schedule_items(
        "c", schedule(amount("1000000"), "2025-01-01", "2025-04-01", "MONTHLY", how)
    )
    assert [item.amount for item in found] == [Decimal(text) for text in expected]


def test_r153_the_quantity_is_what_is_divided() -> None:
    price = Amount(unit_price=Decimal(250), quantity=Decimal(10))
    found = schedule_items("c", schedule(price, "2025-01-01", "2025-05-01", "MONTHLY", "DIVIDED"))
    assert {(item.unit_price, item.quantity, item.amount) for item in found} == {
        (Decimal(250), Decimal("2.5"), Decimal(625))
    }


@given(
    total=MONEY,
    months=st.integers(1, 48),
    how=st.sampled_from(["DIVIDED", "DIVIDED_ROUNDED"]),
    price=st.none() | st.decimals("0.01", 1000, places=2),
)
@settings(max_examples=60)
def test_r153_divided_parts_sum_to_the_whole(
    total: Decimal, months: int, how: str, price: Decimal | None
) -> None:
    paid = Amount(amount=total) if price is None else Amount(unit_price=price, quantity=total)
    end = at("2025-01-01").replace(year=2025 + months // 12, month=1 + months % 12)
    found = schedule_items("c", schedule(paid, "2025-01-01", f"{end:%Y-%m-%d}", "MONTHLY", how))
    assert len(found) == months
    assert sum(item.amount for item in found) == paid.total
    assert len({item.id for item in found}) == months


def test_r13_the_same_schedule_has_the_same_ids_and_another_term_has_others() -> None:
    fee = schedule(amount("5"), "2025-01-01", "2026-01-01", "ANNUAL", "EACH")
    assert schedule_items("a", fee) == schedule_items("a", fee)
    assert schedule_items("a", fee)[0].id != schedule_items("b", fee)[0].id
    assert schedule_items("a", fee)[0] == point("a", at("2025-01-01"), amount("5"))


def test_r148_amount_and_product_must_agree() -> None:
    both = Amount(amount=Decimal(6), unit_price=Decimal(2), quantity=Decimal(3))
    assert point("a", at("2025-01-01"), both).amount == 6
    with pytest.raises(Refused, match="must agree"):
        Amount(amount=Decimal(7), unit_price=Decimal(2), quantity=Decimal(3))
    with pytest.raises(Refused, match="go together"):
        Amount(amount=Decimal(7), quantity=Decimal(3))
    with pytest.raises(Refused, match="needs an amount"):
        Amount()


def test_r152_a_schedule_that_never_ends_or_runs_daily_is_refused() -> None:
    with pytest.raises(Refused, match="ends after it starts"):
        schedule(amount("1"), "2025-01-01", "2025-01-01", "MONTHLY", "EACH")
    with pytest.raises(Refused, match="found=DAILY"):
        schedule(amount("1"), "2025-01-01", "2025-02-01", "DAILY", "EACH")
