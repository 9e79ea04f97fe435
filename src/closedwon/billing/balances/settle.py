"""Balances pay lines: the drawdown itself (R131-R133, R146, R147, R162-R178, R186).

Every unit of a slice is paid by the first balance, in drawdown order, that may pay it, has money
and for which it has a price; what no balance pays is due at the price without one (R81). Prices may
differ by who pays, so each balance cuts what is open into tiers of its own price (R89).

Money leads: a covered quantity is the amount applied over its unit price, and what is left of a
stretch costs its total minus what was applied, so that parts always add up to the whole exactly.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from closedwon.billing.balances.pools import Pool
from closedwon.billing.invoices.types import Line, LineType, TierRef, Why
from closedwon.billing.pricing import Part, Price, parts
from closedwon.billing.rating.matching import applies
from closedwon.billing.rating.rates import Tariff
from closedwon.billing.rating.slices import Slice
from closedwon.kernel.exact import ZERO


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Units at one unit price from one position to another, and what they cost exactly."""

    part: Part
    money: Decimal
    begin: Decimal
    until: Decimal


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Units from ``begin`` to ``end`` that nobody has paid."""

    begin: Decimal
    end: Decimal
    left: Stretch | None = None
    """The remainder of the stretch a balance ran out in, where the gap begins with one."""
    left_price: Price | None = None
    """The price that stretch was cut by; another price cuts it anew (R89)."""

    def ahead(self, price: Price) -> Iterator[Stretch]:
        """The units as stretches of ``price``."""
        begin = self.begin
        if self.left is not None and self.left_price == price:
            yield self.left
            begin = self.left.until
        for part in parts(price, begin, self.end):
            until = begin + part.units if part.units < 0 else self.end
            if part.size is not None and part.starting_at is not None and part.units > 0:
                until = min(until, part.starting_at + part.size)
            yield Stretch(part=part, money=part.units * part.unit_price, begin=begin, until=until)
            begin = until


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one balance, or nobody, pays of one tier of a slice."""

    pool: Pool | None
    tariff: Tariff
    part: Part
    units: Decimal
    money: Decimal
    begin: Decimal


def settled(piece: Slice, pools: Sequence[Pool]) -> Iterator[Line]:
    """Lines of one slice in the order of its units, then the applications (R132).

    ``pools`` are in drawdown order (R177) and are drawn from. Units taken back and free units
    neither use nor restore a balance (R147, R164). What is billed once is named by its first line.
    """
    if piece.begin == piece.end:
        yield _empty(piece)
        return
    shares: list[Share] = []
    paid: list[tuple[Pool, Decimal]] = []
    gaps = [Gap(begin=piece.begin, end=piece.end)]
    for pool in pools if piece.begin < piece.end else ():
        if not gaps:
            break
        if may_pay(pool, piece):
            before = pool.remaining
            gaps = _pay(piece, pool, gaps, shares)
            paid.append((pool, before - pool.remaining))
    shares += _due(piece, gaps)
    for number, share in enumerate(_joined(shares, falls=piece.end < piece.begin)):
        line = _line(piece, share)
        is_first = not number and piece.payment_id is not None
        yield replace(line, payment_id=piece.payment_id) if is_first else line
    for pool, amount in paid:
        if amount:
            yield _application(piece, pool, amount)


def may_pay(pool: Pool, piece: Slice) -> bool:
    """Whether the pool is eligible for the slice (R161, R163, R179, R235)."""
    return (
        pool.commit.access_credit_type_id == piece.priced.credit_type_id
        and pool.window.start <= piece.window.start
        and piece.window.until <= pool.window.until
        and pool.open_to(piece.subject, piece.window.start) > 0
        and applies(pool.commit.applicability, piece.subject)
    )


def _pay(piece: Slice, pool: Pool, gaps: Iterable[Gap], shares: list[Share]) -> list[Gap]:
    """Add what the pool pays to ``shares``; the gaps it leaves.

    What is free while it would pay stays open: another balance may have a price for it (R147).
    """
    tariff = piece.priced.while_paying(pool.commit)
    open_gaps: list[Gap] = []
    for gap in gaps:
        for stretch in gap.ahead(tariff.price):
            amount = min(pool.open_to(piece.subject, piece.window.start), stretch.money)
            if not amount:
                open_gaps.append(Gap(begin=stretch.begin, end=stretch.until))
                continue
            pool.draw(amount, final=False, seat=pool.seat_of(piece.subject))
            units = stretch.part.units
            if amount < stretch.money:
                units = amount / stretch.part.unit_price
                open_gaps.append(_cut(stretch, tariff.price, units, amount))
            shares.append(_share(stretch, tariff, pool, units, amount))
    return open_gaps


