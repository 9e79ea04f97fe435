"""Balances pay lines: the drawdown itself (R131-R133, R146, R147, R162-R178, R186).

Money leads: a covered quantity is the amount applied over its unit price, and what is left of a
stretch costs its total minus what was applied, so that parts always add up to the whole exactly.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from closedwon.billing.balances.pools import Pool
from closedwon.billing.invoices.types import Line, LineType, TierRef, Why
from closedwon.billing.pricing import Part, Price, parts
from closedwon.billing.rating.matching import applies
from closedwon.billing.rating.slices import Slice
from closedwon.kernel.exact import ZERO


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Units at one unit price, what they cost exactly, and the position they end at."""

    part: Part
    money: Decimal
    until: Decimal


class Walk(msgspec.Struct, kw_only=True):
    """How far along a slice the paying has come; working memory of one slice."""

    position: Decimal
    left: Stretch | None = None
    """The unpaid remainder of a stretch a balance ran out in."""
    left_price: Price | None = None
    """The price that stretch was cut by; another price cuts it anew (R89)."""

    def ahead(self, price: Price, end: Decimal) -> Iterator[Stretch]:
        """Stretches still to pay under ``price``."""
        left, begin = self.left, self.position
        if left is not None and self.left_price == price:
            begin = left.until
            yield left
        elif left is not None:
            begin = left.until - left.part.units
        for part in parts(price, begin, end):
            begin += part.units
            yield Stretch(part=part, money=part.units * part.unit_price, until=begin)

    def passed(self, stretch: Stretch) -> None:
        """All of ``stretch`` is paid."""
        self.position = stretch.until
        self.left = self.left_price = None

    def stopped(self, stretch: Stretch, price: Price, units: Decimal, money: Decimal) -> None:
        """``units`` of ``stretch`` are paid with ``money``; the rest keeps its exact cost."""
        part = replace(stretch.part, units=stretch.part.units - units)
        self.left = replace(stretch, part=part, money=stretch.money - money)
        self.left_price = price


def settled(piece: Slice, pools: Sequence[Pool]) -> Iterator[Line]:
    """Lines of one slice: covered parts with their applications, then what is due (R132).

    ``pools`` are in drawdown order (R177) and are drawn from. Units taken back and free units
    neither use nor restore a balance (R147, R164).
    """
    walk = Walk(position=piece.begin)
    for pool in pools:
        if walk.position >= piece.end:
            break
        if not _may_pay(pool, piece):
            continue
        applied = ZERO
        for line in _covered(piece, pool, walk):
            applied += line.total if line.commit_id is not None else ZERO
            yield line
        if applied:
            yield _application(piece, pool, applied)
    yield from _due(piece, walk)


def _may_pay(pool: Pool, piece: Slice) -> bool:
    """Whether the pool is eligible for the slice (R161, R163, R179)."""
    return (
        pool.remaining > 0
        and pool.commit.access_credit_type_id == piece.priced.credit_type_id
        and pool.window.start <= piece.window.start
        and piece.window.until <= pool.window.until
        and applies(pool.commit.applicability, piece.subject)
    )


def _covered(piece: Slice, pool: Pool, walk: Walk) -> Iterator[Line]:
    """Lines the pool covers from where the walk stands, until the slice or the pool ends."""
    price = _price(piece, pool)
    for stretch in walk.ahead(price, piece.end):
        part = stretch.part
        if not part.unit_price:
            walk.passed(stretch)
            yield _line(piece, part, part.units, ZERO)
            continue
        amount = min(pool.remaining, stretch.money)
        if not amount:
            return
        pool.draw(amount, final=False)
        if amount == stretch.money:
            walk.passed(stretch)
            yield _paid(_line(piece, part, part.units, amount), pool)
            continue
        units = amount / part.unit_price
        walk.stopped(stretch, price, units, amount)
        yield _paid(_line(piece, part, units, amount), pool)
        return


def _due(piece: Slice, walk: Walk) -> Iterator[Line]:
    """What no balance covers, at the price without one (R81); an empty slice shows zero (R51)."""
    if piece.begin == piece.end:
        first = next(parts(piece.priced.price, ZERO, Decimal(1)))
        yield _line(piece, first, ZERO, ZERO)
        return
    if walk.position == piece.end:
        return
    for stretch in walk.ahead(piece.priced.price, piece.end):
        yield _line(piece, stretch.part, stretch.part.units, stretch.money)


def _price(piece: Slice, pool: Pool) -> Price:
    """The price while this pool pays (R71, R72)."""
    if pool.commit.rate_type == "COMMIT_RATE" and piece.priced.commit_price is not None:
        return piece.priced.commit_price
    return piece.priced.price


def _line(piece: Slice, part: Part, quantity: Decimal, total: Decimal) -> Line:
    tier = None
    if part.level is not None and part.starting_at is not None:
        tier = TierRef(level=part.level, starting_at=part.starting_at, size=part.size)
    return Line(
        type=piece.type,
        name=piece.name,
        total=total,
        product_id=piece.subject.product_id or None,
        product_tags=tuple(sorted(piece.subject.product_tags)),
        quantity=quantity,
        unit_price=part.unit_price,
        list_price=_list_price(piece, part),
        credit_type_id=piece.priced.credit_type_id,
        starting_at=piece.window.start,
        ending_before=piece.window.end,
        tier=tier,
        pricing_group_values=piece.subject.pricing_group_values,
        presentation_group_values=piece.subject.presentation_group_values,
        subscription_id=piece.subscription_id,
        is_prorated=piece.is_prorated,
        why=Why(rate_id=piece.priced.rate_id, override_id=piece.priced.override_id),
    )


def _list_price(piece: Slice, part: Part) -> Decimal:
    """List unit price of the same tier; of the first one where the card has fewer tiers."""
    if piece.priced.is_list:
        return part.unit_price
    listed = list(parts(piece.priced.list_price, ZERO, Decimal(1)))
    if part.starting_at is not None:
        at = part.starting_at
        listed = list(parts(piece.priced.list_price, at, at + 1)) or listed
    return listed[0].unit_price


def _paid(line: Line, pool: Pool) -> Line:
    return replace(
        line,
        commit_id=pool.commit.id,
        segment_id=pool.segment.id,
        commit_kind=pool.commit.kind,
    )


def _application(piece: Slice, pool: Pool, amount: Decimal) -> Line:
    """The negative line that shows what a balance paid (R132)."""
    return Line(
        type=LineType.APPLIED,
        name=f"{pool.commit.name} applied",
        total=-amount,
        product_id=piece.subject.product_id or None,
        product_tags=tuple(sorted(piece.subject.product_tags)),
        credit_type_id=piece.priced.credit_type_id,
        starting_at=piece.window.start,
        ending_before=piece.window.end,
        commit_id=pool.commit.id,
        segment_id=pool.segment.id,
        commit_kind=pool.commit.kind,
    )
