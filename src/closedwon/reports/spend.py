"""Spend: what each customer used of each product in each billing period, and what paid for it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from closedwon.finance.figures.picture import Picture
from closedwon.finance.figures.spend import spends
from closedwon.kernel.exact import ZERO, major
from closedwon.reports.table import Cell, Chart, Column, Kind, Report, Series, Table

COLUMNS = (
    Column("customer"),
    Column("product"),
    Column("period", Kind.DATE),
    Column("currency"),
    Column("quantity", Kind.NUMBER),
    Column("at list", Kind.MONEY),
    Column("net", Kind.MONEY),
    Column("paid by balances", Kind.MONEY),
    Column("overage", Kind.MONEY),
    Column("final"),
)
SUMS = (
    Column("product"),
    Column("currency"),
    Column("at list", Kind.MONEY),
    Column("net", Kind.MONEY),
    Column("paid by balances", Kind.MONEY),
    Column("overage", Kind.MONEY),
    Column("discount %", Kind.NUMBER),
)


def report(pictures: Iterable[Picture], now: datetime) -> Report:
    """By product first, then by customer and period; net = paid by balances + overage."""
    rows = tuple(row for picture in pictures for row in _rows(picture))
    return Report(
        title="Spend by product",
        as_of=now,
        tables=(
            Table(name="By product", columns=SUMS, rows=tuple(_sums(rows))),
            Table(name="By customer and period", columns=COLUMNS, rows=rows),
        ),
        charts=(_chart(rows),),
    )


def _rows(picture: Picture) -> Iterator[tuple[Cell, ...]]:
    for (_, period), spend in sorted(spends(picture).items(), key=lambda pair: pair[0][::-1]):
        currency = picture.currency(spend.credit_type_id) or ""
        amounts = (spend.at_list, spend.net, spend.covered, spend.net - spend.covered)
        yield (
            picture.account.customer.name,
            spend.name,
            period,
            currency,
            spend.quantity,
            *(major(amount, currency) for amount in amounts),
            spend.is_final,
        )


def _sums(rows: Iterable[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    found: dict[tuple[str, str], list[Decimal]] = {}
    for row in rows:
        sums = found.setdefault((str(row[1]), str(row[3])), [ZERO] * 4)
        for at in range(4):
            sums[at] += Decimal(str(row[5 + at]))
    for (product, currency), sums in sorted(found.items()):
        at_list, net = sums[0], sums[1]
        discount = round((at_list - net) / at_list * 100, 1) if at_list else None
        yield (product, currency, *sums, discount)


def _chart(rows: Iterable[tuple[Cell, ...]]) -> Chart:
    months: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        month = months.setdefault(str(row[2])[:7], {})
        month[str(row[1])] = month.get(str(row[1]), ZERO) + Decimal(str(row[6]))
    labels = tuple(sorted(months))
    products = sorted({product for month in months.values() for product in month})
    return Chart(
        title="Net spend by product and month",
        labels=labels,
        series=tuple(
            Series(name=product, values=tuple(months[at].get(product, ZERO) for at in labels))
            for product in products
        ),
    )
