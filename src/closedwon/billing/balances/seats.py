"""Balances of single seats, and balances that are no seat's (R199, R230)."""

from collections.abc import Container, Iterable
from decimal import Decimal

import msgspec

from closedwon.billing.account import Bill
from closedwon.billing.balances.types import Balance
from closedwon.kernel.exact import ZERO


class SeatBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What one seat holds of one segment of an INDIVIDUAL credit, in the wire unit."""

    seat_id: str
    commit_id: str
    segment_id: str
    granted: Decimal
    """With what was granted after the segment began; without manual entries."""
    remaining: Decimal


def seat_balances(bill: Bill, seat_ids: Container[str] | None = None) -> tuple[SeatBalance, ...]:
    """Credits seats hold at the bill's instant, by seat, then by commit; None asks for all seats.

    Seats of segments that have not begun or have ended hold nothing there and are left out.
    """
    segments = {s.id: s for commit in bill.commits for s in commit.segments}
    found = [
        SeatBalance(
            seat_id=seat,
            commit_id=balance.commit_id,
            segment_id=balance.segment_id,
            granted=segments[balance.segment_id].granted_seats.get(seat, ZERO),
            remaining=remaining,
        )
        for balance in bill.balances
        if balance.is_active
        for seat, remaining in balance.seats.items()
        if seat_ids is None or seat in seat_ids
    ]
    return tuple(sorted(found, key=lambda one: (one.seat_id, one.commit_id)))


def contract_level(balances: Iterable[Balance]) -> tuple[Balance, ...]:
    """Balances anybody's usage may draw: sums of a contract leave out what seats own (R230)."""
    return tuple(balance for balance in balances if not balance.seats)
