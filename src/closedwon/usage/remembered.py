"""Readings that were measured before, for as long as no new event of the customer came.

A reading depends on nothing but its demand and the events of the demand's customers, and events
never change. So an answer stays exact until one of those names sends another event; who reads right
after an acknowledged ingest sees it.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from closedwon.billing.rating.demand import Demand, Reading

DEMANDS_MAX = 50_000
"""Answers kept; the one not asked for longest goes first."""
READINGS_MAX = 200
"""An answer of more groups and cuts than this is not kept."""
ASKED_MAX = 200
"""Demands of one call that are worth remembering: a customer looked at, not a billing run."""
NAMES_MAX = 1_000_000
"""Names whose last event is known; beyond, everything is forgotten and learned anew."""

Readings = tuple[Reading, ...]


class Remembered:
    """Answers by demand, each with the sequence of the newest event it was measured over."""

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, tuple[int, Readings]] = OrderedDict()
        self._newest: dict[str, int] = {}
        """Sequence of the last event by name, of those that came since the store was opened."""
        self._floor = 0
        """Answers from before this sequence may miss events."""
        self._lock = threading.Lock()

    def learn(self, names: Iterable[str], sequence: int) -> None:
        """Events of ``names`` came, the last one with this sequence."""
        with self._lock:
            self._newest.update(dict.fromkeys(names, sequence))
            if len(self._newest) > NAMES_MAX:
                self._newest.clear()
                self._floor = sequence

    def forget(self, sequence: int) -> None:
        """Events of unknown names came, the last one with this sequence."""
        with self._lock:
            self._floor = max(self._floor, sequence)

    def known(self, demands: Sequence[Demand], last: int) -> dict[str, Readings]:
        """Answers that hold for a store whose newest event is ``last``, by demand key."""
        if len(demands) > ASKED_MAX:
            return {}
        found: dict[str, Readings] = {}
        with self._lock:
            for demand in demands:
                name = _name(demand)
                at, readings = self._answers.get(name, (-1, ()))
                if min(at, last) >= self._changed(demand):
                    self._answers.move_to_end(name)
                    found[demand.key] = readings
        return found

    def keep(self, demands: Sequence[Demand], last: int, answers: dict[str, Readings]) -> None:
        """Remember what was measured over a store whose newest event was ``last``."""
        if len(demands) > ASKED_MAX:
            return
        with self._lock:
            for demand in demands:
                readings = answers[demand.key]
                if len(readings) <= READINGS_MAX:
                    self._answers[_name(demand)] = (last, readings)
            while len(self._answers) > DEMANDS_MAX:
                self._answers.popitem(last=False)

    def _changed(self, demand: Demand) -> int:
        newest = (self._newest.get(name, 0) for name in demand.customer_ids)
        return max(self._floor, *newest, 0)


def _name(demand: Demand) -> bytes:
    """Equal for equal demands only."""
    return msgspec.msgpack.encode(demand)
