"""What seats own of INDIVIDUAL credits (2.3 seatBalances; R230-R237)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from closedwon.api.answers import Unsupported, sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Wire, whole
from closedwon.api.paging import asked, paged
from closedwon.api.shown.showing import own_contract
from closedwon.billing.account import Bill
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import QuantityMode
from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind
from closedwon.billing.subscriptions.history import history
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.store.tokens import Scope

SEATS_MAX, SEATS_DEFAULT = 100, 25


class ListBody(Wire):
    """POST /v1/contracts/seatBalances/list."""

    customer_id: str
    contract_id: str
    subscription_ids: list[str] | None = None
    seat_ids: list[str] | None = None
    skip_missing_seat_ids: bool = False
    include_credits_and_commits: bool = False
    include_ledgers: bool = False
    covering_date: Instant | None = None
    starting_at: Instant | None = None
    effective_before: Instant | None = None
    limit: Annotated[int, whole(1, SEATS_MAX)] | None = None
    cursor: str | None = None


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one seat has of one segment."""

    commit: Commit
    segment: AccessSegment
    granted: Decimal
    remaining: Decimal


def list_(call: Call, body: ListBody) -> Any:
    """Seats in the order of their names, each with what it has left.

    Ledgers are kept by credit, not by seat: ``include_ledgers`` beside
    ``include_credits_and_commits`` is refused.
    """
    ranged = body.starting_at is not None or body.effective_before is not None
    if body.covering_date is not None and ranged:
        raise Refused("covering_date: cannot be combined with starting_at or effective_before")
    if body.include_ledgers and body.include_credits_and_commits:
        raise Unsupported("include_ledgers: ledgers are kept by credit, not by seat")
    page = asked(body.limit, body.cursor, most=SEATS_MAX, default=SEATS_DEFAULT)
    contract = own_contract(call, body.customer_id, body.contract_id)
    seats = _asked_for(call, contract, body)
    shown, following = paged(seats, page, lambda seat: (seat,))
    bill = call.engine.bill(body.customer_id, call.now)
    shares = _shares(call, bill, contract, body)
    left = [seat for seat in seats if seat > shown[-1]] if shown else []
    return {
        "data": [_shape(seat, shares.get(seat, []), body) for seat in shown],
        "pagination": {
            "next_page": following,
            "seats_included": len(shown),
            "seats_available_for_next_page": len(left),
        },
    }


def _asked_for(call: Call, contract: Contract, body: ListBody) -> list[str]:
    """Seats there are now; raises Refused for one that is not, unless it may be missing."""
    named = [one for one in contract.subscriptions if one.mode is QuantityMode.SEAT_BASED]
    known = {one.id for one in named}
    if unknown := sorted(set(body.subscription_ids or ()) - known):
        raise Refused("no such SEAT_BASED subscription on the contract", subscription=unknown[0])
    found: set[str] = set()
    for sold in named:
        if body.subscription_ids is None or sold.id in body.subscription_ids:
            held = [step for step in history(sold) if step.at <= call.now]
            found |= set(held[-1].seat_ids) if held else set()
    if body.seat_ids is None:
        return sorted(found)
    missing = sorted(set(body.seat_ids) - found)
    if missing and not body.skip_missing_seat_ids:
        raise Refused("no such seat on the contract", seat=missing[0])
    return sorted(found.intersection(body.seat_ids))


def _shares(call: Call, bill: Bill, contract: Contract, body: ListBody) -> dict[str, list[Share]]:
    segments = {one.id: (commit, one) for commit in bill.commits for one in commit.segments}
    found: dict[str, list[Share]] = {}
    for balance in bill.balances:
        commit, segment = segments[balance.segment_id]
        if balance.contract_id != contract.id or not _is_in_time(call, segment, body):
            continue
        granted = segment.granted_seats
        for seat, remaining in balance.seats.items():
            share = Share(
                commit=commit,
                segment=segment,
                granted=granted.get(seat, ZERO),
                remaining=remaining,
            )
            found.setdefault(seat, []).append(share)
    return found


def _is_in_time(call: Call, segment: AccessSegment, body: ListBody) -> bool:
    window, after, before = segment.window, body.starting_at, body.effective_before
    if after is None and before is None:
        return window.covers(body.covering_date or call.now)
    return (after is None or window.until > after) and (before is None or window.start <= before)


def _shape(seat: str, shares: list[Share], body: ListBody) -> dict[str, Any]:
    units = dict.fromkeys(share.commit.access_credit_type_id for share in shares)
    shape: dict[str, Any] = {
        "seat_id": seat,
        "balances": [
            {
                "credit_type_id": unit,
                "balance": _sum(share.remaining for share in _in_unit(shares, unit)),
                "starting_balance": _sum(share.granted for share in _in_unit(shares, unit)),
            }
            for unit in units
        ],
    }
    if body.include_credits_and_commits:
        for name, is_credit in (("commits", False), ("credits", True)):
            kept = [one for one in shares if (one.commit.kind is CommitKind.CREDIT) is is_credit]
            shape[name] = [_held(share) for share in kept]
    return shape


def _held(share: Share) -> dict[str, Any]:
    return {
        "id": share.commit.id,
        "balance": share.remaining,
        "credit_type_id": share.commit.access_credit_type_id,
        "start_date": share.segment.window.start,
        **sparse(end_date=share.segment.window.end),
    }


def _in_unit(shares: Iterable[Share], unit: str) -> list[Share]:
    return [share for share in shares if share.commit.access_credit_type_id == unit]


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


ROUTES = (
    Route(
        method="POST",
        path="/v1/contracts/seatBalances/list",
        scope=Scope.READ,
        do=list_,
        body=ListBody,
    ),
)
