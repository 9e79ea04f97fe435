"""The query against loops over events, for all inputs."""

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedwon.billing.catalog.types import Aggregation, Metric, PropertyFilter
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.billing.rating.demand import Demand
from closedwon.usage import UsageLog, open_usage
from closedwon.usage.types import UsageEvent
from usage.build import START, after
from usage.oracle import Stored, expected

NOW = after(days=30)
INSTANTS = st.sampled_from(
    [after(hours=hours, microseconds=us) for hours in (0, 1, 2, 30, 31, 500) for us in (-1, 0, 1)]
)
VALUES = st.sampled_from(
    ["0", "1", "2.50", "-3", "7", "10", "0.1", "1e3", "123456789012345678901234567890",
     "0.000000000000000000000000000001", "n/a", "", " 1", "1_0", "12,5", ".5", "+4"]
)  # fmt: skip
PROPERTIES = st.fixed_dictionaries(
    {"n": VALUES},
    optional={
        "region": st.sampled_from(["us", "eu", "a'b"]),
        "we/i~rd \"key'": st.sampled_from(["x", "y"]),
    },
)
EVENTS = st.builds(
    UsageEvent,
    transaction_id=st.integers(0, 400).map(str),
    customer_id=st.sampled_from(["acme", "acme", "acme-eu", "other"]),
    event_type=st.sampled_from(["call", "call", "call", "store", "x'; drop"]),
    timestamp=INSTANTS,
    properties=PROPERTIES,
)
FILTERS = st.lists(
    st.builds(
        PropertyFilter,
        name=st.sampled_from(["n", "region"]),
        exists=st.sampled_from([None, None, True, False]),
        in_values=st.sampled_from([(), ("us", "1", "a'b"), ("eu",)]),
        not_in_values=st.sampled_from([(), (), ("us", "7")]),
    ),
    max_size=1,
).map(tuple)
KINDS = st.sampled_from([(), (), ("call",), ("call", "x'; drop")])


@st.composite
def demands(draw: st.DrawFn, key: str) -> Demand:
    aggregation = draw(st.sampled_from(Aggregation))
    key_property = draw(st.sampled_from(["n", "n", "n", "region"]))
    metric = Metric(
        id="m",
        name="m",
        aggregation=aggregation,
        key=None if aggregation is Aggregation.COUNT else key_property,
        event_types=draw(KINDS),
        not_event_types=draw(st.sampled_from([(), (), ("store",)])),
        filters=draw(FILTERS),
        created_at=draw(st.sampled_from([START, NOW, NOW + timedelta(hours=1)])),
    )
    inner = draw(st.lists(INSTANTS, max_size=3))
    cuts = sorted({START, after(hours=500), *inner} - draw(st.sampled_from([set(), {START}])))
    usage_filters = st.builds(
        UsageFilter,
        group_key=st.sampled_from(["region", "n"]),
        group_values=st.sampled_from([("us",), ("us", "eu"), ("1",), ()]),
        starting_at=INSTANTS,
    )
    groups = [(), (), ("region",), ("we/i~rd \"key'",), ("region", "n"), ("n", "region")]
    return Demand(
        key=key,
        metric=metric,
        customer_ids=tuple(draw(st.sampled_from([("acme",), ("acme", "acme-eu"), ("acme-eu",)]))),
        cuts=tuple(cuts),
        group_keys=draw(st.sampled_from(groups)),
        filters=tuple(draw(st.lists(usage_filters, max_size=2, unique_by=lambda f: f.starting_at))),
    )


ASKED = st.integers(1, 6).flatmap(
    lambda count: st.tuples(*(demands(key=str(at)) for at in range(count)))
)
SOME_EVENTS = st.lists(
    EVENTS, min_size=5, max_size=40, unique_by=lambda event: event.transaction_id
)


def check(log: UsageLog, asked: Sequence[Demand], stored: Sequence[Stored]) -> None:
    answer = log.measure(asked)
    for demand in asked:
        wanted = expected(demand, stored, retroactive=log.options.metrics_retroactive)
        found = {(one.group, one.cut): one.value for one in answer[demand.key]}
        assert found.keys() <= wanted.keys()
        for group in {group for group, _ in wanted}:
            before = found.get((group, 1), 0)
            for cut in range(1, len(demand.cuts)):
                before = found.get((group, cut), before)
                assert before == wanted[group, cut], (demand, group, cut)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=SOME_EVENTS, asked=ASKED, data=st.data())
def test_every_demand_is_answered_as_by_hand(
    events: list[UsageEvent], asked: tuple[Demand, ...], data: st.DataObject
) -> None:
    retroactive = data.draw(st.booleans(), label="retroactive")
    first = data.draw(st.integers(0, len(events)), label="first batch")
    seals = data.draw(st.sets(st.sampled_from([0, 1])), label="sealed after batch")
    later = NOW + timedelta(hours=2)
    with tempfile.TemporaryDirectory() as directory:
        log = open_usage(Path(directory), metrics_retroactive=retroactive, backdating_days=None)
        for at, (batch, now) in enumerate([(events[:first], NOW), (events[first:], later)]):
            assert log.ingest(batch, now).accepted == len(batch)
            if at in seals:
                log.seal(now, events_min=1)
        stored: list[tuple[UsageEvent, datetime]] = [(event, NOW) for event in events[:first]]
        check(log, asked, stored + [(event, later) for event in events[first:]])
        log.close()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=SOME_EVENTS, asked=ASKED, data=st.data())
def test_order_delay_and_repetition_of_events_change_nothing(
    events: list[UsageEvent], asked: tuple[Demand, ...], data: st.DataObject
) -> None:
    tie_free = list({event.timestamp: event for event in events}.values())
    shuffled = data.draw(st.permutations(tie_free + tie_free[: len(tie_free) // 2]))
    split = data.draw(st.integers(0, len(shuffled)))
    with tempfile.TemporaryDirectory() as directory:
        straight = open_usage(Path(directory) / "a", metrics_retroactive=True, backdating_days=None)
        straight.ingest(tie_free, NOW)
        wild = open_usage(Path(directory) / "b", metrics_retroactive=True, backdating_days=None)
        wild.ingest(shuffled[:split], NOW)
        wild.seal(NOW, events_min=1)
        wild.ingest(shuffled[split:], NOW + timedelta(days=400))
        assert wild.measure(asked) == straight.measure(asked)
        straight.close()
        wild.close()