def _cut(stretch: Stretch, price: Price, units: Decimal, amount: Decimal) -> Gap:
    """What is left of a stretch when ``amount`` paid ``units`` of it; its cost stays exact."""
    begin = stretch.begin + units
    part = replace(stretch.part, units=stretch.part.units - units)
    left = Stretch(part=part, money=stretch.money - amount, begin=begin, until=stretch.until)
    return Gap(begin=begin, end=stretch.until, left=left, left_price=price)


def _due(piece: Slice, gaps: Iterable[Gap]) -> Iterator[Share]:
    """What no balance covers, at the price without one (R81)."""
    tariff = Tariff(price=piece.priced.price, override_id=piece.priced.override_id)
    for gap in gaps:
        for stretch in gap.ahead(tariff.price):
            yield _share(stretch, tariff, None, stretch.part.units, stretch.money)


def _share(
    stretch: Stretch, tariff: Tariff, pool: Pool | None, units: Decimal, money: Decimal
) -> Share:
    return Share(
        pool=pool,
        tariff=tariff,
        part=stretch.part,
        units=units,
        money=money,
        begin=stretch.begin,
    )


def _joined(shares: list[Share], *, falls: bool) -> list[Share]:
    """One share per payer and tier, also where the way was cut more often, by position (R50)."""
    if len(shares) == 1:
        return shares
    found: dict[tuple[str | None, int | None, Decimal], Share] = {}
    for share in shares:
        payer = None if share.pool is None else share.pool.segment.id
        key = (payer, share.part.level, share.part.unit_price)
        known = found.get(key)
        if known is not None:
            begin = min(known.begin, share.begin)
            units, money = known.units + share.units, known.money + share.money
            found[key] = replace(known, begin=begin, units=units, money=money)
        else:
            found[key] = share
    return sorted(found.values(), key=lambda share: share.begin, reverse=falls)


def _empty(piece: Slice) -> Line:
    """A slice without units shows a zero (R51)."""
    tariff = Tariff(price=piece.priced.price, override_id=piece.priced.override_id)
    first = next(parts(tariff.price, ZERO, Decimal(1)))
    share = Share(pool=None, tariff=tariff, part=first, units=ZERO, money=ZERO, begin=ZERO)
    return _line(piece, share)


def _line(piece: Slice, share: Share) -> Line:
    part, pool = share.part, share.pool
    tier = None
    if part.level is not None and part.starting_at is not None:
        tier = TierRef(level=part.level, starting_at=part.starting_at, size=part.size)
    return Line(
        type=piece.type,
        name=piece.name,
        total=share.money,
        product_id=piece.subject.product_id or None,
        product_tags=tuple(sorted(piece.subject.product_tags)),
        quantity=share.units,
        unit_price=part.unit_price,
        list_price=_list_price(piece, part),
        credit_type_id=piece.priced.credit_type_id,
        starting_at=piece.window.start,
        ending_before=piece.window.end,
        commit_id=None if pool is None else pool.commit.id,
        segment_id=None if pool is None else pool.segment.id,
        commit_kind=None if pool is None else pool.commit.kind,
        tier=tier,
        pricing_group_values=piece.subject.pricing_group_values,
        presentation_group_values=piece.subject.presentation_group_values,
        subscription_id=piece.subscription_id,
        is_prorated=piece.is_prorated,
        why=Why(rate_id=piece.priced.rate_id, override_id=share.tariff.override_id),
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


def _application(piece: Slice, pool: Pool, amount: Decimal) -> Line:
    """The negative line that shows what a balance paid (R132), and of which seat's credit."""
    seat = pool.seat_of(piece.subject)
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
        presentation_group_values={pool.commit.seat_group_key: seat}
        if seat is not None and pool.commit.seat_group_key is not None
        else {},
    )
