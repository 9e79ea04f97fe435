"""Postpaid true-ups: what a promise fell short by is billed when it ends (R186-R191)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile

from closedwon.billing.account import Account, BillingSettings
from closedwon.billing.balances.pools import Pool
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.draft import Identity, draft_of
from closedwon.billing.invoices.periods import anchor, finalizes_at, usage_invoice_id
from closedwon.billing.invoices.types import (
    Invoice,
    InvoiceType,
    Line,
    LineType,
    Why,
)
from closedwon.kernel.calendar import periods
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import FAR_FUTURE


def trueup_invoices(
    account: Account,
    contract: Contract,
    pools: Iterable[Pool],
    settings: BillingSettings,
) -> Iterator[Invoice]:
    """Drafts of the contract's true-ups, each showing the live shortfall (R187).

    Due at the payment's date, but never before the last usage invoice of the access window is
    final, of every contract that may draw it (R140), so there is none while one is void; nor when
    its own invoice is (R283). Nothing short, nothing billed. The pools must be drawn by every
    usage invoice.
    """
    for pool in pools:
        if pool.billed_on != contract.id or not awaits_trueup(account, pool):
            continue
        if _is_withheld(account, pool):
            continue
        (payment,) = pool.commit.payments
        issued_at = max(payment.timestamp, _last_statements(account, pool, settings))
        if pool.remaining:
            yield _invoice(account, contract, pool, issued_at)


def awaits_trueup(account: Account, pool: Pool) -> bool:
    """Whether the pool's shortfall is still to be invoiced."""
    if pool.commit.kind is not CommitKind.POSTPAID or pool.trueup_invoice is not None:
        return False
    owner = next((c for c in account.contracts if c.id == pool.billed_on), None)
    gone = owner is None or owner.archived_at is not None or owner.removes_trueup
    return not gone and pool.commit.archived_at is None and not pool.commit.do_not_invoice


def _is_withheld(account: Account, pool: Pool) -> bool:
    """Whether the true-up, or a statement it has to wait for, is void and not regenerated."""
    (payment,) = pool.commit.payments
    return any(
        payment.id in invoice.payment_ids
        or (
            _waits_for(pool, invoice.contract_id)
            and invoice.start is not None
            and invoice.end is not None
            and invoice.start < pool.window.until <= invoice.end
        )
        for invoice in account.withheld
    )


def _waits_for(pool: Pool, contract_id: str) -> bool:
    """Whether the contract's usage may draw the promise, or its invoices bill it (R140, R302)."""
    return pool.billed_on == contract_id or pool.serves(contract_id)


def _last_statements(account: Account, pool: Pool, settings: BillingSettings) -> datetime:
    """When the last usage invoices that touch the access window are final (R140, R187)."""
    ends = pool.window.until
    if ends == FAR_FUTURE:
        return ends
    waiting = (c for c in account.contracts if c.archived_at is None and _waits_for(pool, c.id))
    return max((_last_statement(account, c, ends, settings) for c in waiting), default=ends)


def _last_statement(
    account: Account, contract: Contract, ends: datetime, settings: BillingSettings
) -> datetime:
    """When the contract's last usage invoice of what lies before ``ends`` is final."""
    grid = periods(anchor(contract), contract.statement.frequency, contract.term)
    touching = list(takewhile(lambda period: period.start < ends, grid))
    if not touching:
        return ends
    statement_id = usage_invoice_id(contract.id, touching[-1].start)
    return account.issue_dates.get(statement_id, finalizes_at(touching[-1], settings.grace_hours))


def _invoice(account: Account, contract: Contract, pool: Pool, issued_at: datetime) -> Invoice:
    commit = pool.commit
    (payment,) = commit.payments
    line = Line(
        type=LineType.COMMIT_PURCHASE,
        name=f"{commit.name} true-up",
        total=pool.remaining,
        product_id=commit.product_id,
        quantity=payment.quantity,
        unit_price=pool.remaining / payment.quantity,
        credit_type_id=commit.payment_credit_type_id,
        commit_id=commit.id,
        commit_kind=commit.kind,
        payment_id=payment.id,
        why=Why(edit_id=contract.edit_of.get(commit.id)),
    )
    identity = Identity(
        id=derive("invoice", contract.id, "trueup", commit.id),
        type=InvoiceType.SCHEDULED,
        credit_type_id=commit.payment_credit_type_id,
    )
    return draft_of(account, contract, identity, (line,), issued_at)
