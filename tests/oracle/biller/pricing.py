"""Which price a line has at an instant, and what its units cost one by one (R53-R63, R71-R89)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from oracle.biller.book import Agreement, Book
from oracle.history import Commit, Override, Price, Rate, Selector, Spec

ONE = Fraction(1)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A line as selectors see it."""

    product: str
    tags: frozenset[str]
    pricing: frozenset[tuple[str, str]]
    shown: frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A price with the override that changes it."""

    price: Price
    override: Override | None

    def unit_price(self, position: Fraction) -> Fraction:
        """Price of the unit that ends at ``position``; unit 5 belongs to tier 1 of 5 (R60)."""
        won = self.override
        if won is not None and won.overwrite is not None:
            return _at(won.overwrite.tiers, position, ONE)
        listed = _at(self.price.tiers, position, ONE)
        if won is None:
            return listed
        if won.times is not None:
            return listed * won.times
        return listed * _at(won.ranges, position, ONE)

    def edges(self) -> Iterator[Fraction]:
        """Positions at which the unit price may change."""
        won = self.override
        tables = [self.price.tiers]
        if won is not None and won.overwrite is not None:
            tables = [won.overwrite.tiers]
        elif won is not None:
            tables.append(won.ranges)
        for tiers in tables:
            edge = Fraction(0)
            for size, _ in tiers:
                if size is not None:
                    edge += size
                    yield edge

    def steps(self, begin: Fraction, end: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
        """(units, unit price) from ``begin`` to ``end``, at most one unit at a time."""
        edges = sorted(self.edges())
        here = begin
        while here < end:
            stops = [edge for edge in edges if edge > here]
            there = min([here + 1, end, *stops])
            yield there - here, self.unit_price(there)
            here = there

    def cost(self, begin: Fraction, end: Fraction) -> Fraction:
        """What the way costs; walked back, it gives back what it cost."""
        if end < begin:
            return -self.cost(end, begin)
        return sum((units * price for units, price in self.steps(begin, end)), Fraction(0))

    def area(self, begin: Fraction, end: Fraction) -> Fraction:
        """As ``cost``, in strides from edge to edge: for percentages of large amounts."""
        if end < begin:
            return -self.area(end, begin)
        points = [begin, *sorted(e for e in set(self.edges()) if begin < e < end), end]
        return sum(
            ((two - one) * self.unit_price(two) for one, two in pairwise(points)), Fraction(0)
        )

    @property
    def first(self) -> Fraction:
        """Price of the period's first unit; orders lines (R176)."""
        edges = [edge for edge in self.edges() if edge > 0]
        return self.unit_price(min([ONE, *edges]))


def _at(
    tiers: tuple[tuple[Fraction | None, Fraction], ...], position: Fraction, beyond: Fraction
) -> Fraction:
    edge = Fraction(0)
    for size, value in tiers:
        if size is None or position <= edge + size:
            return value
        edge += size
    return beyond


def rate_at(book: Book, subject: Subject, at: datetime) -> Rate | None:
    """The last rate added that is in force for exactly these dimensions (R53, R54)."""
    found = [
        rate
        for rate in book.rates
        if rate.product == subject.product
        and frozenset(rate.dims) == subject.pricing
        and rate.since <= at
        and (rate.until is None or at < rate.until)
    ]
    return found[-1] if found else None


def live_overrides(agreement: Agreement, subject: Subject, at: datetime) -> list[Override]:
    """Overrides in force for the line (R79); the contract's end is their last end."""
    return [
        override
        for override in agreement.overrides
        if override.since <= at
        and (override.until is None or at < override.until)
        and selects(override.selector, subject)
    ]


def is_entitled(rate: Rate, live: list[Override]) -> bool:
    """The last override that says so, else the rate (R55, R86)."""
    said = [o.entitled for o in live if o.entitled is not None]
    return said[-1] if said else rate.entitled


def table(agreement: Agreement, rate: Rate, live: list[Override], payer: Commit | None) -> Table:
    """The price while ``payer`` pays, or while nobody does (R71, R72, R81, R87, R88)."""
    special = [o for o in live if payer is not None and _is_about(o, payer)]
    if payer is not None and payer.rate_type == "COMMIT_RATE" and rate.commit_price is not None:
        on_commit = [o for o in special if o.on_commit_rate]
        return Table(price=rate.commit_price, override=_winner(agreement, on_commit))
    special = [o for o in special if not o.on_commit_rate]
    general = [o for o in live if not o.is_commit_specific]
    return Table(
        price=rate.price,
        override=_winner(agreement, special) or _winner(agreement, general),
    )


def _is_about(override: Override, payer: Commit) -> bool:
    """A rollover is still the balance it came from; a generator means its children (R87)."""
    named = override.commits
    origin = payer.name.partition(">")[0]
    family = {payer.name, origin, origin.partition("/")[0]}
    return override.is_commit_specific and (not named or not family.isdisjoint(named))


def _winner(agreement: Agreement, candidates: list[Override]) -> Override | None:
    """One at most: overwrites first, then by the contract's scheme (R80-R84)."""
    pricing = [o for o in candidates if o.overwrite or o.times is not None or o.ranges]
    overwrites = [o for o in pricing if o.overwrite is not None]
    if overwrites:
        return overwrites[-1]
    best: Override | None = None
    for override in pricing:
        if best is None or _rank(agreement, override) <= _rank(agreement, best):
            best = override
    return best


def _rank(agreement: Agreement, override: Override) -> Fraction:
    if agreement.contract.is_explicit:
        assert override.priority is not None
        return override.priority
    assert override.times is not None
    return override.times


def selects(selector: Selector, subject: Subject) -> bool:
    if not (selector.products or selector.tags or selector.specs):
        return True
    if selector.specs:
        return any(_fits(spec, subject) for spec in selector.specs)
    return subject.product in selector.products or any(t in subject.tags for t in selector.tags)


def _fits(spec: Spec, subject: Subject) -> bool:
    return (
        (spec.product is None or spec.product == subject.product)
        and all(tag in subject.tags for tag in spec.tags)
        and all(pair in subject.pricing for pair in spec.pricing)
        and all(pair in subject.shown for pair in spec.shown)
    )


def may_select(selector: Selector, product: str, tags: frozenset[str]) -> bool:
    """Whether some line of the product could be meant: decides where its lines are cut (R131)."""
    if not (selector.products or selector.tags or selector.specs):
        return True
    if selector.specs:
        return any(
            spec.product in (None, product) and all(tag in tags for tag in spec.tags)
            for spec in selector.specs
        )
    return product in selector.products or any(tag in tags for tag in selector.tags)
