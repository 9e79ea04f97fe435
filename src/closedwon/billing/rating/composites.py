"""Composite products: a percentage of other lines of the invoice (R241-R248, R64-R66).

The base counts lines at the prices they have, before balances pay (R241); it is split wherever the
percentage changes, so the lines below it are cut there too (R248, ``slices.cuts_of``).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import CompositeBase, Product, ProductType
from closedwon.billing.invoices.types import Line, LineType
from closedwon.billing.pricing import Flat, Price, minimum_of, parts
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import Priced, priced_at
from closedwon.billing.rating.slices import Slice, UsageTerms, cuts_of
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import HOUR, Interval

COUNTED = (LineType.USAGE, LineType.SUBSCRIPTION, LineType.COMPOSITE)
ONE = Decimal(1)


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What a line came to, covered or not; ``amount`` in the unit of its credit type."""

    product_id: str
    type: LineType
    starting_at: datetime
    amount: Decimal
    is_free: bool
    credit_type_id: str

    def within(self, period: Interval) -> datetime:
        """Where it counts: a fee for the time after the period counts at its end (R219, R241)."""
        last = period.until - HOUR
        return max(period.start, min(self.starting_at, last))


def spend_of(lines: Iterable[Line]) -> Iterator[Spend]:
    """Lines that composites may count: no applications, charges or purchases (R241, R246)."""
    for line in lines:
        if line.type in COUNTED and line.product_id is not None and line.starting_at is not None:
            yield Spend(
                product_id=line.product_id,
                type=line.type,
                starting_at=line.starting_at,
                amount=line.total,
                is_free=not line.unit_price,
                credit_type_id=line.credit_type_id,
            )


def composites(terms: UsageTerms, period: Interval) -> tuple[Product, ...]:
    """Composite products the card sells in ``period``; those that are bases of others first."""
    sold = (
        product
        for product in terms.composites
        if any(rate.window.overlaps(period) for rate in terms.card.by_product[product.id])
    )
    return in_order(tuple(sold), period.start)


def in_order(products: Sequence[Product], at: datetime) -> tuple[Product, ...]:
    """Composites so that each follows those its base counts; Refused when they go round (R243)."""
    waiting = {product.id: product for product in products}
    ordered: list[Product] = []
    while waiting:
        ready = [
            product
            for product in waiting.values()
            if not any(_is_counted(_base(product, at), other, at) for other in waiting.values())
        ]
        if not ready:
            names = ", ".join(sorted(waiting))
            raise Refused("composite products count each other (R243)", products=names)
        ordered += [waiting.pop(product.id) for product in ready]
    return tuple(ordered)


def composite_slices(
    terms: UsageTerms, product: Product, period: Interval, spend: Sequence[Spend]
) -> Iterator[Slice]:
    """What the product comes to over ``period``: one unit at its amount per percentage (R245).

    Amounts of each credit type stay in it. The minimum holds once per period, is never prorated
    and shows on the last slice (R66).
    """
    base = _base(product, period.start)
    counted = [
        one
        for one in spend
        if _is_counted(base, terms.catalog.products[one.product_id], one.starting_at)
    ]
    if base.exclude_free_usage:
        counted = [one for one in counted if not one.is_free]
        if not counted:
            return
    fiat = terms.card.fiat_credit_type_id
    for credit_type_id in dict.fromkeys((fiat, *(one.credit_type_id for one in counted))):
        mine = [one for one in counted if one.credit_type_id == credit_type_id]
        shares = list(_shares(terms, product, period, mine))
        if credit_type_id == fiat:
            shares = _raised(shares)
        for share in shares:
            yield _slice(product, share, credit_type_id)


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The percentage of one stretch and what it came to."""

    window: Interval
    priced: Priced
    amount: Decimal


def _shares(
    terms: UsageTerms, product: Product, period: Interval, spend: Sequence[Spend]
) -> Iterator[Share]:
    """Entitled stretches in order; tiers count the base of the whole period (R65, R248)."""
    position = ZERO
    for start, end in pairwise(cuts_of(terms, product, period)):
        window = Interval(start, end)
        version = product.at(start)
        subject = Subject(product_id=product.id, product_tags=version.tag_set)
        priced = priced_at(terms.contract, terms.card.by_product[product.id], subject, start)
        if priced is None:
            continue
        inside = sum((one.amount for one in spend if window.covers(one.within(period))), ZERO)
        taken = (position, position + inside)
        covered = (
            replace(one, tariff=replace(one.tariff, price=_one_unit(one.tariff.price, *taken)))
            for one in priced.paying
        )
        amount = _amount(priced.price, *taken)
        position += inside
        yield Share(window=window, priced=replace(priced, paying=tuple(covered)), amount=amount)


def _amount(price: Price, begin: Decimal, end: Decimal) -> Decimal:
    return sum((part.units * part.unit_price for part in parts(price, begin, end)), ZERO)


def _one_unit(price: Price, begin: Decimal, end: Decimal) -> Flat:
    """What the percentage comes to, as the price of the composite's one unit (R245)."""
    return Flat(price=abs(_amount(price, begin, end)))


def _raised(shares: list[Share]) -> list[Share]:
    """Together at least the minimum of the last stretch (R66)."""
    if not shares:
        return shares
    minimum = minimum_of(shares[-1].priced.price)
    short = ZERO if minimum is None else minimum - sum((s.amount for s in shares), ZERO)
    if short <= 0:
        return shares
    return [*shares[:-1], replace(shares[-1], amount=shares[-1].amount + short)]


def _slice(product: Product, share: Share, credit_type_id: str) -> Slice:
    """One unit at the share's amount; a negative one is a unit taken back."""
    price = Flat(price=abs(share.amount))
    version = product.at(share.window.start)
    return Slice(
        subject=Subject(product_id=product.id, product_tags=version.tag_set),
        name=version.name,
        window=share.window,
        begin=ZERO,
        end=ONE if share.amount >= 0 else -ONE,
        priced=replace(
            share.priced,
            list_price=price,
            price=price,
            commit_price=None,
            credit_type_id=credit_type_id,
        ),
        type=LineType.COMPOSITE,
    )


def _base(product: Product, at: datetime) -> CompositeBase:
    return product.at(at).composite or CompositeBase()


def _is_counted(base: CompositeBase, product: Product, at: datetime) -> bool:
    """Whether ``base`` counts lines of ``product``; composites only when it says so (R243)."""
    if product.type is ProductType.COMPOSITE and not base.include_composite_spend:
        return False
    tags = product.at(at).tag_set
    return product.id in base.product_ids or not tags.isdisjoint(base.product_tags)
