"""Panels measured as columns give what ordinary demands give (D3)."""

import tempfile
from decimal import Decimal
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by Hypothesis

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from closedwon.billing.columns.panel import Increments, Panel, measured_by
from closedwon.billing.columns.whole import decimal
from closedwon.usage import UsageLog, open_usage
from usage.build import END, START, a_demand, a_metric, after, an_event
from usage.test_metering_laws import LATER, NOW, some_demands, some_events

NAMES = (("acme",), ("acme-eu", "acme-eu"), ("other", "nobody"), ("nobody",))


def ordinary(log: UsageLog, panel: Panel) -> Increments:
    (found,) = measured_by(log.measure, [panel])
    return found


def exact(found: Increments) -> dict[int, list[Decimal]]:
    """Values of every row that fits."""
    return {
        row: [decimal(number, found.places) for number in found.values[:, row].tolist()]
        for row in range(found.values.shape[1])
        if not found.unfit[row]
    }


@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_r25_r32_panels_are_measured_as_demands_are(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    panels = [
        Panel(
            demands=tuple(replace(demand, group_keys=()) for demand in some_demands(random)),
            names=random.sample(NAMES, random.randint(1, 4)),
        )
        for _ in range(2)
    ]
    with tempfile.TemporaryDirectory() as directory:
        log = open_usage(Path(directory), metrics_retroactive=random.random() < 0.5)
        log.ingest(some_events(random, 30), NOW)
        log.seal(NOW, events_min=1)
        log.ingest(some_events(random, 60)[30:], LATER)

        for panel, found in zip(panels, log.measure_panels(panels), strict=True):
            wanted = exact(ordinary(log, panel))
            for row, values in exact(found).items():
                assert values == wanted[row]
        log.close()


def test_one_panel_sums_counts_and_takes_maxima(log: UsageLog) -> None:
    for at, (who, number) in enumerate([("acme", "1.5"), ("acme-eu", "2"), ("other", "7")]):
        log.ingest([an_event(str(at), after(days=at), customer=who, n=number)], NOW)
    cuts = (START, after(days=1), END)
    panel = Panel(
        demands=tuple(a_demand(a_metric(kind), cuts=cuts) for kind in ("SUM", "COUNT", "MAX")),
        names=[("acme", "acme-eu"), ("other",), ("nobody",)],
    )

    (found,) = log.measure_panels([panel])

    assert not found.unfit.any()
    assert exact(found) == {
        0: [Decimal("1.5"), 2, 1, 1, Decimal("1.5"), Decimal("0.5")],
        1: [0, 7, 0, 1, 0, 7],
        2: [0, 0, 0, 0, 0, 0],
    }


def test_only_the_customer_with_an_unusual_number_is_handed_back(log: UsageLog) -> None:
    log.ingest([an_event("a", n="1e3"), an_event("b", customer="other", n="2")], NOW)
    panel = Panel(demands=(a_demand(a_metric("SUM")),), names=[("acme",), ("other",)])

    (found,) = log.measure_panels([panel])

    assert found.unfit.tolist() == [True, False]
    assert exact(found) == {1: [2]}


def test_sums_longer_than_an_int64_stay_exact(log: UsageLog) -> None:
    numbers = ["99999999999999.999999999999999999", "0.000000000000000001"]
    log.ingest([an_event(number, n=number) for number in numbers], NOW)
    panel = Panel(demands=(a_demand(a_metric("SUM")),), names=[("acme",)])

    (found,) = log.measure_panels([panel])

    assert exact(found) == {0: [Decimal(100_000_000_000_000)]}


def test_an_empty_store_and_no_panel_are_fine(log: UsageLog) -> None:
    panel = Panel(demands=(a_demand(a_metric("SUM")),), names=[("acme",)])
    assert log.measure_panels([]) == []
    assert exact(log.measure_panels([panel])[0]) == {0: [0]}
    nothing = Panel(demands=(), names=[("acme",)])
    assert log.measure_panels([nothing])[0].values.shape == (0, 1)
