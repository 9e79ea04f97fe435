"""Which rates hold when: of a card, and of a contract after its overrides (R53-R57, R92).

Selectors are ORed, what one names is ANDed (metronome.md 2.6). A segment is as long as list rate,
override rate, commit rate and entitlement together stay the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import Catalog, Product, Rate, RateCard
from closedwon.billing.contracts.state import Contract
from closedwon.billing.pricing import Price
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import (
    is_entitled,
    matching_at,
    overridden,
    rate_at,
    winning,
)
from closedwon.kernel.instant import Interval, edges


class RateSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Selects rates; whatever is left at its default selects nothing away."""

    product_id: str | None = None
    product_tags: tuple[str, ...] = ()
    """The product has ANY of these tags."""
    pricing_group_values: Mapping[str, str] | None = None
    """Exactly these."""
    partial_pricing_group_values: Mapping[str, str] = {}
    """At least these."""
    billing_frequency: str | None = None


class RateSegment(msgspec.Struct, frozen=True, kw_only=True):
    """What one product (and pricing tuple, and frequency) costs throughout ``window``."""

    product_id: str
    product_name: str
    product_tags: tuple[str, ...]
    """Name and tags are today's."""
    pricing_group_values: Mapping[str, str]
    billing_frequency: str | None
    window: Interval
    entitled: bool
    credit_type_id: str
    rate_id: str
    list_rate: Price
    commit_rate: Price | None
    override_id: str | None = None
    override_rate: Price | None = None
    """The list rate after the winning general override; None without one (R80-R83)."""


def rates_at(
    card: RateCard, catalog: Catalog, instant: datetime, selectors: Sequence[RateSelector] = ()
) -> tuple[Rate, ...]:
    """The rate in force for everything the card sells at ``instant``, in card order (R54)."""
    return tuple(
        rate
        for _, one in _sold(card, catalog, selectors)
        if (rate := _in_force(card, one, instant)) is not None
    )


def card_schedule(
    card: RateCard, catalog: Catalog, window: Interval, selectors: Sequence[RateSelector] = ()
) -> tuple[RateSegment, ...]:
    """Rates over ``window`` by product, in card order, oldest segment first."""
    return _schedule(card, catalog, window, selectors, None)


def contract_schedule(
    contract: Contract,
    card: RateCard,
    catalog: Catalog,
    window: Interval,
    selectors: Sequence[RateSelector] = (),
) -> tuple[RateSegment, ...]:
    """As ``card_schedule`` inside the contract's term, with its overrides and entitlements (R92).

    Commit-specific overrides price what a balance pays and are not shown; nor are those that ask
    for presentation values, which are of lines and not of rates (R78).
    """
    if not window.overlaps(contract.term):
        return ()
    ends = [end for end in (window.end, contract.term.end) if end is not None]
    start = max(window.start, contract.term.start)
    inside = Interval(start, min(ends) if ends else None)
    return _schedule(card, catalog, inside, selectors, contract)


def _schedule(
    card: RateCard,
    catalog: Catalog,
    window: Interval,
    selectors: Sequence[RateSelector],
    contract: Contract | None,
) -> tuple[RateSegment, ...]:
    own = edges(override.window for override in contract.overrides) if contract else frozenset()
    return tuple(
        segment
        for product, one in _sold(card, catalog, selectors)
        for segment in _joined(
            _segments(card, product, one, window.cut(_cuts(card, product, own)), contract)
        )
    )


def _sold(
    card: RateCard, catalog: Catalog, selectors: Sequence[RateSelector]
) -> Iterator[tuple[Product, Rate]]:
    """The first rate of every pricing tuple and frequency that a selector selects."""
    for product_id, rates in card.by_product.items():
        product = catalog.products[product_id]
        seen = set()
        for rate in rates:
            if rate.slot not in seen and _is_selected(selectors, product, rate):
                seen.add(rate.slot)
                yield product, rate


def _is_selected(selectors: Sequence[RateSelector], product: Product, rate: Rate) -> bool:
    tags = product.versions[-1].tag_set
    values = rate.pricing_group_values
    return not selectors or any(
        selector.product_id in (None, product.id)
        and not (selector.product_tags and tags.isdisjoint(selector.product_tags))
        and selector.pricing_group_values in (None, values)
        and selector.partial_pricing_group_values.items() <= values.items()
        and selector.billing_frequency in (None, rate.billing_frequency)
        for selector in selectors
    )


def _cuts(card: RateCard, product: Product, own: Iterable[datetime]) -> Iterator[datetime]:
    yield from own
    yield from card.changes[product.id]
    yield from (version.starting_at for version in product.versions)


def _segments(
    card: RateCard,
    product: Product,
    one: Rate,
    pieces: Iterable[Interval],
    contract: Contract | None,
) -> Iterator[RateSegment]:
    for piece in pieces:
        rate = _in_force(card, one, piece.start)
        if rate is None:
            continue
        subject = Subject(
            product_id=product.id,
            product_tags=product.at(piece.start).tag_set,
            pricing_group_values=rate.pricing_group_values,
            billing_frequency=rate.billing_frequency,
        )
        live = matching_at(contract, subject, piece.start) if contract else ()
        winner = winning(live, contract.prioritization) if contract else None
        yield RateSegment(
            product_id=product.id,
            product_name=product.name,
            product_tags=product.versions[-1].tags,
            pricing_group_values=rate.pricing_group_values,
            billing_frequency=rate.billing_frequency,
            window=piece,
            entitled=is_entitled(rate, live),
            credit_type_id=rate.credit_type_id,
            rate_id=rate.id,
            list_rate=rate.price,
            commit_rate=rate.commit_price,
            override_id=None if winner is None else winner.id,
            override_rate=None if winner is None else overridden(rate.price, winner),
        )


def _in_force(card: RateCard, one: Rate, instant: datetime) -> Rate | None:
    rates = card.by_slot[one.slot]
    return rate_at(rates, one.pricing_group_values, instant, one.billing_frequency)


def _joined(segments: Iterable[RateSegment]) -> Iterator[RateSegment]:
    """Neighbours in which nothing changes, as one."""
    last: RateSegment | None = None
    for segment in segments:
        if last is not None and _continues(last, segment):
            last = replace(last, window=Interval(last.window.start, segment.window.end))
            continue
        if last is not None:
            yield last
        last = segment
    if last is not None:
        yield last


def _continues(last: RateSegment, after: RateSegment) -> bool:
    """Whether ``after`` begins where ``last`` ends and says the same."""
    same = replace(after, window=last.window, rate_id=last.rate_id, override_id=last.override_id)
    return last.window.end == after.window.start and same == last
