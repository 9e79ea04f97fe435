"""What a new contract end does to the terms (R117, R118, R120)."""

from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.replacing import superseded
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Collection, Subscription
from closedwon.billing.contracts.terms import CommitKind, ScheduleItem
from closedwon.kernel.instant import FAR_FUTURE, Interval


def ended(contract: Contract, end: datetime | None, at: datetime) -> Contract:
    """The contract with the end it was given at ``at``; None opens it.

    A later end moves only the term (R118); an earlier one also drops what is scheduled from then
    on (R117). A postpaid true-up is no scheduled item: it stays due unless a transition removes it
    (R124). Children of generators that had begun by ``at`` stay what they are (R114).

    Access segments keep their windows: a contract's balances pay only its own lines, and expire
    with the contract (``balances.pools``).
    """
    term = Interval(contract.term.start, end)
    recurring = tuple(_recurring(known, contract.term, term, at) for known in contract.recurring)
    moved = replace(contract, term=term, recurring=recurring)
    if term.until >= contract.term.until:
        kept = tuple(_not_extended(one, contract.term.until) for one in contract.subscriptions)
        return replace(moved, subscriptions=kept)
    return replace(
        unscheduled(moved, term.until),
        subscriptions=tuple(_cut(one, term.until) for one in contract.subscriptions),
    )


def unscheduled(contract: Contract, at: datetime) -> Contract:
    """The contract without what is scheduled from ``at`` on; true-ups stay (R117, R120, R124)."""
    return replace(
        contract,
        commits=tuple(
            commit
            if commit.kind is CommitKind.POSTPAID
            else replace(commit, payments=_before(commit.payments, at))
            for commit in contract.commits
        ),
        charges=tuple(
            replace(charge, items=_before(charge.items, at)) for charge in contract.charges
        ),
        discounts=tuple(
            replace(discount, items=_before(discount.items, at)) for discount in contract.discounts
        ),
    )


def _recurring(
    known: RecurringCommit, before: Interval, after: Interval, at: datetime
) -> RecurringCommit:
    """A generator whose effective end moves remembers the one it had."""
    same = min(known.window.until, before.until) == min(known.window.until, after.until)
    return known if same else superseded(known, known, before, at)


def _cut(subscription: Subscription, end: datetime) -> Subscription:
    """Ended where the contract ends; one that would start later never does (R117)."""
    window = subscription.window
    until = max(window.start, min(window.until, end))
    return replace(subscription, window=Interval(window.start, until))


def _not_extended(subscription: Subscription, end: datetime) -> Subscription:
    """In advance, a subscription ends where the contract ended before it was extended (R118)."""
    if subscription.collection is Collection.ARREARS or end == FAR_FUTURE:
        return subscription
    return _cut(subscription, end)


def _before(items: tuple[ScheduleItem, ...], end: datetime) -> tuple[ScheduleItem, ...]:
    return tuple(item for item in items if item.timestamp < end)
