"""What a renewal carries over from the contract it follows (R120, R121)."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.account import BillingSettings
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
from closedwon.kernel.exact import ZERO
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval


def roll(
    pools: list[Pool], old: Contract, new: Contract, settings: BillingSettings
) -> tuple[Pool, ...]:
    """Move what may roll from ``old`` to ``new``; the rollover pools, added to ``pools``.

    Runs when every invoice of ``old`` up to the transition is billed; what does not roll expires
    with the contract. Only contract-level balances whose segment is unexpired at the transition
    take part; a SUPERSEDE carries nothing (R122).
    """
    if new.transition is None or new.transition.type is not TransitionType.RENEWAL:
        return ()
    added = []
    for commit in old.commits:
        own = [pool for pool in pools if pool.commit.id == commit.id]
        rolled = sum((_take(pool, commit, new, settings) for pool in own), ZERO)
        if rolled:
            rollover = rollover_commit(commit, old, new, rolled)
            for pool in own:
                pool.rolled_to = rollover.id if pool.rolled else None
            added.append(rollover_pool(rollover, new))
    pools += added
    return tuple(added)


def rollover_commit(commit: Commit, old: Contract, new: Contract, amount: Decimal) -> Commit:
    """The commit that receives ``amount`` on ``new``: same terms, nothing to pay (R121).

    An unmet postpaid obligation moves on and is due when the new contract ends (R191).
    """
    commit_id = derive("rollover", new.id, commit.id)
    segment = AccessSegment(
        id=derive("segment", commit_id),
        amount=amount,
        window=Interval(new.term.start, new.term.end),
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
        rolled_over_from=RolloverOrigin(contract_id=old.id, commit_id=commit.id),
        created_at=new.term.start,
        archived_at=None,
    )


def _take(pool: Pool, commit: Commit, new: Contract, settings: BillingSettings) -> Decimal:
    unexpired = pool.window.until >= new.term.start
    if not commit.rollover_fraction or not unexpired or pool.commit.archived_at is not None:
        return ZERO
    base = pool.segment.amount if settings.rollover_base == "segment" else commit.access_total
    pool.rolled = min(pool.remaining, commit.rollover_fraction * base)
    return pool.rolled


def followers(contracts: Iterable[Contract]) -> dict[str, Contract]:
    """Old contract id -> the contract that follows it."""
    return {
        contract.transition.from_contract_id: contract
        for contract in contracts
        if contract.transition is not None
    }
