"""DuckDB in memory as the compute engine over segments and tail; it keeps nothing on disk."""

import glob
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from closedwon.billing.catalog.types import Aggregation
from closedwon.billing.columns.panel import Increments, Panel
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.kernel.errors import InvariantBroken, Refused
from closedwon.kernel.instant import FAR_FUTURE, format_instant
from closedwon.usage.columnar import measured_panels
from closedwon.usage.columns import STORED
from closedwon.usage.limits import Deadline
from closedwon.usage.metering import increments, metering_sql, readings, unique_sql
from closedwon.usage.panel_query import Form, PanelQuery
from closedwon.usage.relations import YEAR_1, Counting, Relations, kinds, relations
from closedwon.usage.sql.measure import Asked, measured
from closedwon.usage.tail import Snapshot
from closedwon.usage.text import quoted

COLUMNS = ", ".join(STORED.names)
NOTHING_ORDINARY = "^$x"
"""Matches no number: then all are added in Python."""
FETCHED_ROWS = 10_000


class Compute:
    """One in-memory DuckDB; callers take turns."""

    def __init__(
        self, directory: Path, *, memory: str, threads: int, sql_seconds_max: float
    ) -> None:
        self._sql_seconds_max = sql_seconds_max
        self._segments = directory / "segments"
        self._db = duckdb.connect(":memory:")
        self._db.execute(f"set memory_limit = {quoted(memory)}")
        self._db.execute(f"set threads = {threads}")
        self._db.execute("set parquet_metadata_cache = true")  # Segments never change.
        self._db.execute(f"set temp_directory = {quoted(str(directory / 'spill'))}")
        self._db.register("nothing", STORED.empty_table())
        self._sealed = self._loaded = 0
        self._reset(0)

    def close(self) -> None:
        """Free the memory."""
        self._db.close()

    def measure(
        self, snapshot: Snapshot, demands: Sequence[Demand], *, retroactive: bool
    ) -> Quantities:
        """Readings of all ``demands`` in few queries.

        One for the streaming metrics, one for UNIQUE ones, one for each text of a SQL metric.

        Raises Refused for a SQL metric that takes too much time or memory, or too many groups.
        """
        answer: dict[str, Any] = {}
        queries = [demand for demand in demands if demand.metric.sql is not None]
        if queries:
            with Deadline(self._db.interrupt, self._sql_seconds_max) as deadline:
                answer |= measured(queries, partial(self._asked, snapshot, deadline))
        streaming = [demand for demand in demands if demand.metric.sql is None]
        for is_unique in (False, True):
            part = [
                d for d in streaming if (d.metric.aggregation is Aggregation.UNIQUE) is is_unique
            ]
            if part:
                asked = relations(part, retroactive=retroactive)
                self._prepare(snapshot, asked)
                rows = self.rows(unique_sql(asked)) if is_unique else self._metered(asked)
                answer |= readings(part, increments(asked, rows))
        return {demand.key: tuple(answer[demand.key]) for demand in demands}

    def panels(
        self, snapshot: Snapshot, asked: Sequence[Panel], *, retroactive: bool
    ) -> list[Increments]:
        """The answer to every panel, in one query as far as they can be added up."""
        return measured_panels(
            asked,
            partial(self._arrow, snapshot),
            partial(self.measure, snapshot, retroactive=retroactive),
            retroactive=retroactive,
        )

    def over(
        self, snapshot: Snapshot, start: datetime = YEAR_1, end: datetime = FAR_FUTURE
    ) -> None:
        """Make ``event`` the snapshot's events; segments without any in [start, end) are left out.

        Events outside the window may still be there.
        """
        self._load(snapshot)
        low, high = format_instant(start), format_instant(end)
        files = [
            quoted(glob.escape(str(self._segments / one.name)))
            for one in snapshot.segments
            if one.first_at < high and one.last_at >= low
        ]
        parts = [f"from read_parquet([{', '.join(files)}])"] if files else []
        parts = [] if snapshot.is_alone else [*parts, "from hot"]
        if snapshot.supposed is not None:
            self._db.register("supposed", pa.Table.from_batches([snapshot.supposed]))
            parts.append("from supposed")
        union = " union all ".join(f"select {COLUMNS} {part}" for part in parts)
        self.rows(f"create or replace temp view event as {union}")

    def rows(self, sql: str, tables: Mapping[str, pa.Table] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query over ``event`` and ``tables``.

        Raises InvariantBroken when a segment cannot be read.
        """
        for name, table in (tables or {}).items():
            self._db.register(name, table)
        try:
            return self._db.execute(sql).fetchall()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise InvariantBroken(f"a usage segment cannot be read: {error}") from error

    def _arrow(self, snapshot: Snapshot, query: PanelQuery, form: Form) -> pa.Table | None:
        """Rows of a panel query; None when a sum has more than 38 digits."""
        self.over(snapshot, query.start, query.end)
        kind = kinds(query.countings, self._types(query.countings))
        tables = {"name": query.name, "slot": query.slot, "kind": kind}
        for name, table in tables.items():
            self._db.register(name, table)
        try:
            return self._db.sql(query.sql(form)).to_arrow_table()
        except duckdb.OutOfRangeException:
            return None
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise InvariantBroken(f"a usage segment cannot be read: {error}") from error

    def _asked(
        self, snapshot: Snapshot, deadline: Deadline, asked: Asked
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of a SQL metric's query, a few thousand at a time."""
        self.over(snapshot, asked.start, asked.end)
        for name, table in asked.tables.items():
            self._db.register(name, table)
        try:
            try:
                rows = self._db.execute(asked.plan.sql()).fetchmany(FETCHED_ROWS)
            except duckdb.OutOfRangeException:  # As in _metered.
                again = asked.plan.sql(NOTHING_ORDINARY)
                rows = self._db.execute(again).fetchmany(FETCHED_ROWS)
            while rows:
                deadline.check()
                yield from rows
                rows = self._db.fetchmany(FETCHED_ROWS)
        except duckdb.InterruptException as error:
            raise deadline.exceeded() from error
        except duckdb.OutOfMemoryException as error:
            raise Refused("a SQL metric needs more memory than the engine may take") from error
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise InvariantBroken(f"a usage segment cannot be read: {error}") from error

    def _prepare(self, snapshot: Snapshot, asked: Relations) -> None:
        self.over(snapshot, asked.start, asked.end)
        tables = {**asked.tables, "kind": kinds(asked.countings, self._types(asked.countings))}
        for name, table in tables.items():
            self._db.register(name, table)

    def _types(self, countings: Sequence[Counting]) -> list[str]:
        """Event types that ``countings`` may accept; all there are when one takes any."""
        types = {name for counting in countings for name in counting.event_types}
        if any(not counting.event_types for counting in countings):
            types |= {row[0] for row in self.rows("select distinct event_type from event")}
        return sorted(types)

    def _metered(self, asked: Relations) -> list[tuple[Any, ...]]:
        try:
            return self.rows(metering_sql(asked))
        except duckdb.OutOfRangeException:  # A sum beyond 38 digits: add everything in Python.
            return self.rows(metering_sql(asked, ordinary=NOTHING_ORDINARY))

    def _load(self, snapshot: Snapshot) -> None:
        """Bring ``hot`` to the snapshot's tail; only what is new is copied."""
        if snapshot.sealed != self._sealed:
            self._reset(snapshot.sealed)
        for batch in snapshot.tail:
            last = batch["sequence"][-1].as_py()
            if last > self._loaded:
                new = batch.slice(max(0, self._loaded - batch["sequence"][0].as_py() + 1))
                self._db.register("new", pa.Table.from_batches([new]))
                self._db.execute("insert into hot select * from new")
                self._db.unregister("new")
                self._loaded = last

    def _reset(self, sealed: int) -> None:
        self._db.execute("create or replace table hot as select * from nothing")
        self._sealed = self._loaded = sealed


def checked(demands: Sequence[Demand]) -> tuple[Demand, ...]:
    """``demands`` as they can be measured; raises Refused for a reused key or cuts that fall."""
    keys = {demand.key for demand in demands}
    if len(keys) != len(demands):
        raise Refused("two demands of one call have the same key")
    for demand in demands:
        if list(demand.cuts) != sorted(set(demand.cuts)):
            raise Refused("the cuts of a demand must rise", demand=demand.key)
    return tuple(demands)
