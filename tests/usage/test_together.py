"""Batches of many threads: one commit for all that wait, each with its own outcome."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from closedwon.kernel.errors import LockHeld
from closedwon.usage import UsageLog
from closedwon.usage.together import Together
from usage.build import a_demand, a_metric, after, an_event

NOW = after(days=20)
MOST = 5


class Doubling:
    """Doubles numbers; holds the first call until it is let go, and refuses 13, 99 and 666."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.calls.append(list(numbers))
        self.has_begun.set()
        self.may_go_on.wait(10)
        if 13 in numbers:
            raise ValueError("no thirteen")
        if 99 in numbers:
            raise LockHeld("not now", tries=3)
        if 666 in numbers:
            raise KeyboardInterrupt
        return [2 * number for number in numbers]


def outcomes(together: "Together[int, int]", do: Doubling, numbers: Sequence[int]) -> list[object]:
    """Each number's outcome; the first is worked on while the others come."""
    with ThreadPoolExecutor(len(numbers)) as pool:
        waiting = [pool.submit(together.result, numbers[0])]
        do.has_begun.wait(10)
        waiting += [pool.submit(together.result, number) for number in numbers[1:]]
        while len(together._line) < len(numbers):
            threading.Event().wait(0.001)
        do.may_go_on.set()
        return [one.exception(10) or one.result() for one in waiting]


def test_what_comes_meanwhile_is_done_together_in_order_and_up_to_a_limit() -> None:
    do = Doubling()
    numbers = list(range(1, 13))
    assert outcomes(Together(do, MOST), do, numbers) == [2 * number for number in numbers]
    assert [len(call) for call in do.calls] == [1, MOST, MOST, 1]
    assert sorted(number for call in do.calls for number in call) == numbers


def test_a_piece_that_cannot_be_done_fails_alone() -> None:
    do = Doubling()
    found = outcomes(Together(do, MOST), do, [1, 2, 13, 4])
    assert found[:2] == [2, 4]
    assert isinstance(found[2], ValueError)
    assert found[3] == 8
    together = Together(do, MOST)
    assert together.result(5) == 10


def test_a_failure_of_the_store_is_everyones_at_once() -> None:
    do = Doubling()
    found = outcomes(Together(do, MOST), do, [1, 2, 99])
    assert found[0] == 2
    assert [type(one) for one in found[1:]] == [LockHeld, LockHeld]
    assert len(do.calls) == 2


def test_what_one_caller_adds_to_a_failure_the_others_are_not_told() -> None:
    do = Doubling()
    _, first, second = outcomes(Together(do, MOST), do, [1, 2, 99])
    assert isinstance(first, LockHeld)
    assert isinstance(second, LockHeld)
    first.facts["stored"] = 7

    assert (str(first), second.facts) == ("[lock_held] not now (tries=3, stored=7)", {"tries": 3})


def test_a_leader_that_is_stopped_leaves_the_line_to_the_next() -> None:
    do = Doubling()
    found = outcomes(Together(do, 1), do, [1, 666, 3])
    assert found[::2] == [2, 6]
    assert isinstance(found[1], KeyboardInterrupt)


@pytest.mark.parametrize("seals", [0, 1])
def test_g11_batches_of_many_threads_count_every_id_once(log: UsageLog, seals: int) -> None:
    def send(number: int) -> tuple[int, int, int]:
        batch = [an_event(str((number * 7 + at) % 60), n="1") for at in range(10)]
        batch.append(an_event(str(number % 60), n="2"))
        report = log.ingest(batch, NOW)
        if seals and number % 10 == 0:
            log.seal(NOW, events_min=1)
        return report.accepted, report.duplicates, report.conflicts

    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(send, range(64)))
    assert all(sum(report) == 11 for report in reports)
    assert sum(report[0] for report in reports) == 60 == log.latest()
    assert log.total(a_demand(a_metric("COUNT"))) == 60
