"""Lines of one slice laid end to end along the units they bill; a breakdown walks along them."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.invoices.types import Line, LineType, Why
from closedwon.billing.pricing import first_unit_price
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import Priced
from closedwon.kernel.exact import CONTEXT, ZERO
from closedwon.kernel.instant import Interval

PLACES = Decimal(1).scaleb(-18)
"""Parts of a line that ends at a fraction of a unit are cut here; the last takes the rest."""


class Track:
    """Where a walk along the lines of one slice has come; moving on gives parts of lines."""

    def __init__(self, window: Interval, lines: Sequence[Line]) -> None:
        self.window = window
        self._lines = list(lines)
        self._position = ZERO
        self._starts = [ZERO]
        for line in lines:
            self._starts.append(self._starts[-1] + (line.quantity or ZERO))

    def moved(self, units: Decimal) -> Iterator[Line]:
        """Parts of the lines between here and ``units`` further; negative ones when it goes back.

        Beyond the last line, and before the first, a unit costs what it does there without a
        balance.
        """
        before, after = self._position, self._position + units
        self._position = after
        for line, start, end in zip(self._lines, self._starts, self._starts[1:], strict=False):
            quantity = _clamped(after, start, end) - _clamped(before, start, end)
            if quantity:
                money = _money(line, start, end, after) - _money(line, start, end, before)
                yield replace(line, quantity=quantity, total=money)
        low, high = min(self._starts), max(self._starts)
        beyond = (after - _clamped(after, low, high)) - (before - _clamped(before, low, high))
        if beyond:
            last = self._lines[-1]
            yield replace(
                last,
                quantity=beyond,
                total=beyond * (last.unit_price or ZERO),
                commit_id=None,
                segment_id=None,
                commit_kind=None,
            )


def price_track(window: Interval, subject: Subject, name: str, priced: Priced) -> Track:
    """A track of usage that is on no line: from its first unit on at the first unit's price."""
    line = Line(
        type=LineType.USAGE,
        name=name,
        total=ZERO,
        product_id=subject.product_id,
        product_tags=tuple(sorted(subject.product_tags)),
        quantity=ZERO,
        unit_price=first_unit_price(priced.price),
        credit_type_id=priced.credit_type_id,
        pricing_group_values=subject.pricing_group_values,
        presentation_group_values=subject.presentation_group_values,
        why=Why(rate_id=priced.rate_id, override_id=priced.override_id),
    )
    return Track(window, [line])


def _clamped(position: Decimal, one: Decimal, other: Decimal) -> Decimal:
    return max(min(one, other), min(position, max(one, other)))


def _money(line: Line, start: Decimal, end: Decimal, position: Decimal) -> Decimal:
    """What the line costs up to ``position``; all of it is its total, to the last digit."""
    at = _clamped(position, start, end)
    if at == start:
        return ZERO
    if at == end:
        return line.total
    money = (at - start) * (line.unit_price or ZERO)
    is_short = money == money.quantize(PLACES, context=CONTEXT)
    return money if is_short else money.quantize(PLACES, context=CONTEXT)
