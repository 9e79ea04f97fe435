"""Percentages of what other lines came to, before balances (R64-R66, R241-R248)."""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from oracle.biller.book import Agreement, Book, Goods
from oracle.biller.drawdown import Balance, Line
from oracle.biller.pricing import Subject, Table, is_entitled, live_overrides, may_select, table
from oracle.history import Composite, Price, Rate

Window = tuple[datetime, datetime]


def instants(
    agreement: Agreement, name: str, tags: frozenset[str], balances: list[Balance]
) -> set[datetime | None]:
    """Where overrides, balances and filters may change lines of a product (R131)."""
    found: set[datetime | None] = {routed.since for routed in agreement.filters}
    for override in agreement.overrides:
        if may_select(override.selector, name, tags):
            found |= {override.since, override.until}
    for balance in balances:
        if may_select(balance.commit.selector, name, tags):
            found |= {balance.segment.since, balance.segment.until}
    return found


def counts(above: Composite, goods: Goods, at: datetime | None) -> bool:
    """Whether the composite counts the product at ``at``; None asks for any time."""
    definitions = goods.definitions if at is None else [goods.at(at)]
    tags = {tag for definition in definitions for tag in definition.tags}
    return goods.product.name in above.products or bool(tags & set(above.counted_tags))


def composite_lines(
    book: Book, agreement: Agreement, period: Window, lines: list[Line], balances: list[Balance]
) -> Iterator[Line]:
    """One unit at its amount for every stretch of the period; the last one bears the minimum."""
    above = book.catalogue.composite
    if above is None or not agreement.contract.has_card:
        return
    tags = frozenset(above.tags)
    cuts = instants(agreement, above.name, tags, balances)
    inside = sorted(at for at in cuts if at is not None and period[0] < at < period[1])
    made: list[Line] = []
    position = Fraction(0)
    for window in pairwise([period[0], *inside, period[1]]):
        base = sum(
            (_gross(line) for line in lines if _is_counted(book, above, line, window)), Fraction(0)
        )
        line = _line(agreement, above, window, (position, position + base), balances)
        if line is not None:
            position += base
            made.append(line)
    if made and above.minimum is not None:
        short = above.minimum - sum((_total(line) for line in made), Fraction(0))
        if short > 0:
            _raise(made[-1], _total(made[-1]) + short)
    yield from made


def _gross(line: Line) -> Fraction:
    return sum(line.charges.values(), Fraction(0))


def _is_counted(book: Book, above: Composite, line: Line, window: Window) -> bool:
    goods = book.goods.get(line.subject.product)
    if goods is None:
        return False
    return window[0] <= line.window[0] < window[1] and counts(above, goods, line.window[0])


def _line(
    agreement: Agreement,
    above: Composite,
    window: Window,
    taken: tuple[Fraction, Fraction],
    balances: list[Balance],
) -> Line | None:
    nothing: frozenset[tuple[str, str]] = frozenset()
    subject = Subject(
        product=above.name, tags=frozenset(above.tags), pricing=nothing, shown=nothing
    )
    rate = Rate(product=above.name, since=window[0], until=None, price=above.price)
    live = live_overrides(agreement, subject, window[0])
    if not is_entitled(rate, live):
        return None
    general = [override for override in live if not override.is_commit_specific]
    line = Line(
        subject=subject,
        name=above.name,
        window=window,
        group=(),
        begin=Fraction(0),
        end=Fraction(1),
        unit="USD",
        tables={},
    )
    _raise(line, table(agreement, rate, general, None).area(*taken))
    for balance in balances:
        special = live if above.minimum is None else general
        amount = table(agreement, rate, special, balance.commit).area(*taken)
        _set(line, balance.commit.name, abs(amount))
    return line


def _raise(line: Line, amount: Fraction) -> None:
    """The price of the one unit, whoever pays; a negative one is a unit taken back (R164)."""
    line.end = Fraction(1) if amount >= 0 else Fraction(-1)
    for payer in (None, *line.tables):
        _set(line, payer, amount)


def _set(line: Line, payer: str | None, amount: Fraction) -> None:
    """The price of the one unit while ``payer`` pays."""
    line.tables[payer] = Table(price=Price(tiers=((None, abs(amount)),)), override=None)


def _total(line: Line) -> Fraction:
    return line.tables[None].unit_price(Fraction(1)) * line.end
