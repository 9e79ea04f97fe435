"""Commits and credits of every period (R201-R210), of seats where they follow some (R229)."""

from decimal import Decimal

from closedwon.billing.contracts.recurring import (
    Proration,
    RecurringAmount,
    RecurringCommit,
    SeatLink,
)
from closedwon.billing.contracts.terms import CommitKind
from closedwon.deals.mapping.deal_terms import DealTerms, Group
from closedwon.deals.mapping.outputs import RecurringOutput, Value
from closedwon.deals.mapping.subscriptions import subscription_id_of
from closedwon.kernel.instant import Interval, end_of, midnight


class RecurringBalances:
    """Builds the recurring commits and credits of one deal."""

    def __init__(self, terms: DealTerms) -> None:
        self._terms = terms

    def recurring(self, output: RecurringOutput, group: Group) -> RecurringCommit:
        """The balance a group of rows grants every period; raises Unmappable when it cannot."""
        terms = self._terms
        key = terms.text(output.product.key, group) or group.key
        window = self._window(output, group)
        seats = self._seats(output, group)
        price = None if output.price is None else terms.agreed(output.price, group)
        return RecurringCommit(
            id=terms.id("recurring_credit" if output.is_credit else "recurring_commit", key),
            kind=CommitKind.CREDIT if output.is_credit else CommitKind.PREPAID,
            product_id=terms.product(output.product, group),
            name=terms.title(output.product.name, group) or key,
            access=self._amount(output.amount, group, "the balance of a period", seats),
            invoice=None
            if output.price is None or price is None
            else self._amount(output.price, group, "the price of a period", seats),
            window=window,
            duration_periods=self._duration(output, group),
            frequency=None
            if output.frequency is None or not terms.text(output.frequency, group)
            else terms.frequency(output.frequency, group),
            proration=Proration(output.proration),
            priority=terms.priority(output.applies, group),
            rollover_fraction=terms.share(output.rollover_fraction, group),
            applicability=terms.applicability(output.applies, group),
            seats=seats,
            custom_fields=terms.custom_fields(output.custom_fields, group),
            created_at=window.start,
            source=terms.source(group),
        )

    def _amount(
        self, value: Value, group: Group, what: str, seats: SeatLink | None
    ) -> RecurringAmount:
        """The amount of a period, or of a seat and period where seats count (R229)."""
        amount = self._terms.money(value, group.first, group, what)
        return RecurringAmount(
            unit_price=amount,
            quantity=Decimal(1) if seats is None else None,
            credit_type_id=self._terms.header.credit_type_id,
        )

    def _window(self, output: RecurringOutput, group: Group) -> Interval:
        terms = self._terms
        first = terms.day(output.start, group.first, group, "the first day")
        last = terms.answers.day(output.end, group.first, group.rows)
        if last is not None and last < first:
            message = f"the balance ends on {last}, before it starts on {first}"
            fix = "Correct the dates of the row."
            raise terms.stop("ends_before_start", message, fix, group, output.end)
        return Interval(midnight(first), None if last is None else end_of(last))

    def _duration(self, output: RecurringOutput, group: Group) -> int:
        found = self._terms.agreed(output.duration_periods, group)
        if found is None:
            return 1
        if found != int(found) or found < 1:
            message = f"a balance that lasts {found} periods"
            fix = "Give a whole number of periods, 1 or more."
            value = output.duration_periods
            raise self._terms.stop("duration_range", message, fix, group, value)
        return int(found)

    def _seats(self, output: RecurringOutput, group: Group) -> SeatLink | None:
        if output.seats is None:
            return None
        terms = self._terms
        key = terms.text(output.seats.key, group)
        return SeatLink(
            subscription_id=subscription_id_of(terms.header.contract_id, key),
            is_prorated=terms.answers.flag(output.seats.prorated, group.first),
        )
