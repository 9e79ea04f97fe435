"""The part of a period that counts, and how what it costs is rounded (R10, R207, R223)."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from closedwon.billing.contracts.recurring import ProrationRounding, RoundingMethod
from closedwon.kernel.exact import QUOTIENTS
from closedwon.kernel.instant import HOUR, Interval

ROUNDINGS = {
    RoundingMethod.HALF_UP: ROUND_HALF_UP,
    RoundingMethod.FLOOR: ROUND_FLOOR,
    RoundingMethod.CEILING: ROUND_CEILING,
}


def prorated(
    amount: Decimal, part: Interval, nominal: Interval, rounding: ProrationRounding | None
) -> Decimal:
    """``amount`` by whole hours of ``part`` over those of ``nominal``; a full period as it is."""
    covered, full = _hours(part), _hours(nominal)
    if covered == full:
        return amount
    share = QUOTIENTS.divide(amount * covered, Decimal(full))
    if rounding is None:
        return share
    unit = Decimal(1).scaleb(-rounding.decimal_places)
    whole = (share / unit).to_integral_value(ROUNDINGS[rounding.method])
    return whole * unit


def _hours(span: Interval) -> int:
    return int((span.until - span.start) // HOUR)
