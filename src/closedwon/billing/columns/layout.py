"""What a billing period looks like for contracts that are alike: pieces, stretches, who may pay.

Everything here is found by asking the ordinary rules about one of the contracts: the slices come
from ``rating.slices`` given one unit of usage in every stretch of time, their order from
``balances.order``, and whether a balance may pay a slice is tried out with ``balances.settle``. So
the columns have no rule of their own about cuts (R131), overrides (R73-R86), entitlement (R55),
order (R176) or eligibility (R163, R179).
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from closedwon.billing.balances.order import line_key
from closedwon.billing.balances.pools import Pool
from closedwon.billing.balances.settle import settled
from closedwon.billing.catalog.types import Catalog, Product
from closedwon.billing.columns.roster import Row
from closedwon.billing.pricing import Flat, Price, Tiered
from closedwon.billing.rating.demand import Demand, Reading
from closedwon.billing.rating.slices import Slice, UsageTerms, demands_in, slices
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval

UNIT = Decimal(1)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A slice that may have units; ``slot`` is where the panel's answer says how many."""

    slice: Slice
    demand: int
    slot: int
    """-1 for the empty slice of a product without usage (R51)."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """One tier of one piece; ``until`` None is open (R59, R60)."""

    piece: int
    floor: Decimal
    until: Decimal | None
    price: Decimal
    level: int | None
    size: Decimal | None = None


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces and their stretches in the order they meet balances (R176)."""

    window: Interval
    fiat: str
    """Credit type of every piece."""
    demands: tuple[tuple[Product, Demand], ...]
    pieces: tuple[Piece, ...]
    stretches: tuple[Stretch, ...]
    payers: tuple[tuple[int, ...], ...]
    """Per usable balance, in drawdown order, the stretches it may pay."""
    overrides: tuple[str, ...]
    """Ids of the overrides in the window, as slices name them."""
    place: dict[str, int]
    """Products in card order."""


def layout_of(row: Row, window: Interval, catalog: Catalog) -> Layout | None:
    """The layout of everyone like ``row``; None when something in it cannot be a column."""
    contract = row.contract
    card = catalog.rate_cards[contract.rate_card_id or ""]
    terms = UsageTerms(contract=contract, card=card, catalog=catalog, commits=contract.commits)
    demands = tuple(demands_in(terms, window, (), ""))
    if len({product.id for product, _ in demands}) < len(demands):
        return None  # A product that changes its metric goes on from one to the other (R40).
    pieces = sorted(_pieces(terms, demands), key=lambda piece: line_key(piece.slice, ()))
    if not all(_is_plain(piece, card.fiat_credit_type_id) for piece in pieces):
        return None
    if any(demand.group_keys or demand.whole_period for _, demand in demands):
        return None
    stretches = tuple(
        stretch
        for at, piece in enumerate(pieces)
        if piece.slot >= 0
        for stretch in _stretches(at, piece.slice.priced.price)
    )
    payers = []
    for pool in row.usable(window):
        paid = {at for at, piece in enumerate(pieces) if _may_pay(pool, piece.slice)}
        payers.append(tuple(n for n, stretch in enumerate(stretches) if stretch.piece in paid))
    return Layout(
        window=window,
        fiat=card.fiat_credit_type_id,
        demands=demands,
        pieces=tuple(pieces),
        stretches=stretches,
        payers=tuple(payers),
        overrides=tuple(o.id for o in contract.overrides if o.window.overlaps(window)),
        place={product_id: at for at, product_id in enumerate(card.by_product)},
    )


def _pieces(terms: UsageTerms, demands: tuple[tuple[Product, Demand], ...]) -> Iterator[Piece]:
    """Every slice a unit of usage can fall in, and the empty ones."""
    first = 0
    for number, (product, demand) in enumerate(demands):
        cuts = range(1, len(demand.cuts))
        probe = [Reading(key="", group=(), cut=cut, value=Decimal(cut)) for cut in cuts]
        for found in slices(terms, product, demand, probe):
            slot = first + demand.cuts.index(found.window.start)
            yield Piece(slice=found, demand=number, slot=slot)
        for found in slices(terms, product, demand, ()):
            yield Piece(slice=found, demand=number, slot=-1)
        first += len(cuts)


def _is_plain(piece: Piece, fiat: str) -> bool:
    priced = piece.slice.priced
    is_column = isinstance(priced.price, Flat | Tiered) and not priced.paying
    return is_column and priced.credit_type_id == fiat


def _stretches(piece: int, price: Price) -> Iterator[Stretch]:
    """Tiers from the first unit of the billing period on."""
    match price:
        case Flat(price=unit_price):
            yield Stretch(piece=piece, floor=ZERO, until=None, price=unit_price, level=None)
        case Tiered(tiers=tiers):
            floor = ZERO
            for level, tier in enumerate(tiers, start=1):
                until = None if tier.size is None else floor + tier.size
                yield Stretch(
                    piece=piece,
                    floor=floor,
                    until=until,
                    price=tier.price,
                    level=level,
                    size=tier.size,
                )
                floor = floor if until is None else until
        case _:
            raise InvariantBroken("only flat and tiered prices are columns")


def _may_pay(pool: Pool, piece: Slice) -> bool:
    """Whether the balance, were there enough of it, would pay a unit of the slice."""
    full = replace(pool, granted=UNIT, adjusted=ZERO, used=ZERO, used_final=ZERO)
    flat = Flat(price=UNIT)
    priced = replace(piece.priced, list_price=flat, price=flat)
    unit = replace(piece, begin=ZERO, end=UNIT, priced=priced)
    return any(line.segment_id == pool.segment.id for line in settled(unit, [full]))
