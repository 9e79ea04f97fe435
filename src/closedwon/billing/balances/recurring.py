"""Children of recurring terms: one commit or credit per period, with ids of its own (R201-R210)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.recurring import (
    Allocation,
    Proration,
    ProrationRounding,
    RecurringAmount,
    RecurringCommit,
    SeatLink,
)
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import QuantityUpdate, SeatUpdate, Subscription
from closedwon.billing.contracts.terms import AccessSegment, Commit, ScheduleItem
from closedwon.billing.invoices.periods import anchor
from closedwon.billing.subscriptions.grants import grant
from closedwon.billing.subscriptions.proration import prorated
from closedwon.kernel.calendar import Frequency, grid, index_before, step
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import FAR_FUTURE, Interval, format_instant

FIRSTS = (Proration.FIRST, Proration.FIRST_AND_LAST)
LASTS = (Proration.LAST, Proration.FIRST_AND_LAST)
ONE = Decimal(1)
Update = TypeVar("Update", QuantityUpdate, SeatUpdate)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One period of a generator."""

    start: datetime
    """When its child's access begins: inside the grid period where that is cut by a start."""
    end: datetime
    """End of the child's access, but for the contract's own end (R203)."""
    counted: Interval
    """What proration counts of ``nominal``, the whole grid period (R10)."""
    nominal: Interval

    def share(self, amount: Decimal, rounding: ProrationRounding | None) -> Decimal:
        """The part of ``amount`` that counts; only a real part is rounded (R207)."""
        return prorated(amount, self.counted, self.nominal, rounding)


def children(contract: Contract, until: datetime) -> tuple[Commit, ...]:
    """Children of all generators that have begun by ``until`` and the next one of each (R204).

    Their access is cut by the contract's end where balances are (``balances.pools``). Children
    that began before an edit of their generator are what it was then (R114), but for ``rate_type``
    (R211).
    """
    return tuple(child for term in contract.recurring for child in _of_term(contract, term, until))


def child_id(recurring_id: str, start: datetime) -> str:
    """Id of the child whose access begins at ``start`` (R13)."""
    return derive("recurring", recurring_id, format_instant(start))


def _of_term(contract: Contract, term: RecurringCommit, until: datetime) -> Iterator[Commit]:
    """Each way the term was, up to the edit that changed it; then as it is now."""
    live = min(contract.archived_at or FAR_FUTURE, contract.term.until)
    ways = [(known.term, known.until, FAR_FUTURE) for known in term.earlier]
    ways.append((term, FAR_FUTURE, contract.term.until))
    since: datetime | None = None
    for known, before, cut in ways:
        as_named = replace(known, id=term.id, rate_type=term.rate_type)
        for period in _periods(contract, known, cut):
            if period.start > before or period.start >= live:
                break
            if since is None or period.start > since:
                yield _child(contract, as_named, period, until, _closing(contract, term, period))
                if period.start > until:
                    return
        since = before


def _periods(contract: Contract, term: RecurringCommit, cut: datetime) -> Iterator[Period]:
    """The generator's periods inside its window, cut at its ends (R201, R202, R209)."""
    start, end = max(term.window.start, contract.term.start), min(term.window.until, cut)
    if start >= end:
        return
    root, frequency = _grid(contract, term)
    span = Interval(start, None if end == FAR_FUTURE else end)
    first = index_before(root, frequency, start)
    for at, nominal in enumerate(grid(root, frequency, span), first):
        counted = Interval(
            max(nominal.start, start) if term.proration in FIRSTS else nominal.start,
            min(nominal.until, end) if term.proration in LASTS else nominal.end,
        )
        ends = min(nominal.until, end)
        if term.duration_periods > 1:
            ends = step(root, frequency, at + term.duration_periods)
        begins = max(nominal.start, start)
        yield Period(start=begins, end=ends, counted=counted, nominal=nominal)


def _grid(contract: Contract, term: RecurringCommit) -> tuple[datetime, Frequency]:
    """Usage billing periods, or a grid of its own that hangs at its start (R201, R202)."""
    if term.frequency is None:
        return anchor(contract), contract.statement.frequency
    return term.window.start, term.frequency


