"""The same demands asked for many customers, and the answer as columns (D3).

A panel of ten thousand customers and twenty products is twenty demands and ten thousand names, not
two hundred thousand demands; its answer is one array.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from closedwon.billing.columns.whole import Whole, is_long, packed, places_of, whole
from closedwon.billing.rating.demand import Demand, Quantities, Reading
from closedwon.billing.rating.quantities import cumulative

Measure = Callable[[Sequence[Demand]], Quantities]
"""A meter's answer to ordinary demands."""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure: every one of ``demands`` for every row."""

    demands: tuple[Demand, ...]
    """Without groups; their ``key`` and ``customer_ids`` say nothing."""
    names: Sequence[tuple[str, ...]]
    """Per row, the customer id and every ingest alias (R21-R24)."""

    @property
    def slots(self) -> tuple[tuple[int, int], ...]:
        """(demand, cut) of every row of the answer, cuts counted from 1."""
        return tuple(
            (at, cut) for at, asked in enumerate(self.demands) for cut in range(1, len(asked.cuts))
        )


class Increments(msgspec.Struct, frozen=True, kw_only=True):
    """What each stretch between two cuts adds, per slot and row of a panel."""

    values: Whole
    """Shape (slots, rows), in ``places``; the cumulative value at a cut is the sum up to it."""
    places: int
    unfit: np.ndarray[Any, np.dtype[np.bool_]]
    """Rows that have to be measured the ordinary way; their values mean nothing."""


def measured_by(measure: Measure, panels: Sequence[Panel]) -> list[Increments]:
    """Panels answered by a meter that only knows ordinary demands, in one question."""
    keys = [
        [
            [f"{number}/{row}/{n}" for n in range(len(panel.demands))]
            for row in range(len(panel.names))
        ]
        for number, panel in enumerate(panels)
    ]
    found = measure(
        [
            demand
            for panel, own in zip(panels, keys, strict=True)
            for row in range(len(panel.names))
            for demand in asked(panel, row, own[row])
        ]
    )
    return [answered(panel, own, found) for panel, own in zip(panels, keys, strict=True)]


def asked(panel: Panel, row: int, keys: Sequence[str]) -> list[Demand]:
    """The ordinary demands of one row, one key for each of the panel's demands."""
    return [
        msgspec.structs.replace(demand, key=key, customer_ids=panel.names[row])
        for demand, key in zip(panel.demands, keys, strict=True)
    ]


def answered(panel: Panel, keys: Sequence[Sequence[str]], found: Quantities) -> Increments:
    """Readings of the ordinary demands (``keys`` per row) as the panel's answer."""
    read = [[one.value for key in row for one in found.get(key, ())] for row in keys]
    unfit = np.array([is_long(values) for values in read], dtype=np.bool_)
    places = max((places_of(values) for values in read if not is_long(values)), default=0)
    columns = [
        [0] * len(panel.slots) if is_unfit else _row(panel, found, row, places)
        for row, is_unfit in zip(keys, unfit.tolist(), strict=True)
    ]
    values = packed([number for numbers in columns for number in numbers])
    return Increments(
        values=values.reshape((len(keys), len(panel.slots))).T, places=places, unfit=unfit
    )


def _row(panel: Panel, found: Quantities, keys: Sequence[str], places: int) -> list[int]:
    numbers: list[int] = []
    for demand, key in zip(panel.demands, keys, strict=True):
        readings: Sequence[Reading] = found.get(key, ())
        values = cumulative(readings, len(demand.cuts)).get((), [])
        if not values:
            numbers += [0] * (len(demand.cuts) - 1)
        numbers += [whole(after - before, places) for before, after in pairwise(values)]
    return numbers
