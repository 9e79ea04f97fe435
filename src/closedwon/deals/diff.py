"""Terms a deal asks for against terms a contract has (design 2): only the difference remains."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.gated import Discount
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import Commit, ScheduledCharge
from closedwon.deals.quantities import continued, is_stuck
from closedwon.deals.terms import Term, all_terms, bundle, contract_terms, starts_at
from closedwon.deals.touched import touched
from closedwon.deals.types import QuantityChange
from closedwon.kernel.instant import Interval

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What must change on the contract; empty when the deal is what the contract says."""

    add: Added
    replace: Added
    replaced: Added
    """The terms that ``replace`` takes the place of, as they stand."""
    removed: Added
    stuck: tuple[str, ...] = ()
    """Names of terms whose change no edit can carry (R114, R227)."""

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
            instants |= set(touched(old.get(term_id), new.get(term_id)))
        return min(instants, default=None)


def difference(
    contract: Contract,
    opportunity_id: str,
    wanted: Added,
    quantities: Iterable[QuantityChange] = (),
) -> Difference:
    """What the terms of one deal on ``contract`` lack compared with ``wanted``.

    A quantity becomes an update of the subscription that is there, whose history stays (R224).
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
    sold = {one.id: one for one in wanted.subscriptions}
    versions = {
        term.id: _continued(term, there[term.id]) for term in all_terms(wanted) if term.id in there
    }
    changes = tuple(quantities)
    for known in contract.subscriptions:
        versions[known.id] = continued(known, sold.get(known.id), opportunity_id, changes)
    changed = [one for one in versions.values() if not _same(one, there[one.id], end)]
    stuck = [one for one in changed if _is_stuck(there[one.id], one)]
    gone = [there[term_id] for term_id in sorted(ours - wanted_ids) if _is_live(there[term_id])]
    return Difference(
        add=bundle(added),
        replace=bundle(one for one in changed if one not in stuck),
        replaced=bundle(there[one.id] for one in changed if one not in stuck),
        removed=bundle(one for one in gone if not isinstance(one, Subscription | RecurringCommit)),
        stuck=tuple(
            one.name for one in (*stuck, *gone) if isinstance(one, Subscription | RecurringCommit)
        ),
    )


def _is_stuck(there: Term, wanted: Term) -> bool:
    if isinstance(there, Subscription) and isinstance(wanted, Subscription):
        return is_stuck(there, wanted)
    return False


def _is_live(term: Term) -> bool:
    return not isinstance(term, Commit | ScheduledCharge) or term.archived_at is None


def _continued(wanted: Term, there: Term) -> Term:
    """The wanted term with what only the contract knows: since when it exists."""
    if isinstance(wanted, Commit) and isinstance(there, Commit):
        return replace(wanted, created_at=there.created_at)
    if isinstance(wanted, RecurringCommit) and isinstance(there, RecurringCommit):
        return replace(wanted, created_at=there.created_at, earlier=there.earlier)
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
        case Override() | Subscription():
            return replace(term, window=_clipped(term.window, end), source=None)
        case RecurringCommit():
            window = _clipped(term.window, end)
            return replace(term, window=window, earlier=(), created_at=EPOCH, source=None)
        case ScheduledCharge() | Discount():
            items = tuple(one for one in term.items if end is None or one.timestamp < end)
            return replace(term, items=items, source=None)


def _clipped(window: Interval, end: datetime | None) -> Interval:
    """The part of a window before the contract's end; an open window ends with the contract."""
    if end is None or window.until <= end or window.start >= end:
        return window
    return Interval(window.start, end)


def _within(term: Term, end: datetime | None) -> bool:
    """Whether any of it lies before the contract's end."""
    return end is None or starts_at(term) < end


def left_by(contract: Contract, found: Difference) -> Contract:
    """``contract`` once the difference is made up, as far as it recurs."""
    new = {term.id: term for term in all_terms(found.replace)}
    gone = {term.id for term in all_terms(found.removed)}

    def kept(name: str) -> tuple[Term, ...]:
        stays = (new.get(term.id, term) for term in getattr(contract, name) if term.id not in gone)
        return (*stays, *getattr(found.add, name))

    names = ("overrides", "recurring", "subscriptions")
    return replace(contract, **{name: kept(name) for name in names})
