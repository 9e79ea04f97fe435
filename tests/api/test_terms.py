"""Terms as sent, without a server: what goes in is what the engine gets, exactly (2.2, 2.7)."""

from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.live import START
from closedwon.api.model import parsed
from closedwon.api.terms.making import Making
from closedwon.api.terms.schedules import AccessScheduleSent, ScheduleSent, points, segments
from closedwon.billing.catalog.types import Catalog
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.exact import canonical
from closedwon.kernel.strict_json import dumps, loads

AMOUNTS = st.decimals(min_value=0, max_value=10**15, places=6)
HOURS = st.integers(min_value=1, max_value=10**5)


def making() -> Making:
    numbers = count()
    return Making(catalog=Catalog(), new_id=lambda: f"id-{next(numbers)}", now=START, start=START)


def instant(hour: int) -> str:
    return datetime.fromtimestamp(START.timestamp() + hour * 3600, START.tzinfo).isoformat()


def read(kind: Any, value: Any) -> Any:
    """As the gate reads a body: JSON text first."""
    return parsed(kind, loads(dumps(value)), "body")


@given(st.lists(st.tuples(AMOUNTS, HOURS), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_r3_r179_access_windows_are_taken_over_exactly(rows: list[tuple[Decimal, int]]) -> None:
    items = [
        {"amount": amount, "starting_at": instant(0), "ending_before": instant(hours)}
        for amount, hours in rows
    ]

    made, _unit = segments(making(), read(AccessScheduleSent, {"schedule_items": items}), "here")

    assert [one.amount for one in made] == [amount for amount, _ in rows]
    assert [one.window.until.isoformat() for one in made] == [instant(hours) for _, hours in rows]
    assert len({one.id for one in made}) == len(rows)


@given(AMOUNTS, st.integers(min_value=1, max_value=36))
@settings(max_examples=30, deadline=None)
def test_r153_divided_payments_sum_to_what_was_sent(amount: Decimal, months: int) -> None:
    end = START.replace(year=START.year + (START.month - 1 + months) // 12)
    end = end.replace(month=(START.month - 1 + months) % 12 + 1)
    steps = {
        "starting_at": instant(0),
        "ending_before": end.isoformat(),
        "frequency": "monthly",
        "amount_distribution": "Divided_Rounded",
        "amount": amount,
    }

    made, _unit = points(making(), read(ScheduleSent, {"recurring_schedule": steps}), "here")

    assert len(made) == months
    assert canonical(sum((one.amount for one in made), Decimal(0))) == canonical(amount)


def test_2_7_an_amount_alone_is_one_unit_of_it() -> None:
    sent = read(
        ScheduleSent, {"schedule_items": [{"timestamp": instant(0), "amount": Decimal("88.9")}]}
    )

    (point,), unit = points(making(), sent, "here")

    assert (point.unit_price, point.quantity) == (Decimal("88.9"), 1)
    assert unit == "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({}, "give schedule_items or recurring_schedule"),
        ({"schedule_items": [], "recurring_schedule": None, "x": 1}, "x: unknown field"),
        ({"schedule_items": [{"timestamp": "2026-01-01"}]}, "zone"),
        ({"schedule_items": [{"timestamp": instant(0), "amount": "5"}]}, "expected a JSON number"),
        ({"schedule_items": [{"timestamp": instant(0)}]}, "amount"),
        (
            {"schedule_items": [{"timestamp": instant(0), "amount": 3, "unit_price": 1}]},
            "go together",
        ),
    ],
)
def test_r148_schedules_that_say_too_little_or_too_much_are_refused(sent: Any, told: str) -> None:
    with pytest.raises(Refused, match=told):
        points(making(), read(ScheduleSent, sent), "here")


def test_r161_amounts_are_in_a_credit_type_there_is() -> None:
    sent = read(ScheduleSent, {"credit_type_id": "nothing", "schedule_items": []})

    with pytest.raises(NotFound):
        points(making(), sent, "here")
