"""A clock that stands still until it is moved, and what falls due on the way (test clock)."""

from datetime import datetime

from closedwon.engine import Engine
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import wire_instant
from closedwon.store.database import writing


class ManualClock:
    """Starts at a given instant; reading it never moves it."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        """The instant it stands at."""
        return self._now

    def move(self, to: datetime) -> None:
        """Forward, or not at all; raises Refused for the past."""
        if to < self._now:
            raise Refused("the clock goes forward only", now=wire_instant(self._now))
        self._now = to


def advance(engine: Engine, clock: ManualClock, to: datetime) -> int:
    """Move ``clock`` to ``to`` by way of every instant something is due at; invoices made final.

    What fell due is done once: an instant passed is not due again, and a repeat finds nothing. The
    state knows where the clock stands before anything is done there.
    """
    if to < clock():
        clock.move(to)
    invoices = run_due(engine, clock())
    while (due := engine.stores.contracts.next_due(clock())) is not None and due < to:
        _move(engine, clock, due)
        invoices += run_due(engine, due)
    if clock() < to:
        _move(engine, clock, to)
        invoices += run_due(engine, to)
    return invoices


def _move(engine: Engine, clock: ManualClock, to: datetime) -> None:
    with writing(engine.db):
        engine.stores.test_clock.keep(to)
    clock.move(to)


def run_due(engine: Engine, now: datetime) -> int:
    """Purchases of thresholds, invoices, alerts and lifecycle events due at ``now``."""
    engine.evaluate_thresholds(now)
    invoices = 0
    while True:
        report = engine.finalize(now)
        invoices += report.invoices
        if not report.remaining or not (report.customers or report.parked):
            break
    engine.alerts.evaluate(now)
    engine.notifications.run(now)
    return invoices
