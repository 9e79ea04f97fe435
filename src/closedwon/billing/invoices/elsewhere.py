"""Spend of a customer's other contracts, for composites of scope CUSTOMER (R242).

It is what the other contracts' usage and fees come to in the same window at the prices where no
balance pays, rated for the window by itself: it does not depend on the order of invoices.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from closedwon.billing.catalog.types import Product
from closedwon.billing.invoices.types import LineType
from closedwon.billing.pricing import parts
from closedwon.billing.rating.composites import Spend, composites
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.billing.rating.slices import Slice, UsageTerms, demands_in, rated
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval

CUSTOMER = "CUSTOMER"


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """What another contract has to be asked about a window."""

    terms: UsageTerms
    demands: tuple[tuple[Product, Demand], ...]
    fees: tuple[Slice, ...] = ()
    """Its subscription charges of the window."""


def looks_elsewhere(terms: UsageTerms, window: Interval) -> bool:
    """Whether a composite sold in ``window`` counts the spend of all the customer's contracts."""
    return any(_scope(product, window.start) == CUSTOMER for product in composites(terms, window))


def elsewhere(
    others: Sequence[UsageTerms],
    fees: Mapping[str, Sequence[Slice]],
    window: Interval,
    names: tuple[str, ...],
    prefix: str,
) -> Iterator[Elsewhere]:
    """What to ask of each other contract; ``fees`` are subscription charges by contract id."""
    for terms in others:
        term = terms.contract.term
        if terms.contract.archived_at is not None or not term.overlaps(window):
            continue
        shared = Interval(max(term.start, window.start), min(term.until, window.until))
        key = f"{prefix}/{terms.contract.id}"
        yield Elsewhere(
            terms=terms,
            demands=tuple(demands_in(terms, shared, names, key)),
            fees=tuple(
                fee for fee in fees.get(terms.contract.id, ()) if window.covers(fee.window.start)
            ),
        )


def spend_elsewhere(found: Elsewhere, quantities: Quantities) -> Iterator[Spend]:
    """What the other contract's lines come to."""
    pieces = [*found.fees]
    for product_id, pairs in groupby(found.demands, key=lambda pair: pair[0].id):
        product = found.terms.catalog.products[product_id]
        asked = [(demand, quantities.get(demand.key, ())) for _, demand in pairs]
        pieces += rated(found.terms, product, asked).slices
    for piece in pieces:
        listed = list(parts(piece.priced.price, piece.begin, piece.end))
        yield Spend(
            product_id=piece.subject.product_id,
            type=LineType.USAGE,
            starting_at=piece.window.start,
            amount=sum((part.units * part.unit_price for part in listed), ZERO),
            is_free=not any(part.unit_price for part in listed),
            credit_type_id=piece.priced.credit_type_id,
        )


def in_scope(
    product: Product, at: datetime, own: Sequence[Spend], others: Sequence[Spend]
) -> tuple[Spend, ...]:
    """The spend a composite may count: its contract's, or all of the customer's (R242)."""
    return (*own, *others) if _scope(product, at) == CUSTOMER else tuple(own)


def _scope(product: Product, at: datetime) -> str:
    base = product.at(at).composite
    return "CONTRACT" if base is None else base.scope
