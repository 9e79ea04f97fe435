"""Panels measured as columns: sums, counts and maxima of many customers in one query (D3).

The ordinary query (``metering``) answers demands one by one, as readings; this one answers whole
panels as arrays. It adds only numbers the columnar engine adds exactly; a customer with any other,
and a metric it does not know (UNIQUE, LATEST, SQL, or with property filters), is measured the
ordinary way.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from closedwon.billing.catalog.types import Aggregation
from closedwon.billing.columns.panel import Increments, Measure, Panel, measured_by
from closedwon.billing.columns.whole import Whole, finer, packed
from closedwon.usage.panel_query import NARROW, WIDE, Form, PanelQuery, is_additive, panel_query

Arrow = Callable[["PanelQuery", "Form"], pa.Table | None]
"""Runs the query; None when a sum is too long for the engine."""


def measured_panels(
    panels: Sequence[Panel], arrow: Arrow, measure: Measure, *, retroactive: bool
) -> list[Increments]:
    """The answer to each panel; ``arrow`` runs the query, ``measure`` what has to be ordinary."""
    query = panel_query(panels, retroactive=retroactive)
    found, form = _NOTHING, WIDE
    if query is not None:
        for form in (NARROW, WIDE):
            found = arrow(query, form)
            if found is None:
                return [_unfit(panel) for panel in panels]
            if not pc.any(found["odd"]).as_py():
                break
    answers = _answers(panels, found, form)
    return [
        _completed(panel, answer, measure) for panel, answer in zip(panels, answers, strict=True)
    ]


def _unfit(panel: Panel) -> Increments:
    """No row of the panel can be measured as a column."""
    rows = len(panel.names)
    return Increments(
        values=np.zeros((len(panel.slots), rows), dtype=np.int64),
        places=0,
        unfit=np.ones(rows, dtype=np.bool_),
    )


def _answers(panels: Sequence[Panel], table: pa.Table, form: Form) -> Iterator[Increments]:
    """The query's rows spread over the panels; what has no row is zero."""
    sums = _Sums(table, form)
    first_row = first_slot = 0
    for panel in panels:
        rows, slots = len(panel.names), len(panel.slots)
        values, unfit = sums.of((first_row, rows), (first_slot, slots), panel)
        yield Increments(values=values, places=sums.places, unfit=unfit)
        first_row += rows
        first_slot += slots


class _Sums:
    """Rows of the query as whole numbers."""

    def __init__(self, table: pa.Table, form: Form) -> None:
        self._row = table["row"].to_numpy()
        self._slot = table["slot"].to_numpy()
        self._events = table["events"].to_numpy()
        self._odd = table["odd"].to_numpy().astype(np.bool_)
        totals, peaks = table["total"], table["peak"]
        self.places, (self._total, self._peak) = _whole([totals, peaks], form.places)

    def of(
        self, rows: tuple[int, int], slots: tuple[int, int], panel: Panel
    ) -> tuple[Whole, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """Increments and unfit rows of one panel, given its (first, count) of rows and slots."""
        mine = (self._row >= rows[0]) & (self._row < rows[0] + rows[1])
        mine &= (self._slot >= slots[0]) & (self._slot < slots[0] + slots[1])
        row, slot = self._row[mine] - rows[0], self._slot[mine] - slots[0]
        unfit = np.zeros(rows[1], dtype=np.bool_)
        unfit[row[self._odd[mine]]] = True
        kinds_of = [panel.demands[demand].metric.aggregation for demand, _ in panel.slots]
        counts = finer(self._events[mine].astype(np.int64), self.places)
        is_count = np.array([kind is Aggregation.COUNT for kind in kinds_of], dtype=np.bool_)
        is_peak = np.array([kind is Aggregation.MAX for kind in kinds_of], dtype=np.bool_)
        numbers = np.where(is_peak[slot], self._peak[mine], self._total[mine])
        numbers = np.where(is_count[slot], counts, numbers)
        values = np.zeros((slots[1], rows[1]), dtype=numbers.dtype)
        values[slot, row] = numbers
        return _grown(values, panel), unfit


def _grown(values: Whole, panel: Panel) -> Whole:
    """Of a maximum, what it grows by in each stretch; it begins at zero."""
    reached: dict[int, Whole] = {}
    for at, (demand, _) in enumerate(panel.slots):
        if panel.demands[demand].metric.aggregation is Aggregation.MAX:
            before = reached.get(demand, np.zeros_like(values[at]))
            reached[demand] = np.maximum(before, values[at])
            values[at] = reached[demand] - before
    return values


def _completed(panel: Panel, answer: Increments, measure: Measure) -> Increments:
    """The answer with the demands that are not additive measured the ordinary way."""
    other = tuple(demand for demand in panel.demands if not is_additive(demand))
    if not other:
        return answer
    (more,) = measured_by(measure, [Panel(demands=other, names=panel.names)])
    places = max(answer.places, more.places)
    values = finer(answer.values, places - answer.places)
    additions = finer(more.values, places - more.places)
    if additions.dtype == object:
        values = values.astype(object)
    slots = [at for at, (n, _) in enumerate(panel.slots) if not is_additive(panel.demands[n])]
    values[slots] = additions
    return Increments(values=values, places=places, unfit=answer.unfit | more.unfit)


def _whole(columns: Sequence[pa.ChunkedArray], places: int) -> tuple[int, list[Whole]]:
    """Decimal columns as whole numbers of the fewest places that hold them; NULL is zero.

    They have ``places`` digits after the point.
    """
    numbers = [_numbers(column.combine_chunks(), places) for column in columns]
    while places and not any((one % 10).any() for one in numbers):
        numbers = [one // 10 for one in numbers]
        places -= 1
    if any(one.dtype == object for one in numbers):
        numbers = [packed(one.tolist()) for one in numbers]
    return places, numbers


def _numbers(array: pa.Array | pa.ChunkedArray, places: int) -> Whole:
    """Little-endian 128-bit numbers; mostly the lower half says it all."""
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if array.null_count == len(array):
        return np.zeros(len(array), dtype=np.int64)
    filled = array.cast(pa.decimal128(38, places)).fill_null(0)
    limbs = np.frombuffer(filled.buffers()[1], dtype="<i8")
    limbs = limbs[2 * filled.offset : 2 * (filled.offset + len(filled))].reshape(-1, 2)
    low: Whole = limbs[:, 0]
    if (limbs[:, 1] == low >> 63).all():
        return low
    high = limbs[:, 1].astype(object)
    unsigned = np.ascontiguousarray(low).view(np.uint64).astype(object)
    whole: Whole = high * 2**64 + unsigned
    return whole


_NOTHING = pa.table(
    {
        "row": pa.array([], pa.int32()),
        "slot": pa.array([], pa.int32()),
        "events": pa.array([], pa.int64()),
        "total": pa.array([], pa.decimal128(38, 18)),
        "peak": pa.array([], pa.decimal128(38, 18)),
        "odd": pa.array([], pa.bool_()),
    }
)
