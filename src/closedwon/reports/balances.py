"""Balances: every commit and credit by access window, and what became of it (R193-R195)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from closedwon.finance.figures.picture import Picture
from closedwon.kernel.exact import major
from closedwon.reports.table import Cell, Chart, Column, Kind, Report, Series, Table

COLUMNS = (
    Column("customer"),
    Column("balance"),
    Column("kind"),
    Column("from", Kind.DATE),
    Column("until", Kind.DATE),
    Column("currency"),
    Column("granted", Kind.MONEY),
    Column("used", Kind.MONEY),
    Column("rolled over", Kind.MONEY),
    Column("expired", Kind.MONEY),
    Column("trued up", Kind.MONEY),
    Column("adjusted", Kind.MONEY),
    Column("remaining", Kind.MONEY),
    Column("open now"),
)


def report(pictures: Iterable[Picture], now: datetime) -> Report:
    """One row per access window; granted + adjusted = everything to its right, in every row."""
    rows = [row for picture in pictures for row in _rows(picture)]
    left = [row for row in rows if row[13] and isinstance(row[12], Decimal) and row[12]]
    chart = Chart(
        title="Open balances: used and remaining",
        labels=tuple(f"{row[1]} {str(row[3])[:4]}" for row in left),
        series=(
            Series(name="used", values=tuple(Decimal(str(row[7])) for row in left)),
            Series(name="remaining", values=tuple(Decimal(str(row[12])) for row in left)),
        ),
    )
    table = Table(name="Balances", columns=COLUMNS, rows=tuple(rows))
    return Report(title="Balances", as_of=now, tables=(table,), charts=(chart,))


def _rows(picture: Picture) -> Iterator[tuple[Cell, ...]]:
    for commit in picture.bill.commits:
        unit = commit.access_credit_type_id
        currency = picture.currency(unit)
        windows = {segment.id: segment.window for segment in commit.segments}
        for balance in picture.balances_of(commit):
            window = windows[balance.segment_id]
            amounts = (
                balance.granted,
                balance.used,
                balance.rolled,
                balance.expired,
                balance.trued_up,
                balance.adjusted,
                balance.remaining,
            )
            yield (
                picture.account.customer.name,
                commit.name,
                commit.kind.value.lower(),
                window.start,
                window.end,
                currency or picture.catalog.credit_types[unit].name,
                *(major(amount, currency or "") for amount in amounts),
                balance.is_active,
            )
