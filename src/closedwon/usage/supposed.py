"""What would be measured supposing some more events were stored: a read-only overlay (R44)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import FAR_FUTURE
from closedwon.usage.columns import id_hashes, sent, stored
from closedwon.usage.reading import Found
from closedwon.usage.tail import Snapshot
from closedwon.usage.types import UsageEvent
from closedwon.usage.validate import Limits, screened

SUPPOSED_MAX = 100


class Supposable(Protocol):
    """What an overlay needs of a usage store."""

    def search(self, transaction_ids: Sequence[str]) -> Sequence[Found]:
        """Stored events with these ids."""
        ...

    def snapshot(self) -> Snapshot:
        """What is stored now."""
        ...

    def measured_over(self, snapshot: Snapshot, demands: Iterable[Demand]) -> Quantities:
        """Cumulative values over a snapshot."""
        ...


class SupposedUsage:
    """A usage store with some more events on top; it is only ever measured."""

    def __init__(self, store: Supposable, snapshot: Snapshot) -> None:
        self._store = store
        self._snapshot = snapshot

    def measure(self, demands: Iterable[Demand]) -> Quantities:
        """Cumulative values; raises Refused when one is for a SQL metric (R44)."""
        asked = tuple(demands)
        for demand in asked:
            if demand.metric.sql is not None:
                message = "usage of a SQL metric cannot be previewed (R44)"
                raise Refused(message, metric=demand.metric.id, demand=demand.key)
        return self._store.measured_over(self._snapshot, asked)


def supposing(
    store: Supposable, events: Sequence[UsageEvent], now: datetime, *, alone: bool
) -> SupposedUsage:
    """``store`` with ``events`` ingested at ``now``, or with nothing but them.

    On top of real usage, events whose transaction id is stored already are left out.
    """
    new = _checked(events, alone=alone)
    if not alone:
        ids = [event.transaction_id for event in new]
        known = {found.event.transaction_id for found in store.search(ids)}
        new = [event for event in new if event.transaction_id not in known]
    snapshot = store.snapshot()
    batch = sent(new, id_hashes([event.transaction_id for event in new]))
    added = stored(batch, snapshot.last + 1, now)
    return SupposedUsage(store, msgspec.structs.replace(snapshot, supposed=added, is_alone=alone))


def _checked(events: Sequence[UsageEvent], *, alone: bool) -> list[UsageEvent]:
    """``events`` without repeated transaction ids, the first of each kept.

    Raises Refused for more than SUPPOSED_MAX, for none that are to be added to real usage, and for
    one that could not be stored.
    """
    if len(events) > SUPPOSED_MAX or not (events or alone):
        expected = f"1 to {SUPPOSED_MAX}"
        raise Refused(f"expected {expected} events to preview, found {len(events)} (R44)")
    faults = screened(events, Limits(None, FAR_FUTURE)).rejected
    if faults:
        raise Refused(f"event {faults[0].place}: {faults[0].message}", rejected=len(faults))
    return list({event.transaction_id: event for event in reversed(events)}.values())[::-1]
