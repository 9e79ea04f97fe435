"""The invoice run of many contracts against the same totals hand-written in DuckDB SQL.

A month of usage of N customers with a contract each: 20 products (seven of them tiered), a prepaid
commit that some exceed and that pays for only some products. ``Engine.finalize`` must end with
every invoice frozen, ledger and journal written; the SQL only computes gross, drawn and due per
customer. ``ratio`` is our time over that of the SQL, ``cpu_ratio`` the same of CPU time; smaller is
better. Both sides must give the same (customer, drawn, due), to the last digit.

Alone, with a state that is kept for the next run, or with a profile of our side:
``python -m benchmarks.invoice_run [--small] [--keep DIRECTORY] [--profile FILE]``
"""

import argparse
import cProfile
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.child import measured
from benchmarks.invoice_world import (
    BEGIN,
    END,
    NOW,
    amount,
    create_catalogue,
    create_contract,
    customer_id,
    events,
    tier_rows,
)
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.engine.engine import Engine
from closedwon.kernel.exact import canonical
from closedwon.store.database import close, open_database, writing
from closedwon.store.migrations import migrate
from closedwon.usage.log import UsageLog, open_usage

MODULE = "benchmarks.invoice_run"
CUSTOMERS, CUSTOMERS_SMALL = 10_000, 200
BATCH = 20_000
STATE = "state.sqlite"
SQL_RUNS = 3

TOTALS_SQL = """
with usage as (
    select customer, event_type as product,
        sum(cast(json_extract_string(properties, '$.n') as decimal(18, 3))) as units
    from read_parquet($segments)
    where happened_at >= $begin and happened_at < $end
    group by all
), priced as (
    select customer, product, is_core, sum(price * cast(case
        when units <= floor then 0
        when ceiling is null or units < ceiling then units - floor
        else ceiling - floor end as decimal(18, 3))) as total
    from usage join tier using (product)
    group by all
), gross as (
    select customer, sum(total) as gross, sum(total) filter (is_core) as core
    from priced group by all
)
select customer, gross, least(coalesce(core, 0), amount) as drawn,
    gross - least(coalesce(core, 0), amount) as due
from gross join prepaid using (customer) order by customer
"""


def run(*, small: bool, keep: str | None = None, profile: str | None = None) -> dict[str, Any]:
    """Figures of both sides; times in seconds, memory in MiB.

    ``keep`` names a directory whose built state is used again; ``profile`` a file for cProfile.
    """
    customers = CUSTOMERS_SMALL if small else CUSTOMERS
    with tempfile.TemporaryDirectory(prefix="invoice-run-") as scratch:
        built = Path(keep or scratch) / f"built-{customers}"
        if not built.exists():
            measured(MODULE, "build_side", state=str(built), customers=customers)
        state = str(shutil.copytree(built, Path(scratch) / "state"))
        ours = measured(MODULE, "our_side", state=state, profile=profile)
        theirs = measured(MODULE, "sql_side", state=state, customers=customers)
    return {
        "ours": ours,
        "sql": theirs,
        "customers": customers,
        "equal": ours["checksum"] == theirs["checksum"],
        "ratio": round(ours["seconds"] / theirs["seconds"], 1),
        "cpu_ratio": round(ours["cpu_seconds"] / theirs["cpu_seconds"], 1),
    }


def build_side(directory: Path, *, state: str, customers: int) -> dict[str, Any]:
    """A state directory with catalogue, contracts and a month of sealed usage, whole or not."""
    unfinished = directory / "state"
    db = open_database(unfinished / STATE)
    migrate(db)
    usage = open_usage(unfinished / "usage")
    engine = Engine(db, usage)
    with writing(db):
        create_catalogue(engine)
        for number in range(customers):
            create_contract(engine, number)
    sent = events(customers)
    accepted = 0
    while batch := list(islice(sent, BATCH)):
        accepted += usage.ingest(batch, NOW).accepted
    usage.seal(NOW, events_min=1)
    usage.close()
    close(db)
    Path(state).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(unfinished, state)
    return {"events": accepted}


class TimedUsage:
    """A usage store that adds up how long it was asked."""

    def __init__(self, usage: UsageLog) -> None:
        self._usage = usage
        self.seconds = 0.0

    def measure(self, demands: Iterable[Demand]) -> Quantities:
        """As the store itself."""
        asked = tuple(demands)
        begun = perf_counter()
        try:
            return self._usage.measure(asked)
        finally:
            self.seconds += perf_counter() - begun


