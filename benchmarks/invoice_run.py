"""The invoice run of many contracts against the same totals hand-written in DuckDB SQL.

A month of usage of N customers with a contract each: 20 products (six of them tiered), a prepaid
commit that some exceed and that pays for only some products. ``Engine.finalize`` must end with
every invoice frozen, ledger and journal written; the SQL only computes gross, drawn and due per
customer. Both must give the same (customer, drawn, due), to the last digit. Each side runs in a
process of its own, so that its peak memory is its own.

    python -m benchmarks.invoice_run [--small] [--profile FILE] [--keep DIRECTORY]
"""

import argparse
import cProfile
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import duckdb
import msgspec

from closedwon.billing.account import Customer
from closedwon.billing.catalog.types import (
    Aggregation,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Applicability,
    Commit,
    CommitKind,
    ScheduleItem,
)
from closedwon.billing.pricing import Flat, Price, Tier, Tiered
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.engine.engine import Engine
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import Interval
from closedwon.store.database import close, open_database, writing
from closedwon.store.migrations import migrate
from closedwon.usage.log import UsageLog, open_usage
from closedwon.usage.types import UsageEvent

CUSTOMERS, CUSTOMERS_SMALL = 10_000, 200
PRODUCTS = 20
EVENTS_EACH = 5
"""Events per customer and product: 1M in all."""
BATCH = 20_000
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2025, 2, 1, tzinfo=UTC)
NOW = END + timedelta(hours=25)
TERM = Interval(BEGIN, datetime(2026, 1, 1, tzinfo=UTC))
STATE = "state.sqlite"
FIXED = "fixed"
CORE = "core"
"""The tag of products a commit may pay for."""
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


def main() -> int:
    """Build, run both sides, print the figures; 1 when the checksums differ."""
    options = _options()
    if options.side:
        print(json.dumps(SIDES[options.side](Path(options.directory), options)))
        return 0
    found = run(small=options.small, keep=options.keep, profile=options.profile)
    print(json.dumps(found, indent=1))
    return 0 if found["equal"] else 1


def run(*, small: bool, keep: str | None = None, profile: str | None = None) -> dict[str, Any]:
    """Figures of both sides and their ratio; times in seconds, memory in MiB.

    ``keep`` names a directory whose built state is used again; ``profile`` a file for cProfile.
    """
    customers = CUSTOMERS_SMALL if small else CUSTOMERS
    with tempfile.TemporaryDirectory(prefix="invoice-run-") as scratch:
        built = Path(keep or scratch) / f"built-{customers}"
        if not built.exists():
            _child("build", built, ["--customers", str(customers)])
        work = Path(scratch) / "work"
        shutil.copytree(built, work)
        ours = _child("engine", work, ["--profile", profile] if profile else [])
        theirs = _child("sql", work, [])
    return {
        "customers": customers,
        "engine": ours,
        "sql": theirs,
        "equal": ours["checksum"] == theirs["checksum"],
        "ratio": round(ours["seconds"] / theirs["seconds"], 1),
    }


