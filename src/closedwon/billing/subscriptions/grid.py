"""The billing periods of a subscription (R217)."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.invoices.periods import anchor
from closedwon.kernel.calendar import grid
from closedwon.kernel.instant import FAR_FUTURE, Interval


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One billing period: what the subscription covers of a period of the grid."""

    covered: Interval
    nominal: Interval
    is_first: bool


def live(contract: Contract, subscription: Subscription) -> Interval | None:
    """When the subscription runs: its own window inside the contract's; None when never."""
    start = max(subscription.window.start, contract.term.start)
    end = min(subscription.window.until, contract.term.until)
    if contract.archived_at is not None:
        end = min(end, contract.archived_at)
    if start >= end:
        return None
    return Interval(start, None if end == FAR_FUTURE else end)


def billing_periods(contract: Contract, subscription: Subscription) -> Iterator[Period]:
    """Periods in turn on the grid of ``anchor_date``, else of the usage statement (R217).

    The first and the last one may be cut; an open subscription never ends.
    """
    span = live(contract, subscription)
    if span is None:
        return
    root = anchor(contract) if subscription.anchor_date is None else subscription.anchor_date
    for nominal in grid(root, subscription.frequency, span):
        start = max(nominal.start, span.start)
        covered = Interval(start, min(nominal.until, span.until))
        yield Period(covered=covered, nominal=nominal, is_first=start == span.start)


def boundaries(contract: Contract, subscription: Subscription) -> Iterator[datetime]:
    """Every instant a charge may be dated: starts and ends of periods, without repeats."""
    for period in billing_periods(contract, subscription):
        if period.is_first:
            yield period.covered.start
        yield period.covered.until
