"""A billed year as columns against the same totals in DuckDB SQL and in a plain Python loop.

Ten million events of 10,000 customers, 20 products, a prepaid commit each: twelve monthly bills in
order, each one metering query over the sealed usage store and pure pricing. ``ratio`` is our time
over that of SQL written by hand for exactly this (aim 1.5 or less), which reads the same Parquet
files once. ``faster_than_loop`` is the time a plain loop over usage that is summed already needs
with Python's Decimals, over what our pricing needs beside metering (aim 5 or more). Times are the
best of a few runs. All must give the same (customer, month, usage, drawn, due). How cost grows
stands in docs/performance.md, which a full run writes.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import year_baselines
from benchmarks.child import measured
from benchmarks.year_baselines import Row, best, summary
from benchmarks.year_page import page
from benchmarks.year_world import MONTHS, Size, accounts, catalog, fill
from closedwon.billing.account import Account, BillingSettings
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.columns.cohort import Sheet, billed, cohorts
from closedwon.billing.columns.roster import Roster, roster
from closedwon.billing.columns.whole import decimals
from closedwon.usage import UsageLog, open_usage

FULL = Size(customers=10_000, products=20, events=10_000_000)
SMALL = Size(customers=50, products=8, events=20_000)
BASE = Size(customers=2_500, products=10, events=500_000)
GROWTH = {
    "customers": (2_500, 5_000, 10_000),
    "products": (10, 20, 40),
    "events": (500_000, 1_000_000, 2_000_000),
    "cuts": (0, 1, 3),
}
"""What is varied, one at a time, from BASE on."""
AIM, AIM_LOOP, AIM_MIB = 1.5, 5, 1024
PAGE = "performance.md"
__all__ = ["PAGE", "page", "run"]


def run(*, small: bool) -> dict[str, Any]:
    """Figures of the three sides and, but for a smoke test, of how cost grows."""
    size = SMALL if small else FULL
    ours, sql, loop = _sides(size, SIDES)
    figures: dict[str, Any] = {
        "ours": ours,
        "sql": sql,
        "loop": loop,
        "customers": size.customers,
        "products": size.products,
        "events": size.events,
        "equal": len({side["checksum"] for side in (ours, sql, loop)}) == 1,
        "ratio": round(ours["seconds"] / sql["seconds"], 2),
        "cpu_ratio": round(ours["cpu_s"] / sql["cpu_s"], 2),
        "aim": AIM,
        "faster_than_loop": round(loop["seconds"] / ours["pricing_s"], 1),
        "cpu_faster_than_loop": round(loop["cpu_s"] / ours["pricing_cpu_s"], 1),
        "aim_loop": AIM_LOOP,
        "aim_mib": AIM_MIB,
    }
    return figures if small else {**figures, "growth": list(_growth())}


def our_side(directory: Path, *, usage: str, size: Iterable[int]) -> dict[str, Any]:
    """Twelve months in order: one metering query each, then columns."""
    del directory
    world = Size(*size)
    people, sold = accounts(world), catalog(world)
    log = open_usage(usage, read_only=True, metrics_retroactive=True, memory="512MB")
    timed, year = best(lambda: _year(people, sold, log))
    log.close()
    return {
        **timed,
        "metering_s": round(year.metering_s, 3),
        "pricing_s": round(timed["seconds"] - year.metering_s, 3),
        "pricing_cpu_s": round(timed["cpu_s"] - year.metering_cpu_s, 3),
        "lines": year.lines,
        **summary(list(year.rows())),
    }


class Year:
    """What billing the year made."""

    def __init__(self, found: Roster) -> None:
        self.found = found
        self.months: list[list[pa.Table]] = []
        self.metering_s = self.metering_cpu_s = 0.0
        self.lines = 0

    def rows(self) -> Iterator[Row]:
        """Every invoice with amounts as Decimals."""
        for month, tables in enumerate(self.months, start=1):
            for table in tables:
                columns = (column.to_pylist() for column in table.columns)
                for number, usage, drawn, due in zip(*columns, strict=True):
                    yield self.found.rows[number].account.customer.id, month, usage, drawn, due


def _year(people: Sequence[Account], sold: Catalog, log: UsageLog) -> Year:
    found, others = roster(people, sold, BillingSettings())
    assert not others
    year = Year(found)
    for month in MONTHS:
        alike, alone = cohorts(found, {month: range(len(found.rows))})
        assert not alone
        asked, cpu = perf_counter(), process_time()
        answers = log.measure_panels([cohort.panel(found) for cohort in alike])
        year.metering_s += perf_counter() - asked
        year.metering_cpu_s += process_time() - cpu
        year.months.append([])
        for cohort, answer in zip(alike, answers, strict=True):
            sheet, unfit = billed(found, cohort, answer)
            assert not len(unfit)
            year.months[-1].append(_table(sheet))
            year.lines += int(np.count_nonzero(sheet.positions.units))
    return year


def fill_side(directory: Path, *, usage: str, size: Iterable[int]) -> dict[str, Any]:
    """The usage store of the others, filled in a process of its own."""
    del directory
    fill(Path(usage), Size(*size))
    return {}


OURS = (__name__, "our_side")
SIDES = (OURS, (year_baselines.__name__, "sql_side"), (year_baselines.__name__, "loop_side"))


def _sides(size: Size, sides: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Each side in a process of its own over the same store."""
    with tempfile.TemporaryDirectory(prefix="year-") as directory:
        measured(__name__, "fill_side", usage=directory, size=size)
        return [measured(module, name, usage=directory, size=size) for module, name in sides]


def _growth() -> Iterator[dict[str, Any]]:
    """One dimension larger at a time; the base is measured once."""
    known: dict[Size, dict[str, Any]] = {}
    for name, values in GROWTH.items():
        for value in values:
            size = BASE._replace(**{name: value})
            if size not in known:
                (known[size],) = _sides(size, [OURS])
            yield {"varied": name, **size._asdict(), **known[size]}


def _table(sheet: Sheet) -> pa.Table:
    """What a month's invoices say, as Arrow: row, usage, drawn, due."""
    amounts = {"usage": sheet.usage, "drawn": sheet.drawn.sum(axis=0), "due": sheet.payable}
    columns = {name: decimals(values, sheet.places) for name, values in amounts.items()}
    return pa.table({"row": pa.array(sheet.rows), **columns})
