"""Events, rule by rule (metronome.md 3.B)."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from closedwon.billing.catalog.types import PropertyFilter
from closedwon.kernel.errors import Refused
from closedwon.usage import UsageLog
from closedwon.usage.options import UsageOptions
from closedwon.usage.validate import limits_at, parse_batch
from usage.build import END, START, a_demand, a_metric, after, an_event, at_cuts

NOW = after(days=20)
LIMITS = limits_at(NOW, 34)
GOOD = {
    "transaction_id": "t",
    "customer_id": "c",
    "event_type": "e",
    "timestamp": "2024-03-10T00:00:00Z",
}


def total(log: UsageLog, aggregation: str = "SUM", *customers: str) -> Decimal:
    return log.total(a_demand(a_metric(aggregation), customers=customers or ("acme",)))


@pytest.mark.parametrize("size", [0, 101])
def test_r15_a_call_takes_1_to_100_events(size: int) -> None:
    assert len(parse_batch(json.dumps([GOOD] * 100), LIMITS)) == 100
    with pytest.raises(Refused, match="1 to 100 events"):
        parse_batch(json.dumps([GOOD] * size), LIMITS)


def test_r15_one_malformed_element_refuses_the_whole_call_and_is_named() -> None:
    body = json.dumps([GOOD, {**GOOD, "event_type": ""}, GOOD])
    with pytest.raises(Refused, match="event 1: event_type"):
        parse_batch(body, LIMITS)


def test_r15_r5_repeating_a_call_after_a_timeout_is_safe(log: UsageLog) -> None:
    batch = [an_event(str(n), n="1") for n in range(5)]
    log.ingest(batch[:3], NOW)
    again = log.ingest(batch, NOW)
    assert (again.accepted, again.duplicates, total(log)) == (2, 3, 5)


@pytest.mark.parametrize("field", list(GOOD))
@pytest.mark.parametrize("wrong", [None, "", 5])
def test_r16_every_field_is_required(field: str, wrong: object) -> None:
    with pytest.raises(Refused, match=f"event 0: {field}"):
        parse_batch(json.dumps([{**GOOD, field: wrong}]), LIMITS)


def test_r16_properties_are_optional_and_a_transaction_id_has_at_most_128_characters() -> None:
    assert parse_batch(json.dumps([{**GOOD, "transaction_id": "x" * 128}]), LIMITS)
    assert parse_batch(json.dumps([{**GOOD, "properties": {}}]), LIMITS)[0].properties == {}
    with pytest.raises(Refused, match="longer than 128"):
        parse_batch(json.dumps([{**GOOD, "transaction_id": "x" * 129}]), LIMITS)


@pytest.mark.parametrize(
    ("ahead", "accepted"), [(timedelta(hours=24), 1), (timedelta(hours=24, minutes=1), 0)]
)
def test_r17_an_event_lies_at_most_24_hours_ahead(
    log: UsageLog, ahead: timedelta, accepted: int
) -> None:
    report = log.ingest([an_event("t", NOW + ahead)], NOW)
    assert report.accepted == accepted
    assert all("24 h ahead (R17)" in one.message for one in report.rejected)
    assert len(report.rejected) == 1 - accepted


@pytest.mark.parametrize(
    ("back", "accepted"), [(timedelta(days=34), 1), (timedelta(days=34, seconds=1), 0)]
)
def test_r18_g10_an_event_lies_at_most_34_days_back(
    log: UsageLog, back: timedelta, accepted: int
) -> None:
    report = log.ingest([an_event("t", NOW - back)], NOW)
    assert (report.accepted, len(report.rejected)) == (accepted, 1 - accepted)
    assert all("older than accepted (R18)" in one.message for one in report.rejected)


def test_r18_a_backfill_may_be_of_any_age_and_so_may_a_store_that_is_told_so(
    log: UsageLog, tmp_path: Path
) -> None:
    old = an_event("t", NOW - timedelta(days=900))
    assert log.ingest([old], NOW, any_age=True).accepted == 1
    open_minded = UsageLog(tmp_path / "any", UsageOptions(backdating_days=None))
    assert open_minded.ingest([old], NOW).accepted == 1
    open_minded.close()


def test_r18_r19_late_events_count_at_once_in_the_period_of_their_timestamp(log: UsageLog) -> None:
    log.ingest([an_event("a", after(days=1), n="5")], after(days=1))
    assert total(log) == 5
    log.ingest([an_event("b", after(days=2), n="7")], END + timedelta(days=1))
    assert total(log) == 12
    april = a_demand(a_metric(), cuts=(END, END + timedelta(days=30)))
    assert log.total(april) == 0


def test_r21_usage_of_nobody_is_kept_and_listed(log: UsageLog) -> None:
    log.ingest(
        [
            an_event("1", after(days=2), customer="ghost"),
            an_event("2", after(days=5), customer="ghost"),
            an_event("3", after(days=1), customer="spook"),
            an_event("4", customer="acme"),
            an_event("5", customer="acme-eu"),
        ],
        NOW,
    )
    log.seal(NOW, events_min=1)
    log.ingest([an_event("6", after(days=1), customer="ghost")], NOW)
    found = log.unmatched(["acme", "acme-eu", "nobody"])
    assert [(one.customer, one.events, one.first_at, one.last_at) for one in found] == [
        ("ghost", 3, after(days=1), after(days=5)),
        ("spook", 1, after(days=1), after(days=1)),
    ]


def test_r22_g34_an_alias_brings_every_event_ever_sent_under_it(tmp_path: Path) -> None:
    log = UsageLog(tmp_path, UsageOptions(backdating_days=None, metrics_retroactive=True))
    for day in (1, 2, 3):
        log.ingest([an_event(str(day), after(days=day), customer="acme-alias", n="1")], NOW)
    assert (total(log), total(log, "SUM", "acme", "acme-alias")) == (0, 3)
    log.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2.50", "2.5"), ("-1e2", "-100"), ("n/a", "0"), ("", "0"), ("1,5", "0"), ("NaN", "0")],
)
def test_r25_numbers_are_exact_and_what_is_none_counts_for_count_only(
    log: UsageLog, text: str, expected: str
) -> None:
    log.ingest([an_event("a", n=text), an_event("b")], NOW)
    assert total(log) == Decimal(expected)
    assert total(log, "LATEST") == Decimal(expected)
    assert total(log, "MAX") == max(Decimal(0), Decimal(expected))
    assert total(log, "COUNT") == 2


def test_r25_json_numbers_and_texts_are_the_same_number() -> None:
    body = json.dumps([GOOD])[:-2] + ', "properties": {"a": 0.1, "b": "0.1", "c": 1e2}}]'
    (event,) = parse_batch(body, LIMITS)
    assert event.properties == {"a": "0.1", "b": "0.1", "c": "100"}


def test_r26_a_negative_event_takes_usage_of_an_open_period_back(log: UsageLog) -> None:
    log.ingest([an_event("a", after(days=1), n="80"), an_event("b", after(days=2), n="-50")], NOW)
    demand = a_demand(a_metric(), cuts=(START, after(days=2), END))
    assert at_cuts(log, demand) == {((), 1): Decimal(80), ((), 2): Decimal(30)}


@pytest.mark.parametrize(("retroactive", "expected"), [(False, 2), (True, 3)])
def test_r27_a_streaming_metric_counts_from_its_creation_unless_it_is_told_otherwise(
    tmp_path: Path, *, retroactive: bool, expected: int
) -> None:
    log = UsageLog(tmp_path, UsageOptions(metrics_retroactive=retroactive))
    log.ingest([an_event("a", after(days=1), n="1")], after(days=1))
    log.ingest([an_event("b", after(days=1), n="2")], after(days=3))
    metric = a_metric(created_at=after(days=2))
    assert log.total(a_demand(metric)) == expected
    alias = a_demand(metric, customers=("acme", "other"))
    log.ingest([an_event("c", customer="other", n="4")], after(days=4))
    assert log.total(alias) == expected + 4  # Aliases reach back all the same (R22).
    log.close()


def test_r28_a_trace_shows_an_event_and_what_came_again_under_its_id(log: UsageLog) -> None:
    first, other = an_event("t", n="5"), an_event("t", n="9")
    log.ingest([first, first], after(days=10))
    log.ingest([first, an_event("u", n="1")], after(days=11))
    log.seal(NOW, events_min=1)
    log.ingest([other, first], after(days=12))
    found = log.trace(["t", "u", "missing"], NOW)
    assert [
        (one.event.transaction_id, one.event.properties["n"], one.is_duplicate, one.times)
        for one in found
    ] == [("t", "5", False, 1), ("t", "5", True, 3), ("t", "9", True, 1), ("u", "1", False, 1)]
    assert [one.processed_at for one in found] == [
        after(days=10),
        after(days=12),
        after(days=12),
        after(days=11),
    ]
    assert total(log) == 6


@pytest.mark.parametrize(("later", "count"), [(timedelta(days=34), 1), (timedelta(days=35), 0)])
def test_r28_a_trace_reaches_34_days_back(log: UsageLog, later: timedelta, count: int) -> None:
    log.ingest([an_event("t")], NOW)
    assert len(log.trace(["t"], NOW + later)) == count


def test_r28_repetitions_are_counted_after_a_restart_too(tmp_path: Path) -> None:
    for _ in range(3):
        log = UsageLog(tmp_path, UsageOptions())
        log.ingest([an_event("t", after(days=1))], NOW)
        log.close()
    log = UsageLog(tmp_path, UsageOptions())
    assert [one.times for one in log.trace(["t"], NOW) if one.is_duplicate] == [2]
    log.close()


CONDITIONS = [
    (PropertyFilter(name="region", exists=True), {"eu", "us", "a'b"}),
    (PropertyFilter(name="region", exists=False), {None}),
    (PropertyFilter(name="region", exists=None), {"eu", "us", "a'b", None}),
    (PropertyFilter(name="region", in_values=("eu", "a'b")), {"eu", "a'b"}),
    (PropertyFilter(name="region", not_in_values=("eu",)), {"us", "a'b", None}),
    (PropertyFilter(name="region", exists=True, not_in_values=("eu",)), {"us", "a'b"}),
]


@pytest.mark.parametrize(("condition", "passes"), CONDITIONS)
def test_r29_property_filters(
    log: UsageLog, condition: PropertyFilter, passes: set[str | None]
) -> None:
    regions = ("eu", "us", "a'b", None)
    for number, region in enumerate(regions):
        more = {} if region is None else {"region": region}
        log.ingest([an_event(str(number), n=str(2**number), **more)], NOW)
    found = log.total(a_demand(a_metric(filters=(condition,))))
    assert found == sum(2**number for number, region in enumerate(regions) if region in passes)


@pytest.mark.parametrize(
    ("listed", "unlisted", "expected"),
    [((), (), 7), (("call",), (), 1), ((), ("call",), 6), (("call", "chat"), ("chat",), 1)],
)
def test_r29_event_types(
    log: UsageLog, listed: tuple[str, ...], unlisted: tuple[str, ...], expected: int
) -> None:
    kinds = ("call", "chat", "mail")
    log.ingest([an_event(kind, kind=kind, n=str(2**at)) for at, kind in enumerate(kinds)], NOW)
    metric = a_metric(event_types=listed, not_event_types=unlisted)
    assert log.total(a_demand(metric)) == expected


DAYS = tuple(after(days=day) for day in range(5))
AGGREGATED = [
    ("r30", "COUNT", ["1", "2", "3", "4"]),
    ("r31", "SUM", ["7", "16", "6", "11"]),
    ("r32", "MAX", ["7", "9", "9", "9"]),
    ("r33", "LATEST", ["7", "9", "-10", "5"]),
    ("r34", "UNIQUE", ["1", "2", "3", "4"]),
]


@pytest.mark.parametrize(("rule", "aggregation", "expected"), AGGREGATED)
def test_r30_r31_r32_r33_r34_values_since_the_start_at_every_cut(
    log: UsageLog, rule: str, aggregation: str, expected: list[str]
) -> None:
    """7, 9, -10, 5 on four days; increments are what billing takes from these."""
    used = [an_event(str(at), DAYS[at], n=n) for at, n in enumerate(("7", "9", "-10", "5"))]
    log.ingest(used, NOW)
    found = at_cuts(log, a_demand(a_metric(aggregation), cuts=DAYS))
    assert [str(found[(), cut]) for cut in range(1, 5)] == expected, rule


def test_r32_r33_a_period_starts_from_zero(log: UsageLog) -> None:
    log.ingest([an_event("a", DAYS[0], n="9"), an_event("b", DAYS[2], n="4")], NOW)
    for aggregation in ("MAX", "LATEST"):
        found = at_cuts(log, a_demand(a_metric(aggregation), cuts=(DAYS[2], DAYS[4])))
        assert found == {((), 1): Decimal(4)}


def test_r34_a_value_counts_when_first_seen_and_nothing_is_no_value(log: UsageLog) -> None:
    used = [an_event(str(at), DAYS[at // 2], n=n) for at, n in enumerate(("a", "b", "a", "c", "c"))]
    log.ingest([*used, an_event("none", DAYS[0])], NOW)
    found = at_cuts(log, a_demand(a_metric("UNIQUE"), cuts=DAYS[:4]))
    assert [found[(), cut] for cut in (1, 2, 3)] == [2, 3, 3]


def test_r35_usage_is_added_up_per_tuple_of_the_group_key_in_the_order_asked(
    log: UsageLog,
) -> None:
    pairs = [("eu", "a"), ("eu", "b"), ("us", "a"), ("eu", "a")]
    log.ingest(
        [an_event(str(at), n=str(2**at), region=r, model=m) for at, (r, m) in enumerate(pairs)], NOW
    )
    by_region = {("eu", "a"): 9, ("eu", "b"): 2, ("us", "a"): 4}
    found = log.measure([a_demand(a_metric(), group=("region", "model"))])["d"]
    assert {one.group: one.value for one in found} == by_region
    found = log.measure([a_demand(a_metric(), group=("model", "region"))])["d"]
    assert {one.group[::-1]: one.value for one in found} == by_region


@pytest.mark.parametrize(
    ("keys", "can"),
    [
        ((), True),
        (("region",), True),
        (("model", "region"), True),
        (("zone",), True),
        (("zone", "region"), False),
        (("other",), False),
    ],
)
def test_r35_keys_must_lie_within_one_compound_group_key(
    keys: tuple[str, ...], *, can: bool
) -> None:
    metric = a_metric(group_keys=(("region", "model"), ("zone",)))
    assert metric.can_group_by(frozenset(keys)) is can


def test_r36_an_event_without_a_group_property_matches_nothing(log: UsageLog) -> None:
    log.ingest([an_event("a", n="1", region="eu"), an_event("b", n="2")], NOW)
    found = log.measure([a_demand(a_metric(), group=("region",))])["d"]
    assert [(one.group, str(one.value)) for one in found] == [(("eu",), "1")]
