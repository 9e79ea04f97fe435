"""Who pays for what: every line meets every balance, in the reference's order (R161-R179).

The readings taken where the rules leave room: a balance without product-bearing selectors hits
every product there could be; products are counted by the tags of their newest definition; dates
are the segment's (R175); a rollover is never asked for its cost basis (R169).
"""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from oracle.biller.book import Book
from oracle.biller.outcome import Held
from oracle.biller.pricing import Subject, Table, may_select, selects
from oracle.history import Commit, Segment

Window = tuple[datetime, datetime]


@dataclass(kw_only=True)
class Balance:
    """One segment of one commit while an account is billed."""

    commit: Commit
    segment: Segment
    owner: str | None
    """Contract whose lines it may pay; None for a customer-level one (R109)."""
    is_rollover: bool = False
    promised: Segment
    """The segment as agreed, which may outlive the contract; its dates order balances (R175)."""
    held: Held

    @property
    def window(self) -> Window:
        return (self.segment.since, self.segment.until)


@dataclass(kw_only=True)
class Line:
    """Units of one product and group over one slice, by position in the billing period."""

    subject: Subject
    name: str
    kind: int = 0
    """Usage, then subscriptions (R176)."""
    window: Window
    group: tuple[str, ...]
    begin: Fraction
    end: Fraction
    unit: str
    tables: dict[str | None, Table]
    """Price by the name of the balance that pays; None for nobody."""
    charges: dict[str | None, Fraction] = field(default_factory=dict)
    """What each payer pays; None is due."""

    def charge(self, payer: str | None, amount: Fraction) -> None:
        self.charges[payer] = self.charges.get(payer, Fraction(0)) + amount


def order_lines(lines: list[Line], balances: list[Balance]) -> list[Line]:
    """Earlier, dearer, then by name; equal products by group (R176)."""

    def key(line: Line) -> tuple[object, ...]:
        payer = next((b for b in balances if may_pay(b, line)), None)
        covered = line.tables[None if payer is None else payer.commit.name]
        return (
            line.kind,
            line.window[0],
            -covered.first,
            line.name,
            line.subject.product,
            line.group,
        )

    return sorted(lines, key=key)


def order_balances(book: Book, balances: list[Balance]) -> list[Balance]:
    return sorted(balances, key=lambda balance: _burns(book, balance))


def _burns(book: Book, balance: Balance) -> tuple[object, ...]:
    commit = balance.commit
    is_postpaid = commit.kind == "POSTPAID"
    kind = {(True, True): 0, (True, False): 1, (False, False): 2, (False, True): 3}[
        balance.is_rollover, is_postpaid
    ]
    paid = sum((payment.amount for payment in commit.payments), Fraction(0))
    no_priority = commit.priority is None
    hits = _hits(book, commit)
    return (
        kind,
        (no_priority, commit.priority or 0),
        1 if paid and not balance.is_rollover else 0,
        (hits is None, hits or 0),
        sum(1 for s in commit.selector.specs if not s.product and not s.tags),
        balance.promised.until,
        balance.promised.since,
        balance.owner is None,
        commit.created,
        book.id_of(commit.name),
    )


def _hits(book: Book, commit: Commit) -> int | None:
    """Distinct products it can hit; None when it names none (R172)."""
    selector = commit.selector
    bearing = [s for s in selector.specs if s.product or s.tags]
    if not (selector.products or selector.tags or bearing):
        return None
    sold = [(name, goods.definitions[-1].tags) for name, goods in book.goods.items()]
    above = book.catalogue.composite
    sold += [] if above is None else [(above.name, above.tags)]
    return sum(may_select(selector, name, frozenset(tags)) for name, tags in sold)


def may_pay(balance: Balance, line: Line) -> bool:
    """Whether the balance is eligible for the line (R161, R163, R179)."""
    since, until = balance.window
    return (
        balance.held.remaining > 0
        and balance.commit.unit == line.unit
        and since <= line.window[0]
        and line.window[1] <= until
        and selects(balance.commit.selector, line.subject)
    )


def settle(line: Line, balances: list[Balance]) -> None:
    """Unit after unit is offered to every balance in order (R132, R164, R177).

    A balance for which a unit is free does not pay it (R147): the next one may, and what nobody
    pays is due at the price without a balance (R81). Units taken back are never covered (R164).
    """
    uncovered = line.tables[None]
    if line.end <= line.begin:
        line.charge(None, uncovered.cost(line.begin, line.end))
        return
    payers = [balance for balance in balances if may_pay(balance, line)]
    tables = [uncovered, *(line.tables[b.commit.name] for b in payers)]
    edges = sorted({edge for table in tables for edge in table.edges()})
    here = line.begin
    while here < line.end:
        there = min([here + 1, line.end, *(edge for edge in edges if edge > here)])
        open_units = there - here
        for balance in payers:
            price = line.tables[balance.commit.name].unit_price(there)
            amount = min(open_units * price, balance.held.remaining)
            if amount > 0:
                balance.held.drawn += amount
                open_units -= amount / price
                line.charge(balance.commit.name, amount)
        line.charge(None, open_units * uncovered.unit_price(there))
        here = there
