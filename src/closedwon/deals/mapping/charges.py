"""Scheduled charges: one date, or a recurring schedule spelled out (R148-R153)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from closedwon.billing.contracts.terms import ScheduledCharge, ScheduleItem
from closedwon.deals.mapping.deal_terms import DealTerms, Group
from closedwon.deals.mapping.outputs import ChargeOutput, Recurring
from closedwon.kernel.calendar import grid
from closedwon.kernel.exact import CONTEXT, ZERO, minor_digits
from closedwon.kernel.instant import Interval, end_of, midnight

ITEMS_MAX = 1200
"""A hundred years of months; a longer schedule is broken input (F123)."""


class Charges:
    """Builds the scheduled charges of one deal."""

    def __init__(self, terms: DealTerms) -> None:
        self._terms = terms

    def charge(self, output: ChargeOutput, group: Group) -> ScheduledCharge:
        """The charge a group of rows forms; raises Unmappable when it cannot be one."""
        terms = self._terms
        key = terms.text(output.product.key, group) or group.key
        amount = terms.money(output.amount, group.first, group, "the charge")
        if output.schedule is not None:
            dates = self._dates(output.schedule, group)
            amounts = shares(amount, len(dates), output.schedule.amounts, terms.header.currency)
        else:
            dates, amounts = [self._single_date(output, group)], (amount,)
        return ScheduledCharge(
            id=terms.id("charge", key),
            product_id=terms.product(output.product, group),
            name=terms.title(output.product.name, group) or key,
            items=tuple(
                ScheduleItem(
                    id=terms.id("charge_item", key, f"{at:%Y-%m-%d}"),
                    timestamp=at,
                    amount=share,
                    unit_price=share,
                )
                for at, share in zip(dates, amounts, strict=True)
            ),
            credit_type_id=terms.header.credit_type_id,
            custom_fields=terms.custom_fields(output.custom_fields, group),
            source=terms.source(group),
        )

    def _single_date(self, output: ChargeOutput, group: Group) -> datetime:
        found = self._terms.answers.day(output.on, group.first, group.rows)
        if found is None:
            message = "the charge has no invoice date"
            fix = "Fill in the date on the row."
            raise self._terms.stop("undated_charge", message, fix, group, output.on)
        return midnight(found)

    def _dates(self, schedule: Recurring, group: Group) -> list[datetime]:
        terms = self._terms
        first = terms.day(schedule.start, group.first, group, "the schedule start")
        last = terms.day(schedule.end, group.first, group, "the schedule end")
        if last < first:
            message = f"the schedule ends on {last}, before it starts on {first}"
            fix = "Correct the dates of the row."
            raise terms.stop("ends_before_start", message, fix, group, schedule.end)
        span = Interval(midnight(first), end_of(last))
        frequency = terms.frequency(schedule.frequency, group)
        in_arrears = terms.answers.flag(schedule.in_arrears, group.first)
        dates: list[datetime] = []
        for period in grid(span.start, frequency, span):
            dates.append(min(period.until, span.until) if in_arrears else period.start)
            if len(dates) > ITEMS_MAX:
                message = f"the schedule has more than {ITEMS_MAX} dates"
                fix = "Correct the dates or the billing frequency."
                raise terms.stop("schedule_length", message, fix, group, schedule.end)
        return dates


def shares(amount: Decimal, count: int, how: str, currency: str) -> Sequence[Decimal]:
    """What each of ``count`` dates bears, in the wire unit (R153).

    EACH: all of it. DIVIDED: an exact share. DIVIDED_ROUNDED: shares in whole minor units (USD
    cents), the last one takes what is left, so that they add up to ``amount`` exactly.
    """
    if how == "EACH":
        return (amount,) * count
    share = CONTEXT.divide(amount, Decimal(count))
    if how == "DIVIDED":
        return (share,) * count
    digits = 0 if currency == "USD" else minor_digits(currency)
    rounded = share.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    rest = amount - sum([rounded] * (count - 1), ZERO)
    return (*((rounded,) * (count - 1)), rest)