def _closing(contract: Contract, term: RecurringCommit, period: Period) -> Interval:
    """From when the child's balance ends early until nobody can add to it any more (R117, R205).

    An end that was moved into the past still knows what was recorded until it was moved.
    """
    archived = contract.archived_children.get(child_id(term.id, period.start), FAR_FUTURE)
    end = min(contract.archived_at or FAR_FUTURE, contract.term.until, archived)
    moved = (known.until for known in term.earlier if known.term.window.until > end)
    return Interval(end, max((end, *moved)))


def _child(
    contract: Contract, term: RecurringCommit, period: Period, until: datetime, closing: Interval
) -> Commit:
    commit_id = child_id(term.id, period.start)
    followed = _followed(contract, term, closing)
    segment = AccessSegment(
        id=derive("segment", commit_id),
        amount=period.share(term.access.times(ONE), term.access_rounding),
        window=Interval(period.start, period.end),
    )
    if followed is not None and term.seats is not None:
        segment = _seated(segment, term, term.seats, followed, period, until)
    payments = () if term.invoice is None else (_payment(commit_id, term, term.invoice, period),)
    return Commit(
        id=commit_id,
        kind=term.kind,
        product_id=term.product_id,
        name=term.name,
        segments=(segment,),
        payments=payments,
        description=term.description,
        priority=term.priority,
        rollover_fraction=term.rollover_fraction,
        applicability=term.applicability,
        rate_type=term.rate_type,
        access_credit_type_id=term.access.credit_type_id,
        payment_credit_type_id=USD if term.invoice is None else term.invoice.credit_type_id,
        recurring_id=term.id,
        seat_group_key=_seat_key(term, followed),
        child_access=term.child_access,
        created_at=period.start,
        archived_at=contract.archived_children.get(commit_id),
        custom_fields=term.custom_fields,
        echoed=term.echoed,
        source=term.source,
    )


def _followed(contract: Contract, term: RecurringCommit, closing: Interval) -> Subscription | None:
    """The subscription whose seats the generator follows, as known while it could grant (R229)."""
    for subscription in contract.subscriptions if term.seats is not None else ():
        if term.seats is not None and subscription.id == term.seats.subscription_id:
            return replace(
                subscription,
                quantity_updates=tuple(_in_time(subscription.quantity_updates, closing)),
                seat_updates=tuple(_in_time(subscription.seat_updates, closing)),
            )
    return None


def _in_time(updates: Iterable[Update], closing: Interval) -> Iterator[Update]:
    """Updates that begin, and were recorded, before the balance had closed: it stays as it is."""
    for update in updates:
        recorded = update.recorded_at
        if update.starting_at <= closing.start and (recorded is None or recorded < closing.until):
            yield update


def _seat_key(term: RecurringCommit, followed: Subscription | None) -> str | None:
    individual = term.seats is not None and term.seats.allocation is Allocation.INDIVIDUAL
    if not individual or followed is None or followed.seats is None:
        return None
    return followed.seats.seat_group_key


def _seated(
    segment: AccessSegment,
    term: RecurringCommit,
    link: SeatLink,
    followed: Subscription,
    period: Period,
    until: datetime,
) -> AccessSegment:
    """The segment with what its seats are granted, by what is known at ``until`` (R229, R230)."""
    own = Interval(period.start, min(period.nominal.until, period.end))
    nominal = own if period.counted == period.nominal else period.nominal
    found = grant(link, followed, own, nominal, term.access.unit_price, term.access_rounding)
    return replace(
        segment,
        amount=found.amount,
        seats=found.seats,
        adjustments=tuple(more for more in found.adjustments if more.at <= until),
    )


def _payment(
    commit_id: str, term: RecurringCommit, price: RecurringAmount, period: Period
) -> ScheduleItem:
    """Billed when the period begins, by the same share (R204)."""
    amount = period.share(price.times(ONE), term.invoice_rounding)
    whole = period.counted == period.nominal and price.quantity is not None
    return ScheduleItem(
        id=derive("payment", commit_id),
        timestamp=period.start,
        amount=amount,
        unit_price=price.unit_price if whole else amount,
        quantity=price.quantity if whole and price.quantity is not None else ONE,
    )
