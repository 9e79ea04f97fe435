"""Segments about to end (R275)."""

from collections.abc import Iterator
from decimal import Decimal

from closedwon.billing.alerts.eligible import held
from closedwon.billing.alerts.types import Alert, Observation, Sight
from closedwon.billing.contracts.terms import CommitKind
from closedwon.kernel.exact import CONTEXT
from closedwon.kernel.instant import DAY, HOUR

HOURS_A_DAY = DAY // HOUR


def observations(alert: Alert, sight: Sight, kinds: frozenset[CommitKind]) -> Iterator[Observation]:
    """One per active segment that ends; days are whole hours left over 24."""
    for found in held(alert, sight, kinds):
        segments = {segment.id: segment for segment in found.commit.segments}
        end = segments[found.balance.segment_id].window.end
        if end is None:
            continue
        days = CONTEXT.divide(Decimal((end - sight.now) // HOUR), HOURS_A_DAY)
        yield Observation(
            key=found.balance.segment_id,
            in_alarm=days <= alert.threshold,
            told={
                "commit_id": found.commit.id,
                "remaining_days": days,
                "remaining_balance": found.balance.remaining,
            },
        )
