"""Unbilled usage: what is used and not invoiced yet, for the accrual of a close."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from closedwon.billing.catalog.types import Catalog
from closedwon.engine.unbilled import Unbilled, UnbilledFound
from closedwon.kernel.exact import ZERO, major
from closedwon.reports.table import Cell, Column, Kind, Report, Table

COLUMNS = (
    Column("customer"),
    Column("contract"),
    Column("from", Kind.DATE),
    Column("until", Kind.DATE),
    Column("currency"),
    Column("usage", Kind.MONEY),
    Column("paid by balances", Kind.MONEY),
    Column("to invoice", Kind.MONEY),
)
SUMS = (
    Column("currency"),
    Column("open invoices", Kind.NUMBER),
    Column("usage", Kind.MONEY),
    Column("paid by balances", Kind.MONEY),
    Column("to invoice", Kind.MONEY),
)


def report(
    found: UnbilledFound, names: Mapping[str, str], catalog: Catalog, now: datetime
) -> Report:
    """Totals by currency first, then every open usage invoice; ``names`` by customer id.

    ``paid by balances`` is what commits and credits already paid of it: deferred revenue to
    release; ``to invoice`` is the receivable to accrue.
    """
    rows = tuple(_row(one, names, catalog) for one in found.rows if one.usage)
    return Report(
        title="Unbilled usage",
        as_of=now,
        tables=(
            Table(name="By currency", columns=SUMS, rows=tuple(_sums(rows))),
            Table(name="Open usage invoices", columns=COLUMNS, rows=rows),
        ),
        notes=tuple(f"{names.get(who, who)}: {why}" for who, why in found.failures.items()),
    )


def _row(one: Unbilled, names: Mapping[str, str], catalog: Catalog) -> tuple[Cell, ...]:
    kind = catalog.credit_types.get(one.credit_type_id)
    currency = (kind.currency if kind is not None else None) or "USD"
    amounts = (one.usage, one.covered, one.total)
    return (
        names.get(one.customer_id, one.customer_id),
        one.contract_id,
        one.start,
        one.end,
        currency,
        *(major(amount, currency) for amount in amounts),
    )


def _sums(rows: Iterable[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    found: dict[str, list[Decimal]] = {}
    for row in rows:
        sums = found.setdefault(str(row[4]), [ZERO] * 4)
        sums[0] += 1
        for at in range(1, 4):
            sums[at] += Decimal(str(row[4 + at]))
    for currency, sums in sorted(found.items()):
        yield (currency, *sums)
