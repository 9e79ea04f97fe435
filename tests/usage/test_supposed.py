"""Events looked at as if they were stored (R44)."""

from decimal import Decimal

import pytest

from closedwon.billing.catalog.types import Metric
from closedwon.kernel.errors import Refused
from closedwon.usage import UsageLog
from closedwon.usage.types import UsageEvent
from usage.build import END, START, a_demand, a_metric, after, an_event

NOW = after(days=20)
AGGREGATIONS = ("COUNT", "SUM", "MAX", "LATEST", "UNIQUE")


def measured(log: UsageLog, events: list[UsageEvent], *, alone: bool) -> list[Decimal]:
    supposed = log.supposing(events, NOW, alone=alone)
    demands = [a_demand(a_metric(kind), key=kind) for kind in AGGREGATIONS]
    found = supposed.measure(demands)
    return [found[kind][-1].value if found[kind] else Decimal(0) for kind in AGGREGATIONS]


@pytest.mark.parametrize("is_sealed", [False, True])
def test_r44_events_are_added_or_stand_alone_and_nothing_is_stored(
    log: UsageLog, *, is_sealed: bool
) -> None:
    log.ingest([an_event("a", after(days=1), n="9"), an_event("b", after(days=2), n="3")], NOW)
    if is_sealed:
        log.seal(NOW, events_min=1)
    before = log.measure([a_demand(a_metric())])
    more = [an_event("x", after(days=3), n="4"), an_event("y", after(days=1, hours=1), n="9")]

    assert measured(log, more, alone=False) == [4, 25, 9, 4, 3]
    assert measured(log, more, alone=True) == [2, 13, 9, 4, 2]
    assert measured(log, [], alone=True) == [0, 0, 0, 0, 0]
    assert log.measure([a_demand(a_metric())]) == before
    assert (log.latest(), log.search(["x", "y"])) == (2, ())


def test_r44_an_event_known_by_its_transaction_id_adds_nothing_to_real_usage(
    log: UsageLog,
) -> None:
    log.ingest([an_event("a", n="9")], NOW)
    again = [an_event("a", n="5"), an_event("b", n="1"), an_event("b", n="7")]
    assert measured(log, again, alone=False)[:2] == [2, 10]
    assert measured(log, again, alone=True)[:2] == [2, 6]


def test_r44_supposed_events_meet_filters_groups_and_cuts_like_others(log: UsageLog) -> None:
    log.ingest([an_event("a", after(days=1), n="9", region="eu")], NOW)
    supposed = log.supposing([an_event("x", after(days=8), n="4", region="us")], NOW)
    demand = a_demand(a_metric(), group=("region",), cuts=(START, after(days=5), END))
    found = [(one.group, one.cut, str(one.value)) for one in supposed.measure([demand])["d"]]
    assert found == [(("eu",), 1, "9"), (("us",), 2, "4")]


def test_r44_at_most_100_events_well_formed_and_some_to_add(log: UsageLog) -> None:
    many = [an_event(str(n)) for n in range(101)]
    assert measured(log, many[:100], alone=True)[0] == 100
    for events, alone in ((many, True), (many, False), ([], False)):
        with pytest.raises(Refused, match="1 to 100 events"):
            log.supposing(events, NOW, alone=alone)
    with pytest.raises(Refused, match="event 0: transaction_id"):
        log.supposing([an_event("")], NOW)


def test_r44_usage_of_a_sql_metric_cannot_be_previewed(log: UsageLog) -> None:
    metric = Metric(id="m", name="m", sql="SELECT COUNT(*) FROM events", created_at=START)
    with pytest.raises(Refused, match="cannot be previewed"):
        log.supposing([an_event("x")], NOW).measure([a_demand(metric)])