def our_side(directory: Path, *, state: str, profile: str | None) -> dict[str, Any]:
    """``Engine.finalize`` until nothing is left, then once more with nothing to do."""
    del directory
    db = open_database(Path(state) / STATE)
    usage = open_usage(Path(state) / "usage")
    timed = TimedUsage(usage)
    engine = Engine(db, timed)
    profiler = cProfile.Profile() if profile else None
    invoices = 0
    begun, begun_cpu = perf_counter(), process_time()
    if profiler:
        profiler.enable()
    while (report := engine.finalize(NOW)).customers:
        invoices += report.invoices
    if profiler:
        profiler.disable()
        profiler.dump_stats(profile or "")
    seconds, cpu = perf_counter() - begun, process_time() - begun_cpu
    begun = perf_counter()
    engine.finalize(NOW)
    idle = perf_counter() - begun
    assert not report.remaining
    assert not engine.problems()
    rows = _frozen(db)
    usage.close()
    close(db)
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "metering_seconds": round(timed.seconds, 3),
        "idle_seconds": round(idle, 5),
        "invoices": invoices,
        "invoices_per_second": round(invoices / seconds),
        "exhausted_commits": _exhausted(rows),
        "checksum": _checksum(rows),
    }


def sql_side(directory: Path, *, state: str, customers: int) -> dict[str, Any]:
    """The hand-written SQL over the same events; the median of a few runs."""
    del directory
    seconds = []
    rows: list[tuple[str, Decimal, Decimal]] = []
    begun_cpu = process_time()
    for _ in range(SQL_RUNS):
        begun = perf_counter()
        rows = _sql_totals(Path(state), customers)
        seconds.append(perf_counter() - begun)
    return {
        "seconds": round(sorted(seconds)[SQL_RUNS // 2], 3),
        "cpu_seconds": round((process_time() - begun_cpu) / SQL_RUNS, 3),
        "checksum": _checksum(rows),
    }


def _frozen(db: Any) -> list[tuple[str, Decimal, Decimal]]:
    """(customer, drawn, due) from the stored ledger and the stored usage invoices."""
    drawn: dict[str, Decimal] = {}
    for customer, moved in db.conn.execute(
        "select customer_id, amount from ledger_entry where type = 'AUTOMATED_INVOICE_DEDUCTION'"
    ):
        drawn[customer] = drawn.get(customer, Decimal(0)) - Decimal(moved)
    invoices = db.conn.execute(
        "select customer_id, total from invoice where type = 'USAGE' order by customer_id"
    )
    return [(who, drawn.get(who, Decimal(0)), Decimal(due)) for who, due in invoices]


def _exhausted(rows: Iterable[tuple[str, Decimal, Decimal]]) -> int:
    """Customers that used up what they prepaid, in the order of their numbers."""
    return sum(drawn == amount(number) for number, (_, drawn, _) in enumerate(rows))


def _sql_totals(state: Path, customers: int) -> list[tuple[str, Decimal, Decimal]]:
    db = duckdb.connect(":memory:")
    db.execute("set threads = 2; set timezone = 'UTC'")
    db.execute(
        "create table tier (product text, is_core boolean, floor decimal(18, 3),"
        " ceiling decimal(18, 3), price decimal(12, 6))"
    )
    db.executemany("insert into tier values (?, ?, ?, ?, ?)", list(tier_rows()))
    who = pa.array([customer_id(number) for number in range(customers)], pa.string())
    amounts = pa.array([amount(number) for number in range(customers)], pa.decimal128(18, 4))
    db.register("prepaid", pa.table({"customer": who, "amount": amounts}))
    segments = sorted(str(path) for path in (state / "usage").rglob("*.parquet"))
    parameters = {"segments": segments, "begin": BEGIN, "end": END}
    rows = db.execute(TOTALS_SQL, parameters).fetchall()
    db.close()
    return [(customer, drawn, due) for customer, _, drawn, due in rows]


def _checksum(rows: Iterable[tuple[str, Decimal, Decimal]]) -> str:
    summed = hashlib.sha256()
    for customer, drawn, due in rows:
        summed.update(f"{customer} {canonical(drawn)} {canonical(due)}\n".encode())
    return summed.hexdigest()


def main() -> int:
    """Run both sides and print the figures; 1 when the checksums differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.invoice_run", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a size for a smoke test")
    parser.add_argument("--keep", help="directory that keeps the built state for the next run")
    parser.add_argument("--profile", help="write what cProfile says of our side here")
    found = run(**vars(parser.parse_args()))
    print(json.dumps(found, indent=1))
    return 0 if found["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
