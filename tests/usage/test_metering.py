"""Worked examples of the rules (metronome.md 3.C, S3, S30)."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from closedwon.billing.contracts.terms import UsageFilter
from closedwon.kernel.errors import Refused
from closedwon.usage import UsageLog, open_usage
from usage.build import END, START, a_demand, a_metric, after, an_event, at_cuts

NOW = after(days=20)


def values(log: UsageLog, aggregation: str, *numbers: str) -> list[str]:
    events = [an_event(str(at), after(days=at), n=number) for at, number in enumerate(numbers)]
    log.ingest(events, NOW)
    cuts = [after(days=day) for day in range(len(numbers) + 1)]
    found = at_cuts(log, a_demand(a_metric(aggregation), cuts=cuts))
    return [format(found[(), cut], "f") for cut in range(1, len(cuts))]


def test_latest_follows_the_last_value_up_and_down(log: UsageLog) -> None:
    assert values(log, "LATEST", "7", "9", "10", "5") == ["7", "9", "10", "5"]  # R33


def test_max_rises_only_and_starts_from_zero(log: UsageLog) -> None:
    assert values(log, "MAX", "-7", "7", "3", "9") == ["0", "7", "7", "9"]  # R32


def test_unique_counts_a_value_when_first_seen(log: UsageLog) -> None:
    assert values(log, "UNIQUE", "a", "b", "a", "1", "1.0") == ["1", "2", "2", "3", "4"]  # R34


def test_a_negative_event_corrects_an_open_period(log: UsageLog) -> None:
    assert values(log, "SUM", "100", "-50") == ["100", "50"]  # R26


def test_sums_keep_every_digit(log: UsageLog) -> None:
    """Floats would give 0.30000000000000004 and lose the last digits of the long numbers."""
    assert values(log, "SUM", "0.1", "0.2", "99999999999999", "0.000000000000000001") == [
        "0.1",
        "0.3",
        "99999999999999.3",
        "99999999999999.300000000000000001",
    ]


def test_numbers_too_long_for_the_engine_are_added_exactly_too(log: UsageLog) -> None:
    large, small = "123456789012345678901234567890", "0.000000000000000000000000000001"
    assert values(log, "SUM", large, small, "-" + large) == [
        large,
        large + small[1:],
        small,
    ]


def test_a_sum_beyond_38_digits_is_added_exactly(
    log: UsageLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "closedwon.usage.metering.metering_sql.__kwdefaults__", {"ordinary": "[0-9]{20}"}
    )
    most = "9" * 20
    assert values(log, "SUM", most, most, most)[-1] == str(3 * Decimal(most))


@pytest.mark.parametrize(
    "text", ["n/a", "", " 1", "1 ", "1_000", "1,5", "0x10", "NaN", "Infinity", "٣", "1e400"]
)
def test_what_is_no_number_contributes_nothing(log: UsageLog, text: str) -> None:
    log.ingest([an_event("a", n=text), an_event("b", n="5"), an_event("c")], NOW)  # R25
    for aggregation in ("SUM", "MAX", "LATEST"):
        assert log.total(a_demand(a_metric(aggregation))) == 5
    assert log.total(a_demand(a_metric("COUNT"))) == 3


def test_of_two_events_at_one_instant_the_later_ingested_is_latest(log: UsageLog) -> None:
    log.ingest([an_event("b", n="1")], NOW)
    log.ingest([an_event("a", n="2")], NOW)
    assert log.total(a_demand(a_metric("LATEST"))) == 2


def test_an_event_on_the_boundary_belongs_to_the_period_that_begins(log: UsageLog) -> None:
    log.ingest(
        [an_event("a", START), an_event("b", END), an_event("c", after(microseconds=-1))],
        after(days=31),
    )
    assert log.total(a_demand(a_metric("COUNT"))) == 1  # R1


def test_cuts_may_lie_anywhere_inside_an_hour(log: UsageLog) -> None:
    log.ingest([an_event(str(at), after(microseconds=at)) for at in range(4)], NOW)
    cuts = [START, after(microseconds=1), after(microseconds=3), END]
    assert list(at_cuts(log, a_demand(a_metric("COUNT"), cuts=cuts)).values()) == [1, 3, 4]


def test_usage_filters_route_december_and_january_as_in_scenario_s3(log: UsageLog) -> None:
    """S3 at a thousandth of its volume: US gets EU's events from the day its filter changes."""
    volume = {"us": 10, "eu": 4, "apac": 3, None: 5}
    for month, day in (("dec", 0), ("jan", 31)):
        log.ingest(
            [
                an_event(
                    f"{month}{region}{at}",
                    after(days=day),
                    **({"region": region} if region else {}),
                )
                for region, count in volume.items()
                for at in range(count)
            ],
            after(days=32),
        )
    both = [
        UsageFilter(group_key="region", group_values=("us",), starting_at=after(days=-60)),
        UsageFilter(group_key="region", group_values=("us", "eu"), starting_at=after(days=31)),
    ]
    us = a_demand(
        a_metric("COUNT"), key="us", cuts=[START, after(days=31), after(days=62)], filters=both
    )
    split = a_demand(a_metric("COUNT"), key="split", cuts=us.cuts, filters=both, group=["region"])
    assert at_cuts(log, us) == {((), 1): 10, ((), 2): 24}
    assert at_cuts(log, split) == {
        (("us",), 1): 10,
        (("us",), 2): 20,
        (("eu",), 1): 0,
        (("eu",), 2): 4,
    }