def build(directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A state directory with catalogue, contracts and a month of sealed usage."""
    unfinished = directory.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    db = open_database(unfinished / STATE)
    migrate(db)
    usage = open_usage(unfinished / "usage")
    engine = Engine(db, usage)
    with writing(db):
        _catalogue(engine)
        for number in range(options.customers):
            _contract(engine, number)
    events = 0
    batch: list[UsageEvent] = []
    for event in _events(options.customers):
        batch.append(event)
        if len(batch) == BATCH:
            events += usage.ingest(batch, NOW).accepted
            batch.clear()
    events += usage.ingest(batch, NOW).accepted
    usage.seal(NOW, events_min=1)
    usage.close()
    close(db)
    unfinished.rename(directory)
    return {"events": events}


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


def engine_side(directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """``Engine.finalize`` until nothing is left, then once more with nothing to do."""
    db = open_database(directory / STATE)
    usage = open_usage(directory / "usage")
    timed = TimedUsage(usage)
    engine = Engine(db, timed)
    profiler = cProfile.Profile() if options.profile else None
    invoices = 0
    begun, begun_cpu = perf_counter(), process_time()
    if profiler:
        profiler.enable()
    while (report := engine.finalize(NOW)).customers:
        invoices += report.invoices
    if profiler:
        profiler.disable()
        profiler.dump_stats(options.profile)
    seconds, cpu = perf_counter() - begun, process_time() - begun_cpu
    begun = perf_counter()
    engine.finalize(NOW)
    idle = perf_counter() - begun
    assert not report.remaining
    assert not engine.problems()
    memory = _peak_mib()
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
        "peak_mib": memory,
        "exhausted_commits": _exhausted(rows),
        "checksum": _checksum(rows),
    }


def sql_side(directory: Path, _: argparse.Namespace) -> dict[str, Any]:
    """The hand-written SQL over the same events; the median of a few runs."""
    customers = _customers_in(directory)
    seconds = []
    rows: list[tuple[str, Decimal, Decimal]] = []
    begun_cpu = process_time()
    for _ in range(SQL_RUNS):
        begun = perf_counter()
        rows = _sql_totals(directory, customers)
        seconds.append(perf_counter() - begun)
    return {
        "seconds": round(sorted(seconds)[SQL_RUNS // 2], 3),
        "cpu_seconds": round((process_time() - begun_cpu) / SQL_RUNS, 3),
        "peak_mib": _peak_mib(),
        "checksum": _checksum(rows),
    }


SIDES: dict[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    "build": build,
    "engine": engine_side,
    "sql": sql_side,
}


def _frozen(db: Any) -> list[tuple[str, Decimal, Decimal]]:
    """(customer, drawn, due) from the stored ledger and the stored usage invoices."""
    drawn: dict[str, Decimal] = {}
    for customer, amount in db.conn.execute(
        "select customer_id, amount from ledger_entry where type = 'AUTOMATED_INVOICE_DEDUCTION'"
    ):
        drawn[customer] = drawn.get(customer, Decimal(0)) - Decimal(amount)
    invoices = db.conn.execute(
        "select customer_id, total from invoice where type = 'USAGE' order by customer_id"
    )
    return [(who, drawn.get(who, Decimal(0)), Decimal(due)) for who, due in invoices]


def _exhausted(rows: Iterable[tuple[str, Decimal, Decimal]]) -> int:
    """Customers that used up what they prepaid, in the order of their numbers."""
    return sum(drawn == _amount(number) for number, (_, drawn, _) in enumerate(rows))


def _sql_totals(directory: Path, customers: int) -> list[tuple[str, Decimal, Decimal]]:
    db = duckdb.connect(":memory:")
    db.execute("set threads = 2; set timezone = 'UTC'")
    db.execute(
        "create table tier (product text, is_core boolean, floor decimal(18, 3),"
        " ceiling decimal(18, 3), price decimal(12, 6))"
    )
    db.executemany("insert into tier values (?, ?, ?, ?, ?)", list(_tier_rows()))
    prepaid = {
        "customer": [_customer_id(number) for number in range(customers)],
        "amount": [_amount(number) for number in range(customers)],
    }
    db.register("prepaid", _arrow(prepaid))
    segments = sorted(str(path) for path in (directory / "usage").rglob("*.parquet"))
    parameters = {"segments": segments, "begin": BEGIN, "end": END}
    rows = db.execute(TOTALS_SQL, parameters).fetchall()
    db.close()
    return [(customer, drawn, due) for customer, _, drawn, due in rows]


def _arrow(columns: dict[str, list[Any]]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - only the SQL side needs it

    kinds = {"customer": pa.string(), "amount": pa.decimal128(18, 4)}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in columns.items()})


def _tier_rows() -> Iterator[tuple[str, bool, Decimal, Decimal | None, Decimal]]:
    for number in range(PRODUCTS):
        price = _price(number)
        if isinstance(price, Flat):
            yield _product_id(number), _is_core(number), Decimal(0), None, price.price
            continue
        floor = Decimal(0)
        for tier in price.tiers:
            ceiling = None if tier.size is None else floor + tier.size
            yield _product_id(number), _is_core(number), floor, ceiling, tier.price
            floor = ceiling if ceiling is not None else floor


def _catalogue(engine: Engine) -> None:
    """A product with its own metric each, and a FIXED one for what commits bill."""
    version = ProductVersion(starting_at=BEGIN, name="Prepaid")
    engine.create_product(Product(id=FIXED, type=ProductType.FIXED, versions=(version,)), BEGIN)
    for number in range(PRODUCTS):
        product_id = _product_id(number)
        metric = Metric(
            id=f"metric-{product_id}",
            name=product_id,
            aggregation=Aggregation.SUM,
            key="n",
            event_types=(product_id,),
            created_at=BEGIN,
        )
        engine.create_metric(metric, BEGIN)
        version = ProductVersion(
            starting_at=BEGIN,
            name=f"Product {number}",
            tags=(CORE,) if _is_core(number) else ("extra",),
            metric_id=metric.id,
        )
        product = Product(id=product_id, type=ProductType.USAGE, versions=(version,))
        engine.create_product(product, BEGIN)
    rates = tuple(
        Rate(
            id=f"rate-{number}",
            rate_card_id="card",
            product_id=_product_id(number),
            window=Interval(BEGIN),
            price=_price(number),
        )
        for number in range(PRODUCTS)
    )
    engine.create_rate_card(RateCard(id="card", name="List", rates=rates, created_at=BEGIN), BEGIN)


def _contract(engine: Engine, number: int) -> None:
    customer_id, amount = _customer_id(number), _amount(number)
    engine.create_customer(
        Customer(id=customer_id, name=f"Customer {number}", created_at=BEGIN), BEGIN
    )
    commit = Commit(
        id=f"commit-{number}",
        kind=CommitKind.PREPAID,
        product_id=FIXED,
        name="Prepaid",
        segments=(AccessSegment(id=f"segment-{number}", amount=amount, window=TERM),),
        payments=(
            ScheduleItem(id=f"payment-{number}", timestamp=BEGIN, amount=amount, unit_price=amount),
        ),
        applicability=Applicability(product_tags=(CORE,)),
        created_at=BEGIN,
    )
    create = Create(
        customer_id=customer_id,
        term=TERM,
        rate_card_id="card",
        terms=Added(commits=(commit,)),
    )
    engine.create_contract(f"contract-{number}", create, by="benchmark", now=BEGIN)


def _events(customers: int) -> Iterator[UsageEvent]:
    """Spread over the month by arithmetic, so that every run meters the same events."""
    span = int((END - BEGIN).total_seconds())
    for at in range(EVENTS_EACH):
        for customer in range(customers):
            for product in range(PRODUCTS):
                seed = (at * 1_000_003 + customer * 7919 + product * 104_729) % 1_000_000_007
                yield UsageEvent(
                    transaction_id=f"{at}-{customer}-{product}",
                    customer_id=_customer_id(customer),
                    event_type=_product_id(product),
                    timestamp=BEGIN + timedelta(seconds=seed * 31 % span),
                    properties={"n": str(Decimal(seed % 90_000 + 1).scaleb(-3))},
                )


def _customer_id(number: int) -> str:
    return f"customer-{number:06}"


def _product_id(number: int) -> str:
    return f"product-{number:02}"


def _is_core(number: int) -> bool:
    return number % 4 != 3


def _price(number: int) -> Price:
    unit = Decimal(number + 3).scaleb(-1) + Decimal("0.0125")
    if number % 3:
        return Flat(price=unit)
    tiers = (Tier(price=unit, size=Decimal(50)), Tier(price=unit / 2, size=Decimal(100)))
    return Tiered(tiers=(*tiers, Tier(price=unit / 4)))


def _amount(number: int) -> Decimal:
    """Cents; about a third of the customers use more than they prepaid."""
    return Decimal(2500 + number % 7 * 500)


def _customers_in(directory: Path) -> int:
    db = open_database(directory / STATE, read_only=True)
    (count,) = db.conn.execute("select count(*) from customer").fetchone()
    close(db)
    return int(count)


def _checksum(rows: Iterable[tuple[str, Decimal, Decimal]]) -> str:
    summed = hashlib.sha256()
    for customer, drawn, due in rows:
        summed.update(f"{customer} {canonical(drawn)} {canonical(due)}\n".encode())
    return summed.hexdigest()


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _child(side: str, directory: Path, more: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.invoice_run", "--side", side]
    command += ["--directory", str(directory), *more]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own
    answer: dict[str, Any] = msgspec.json.decode(done.stdout)
    return answer


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Invoice run against hand-written DuckDB SQL")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--keep", help="directory that keeps the built state for the next run")
    parser.add_argument("--profile", help="write what cProfile says of the engine here")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--directory", help=argparse.SUPPRESS)
    parser.add_argument("--customers", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
