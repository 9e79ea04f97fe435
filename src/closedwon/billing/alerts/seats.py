"""Low balances of single seats (R273, S5)."""

from collections.abc import Iterator
from decimal import Decimal

from closedwon.billing.alerts.types import Alert, Observation, Sight
from closedwon.kernel.exact import ZERO


def observations(alert: Alert, sight: Sight) -> Iterator[Observation]:
    """One per seat of the watched key that has an active balance; all segments of it together."""
    if alert.seat is None:
        return
    commits = {commit.id: commit for commit in sight.bill.commits}
    left: dict[str, Decimal] = {}
    for balance in sight.bill.balances:
        commit = commits[balance.commit_id]
        watched = commit.seat_group_key == alert.seat.seat_group_key
        unit = commit.access_credit_type_id == alert.credit_type_id
        for seat, remaining in balance.seats.items() if balance.is_active and watched else ():
            if unit and alert.seat.seat_group_value in (None, seat):
                left[seat] = left.get(seat, ZERO) + remaining
    for seat, remaining in sorted(left.items()):
        yield Observation(
            key=seat,
            in_alarm=remaining <= alert.threshold,
            told={"remaining_balance": remaining, "seat": seat},
        )
