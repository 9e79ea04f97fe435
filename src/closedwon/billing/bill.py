"""The bill: one pure function for draft, preview, dry run, backfill and finalization (D2).

``demands`` says what has to be known of usage, ``bill`` computes every open invoice, balance and
ledger entry from that. Invoices are billed in processing order (R14), so that balances shared by
several burn in it; deductions of finalized invoices are frozen (R12).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from closedwon.billing.account import Account, Bill, BillingSettings
from closedwon.billing.balances.ledger import entries
from closedwon.billing.balances.pools import Pool, book_deductions, book_trueups, opened
from closedwon.billing.balances.rollover import roll
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.overlaps import double_billing
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, SeatAdjustment
from closedwon.billing.expand import lived
from closedwon.billing.invoices.consolidate import consolidated
from closedwon.billing.invoices.scheduled import scheduled_invoices
from closedwon.billing.invoices.subscribed import subscribed
from closedwon.billing.invoices.trueup import awaits_trueup, trueup_invoices
from closedwon.billing.invoices.types import Invoice, InvoiceType, Line, LineType
from closedwon.billing.invoices.usage import (
    OpenPeriod,
    open_periods,
    subscription_lines,
    usage_invoice,
)
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.billing.rating.slices import Slice

BEFORE = datetime.min.replace(tzinfo=UTC)
"""Sorts grants before the charges of the same instant."""


def demands(account: Account, catalog: Catalog, now: datetime) -> tuple[Demand, ...]:
    """Everything the account's open usage invoices need to know of usage, for one query (D3)."""
    return demands_of(open_periods(account, catalog, now))


def demands_of(periods: Iterable[OpenPeriod]) -> tuple[Demand, ...]:
    """What these open periods need to know of usage."""
    return tuple(demand for period in periods for demand in period.asked)


def bill(
    account: Account,
    catalog: Catalog,
    quantities: Quantities,
    now: datetime,
    settings: BillingSettings,
    periods: Iterable[OpenPeriod] | None = None,
) -> Bill:
    """What the account owes and holds at ``now``; ``periods`` are its open ones, when known.

    An open invoice whose ``issued_at`` has come counts as finalized for the ledger, so storing the
    due invoices and ``Bill.entries`` together leaves nothing to add. Amounts in wire units.
    """
    account = lived(account.at(now), now)
    pools = opened(account)
    open_invoices: list[Invoice] = []
    warnings: list[str] = []
    _book(pools, account.finalized)
    known = tuple(open_periods(account, catalog, now) if periods is None else periods)
    upfront: dict[str, list[tuple[datetime, Line]]] = {}
    for event in _events(account, catalog, known, pools, now):
        match event:
            case Granted(pool=pool, more=more):
                pool.grant(more)
            case Renewal(old=old, new=new):
                _book(roll(pools, old, new, account, settings), account.finalized)
            case OpenPeriod():
                invoice, warned = usage_invoice(account, event, quantities, pools, settings)
                open_invoices.append(invoice)
                warnings += warned
            case Upfront(contract=contract, at=at, pieces=pieces):
                usable = _open_to(pieces, account, pools, known, now)
                lines = subscription_lines(contract, pieces, catalog, usable, settings)
                upfront.setdefault(contract.id, []).extend((at, line) for line in lines)
    for contract in account.contracts:
        own = upfront.get(contract.id, ())
        open_invoices += scheduled_invoices(account, contract, catalog, own)
        open_invoices += trueup_invoices(account, contract, pools, settings)
    open_invoices = _in_order(account, consolidated(account.contracts, open_invoices))
    due = [invoice for invoice in open_invoices if invoice.issued_at <= now]
    _mark_final(pools, due)
    book_trueups(pools, due)
    _close(account, pools, [i for i in open_invoices if i.issued_at > now], now)
    return Bill(
        invoices=tuple(open_invoices),
        commits=_commits(account, pools),
        balances=tuple(pool.balance(now) for pool in pools),
        entries=entries(pools, [*account.finalized, *due], now, account.reopened),
        warnings=(*warnings, *double_billing(account.contracts, catalog, now)),
    )


def _commits(account: Account, pools: Iterable[Pool]) -> tuple[Commit, ...]:
    """Every commit, unpaid ones as well, then what rolled over."""
    found = {commit.id: commit for owner in account.contracts for commit in owner.commits}
    found |= {commit.id: commit for commit in account.commits}
    return tuple((found | {pool.commit.id: pool.commit for pool in pools}).values())


