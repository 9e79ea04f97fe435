"""The running state of every access segment while an account is billed.

A ``Pool`` is working memory of one computation, mutable on purpose; what leaves the room are the
frozen ``Balance`` and ``LedgerEntry`` values.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.account import Account
from closedwon.billing.balances.types import Balance, EntryType, LedgerEntry
from closedwon.billing.contracts.hierarchy import AccessType
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind, SeatAdjustment
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.billing.rating.matching import Subject
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import FAR_FUTURE, Interval

NOBODY = ""
"""Seat of lines without one: it owns nothing, so no seat's credit pays them."""


class Pool(msgspec.Struct, kw_only=True):
    """One segment: what was granted and what became of it; amounts in the wire unit."""

    commit: Commit
    segment: AccessSegment
    contract_id: str | None
    """Contract whose lines it may pay; None for a customer-level balance (R109)."""
    window: Interval
    """The segment's window, cut by its contract's end (R117, R120); empty when it lies beyond."""
    granted: Decimal
    adjusted: Decimal = ZERO
    used: Decimal = ZERO
    used_final: Decimal = ZERO
    rolled: Decimal = ZERO
    expired: Decimal = ZERO
    trued_up: Decimal = ZERO
    trueup_invoice: Invoice | None = None
    """The invoice that bills ``trued_up``, once final (R187)."""
    is_settled: bool = False
    """Whether the window has ended and no open invoice can draw from it any more."""
    rolled_to: str | None = None
    """Rollover commit that took ``rolled``."""
    seats: dict[str, Decimal] = {}
    """INDIVIDUAL allocation: what invoices have left of each seat's own credit (R230)."""
    brought: dict[str, SeatAdjustment] = {}
    """INDIVIDUAL allocation: what seats brought that were named inside the window (R235)."""

    shared_with: frozenset[str] = frozenset()
    """Child contracts that may draw a parent's balance (R302)."""

    def serves(self, contract_id: str) -> bool:
        """Whether it may pay the contract's lines, as far as scope goes (R109, R163)."""
        scope = self.commit.contract_ids
        return (
            self.contract_id == contract_id
            or contract_id in self.shared_with
            or (self.contract_id is None and (not scope or contract_id in scope))
        )

    @property
    def billed_on(self) -> str | None:
        """Contract whose invoices bill what the commit costs (R212)."""
        return self.contract_id or self.commit.invoice_contract_id

    @property
    def remaining(self) -> Decimal:
        """What can still be drawn; a manual overdraw floors it at zero (R195)."""
        gone = self.used + self.rolled + self.expired + self.trued_up
        return max(self.granted + self.adjusted - gone, ZERO)

    def seat_of(self, subject: Subject) -> str | None:
        """The seat whose own credit pays the line; None where all seats share one (R229, R230)."""
        key = self.commit.seat_group_key
        if key is None:
            return None
        shown = subject.presentation_group_values.get(key)
        return shown or subject.pricing_group_values.get(key) or NOBODY

    def open_to(self, subject: Subject, at: datetime) -> Decimal:
        """What can still be drawn for the line from ``at`` on: of its seat's own, or of all.

        What a seat is brought when it is named pays nothing from before that (R235).
        """
        seat = self.seat_of(subject)
        if seat is None:
            return self.remaining
        own, more = self.seats.get(seat, ZERO), self.brought.get(seat)
        if more is not None and at < more.at:
            own -= more.amount
        return min(self.remaining, max(own, ZERO))

    def grant(self, more: SeatAdjustment) -> None:
        """Add what seats brought since the segment began (R229, R235)."""
        self.granted += more.amount
        if more.seat_id is not None:
            self.seats[more.seat_id] = self.seats.get(more.seat_id, ZERO) + more.amount
            self.brought[more.seat_id] = more

    def draw(self, amount: Decimal, *, final: bool, seat: str | None = None) -> None:
        """Take ``amount`` for an invoice, from the credit of ``seat`` where seats own theirs."""
        self.used += amount
        if final:
            self.used_final += amount
        if seat is not None:
            self.seats[seat] = self.seats.get(seat, ZERO) - amount

    def balance(self, now: datetime) -> Balance:
        """Where the segment stands at ``now``."""
        return Balance(
            commit_id=self.commit.id,
            segment_id=self.segment.id,
            contract_id=self.contract_id,
            granted=self.granted,
            used=self.used,
            used_final=self.used_final,
            expired=self.expired,
            rolled=self.rolled,
            trued_up=self.trued_up,
            adjusted=self.adjusted,
            remaining=self.remaining,
            is_settled=self.is_settled,
            seats=self._seats_left(),
            is_active=self.window.covers(now),
        )

    def _seats_left(self) -> dict[str, Decimal]:
        """Nothing once the segment was settled or rolled over."""
        gone = bool(self.expired or self.rolled)
        return {seat: ZERO if gone else max(left, ZERO) for seat, left in self.seats.items()}


