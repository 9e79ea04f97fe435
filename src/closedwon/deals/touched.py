"""From when on two versions of one term bill usage differently."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import Commit, ScheduledCharge
from closedwon.deals.terms import Term


def touched(old: Term | None, new: Term | None) -> Iterable[datetime]:
    """Instants at which billing differs between two versions of one term."""
    match old if old is not None else new:
        case Override():
            return _override_touched(_override(old), _override(new))
        case Subscription() | RecurringCommit():
            return _recurring_touched(old, new)
        case Commit():
            return _commit_touched(_commit(old), _commit(new))
        case _:
            return _charge_touched(_charge(old), _charge(new))


def _recurring_touched(old: Term | None, new: Term | None) -> Iterable[datetime]:
    """Since its start; an update of a quantity since its own (R225)."""
    if isinstance(old, Subscription) and isinstance(new, Subscription):
        return tuple(
            update.starting_at for update in new.quantity_updates[len(old.quantity_updates) :]
        ) or (min(old.window.until, new.window.until),)
    terms = (one for one in (old, new) if isinstance(one, RecurringCommit | Subscription))
    return tuple(one.window.start for one in terms)


def _override(term: Term | None) -> Override | None:
    return term if isinstance(term, Override) else None


def _commit(term: Term | None) -> Commit | None:
    return term if isinstance(term, Commit) else None


def _charge(term: Term | None) -> ScheduledCharge | None:
    return term if isinstance(term, ScheduledCharge) else None


def _override_touched(old: Override | None, new: Override | None) -> Iterable[datetime]:
    if old is not None and new is not None:
        moved = replace(old, window=new.window, source=new.source)
        if moved == new and old.window.start == new.window.start:
            return (min(old.window.until, new.window.until),)
    return tuple(term.window.start for term in (old, new) if term is not None)


def _commit_touched(old: Commit | None, new: Commit | None) -> Iterable[datetime]:
    if old is None or new is None:
        sides = [side for side in (old, new) if side is not None]
        starts = [segment.window.start for side in sides for segment in side.schedule]
        return starts + ([] if old is None else [one.timestamp for one in old.payments])
    segments = [{one.id: replace(one, changes=()) for one in side.schedule} for side in (old, new)]
    payments = {one.id: one for one in old.payments}, {one.id: one for one in new.payments}
    found = [
        side[key].window.start
        for key in segments[0].keys() | segments[1].keys()
        for side in segments
        if key in side and segments[0].get(key) != segments[1].get(key)
    ]
    found += [
        payments[0][key].timestamp
        for key in payments[0]
        if payments[0][key] != payments[1].get(key)
    ]
    drawdown = (old.priority, old.applicability, old.kind)
    if drawdown != (new.priority, new.applicability, new.kind):
        found.append(min(segment.window.start for segment in (*old.schedule, *new.schedule)))
    return found


def _charge_touched(old: ScheduledCharge | None, new: ScheduledCharge | None) -> Iterable[datetime]:
    if old is None:
        return ()
    kept = {} if new is None else {item.id: item for item in new.items}
    return tuple(item.timestamp for item in old.items if kept.get(item.id) != item)
