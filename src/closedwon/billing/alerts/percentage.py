"""Low balances in percent of what was granted (R273)."""

from collections.abc import Iterator

from closedwon.billing.alerts.eligible import by_value, held
from closedwon.billing.alerts.types import Alert, Observation, Sight
from closedwon.billing.contracts.terms import CommitKind
from closedwon.kernel.exact import CONTEXT, ZERO


def observations(alert: Alert, sight: Sight, kinds: frozenset[CommitKind]) -> Iterator[Observation]:
    """In alarm when remaining / granted x 100 is at or below the threshold (percent)."""
    for key, found in by_value(alert, held(alert, sight, kinds)).items():
        left = sum((one.balance.remaining for one in found), ZERO)
        granted = sum((one.balance.granted for one in found), ZERO)
        share = CONTEXT.divide(left * 100, granted) if granted else ZERO
        yield Observation(
            key=key,
            in_alarm=bool(granted) and share <= alert.threshold,
            told={"remaining_balance": left, "remaining_percentage": share},
        )