def opened(account: Account) -> list[Pool]:
    """A pool for every segment of the account's own commits, without what seats bring later.

    Manual entries (R198), rollovers and expirations that were posted are booked.
    """
    pools = [pool for contract in account.contracts for pool in contract_pools(contract)]
    _share(pools, account)
    for commit in account.commits:
        end = commit.archived_at or FAR_FUTURE
        pools += _pools(commit, None, end)
    by_segment = {pool.segment.id: pool for pool in pools}
    for entry in account.manual:
        if entry.type is EntryType.MANUAL and entry.segment_id in by_segment:
            _adjust(by_segment[entry.segment_id], entry)
    for segment_id, amount in account.rolled.items():
        if segment_id in by_segment:
            by_segment[segment_id].rolled = amount
    for segment_id, lapse in account.lapsed.items():
        if segment_id in by_segment:
            by_segment[segment_id].expired = lapse.amount
    return pools


def shared_children(account: Account, contract_id: str, commit: Commit) -> frozenset[str]:
    """Child contracts that may draw ``commit`` of their parent ``contract_id`` (R302)."""
    if commit.child_access.type is AccessType.NONE:
        return frozenset()
    return frozenset(
        child.id
        for child in account.contracts
        if child.settings.hierarchy is not None
        and child.settings.hierarchy.parent_contract_id == contract_id
        and commit.child_access.allows(child.id)
    )


def _share(pools: Iterable[Pool], account: Account) -> None:
    for pool in pools:
        if pool.contract_id is not None:
            pool.shared_with = shared_children(account, pool.contract_id, pool.commit)


def contract_pools(contract: Contract) -> list[Pool]:
    """Pools of the contract's own commits; archived ones hold nothing from then on."""
    end = min(contract.term.until, contract.archived_at or FAR_FUTURE)
    pools: list[Pool] = []
    for commit in contract.commits:
        pools += _pools(commit, contract.id, min(end, commit.archived_at or FAR_FUTURE))
    return pools


def rollover_pool(commit: Commit, contract: Contract) -> Pool:
    """The pool of a rollover commit on the contract that received it (R121)."""
    return _pool(commit, commit.segments[0], contract.id, contract.term.until)


def book_trueups(pools: Iterable[Pool], invoices: Iterable[Invoice]) -> None:
    """Mark the postpaid shortfalls that ``invoices``, now final, bill (R187)."""
    postpaid = {p.commit.id: p for p in pools if p.commit.kind is CommitKind.POSTPAID}
    for invoice in invoices:
        for line in invoice.lines:
            if line.type is LineType.COMMIT_PURCHASE and line.commit_id in postpaid:
                pool = postpaid[line.commit_id]
                pool.trued_up += line.total
                pool.trueup_invoice = invoice


def book_deductions(pools: Iterable[Pool], invoices: Iterable[Invoice]) -> None:
    """Draw what finalized invoices applied; their application lines are negative."""
    by_segment = {pool.segment.id: pool for pool in pools}
    for invoice in invoices:
        for line in invoice.lines:
            if line.type is LineType.APPLIED and line.segment_id in by_segment:
                pool = by_segment[line.segment_id]
                seat = line.presentation_group_values.get(pool.commit.seat_group_key or "")
                pool.draw(-line.total, final=True, seat=seat)


def _adjust(pool: Pool, entry: LedgerEntry) -> None:
    """Book a manual entry, seat by seat where seats own their credit (R198)."""
    pool.adjusted += entry.amount
    for seat, amount in entry.per_seat.items():
        pool.seats[seat] = pool.seats.get(seat, ZERO) + amount


def _pools(commit: Commit, contract_id: str | None, end: datetime) -> list[Pool]:
    """One per segment; none before a gated purchase is paid (R200)."""
    if not commit.is_released:
        return []
    return [_pool(commit, segment, contract_id, end) for segment in commit.segments]


def _pool(commit: Commit, segment: AccessSegment, contract_id: str | None, end: datetime) -> Pool:
    start = min(segment.window.start, end)
    until = min(segment.window.until, end)
    return Pool(
        commit=commit,
        segment=segment,
        contract_id=contract_id,
        window=Interval(start, None if until == FAR_FUTURE else until),
        granted=segment.amount,
        seats=dict(segment.seats),
    )
