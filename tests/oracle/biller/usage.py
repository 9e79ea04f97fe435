"""One usage invoice: events to slices, slices to lines, lines to money (R129-R133, Appendix A)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from oracle.biller.book import Agreement, Book, Goods
from oracle.biller.composites import composite_lines, counts, instants
from oracle.biller.drawdown import Balance, Line, order_balances, order_lines, settle
from oracle.biller.metering import Group, increments
from oracle.biller.outcome import Bill
from oracle.biller.pricing import (
    Subject,
    Table,
    is_entitled,
    live_overrides,
    rate_at,
    table,
)
from oracle.biller.seats import seat_lines
from oracle.history import Price

Window = tuple[datetime, datetime]
FIAT = "USD"


def draw_up(
    book: Book, agreement: Agreement, period: Window, issued: datetime, balances: list[Balance]
) -> Bill:
    """The invoice of one period; draws from ``balances``."""
    mine = [b for b in balances if b.owner in (None, agreement.name)]
    ordered = order_balances(book, mine)
    lines = [
        *usage_lines(book, agreement, period, ordered),
        *seat_lines(book, agreement, period, ordered),
    ]
    bill = Bill(key=("usage", agreement.name, period[0], 0), issued=issued, period=period)
    before = {id(balance): balance.held.drawn for balance in mine}
    for line in order_lines(lines, ordered):
        settle(line, ordered)
    above = order_lines(list(composite_lines(book, agreement, period, lines, ordered)), ordered)
    for line in above:
        settle(line, ordered)
    lines += above
    for line in list(conversions(book, period, lines, ordered)):
        settle(line, ordered)
        lines.append(line)
    _write(bill, lines, ordered)
    for balance in mine:
        taken = balance.held.drawn - before[id(balance)]
        if taken:
            bill.drawn[balance.segment.name] = taken
    return bill


def _write(bill: Bill, lines: list[Line], balances: list[Balance]) -> None:
    for line in lines:
        for payer, amount in line.charges.items():
            bill.add(line.subject.product, payer, amount)
        if line.unit == FIAT:
            bill.total += payable(line, balances)


def payable(line: Line, balances: list[Balance]) -> Fraction:
    """What nobody pays, and what counts toward a promise to pay later (R133, R186)."""
    kinds = {balance.commit.name: balance.commit.kind for balance in balances}
    return sum(
        (a for payer, a in line.charges.items() if payer is None or kinds[payer] == "POSTPAID"),
        Fraction(0),
    )


def conversions(
    book: Book, period: Window, lines: list[Line], balances: list[Balance]
) -> Iterator[Line]:
    """One fiat line for what is left to pay in a custom pricing unit (R249, R250, R253).

    It belongs to no product and spans the period: only balances that apply to everything and live
    as long may pay it.
    """
    for unit, cents in book.catalogue.conversions:
        owed = sum((payable(line, balances) for line in lines if line.unit == unit), Fraction(0))
        if owed:
            nothing: frozenset[tuple[str, str]] = frozenset()
            flat = Table(price=Price(tiers=((None, cents),)), override=None)
            yield Line(
                subject=Subject(product="", tags=frozenset(), pricing=nothing, shown=nothing),
                name=unit,
                window=period,
                group=(),
                begin=Fraction(0),
                end=owed,
                unit=FIAT,
                tables={None: flat, **{b.commit.name: flat for b in balances}},
            )


def usage_lines(
    book: Book, agreement: Agreement, period: Window, balances: list[Balance]
) -> Iterator[Line]:
    """Every entitled line of the period that has units, none of it paid yet."""
    if not agreement.contract.has_card:
        return
    for name, goods in book.goods.items():
        if any(rate.product == name for rate in book.rates):
            yield from _of_product(book, agreement, goods, period, balances)


def _of_product(
    book: Book, agreement: Agreement, goods: Goods, period: Window, balances: list[Balance]
) -> Iterator[Line]:
    cuts = _cuts(book, agreement, goods, period, balances)
    windows = list(pairwise(cuts))
    used: dict[Group, dict[Window, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for step in increments(book, agreement, goods, period):
        window = next(w for w in windows if w[0] <= step.at < w[1])
        used[step.group][window] += step.quantity
    for group in sorted(used):
        position = Fraction(0)
        for window in windows:
            units = used[group][window]
            line = _line(book, agreement, goods, (window, group), (position, position + units))
            if units and line is not None:
                _price(book, agreement, line, balances)
                yield line
                position += units


def _cuts(
    book: Book, agreement: Agreement, goods: Goods, period: Window, balances: list[Balance]
) -> list[datetime]:
    """Where the product's lines may change inside the period (R131)."""
    name = goods.product.name
    tags = frozenset(tag for d in goods.definitions for tag in d.tags)
    found = instants(agreement, name, tags, balances)
    for rate in book.rates:
        if rate.product == name:
            found |= {rate.since, rate.until}
    found |= {definition.since for definition in goods.definitions}
    above = book.catalogue.composite
    if above is not None and counts(above, goods, None):
        found |= instants(agreement, above.name, frozenset(above.tags), balances)
    inside = {at for at in found if at is not None and period[0] < at < period[1]}
    return [period[0], *sorted(inside), period[1]]


def _line(
    book: Book,
    agreement: Agreement,
    goods: Goods,
    where: tuple[Window, Group],
    positions: tuple[Fraction, Fraction],
) -> Line | None:
    """The line, unless it is not sold or not entitled there (R55, R70)."""
    window, group = where
    product = goods.product
    split = len(product.pricing_keys)
    subject = Subject(
        product=product.name,
        tags=frozenset(goods.at(window[0]).tags),
        pricing=frozenset(zip(product.pricing_keys, group, strict=False)),
        shown=frozenset(zip(product.shown_keys, group[split:], strict=True)),
    )
    rate = rate_at(book, subject, window[0])
    if rate is None or not is_entitled(rate, live_overrides(agreement, subject, window[0])):
        return None
    begin, end = positions
    return Line(
        subject=subject,
        name=product.name,
        window=window,
        group=group,
        begin=begin,
        end=end,
        unit=rate.unit,
        tables={},
    )


def _price(book: Book, agreement: Agreement, line: Line, balances: list[Balance]) -> None:
    """The line's price for everyone who may pay it, and for nobody."""
    at = line.window[0]
    rate = rate_at(book, line.subject, at)
    assert rate is not None
    live = live_overrides(agreement, line.subject, at)
    tables: dict[str | None, Table] = {None: table(agreement, rate, live, None)}
    for balance in balances:
        tables[balance.commit.name] = table(agreement, rate, live, balance.commit)
    line.tables = tables
