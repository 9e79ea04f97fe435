"""All demands of a month in one call against the same sums hand-written in DuckDB SQL.

Every customer has a demand per product, cut in three; half of the metrics are SUM, the others
COUNT, MAX, LATEST and UNIQUE. The baseline computes only the SUMs, over the very same Parquet
files, with a single group-by that knows the cuts. ``ratio`` is our time for all demands over its
time for its half; smaller is better. The SUMs must be equal, digit by digit.
"""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

from benchmarks.child import measured
from benchmarks.usage_events import BEGIN, END, NOW, PRODUCTS, batches
from closedwon.billing.catalog.types import Aggregation, Metric
from closedwon.billing.rating.demand import Demand
from closedwon.kernel.exact import canonical
from closedwon.usage import open_usage

EVENTS, EVENTS_SMALL = 1_000_000, 20_000
CUSTOMERS, CUSTOMERS_SMALL = 2_000, 50
CUTS = (BEGIN, BEGIN + timedelta(days=10), BEGIN + timedelta(days=15, hours=7), END)
SQL = """
select customer, event_type, case when happened_at < $first then 1 when happened_at < $second
    then 2 else 3 end as cut, sum(cast(json_extract_string(properties, '/n') as decimal(38, 3)))
from read_parquet($files)
where event_type < $until and happened_at >= $begin and happened_at < $end
group by all
"""


def run(*, small: bool) -> dict[str, Any]:
    """Figures of both sides, in one process each over the same events."""
    size = (EVENTS_SMALL, CUSTOMERS_SMALL) if small else (EVENTS, CUSTOMERS)
    ours = measured(__name__, "our_side", events=size[0], customers=size[1])
    theirs = measured(__name__, "sql_side", events=size[0], customers=size[1])
    return {
        "ours": ours,
        "sql": theirs,
        "events": size[0],
        "demands": size[1] * PRODUCTS,
        "equal": ours["checksum"] == theirs["checksum"],
        "ratio": round(ours["seconds"] / theirs["seconds"], 1),
    }


def our_side(directory: Path, *, events: int, customers: int) -> dict[str, Any]:
    """One ``measure`` of every demand."""
    _fill(directory, events, customers)
    log = open_usage(directory, metrics_retroactive=True)
    demands = [
        _demand(customer, product) for customer in range(customers) for product in range(PRODUCTS)
    ]
    begun = perf_counter()
    found = log.measure(demands)
    seconds = perf_counter() - begun
    sums = [
        (demand.customer_ids[0], demand.metric.event_types[0], one.cut, one.value)
        for demand in demands
        if demand.metric.aggregation is Aggregation.SUM
        for one in found[demand.key]
    ]
    begun = perf_counter()
    log.measure(demands[:1])
    single = perf_counter() - begun
    log.close()
    return {
        "seconds": round(seconds, 2),
        "readings": sum(map(len, found.values())),
        "one_demand_s": round(single, 3),
        "checksum": _checksum(sums),
    }


def sql_side(directory: Path, *, events: int, customers: int) -> dict[str, Any]:
    """The hand-written group-by."""
    _fill(directory, events, customers)
    db = duckdb.connect(":memory:")
    db.execute("set threads = 2")
    files = [str(path) for path in directory.rglob("*.parquet")]
    asked = {"files": files, "begin": BEGIN, "first": CUTS[1], "second": CUTS[2], "end": END}
    begun = perf_counter()
    rows = db.execute(SQL, {**asked, "until": _product(PRODUCTS // 2)}).fetchall()
    seconds = perf_counter() - begun
    totals: dict[tuple[str, str], Decimal] = {}
    sums = []
    for customer, kind, cut, value in sorted(rows):
        totals[customer, kind] = totals.get((customer, kind), Decimal(0)) + value
        sums.append((customer, kind, cut, totals[customer, kind]))
    return {"seconds": round(seconds, 2), "readings": len(sums), "checksum": _checksum(sums)}


def _fill(directory: Path, events: int, customers: int) -> None:
    log = open_usage(directory)
    for batch in batches(events, 20_000, customers):
        log.ingest(batch, NOW)
    log.seal(NOW, events_min=1)
    log.close()


def _demand(customer: int, number: int) -> Demand:
    others = (Aggregation.COUNT, Aggregation.MAX, Aggregation.LATEST, Aggregation.UNIQUE)
    aggregation = Aggregation.SUM if number < PRODUCTS // 2 else others[number % len(others)]
    metric = Metric(
        id=_product(number),
        name=_product(number),
        aggregation=aggregation,
        key=None if aggregation is Aggregation.COUNT else "n",
        event_types=(_product(number),),
        created_at=BEGIN,
    )
    return Demand(
        key=f"{customer}-{number}",
        metric=metric,
        customer_ids=(f"customer-{customer:06d}", f"alias-{customer:06d}"),
        cuts=CUTS,
    )


def _product(number: int) -> str:
    return f"product-{number:02d}"


def _checksum(sums: Iterable[tuple[str, str, int, Decimal]]) -> str:
    summed = hashlib.sha256()
    for customer, kind, cut, value in sorted(sums):
        summed.update(f"{customer} {kind} {cut} {canonical(value)}\n".encode())
    return summed.hexdigest()[:16]
