"""Arithmetic of a billing period over columns: tiers filled, balances drawn.

The loops are over stretches and balances, of which a period has a few dozen; every step treats all
contracts at once. Balances outside and lines inside gives what lines outside and balances inside
gives, because both orders are the same for every line (R177).
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

import msgspec
import numpy as np

from closedwon.billing.columns.layout import Layout, Piece, Stretch
from closedwon.billing.columns.whole import (
    Whole,
    finer,
    largest,
    made_wide,
    places_of,
    whole,
)


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """Units by stretch; shape (stretches, rows), in ``places``."""

    units: Whole
    places: int


def units_of(layout: Layout, values: Whole, places: int) -> Positions:
    """How many units fall in each stretch (R59-R63); ``values`` are increments per slot and row.

    Increments must not be negative: usage that was taken back goes the ordinary way.
    """
    needed = max(places, places_of(_edges(layout.stretches)))
    values = finer(values, needed - places)
    edge = max((whole(at, needed) for at in _edges(layout.stretches)), default=0)
    values = made_wide(values, _row_bound(values) + edge)
    units = np.zeros((len(layout.stretches), values.shape[1]), dtype=values.dtype)
    begins = _begins(layout.pieces, values)
    at = 0
    for piece, stretches in groupby(layout.stretches, key=lambda stretch: stretch.piece):
        begin = begins[piece]
        end = begin + values[layout.pieces[piece].slot]
        for stretch in stretches:
            units[at] = _between(stretch, begin, end, needed)
            at += 1
    return Positions(units=units, places=needed)


def _begins(pieces: Sequence[Piece], values: Whole) -> dict[int, Whole]:
    """Position of each piece's first unit: what earlier pieces of its product took (R63)."""
    used: dict[int, Whole] = {}
    found: dict[int, Whole] = {}
    real = [at for at, piece in enumerate(pieces) if piece.slot >= 0]
    for at in sorted(real, key=lambda at: pieces[at].slot):
        piece = pieces[at]
        begin = used.get(piece.demand)
        found[at] = np.zeros_like(values[piece.slot]) if begin is None else begin
        used[piece.demand] = found[at] + values[piece.slot]
    return found


def _between(stretch: Stretch, begin: Whole, end: Whole, places: int) -> Whole:
    high = end if stretch.until is None else np.minimum(end, whole(stretch.until, places))
    low = np.maximum(begin, whole(stretch.floor, places))
    inside: Whole = np.maximum(high - low, 0)
    return inside


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What stretches cost, and what balances paid of it; all in ``places``."""

    totals: Whole
    """Shape (stretches, rows)."""
    covered: Whole
    """Shape (balances, stretches, rows), balances in drawdown order."""
    left: Whole
    """Shape (balances, rows): what remains of each balance afterwards."""
    places: int


def money_of(layout: Layout, positions: Positions, left: Whole, left_places: int) -> Money:
    """Price every stretch and draw the balances; ``left`` has shape (balances, rows)."""
    prices = [stretch.price for stretch in layout.stretches]
    price_places = places_of(prices)
    own = positions.places + price_places
    places = max(own, left_places)
    factors = [whole(price, price_places) * 10 ** (places - own) for price in prices]
    bound = max(_row_bound(positions.units), 1) * max(factors, default=0)
    units = made_wide(positions.units, bound)
    totals = np.empty(units.shape, dtype=units.dtype)
    for at, factor in enumerate(factors):
        totals[at] = units[at] * factor
    left = finer(left, places - left_places)
    if object in (left.dtype, totals.dtype):
        left, totals = left.astype(object), totals.astype(object)
    return _drawn(layout, totals, left, places)


def _drawn(layout: Layout, totals: Whole, left: Whole, places: int) -> Money:
    """Each balance pays what it may of what is unpaid, in order, until it is empty (R162-R178)."""
    unpaid, remaining = totals.copy(), left.copy()
    covered = np.zeros((len(layout.payers), *totals.shape), dtype=totals.dtype)
    for pool, stretches in enumerate(layout.payers):
        for at in stretches:
            paid = np.minimum(unpaid[at], remaining[pool])
            covered[pool, at] = paid
            unpaid[at] -= paid
            remaining[pool] -= paid
    return Money(totals=totals, covered=covered, left=remaining, places=places)


def digits_max(money: Money) -> int:
    """Digits of the longest number among them."""
    longest = max(largest(money.totals), largest(money.left))
    return len(str(longest))


def _row_bound(values: Whole) -> int:
    """No row sums up to more than this."""
    return largest(values) * max(len(values), 1)


def _edges(stretches: Sequence[Stretch]) -> list[Decimal]:
    return [at for s in stretches for at in (s.floor, s.until) if at is not None]
