"""Low balances: what is left of commits, credits or both (R273)."""

from collections.abc import Iterator
from decimal import Decimal

from closedwon.billing.alerts.eligible import by_value, held
from closedwon.billing.alerts.types import Alert, Observation, Sight
from closedwon.billing.contracts.terms import CommitKind
from closedwon.kernel.exact import ZERO


def observations(alert: Alert, sight: Sight, kinds: frozenset[CommitKind]) -> Iterator[Observation]:
    """In alarm when the sum left is at or below the threshold; without balances all is well."""
    for key, found in by_value(alert, held(alert, sight, kinds)).items():
        left: Decimal = sum((one.balance.remaining for one in found), ZERO)
        yield Observation(
            key=key,
            in_alarm=bool(found) and left <= alert.threshold,
            told={"remaining_balance": left},
        )
