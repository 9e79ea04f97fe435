"""Terms a deal asks for against terms a contract has (design 2): only the difference remains."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, ScheduledCharge
from closedwon.kernel.instant import Interval

Term = Commit | Override | ScheduledCharge
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What must change on the contract; empty when the deal is what the contract says."""

    add: Added
    replace: Added
    replaced: Added
    """The terms that ``replace`` takes the place of, as they stand."""
    removed: Added

    @property
    def is_empty(self) -> bool:
        """Whether nothing must change."""
        return self.add.is_empty and self.replace.is_empty and self.removed.is_empty

    @property
    def first_touched(self) -> datetime | None:
        """The earliest instant whose usage would be billed differently; None when none is.

        Payments and charges count only when they change: new ones get an invoice of their own,
        whenever they are dated (R150).
        """
        old = {term.id: term for term in (*all_terms(self.replaced), *all_terms(self.removed))}
        new = {term.id: term for term in (*all_terms(self.add), *all_terms(self.replace))}
        instants: set[datetime] = set()
        for term_id in old.keys() | new.keys():
            instants |= set(_touched(old.get(term_id), new.get(term_id)))
        return min(instants, default=None)


def difference(contract: Contract, opportunity_id: str, wanted: Added) -> Difference:
    """What the terms of one deal on ``contract`` lack compared with ``wanted``.

    Terms of other deals and hand-made ones are left alone. On a contract that ended early, what
    lies after its end is not missed.
    """
    wanted_ids = {term.id for term in all_terms(wanted)}
    there = {term.id: term for term in contract_terms(contract)}
    ours = {
        term.id
        for term in there.values()
        if term.id in wanted_ids
        or (term.source is not None and term.source.opportunity_id == opportunity_id)
    }
    end = contract.term.end
    added = [term for term in all_terms(wanted) if term.id not in there and _within(term, end)]
    changed = [
        _continued(term, there[term.id])
        for term in all_terms(wanted)
        if term.id in there and not _same(term, there[term.id], end)
    ]
    gone = [there[term_id] for term_id in sorted(ours - wanted_ids) if _is_live(there[term_id])]
    return Difference(
        add=bundle(added),
        replace=bundle(changed),
        replaced=bundle(there[term.id] for term in changed),
        removed=bundle(gone),
    )


def contract_terms(contract: Contract) -> tuple[Term, ...]:
    """Every term of a contract, rollover commits aside."""
    commits = tuple(one for one in contract.commits if one.rolled_over_from is None)
    return (*commits, *contract.overrides, *contract.charges)


def all_terms(added: Added) -> tuple[Term, ...]:
    """Every term of a bundle."""
    return (*added.commits, *added.overrides, *added.charges)


def bundle(terms: Iterable[Term]) -> Added:
    """Terms sorted into a bundle, in their order."""
    listed = tuple(terms)
    return Added(
        commits=tuple(term for term in listed if isinstance(term, Commit)),
        overrides=tuple(term for term in listed if isinstance(term, Override)),
        charges=tuple(term for term in listed if isinstance(term, ScheduledCharge)),
    )


def _is_live(term: Term) -> bool:
    return isinstance(term, Override) or term.archived_at is None


def _continued(wanted: Term, there: Term) -> Term:
    """The wanted term with what only the contract knows: since when it exists."""
    if isinstance(wanted, Commit) and isinstance(there, Commit):
        return replace(wanted, created_at=there.created_at)
    return wanted


def _same(wanted: Term, there: Term, end: datetime | None) -> bool:
    """Equal in what they mean for money; where a term came from may change with the mapping file.

    A term that a person archived is as they left it.
    """
    if not _is_live(there):
        return True
    return _bare(wanted, end) == _bare(there, end)


def _bare(term: Term, end: datetime | None) -> Term:
    match term:
        case Commit():
            segments = tuple(
                replace(segment, window=_clipped(segment.window, end), changes=())
                for segment in term.schedule
                if end is None or segment.window.start < end
            )
            payments = tuple(one for one in term.payments if end is None or one.timestamp < end)
            kept = segments or term.schedule[:1]
            return replace(term, segments=kept, payments=payments, created_at=EPOCH, source=None)
        case Override():
            return replace(term, window=_clipped(term.window, end), source=None)
        case ScheduledCharge():
            items = tuple(one for one in term.items if end is None or one.timestamp < end)
            return replace(term, items=items, source=None)


def _clipped(window: Interval, end: datetime | None) -> Interval:
    """The part of a window before the contract's end; an open window ends with the contract."""
    if end is None or window.until <= end or window.start >= end:
        return window
    return Interval(window.start, end)


def starts_at(term: Term) -> datetime:
    """The earliest instant a term says something about."""
    match term:
        case Commit():
            return min(segment.window.start for segment in term.segments)
        case Override():
            return term.window.start
        case ScheduledCharge():
            return min(item.timestamp for item in term.items)


def _within(term: Term, end: datetime | None) -> bool:
    """Whether any of it lies before the contract's end."""
    return end is None or starts_at(term) < end


def _touched(old: Term | None, new: Term | None) -> Iterable[datetime]:
    """Instants at which billing differs between two versions of one term."""
    match old if old is not None else new:
        case Override():
            return _override_touched(_override(old), _override(new))
        case Commit():
            return _commit_touched(_commit(old), _commit(new))
        case _:
            return _charge_touched(_charge(old), _charge(new))


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