class Renewal(msgspec.Struct, frozen=True):
    """The instant a contract follows another one."""

    old: Contract
    new: Contract


class Granted(msgspec.Struct, frozen=True):
    """Balance that seats bring to a segment after it began."""

    pool: Pool
    more: SeatAdjustment


class Upfront(msgspec.Struct, frozen=True):
    """Subscription charges of one SCHEDULED invoice, which balances may pay (R220, R240)."""

    contract: Contract
    at: datetime
    pieces: tuple[Slice, ...]


Event = Granted | Renewal | OpenPeriod | Upfront


def _events(
    account: Account,
    catalog: Catalog,
    periods: Iterable[OpenPeriod],
    pools: Iterable[Pool],
    now: datetime,
) -> Iterator[Event]:
    """What moves balances, in processing order (R14).

    Seats bring their balance after the periods that end by then and before anything later: what
    was billed before does not know it, however late it is computed. A renewal comes after the
    periods that end with the old contract and before those of the new one. What is final was
    booked before: it is frozen, also where it comes later (R12, R284).
    """
    created = {contract.id: contract for contract in account.contracts}
    found: list[tuple[tuple[datetime, int, datetime, datetime, str], Event]] = []
    for period in periods:
        made = (period.contract.created_at, period.contract.id)
        found.append(((period.window.until, 1, period.window.start, *made), period))
    found += [
        ((more.at, 1, more.at, BEFORE, ""), Granted(pool, more))
        for pool in pools
        for more in pool.segment.adjustments
    ]
    for contract in account.contracts:
        for at, pieces in subscribed(account, contract, catalog, now).alone.items():
            key = (at, 1, at, contract.created_at, contract.id)
            found.append((key, Upfront(contract, at, pieces)))
        if contract.transition is not None and contract.term.start <= now:
            old = created[contract.transition.from_contract_id]
            start = contract.term.start
            found.append(
                ((start, 2, start, contract.created_at, contract.id), Renewal(old, contract))
            )
    for _, event in sorted(found, key=lambda pair: pair[0]):
        yield event


def _in_order(account: Account, invoices: Iterable[Invoice]) -> list[Invoice]:
    """Processing order: by period, then by contract, then by type (R14)."""
    created = {contract.id: contract.created_at for contract in account.contracts}
    return sorted(invoices, key=lambda invoice: _order(created[invoice.contract_id], invoice))


def _order(
    created: datetime, invoice: Invoice
) -> tuple[datetime, datetime, datetime, int, str, str]:
    end = invoice.end or invoice.issued_at
    kind = 0 if invoice.type is InvoiceType.SCHEDULED else 1
    return (end, invoice.start or end, created, kind, invoice.contract_id, invoice.id)


def _book(pools: Iterable[Pool], final: Iterable[Invoice]) -> None:
    """Draw from ``pools`` what final invoices drew."""
    book_trueups(pools, final)
    book_deductions(pools, final)


def _mark_final(pools: list[Pool], due: list[Invoice]) -> None:
    """Deductions of due invoices are as good as frozen."""
    used = {pool.segment.id: pool for pool in pools}
    for invoice in due:
        for line in invoice.lines:
            if line.type is LineType.APPLIED and line.segment_id in used:
                used[line.segment_id].used_final -= line.total


def _open_to(
    pieces: Iterable[Slice],
    account: Account,
    pools: Sequence[Pool],
    periods: Iterable[OpenPeriod],
    now: datetime,
) -> Sequence[Pool]:
    """Pools whose remainder is not final yet: a charge recorded later comes too late for others.

    What is made anew draws what it gave back (R284).
    """
    again = account.regenerating.invoice.payment_ids if account.regenerating else frozenset()
    if any(piece.payment_id in again for piece in pieces):
        return pools
    return [
        pool
        for pool in pools
        if pool.window.until > now
        or any(
            pool.serves(period.contract.id) and period.window.start < pool.window.until
            for period in periods
        )
    ]


def _close(account: Account, pools: list[Pool], drafts: list[Invoice], now: datetime) -> None:
    """Settle ended segments that no draft can touch; what they have left expires (R184)."""
    for pool in pools:
        touched = any(
            draft.type is InvoiceType.USAGE
            and pool.serves(draft.contract_id)
            and draft.start is not None
            and draft.start < pool.window.until
            for draft in drafts
        )
        pool.is_settled = pool.window.until <= now and not touched
        if pool.is_settled and not awaits_trueup(account, pool):
            pool.expired += pool.remaining
