"""What a renewal carries over from the contract it follows (R120, R121)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.account import Account, BillingSettings
from closedwon.billing.balances.pools import Pool, rollover_pool
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    RolloverOrigin,
    ScheduleItem,
    TransitionType,
)
from closedwon.billing.invoices.types import LineType
from closedwon.kernel.exact import ZERO
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval


def roll(
    pools: list[Pool], old: Contract, new: Contract, account: Account, settings: BillingSettings
) -> tuple[Pool, ...]:
    """Move what may roll from ``old`` to ``new``; the rollover pools, added to ``pools``.

    Runs when every invoice of ``old`` up to the transition is billed; what does not roll expires
    with the contract. Only contract-level balances whose segment is unexpired at the transition
    take part; a SUPERSEDE carries nothing (R122). What was rolled and posted has left its balance
    for good; until then, what a void invoice gave back is kept for its regeneration (R196). What
    expired and was posted before the renewal was signed stays expired.
    """
    if new.transition is None or new.transition.type is not TransitionType.RENEWAL:
        return ()
    added = []
    kept = _given_back(account)
    for commit in old.commits:
        own = [pool for pool in pools if pool.commit.id == commit.id]
        if not any(pool.segment.id in account.rolled for pool in own):
            for pool in own:
                if pool.segment.id in account.lapsed:
                    continue
                pool.rolled = _share(pool, commit, new, settings, kept.get(pool.segment.id, ZERO))
        rolled = sum((pool.rolled for pool in own), ZERO)
        if rolled:
            rollover = rollover_commit(commit, old, new, rolled, _seats(own, commit))
            for pool in own:
                pool.rolled_to = rollover.id if pool.rolled else None
            added.append(rollover_pool(rollover, new))
    pools += added
    return tuple(added)


def rollover_commit(
    commit: Commit,
    old: Contract,
    new: Contract,
    amount: Decimal,
    seats: Mapping[str, Decimal] = {},
) -> Commit:
    """The commit that receives ``amount`` on ``new``: same terms, nothing to pay (R121).

    ``seats`` is whose ``amount`` is where seats own their credit: it never changes hands (R236).
    An unmet postpaid obligation moves on and is due when the new contract ends (R191).
    """
    commit_id = rollover_id(new.id, commit.id)
    segment = AccessSegment(
        id=derive("segment", commit_id),
        amount=amount,
        window=Interval(new.term.start, new.term.end),
        seats=seats,
    )
    payments: tuple[ScheduleItem, ...] = ()
    if commit.kind is CommitKind.POSTPAID:
        due = ScheduleItem(
            id=derive("payment", commit_id),
            timestamp=new.term.until,
            amount=amount,
            unit_price=amount,
        )
        payments = (due,)
    return replace(
        commit,
        id=commit_id,
        name=f"{commit.name} rollover",
        segments=(segment,),
        payments=payments,
        rollover_fraction=None,
        recurring_id=None,
        gate=None,
        rolled_over_from=RolloverOrigin(contract_id=old.id, commit_id=commit.id),
        created_at=new.term.start,
        archived_at=None,
    )


def rollover_id(contract_id: str, commit_id: str) -> str:
    """Id of what a commit becomes on the contract that renews its own (R121)."""
    return derive("rollover", contract_id, commit_id)


def _share(
    pool: Pool, commit: Commit, new: Contract, settings: BillingSettings, kept: Decimal
) -> Decimal:
    unexpired = pool.window.until >= new.term.start
    if not commit.rollover_fraction or not unexpired or pool.commit.archived_at is not None:
        return ZERO
    if pool.seats:
        return sum(_of_seats(pool, commit.rollover_fraction).values(), ZERO)
    base = pool.segment.amount if settings.rollover_base == "segment" else commit.access_total
    return min(max(pool.remaining - kept, ZERO), commit.rollover_fraction * base)


def _of_seats(pool: Pool, fraction: Decimal) -> dict[str, Decimal]:
    """What each seat may carry over of its own credit."""
    granted = pool.segment.granted_seats
    return {
        seat: min(max(left, ZERO), fraction * granted.get(seat, ZERO))
        for seat, left in pool.seats.items()
    }


def _seats(pools: Iterable[Pool], commit: Commit) -> dict[str, Decimal]:
    """What every seat carries over of all its segments."""
    found: dict[str, Decimal] = {}
    for pool in pools:
        shares = _of_seats(pool, commit.rollover_fraction or ZERO) if pool.rolled else {}
        for seat, share in shares.items():
            found[seat] = found.get(seat, ZERO) + share
    return found


def _given_back(account: Account) -> dict[str, Decimal]:
    """By segment, what void invoices that may be regenerated had drawn."""
    found: dict[str, Decimal] = {}
    for invoice in account.withheld:
        for line in invoice.lines:
            if line.type is LineType.APPLIED and line.segment_id is not None:
                found[line.segment_id] = found.get(line.segment_id, ZERO) - line.total
    return found


def followers(contracts: Iterable[Contract]) -> dict[str, Contract]:
    """Old contract id -> the contract that follows it."""
    return {
        contract.transition.from_contract_id: contract
        for contract in contracts
        if contract.transition is not None
    }
