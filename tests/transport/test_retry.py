"""Patience: bounded attempts, bounded wait, Retry-After honoured, only Transient repeated."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.kernel.errors import LimitReached, Refused
from closedwon.transport import Patience, Transient, retry_after_s

DATE = "Mon, 01 Jan 2024 00:00:00 GMT"


def patience(waits: list[float], **limits: float) -> Patience:
    return Patience(sleep=waits.append, **limits)


def failing(errors: list[Exception]) -> Callable[[], str]:
    def call() -> str:
        if errors:
            raise errors.pop(0)
        return "answer"

    return call


def test_a_transient_failure_is_repeated_until_it_answers() -> None:
    waits: list[float] = []

    answer = patience(waits).run(failing([Transient("away"), Transient("away")]))

    assert answer == "answer"
    assert len(waits) == 2
    assert waits[1] > waits[0] * 0.99


def test_attempts_are_bounded_and_the_last_failure_is_raised() -> None:
    waits: list[float] = []

    with pytest.raises(Transient, match="third"):
        patience(waits, attempts_max=3).run(
            failing([Transient("first"), Transient("second"), Transient("third")])
        )

    assert len(waits) == 2


@pytest.mark.parametrize("error", [Refused("no"), LimitReached("spent")])
def test_what_is_not_transient_is_never_repeated(error: Exception) -> None:
    waits: list[float] = []

    with pytest.raises(type(error)):
        patience(waits).run(failing([error]))

    assert waits == []


def test_retry_after_is_waited_out() -> None:
    waits: list[float] = []

    patience(waits).run(failing([Transient("busy").after(100)]))

    assert waits == [100]


def test_a_retry_after_beyond_the_total_wait_gives_up_at_once() -> None:
    waits: list[float] = []

    with pytest.raises(Transient, match="busy"):
        patience(waits).run(failing([Transient("busy").after(3600)]))

    assert waits == []


@given(asked=st.lists(st.none() | st.floats(0, 200), min_size=1, max_size=20))
def test_the_sum_of_all_waits_never_passes_its_limit(asked: list[float | None]) -> None:
    waits: list[float] = []
    call = failing([Transient("busy").after(wait) for wait in asked])
    with contextlib.suppress(Transient):
        patience(waits, attempts_max=20).run(call)

    assert sum(waits) <= 120


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", 120),
        ("Mon, 01 Jan 2024 00:02:00 GMT", 120),
        ("Sun, 31 Dec 2023 00:00:00 GMT", None),
        ("-5", None),
        ("soon", None),
        ("1e9", None),
        ("", None),
    ],
)
def test_retry_after_reads_seconds_and_dates_and_ignores_nonsense(
    text: str, expected: float | None
) -> None:
    assert retry_after_s({"retry-after": text, "date": DATE}) == expected