def test_an_alias_added_later_brings_its_earlier_events(log: UsageLog) -> None:
    log.ingest([an_event("a", customer="wx-eu-2"), an_event("b", customer="acme")], NOW)
    assert log.total(a_demand(a_metric("COUNT"))) == 1
    assert log.total(a_demand(a_metric("COUNT"), customers=["acme", "wx-eu-2"])) == 2  # R22


def test_a_metric_counts_only_what_was_ingested_since_it_exists(tmp_path: Path) -> None:
    log = open_usage(tmp_path)
    log.ingest([an_event("a")], after(hours=1))
    log.ingest([an_event("b")], after(hours=2))
    assert log.total(a_demand(a_metric("COUNT", created_at=after(hours=2)))) == 1  # R27
    log.close()


def test_events_without_a_group_property_match_nothing(log: UsageLog) -> None:
    log.ingest([an_event("a", region="us"), an_event("b"), an_event("c", region="")], NOW)
    found = at_cuts(log, a_demand(a_metric("COUNT"), group=["region"]))
    assert found == {(("us",), 1): 1, (("",), 1): 1}  # R36


def test_demands_without_events_customers_or_cuts_are_answered_empty(log: UsageLog) -> None:
    log.ingest([an_event("a")], NOW)
    asked = [
        a_demand(a_metric(), key="nobody", customers=[]),
        a_demand(a_metric(), key="stranger", customers=["stranger"]),
        a_demand(a_metric(), key="no period", cuts=[START]),
    ]
    assert log.measure(asked) == {"nobody": (), "stranger": (), "no period": ()}
    assert log.measure([]) == {}


@pytest.mark.parametrize(
    "asked",
    [
        [a_demand(a_metric()), a_demand(a_metric())],
        [a_demand(a_metric(), cuts=[END, START])],
        [a_demand(a_metric(), cuts=[START, START])],
    ],
)
def test_demands_that_contradict_themselves_are_refused(log: UsageLog, asked: Sequence) -> None:
    with pytest.raises(Refused):
        log.measure(asked)


def test_many_small_windows_and_one_long_period_agree(log: UsageLog) -> None:
    """The time buckets of the join must not show."""
    events = [an_event(str(at), after(hours=at * 7.5), n="1") for at in range(90)]
    log.ingest(events, after(days=29))
    hourly = a_demand(a_metric(), key="h", cuts=[after(hours=h) for h in range(31 * 24 + 1)])
    whole = a_demand(a_metric(), key="w", cuts=[after(days=-800), END])
    assert log.total(hourly) == log.total(whole) == 90
    assert log.measure([hourly, whole])["w"][-1].value == 90


def test_readings_come_by_group_and_cut(log: UsageLog) -> None:
    log.ingest([an_event(f"{r}{d}", after(days=d), region=r) for d in (3, 1) for r in "ba"], NOW)
    cuts = [START, after(days=2), after(days=4)]
    found = log.measure([a_demand(a_metric("COUNT"), group=["region"], cuts=cuts)])["d"]
    assert [(r.group, r.cut) for r in found] == [(("a",), 1), (("a",), 2), (("b",), 1), (("b",), 2)]
