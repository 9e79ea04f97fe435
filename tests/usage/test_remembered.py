"""A reading that is remembered is the one that would be measured now."""

from collections.abc import Sequence
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from closedwon.usage import UsageLog, open_usage
from closedwon.usage.remembered import ASKED_MAX, DEMANDS_MAX, Remembered
from usage.build import END, START, a_demand, a_metric, after, an_event

NOW = after(days=20)
METRICS = [a_metric(name) for name in ("SUM", "COUNT", "MAX", "UNIQUE", "LATEST")]
DEMANDS = [
    a_demand(metric, key=f"{at}-{'-'.join(names)}", customers=names, cuts=(START, NOW, END))
    for at, metric in enumerate(METRICS)
    for names in (("acme",), ("other", "alias"), ("nobody",))
]
STEP = st.tuples(
    st.sampled_from(["ours", "theirs", "seal", "seal theirs", "read"]),
    st.sampled_from(["acme", "other", "alias", "stranger"]),
    st.integers(0, 9),
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, max_size=12))
def test_what_is_remembered_is_what_would_be_measured(
    tmp_path_factory: pytest.TempPathFactory, steps: Sequence[tuple[str, str, int]]
) -> None:
    directory = tmp_path_factory.mktemp("usage")
    log, other = open_usage(directory), open_usage(directory)
    for at, (kind, customer, value) in enumerate(steps):
        event = an_event(str(at), after(days=value), customer=customer, n=str(value))
        if kind == "ours":
            log.ingest([event], NOW)
        elif kind == "theirs":
            other.ingest([event], NOW)
        elif kind != "read":
            (log if kind == "seal" else other).seal(NOW, events_min=1)
        assert log.measure(DEMANDS) == log.measured_over(log.snapshot(), DEMANDS)
    log.close()
    other.close()


def test_an_answer_is_asked_of_the_engine_once_until_the_customer_sends_more(
    log: UsageLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.ingest([an_event("1", n="2")], NOW)
    demands = [a_demand(a_metric())]
    asked: list[int] = []
    measured_over = log.measured_over
    monkeypatch.setattr(
        log, "measured_over", lambda *given: asked.append(1) or measured_over(*given)
    )
    for _ in range(3):
        assert log.measure(demands)["d"][-1].value == 2
    log.ingest([an_event("2", customer="other", n="3")], NOW)
    assert log.measure(demands)["d"][-1].value == 2
    assert len(asked) == 1
    log.ingest([an_event("3", n="4")], NOW)
    assert log.measure(demands)["d"][-1].value == 6
    assert len(asked) == 2


def test_another_demand_is_another_answer(log: UsageLog) -> None:
    log.ingest([an_event("1", n="2"), an_event("2", kind="other", n="3")], NOW)
    demand = a_demand(a_metric())
    assert log.total(demand) == 2
    assert log.total(replace(demand, metric=a_metric(event_types=("other",)))) == 3
    assert log.total(replace(demand, customer_ids=("nobody",))) == 0
    assert log.total(replace(demand, cuts=(after(days=1), END))) == 0


def test_only_so_much_is_remembered() -> None:
    found = Remembered()
    demands = [a_demand(METRICS[0], key=str(at)) for at in range(DEMANDS_MAX + 1)]
    for start in range(0, len(demands), ASKED_MAX):
        part = demands[start : start + ASKED_MAX]
        found.keep(part, 1, {demand.key: () for demand in part})
    assert found.known(demands[:2], 1) == {"1": ()}
    found.keep(demands[: ASKED_MAX + 1], 1, {})
    assert found.known(demands[: ASKED_MAX + 1], 1) == {}


def test_a_reader_of_an_older_snapshot_is_not_told_what_came_after_it() -> None:
    found, demand = Remembered(), a_demand(METRICS[0])
    found.learn(["acme"], 5)
    found.keep([demand], 5, {demand.key: ()})

    assert found.known([demand], 5) == {demand.key: ()}
    assert found.known([demand], 4) == {}


def test_what_another_process_stored_and_sealed_at_once_is_seen(log: UsageLog) -> None:
    demands = [a_demand(a_metric())]
    log.ingest([an_event("1", n="2")], NOW)
    assert log.measure(demands)["d"][-1].value == 2
    with closing(open_usage(log.directory)) as other:
        other.ingest([an_event("2", n="3")], NOW)
        other.seal(NOW, events_min=1)

    assert log.measure(demands)["d"][-1].value == 5
