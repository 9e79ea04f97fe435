"""What a term keeps of what it was when an edit replaces it (R113, R114, R197)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from closedwon.billing.contracts.recurring import EarlierRecurring, RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import QuantityUpdate, SeatUpdate, Subscription
from closedwon.billing.contracts.terms import AccessSegment, AmountChange, Commit
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import FAR_FUTURE, Interval

Update = TypeVar("Update", QuantityUpdate, SeatUpdate)
MOMENT = timedelta(microseconds=1)


def superseded(
    old: RecurringCommit, new: RecurringCommit, term: Interval, at: datetime
) -> RecurringCommit:
    """``new`` from ``at`` on, with what was before it kept for children that had begun (R114)."""
    until = min(old.window.until, term.until)
    end = None if until == FAR_FUTURE else max(until, old.window.start)
    as_was = replace(old, window=Interval(old.window.start, end), earlier=())
    return replace(new, earlier=(*old.earlier, EarlierRecurring(until=at, term=as_was)))


def regranted(new: Commit, contract: Contract, at: datetime) -> Commit:
    """``new`` with the history of what is on the contract (R197)."""
    old = next(commit for commit in contract.commits if commit.id == new.id)
    return changed(old, new, at)


def changed(old: Commit, new: Commit, at: datetime) -> Commit:
    """``new`` with what ``old`` granted already kept as changes of its segments (R197).

    A segment that has begun keeps what it began with; one that is taken out then stays, empty, so
    that its ledger still adds up (R113). Callers give segments as they shall be, without history.
    """
    known = {segment.id: segment for segment in old.segments}
    segments = [_edited(known.get(segment.id), segment, at) for segment in new.schedule]
    return replace(new, segments=(*segments, *_removed(old, new, at)))


def recorded(new: Subscription, contract: Contract, at: datetime) -> Subscription:
    """``new`` with ``at`` on the updates this edit brings (R225, R229).

    Updates of two edits are never told of one instant: what an edit granted stands when the next
    one comes.
    """
    old = next(one for one in contract.subscriptions if one.id == new.id)
    stamps = [update.recorded_at for update in old.quantity_updates]
    stamps += [update.recorded_at for update in old.seat_updates]
    last = max((stamp for stamp in stamps if stamp is not None), default=None)
    when = at if last is None else max(at, last + MOMENT)
    return replace(
        new,
        quantity_updates=_dated(old.quantity_updates, new.quantity_updates, when),
        seat_updates=_dated(old.seat_updates, new.seat_updates, when),
    )


def _dated(old: Sequence[Update], new: Sequence[Update], at: datetime) -> tuple[Update, ...]:
    """Each update that was there keeps its instant; the same one again is another one."""
    waiting: dict[Update, list[datetime | None]] = {}
    for update in old:
        waiting.setdefault(replace(update, recorded_at=None), []).append(update.recorded_at)
    dated = []
    for update in new:
        known = waiting.get(replace(update, recorded_at=None))
        dated.append(replace(update, recorded_at=known.pop(0) if known else at))
    return tuple(dated)


def _edited(old: AccessSegment | None, new: AccessSegment, at: datetime) -> AccessSegment:
    if old is None:
        return replace(new, changes=(), adjustments=())
    changes = old.changes
    if old.window.start <= at and new.amount != old.amount:
        changes = (*changes, AmountChange(at=at, amount=new.amount - old.amount))
    return replace(new, changes=changes, adjustments=old.adjustments)


def _removed(old: Commit, new: Commit, at: datetime) -> Iterator[AccessSegment]:
    kept = {segment.id for segment in new.schedule}
    for segment in old.segments:
        if segment.id in kept:
            continue
        if segment.removed_at is not None:
            yield segment
        elif segment.window.start <= at:
            changes = (*segment.changes, AmountChange(at=at, amount=-segment.amount))
            yield replace(segment, amount=ZERO, changes=changes, removed_at=at)
