"""The world of the billed year: customers, prices and usage made by arithmetic.

Every customer has one contract with a prepaid commit for the year, which pays for three quarters of
the products; a third of the prices are tiered. Events are spread evenly over customers, products
and months. They go into the usage store as the batches its log keeps and are sealed by the store
itself; only the checks on single events are left out, because they are what ``ingest`` measures.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.invoice_world import price_of
from closedwon.billing.account import Account, Customer
from closedwon.billing.catalog.types import (
    Aggregation,
    Catalog,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.overrides import Multiplier, Override
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind, ScheduleItem
from closedwon.kernel.instant import Interval
from closedwon.store.database import writing
from closedwon.usage import hot, open_usage
from closedwon.usage.columns import INSTANT, SENT, id_hashes

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
MONTHS = tuple(
    Interval(start, end)
    for start, end in pairwise(
        [*(BEGIN.replace(month=month) for month in range(1, 13)), BEGIN.replace(year=2026)]
    )
)
END = MONTHS[-1].until
YEAR = Interval(BEGIN, END)
NOW = END + timedelta(days=2)
BATCH = 250_000
MICROSECONDS = 1_000_000
CORE = "core"
"""The tag of products a commit may pay for."""


class Size(NamedTuple):
    """How large a world is; ``cuts`` are price changes inside every month."""

    customers: int
    products: int
    events: int
    cuts: int = 0


def fill(directory: Path, size: Size, span: Interval = YEAR, now: datetime = NOW) -> None:
    """A usage store with events spread over ``span``, ingested at ``now`` and sealed."""
    log = open_usage(directory)
    first = 1
    for batch in _batches(size, span):
        with log._database() as db, writing(db):  # noqa: SLF001 - what ingest does after its checks
            hot.append(db, first, batch, now)
        first += batch.num_rows
    log.seal(now, events_min=1)
    log.close()


def catalog(size: Size) -> Catalog:
    """A metric and a product for every number, all on one card."""
    products, metrics, rates = {}, {}, []
    for number in range(size.products):
        name = product_id(number)
        metrics[name] = Metric(
            id=name,
            name=name,
            aggregation=Aggregation.SUM,
            key="n",
            event_types=(name,),
            created_at=BEGIN,
        )
        tags = (CORE,) if is_core(number) else ("extra",)
        version = ProductVersion(starting_at=BEGIN, name=name, tags=tags, metric_id=name)
        products[name] = Product(id=name, type=ProductType.USAGE, versions=(version,))
        rates.append(
            Rate(
                id=f"rate-{number}",
                rate_card_id="card",
                product_id=name,
                window=Interval(BEGIN),
                price=price_of(number),
            )
        )
    card = RateCard(id="card", name="List", rates=tuple(rates), created_at=BEGIN)
    return Catalog(metrics=metrics, products=products, rate_cards={card.id: card})


def accounts(size: Size) -> list[Account]:
    """A customer with a contract each."""
    return [_account(number, size) for number in range(size.customers)]


def customer_id(number: int) -> str:
    return f"customer-{number:06}"


def product_id(number: int) -> str:
    return f"product-{number:02}"


def is_core(number: int) -> bool:
    return number % 4 != 3


def prepaid(number: int, size: Size) -> Decimal:
    """Cents for the year, ten to seventy for each event; about half of the customers use more."""
    return Decimal(size.events // size.customers * (10 + number % 7 * 10))


def _account(number: int, size: Size) -> Account:
    who, term = customer_id(number), Interval(BEGIN, END)
    amount = prepaid(number, size)
    commit = Commit(
        id=f"commit-{number}",
        kind=CommitKind.PREPAID,
        product_id="fixed",
        name="Prepaid",
        segments=(AccessSegment(id=f"segment-{number}", amount=amount, window=term),),
        payments=(
            ScheduleItem(id=f"payment-{number}", timestamp=BEGIN, amount=amount, unit_price=amount),
        ),
        applicability=Applicability(product_tags=(CORE,)),
        created_at=BEGIN,
    )
    contract = Contract(
        id=f"contract-{number}",
        customer_id=who,
        term=term,
        rate_card_id="card",
        commits=(commit,),
        overrides=tuple(_discounts(number, size.cuts)),
        created_at=BEGIN,
    )
    return Account(
        customer=Customer(id=who, name=f"Customer {number}", created_at=BEGIN),
        contracts=(contract,),
    )


def _discounts(number: int, cuts: int) -> Iterator[Override]:
    """Discounts that change ``cuts`` times inside every month."""
    for month in MONTHS:
        for at in range(cuts):
            start = month.start + timedelta(days=2 + 4 * at)
            yield Override(
                id=f"override-{number}-{start.isoformat()}",
                window=Interval(start, start + timedelta(days=4)),
                rate=Multiplier(multiplier=Decimal(90 - at).scaleb(-2)),
            )


def _batches(size: Size, span: Interval) -> Iterator[pa.RecordBatch]:
    """Events in order of time, a quarter of a million at once."""
    first_us = int(span.start.timestamp()) * MICROSECONDS
    step_us = int((span.until - span.start).total_seconds()) * MICROSECONDS // size.events
    for start in range(0, size.events, BATCH):
        number = np.arange(start, min(start + BATCH, size.events), dtype=np.int64)
        mixed = (number * 2_654_435_761 + 12_345) % 4_294_967_291
        amount = mixed % 90_000 + 1
        ids = _texts(_padded(mixed, 12), "-", _padded(number, 12))
        properties = _texts(
            '{"n":"', _text(amount // 1000), ".", _padded(amount % 1000, 3), '","region":"eu"}'
        )
        columns = [
            ids,
            _texts("customer-", _padded(mixed % size.customers, 6)),
            _texts("product-", _padded(mixed // size.customers % size.products, 2)),
            pa.array(first_us + number * step_us).cast(INSTANT),
            properties,
            pa.array(id_hashes(ids.to_pylist()), pa.int64()),
        ]
        yield pa.record_batch(columns, schema=SENT)


def _text(numbers: np.ndarray) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _padded(numbers: np.ndarray, width: int) -> pa.Array:
    return pc.utf8_lpad(_text(numbers), width, "0")


def _texts(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")
