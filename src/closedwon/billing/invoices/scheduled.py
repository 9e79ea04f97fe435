"""Scheduled invoices: payments, charges, discounts of one instant share one (R148-R160, R182)."""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime
from itertools import count

from closedwon.billing.account import Account
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.gated import Discount
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, CommitKind, ScheduledCharge, ScheduleItem
from closedwon.billing.invoices.draft import Identity, draft_of
from closedwon.billing.invoices.types import (
    Invoice,
    InvoiceType,
    Line,
    LineType,
    Why,
)
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import format_instant

Moment = tuple[datetime, str]
"""Timestamp and credit type: what shares an invoice (R149)."""


def scheduled_invoices(
    account: Account,
    contract: Contract,
    catalog: Catalog,
    subscribed: Iterable[tuple[datetime, Line]] = (),
) -> Iterator[Invoice]:
    """Drafts of every scheduled item that no finalized invoice bills yet, oldest first.

    ``subscribed`` are lines of subscriptions with their dates (R220): they come after the others,
    with what balances paid of them. What is added to a moment that was invoiced before gets an
    invoice of its own (R150); what a void invoice billed waits for its regeneration (R283).
    """
    billed = {payment for invoice in account.billed for payment in invoice.payment_ids}
    taken = {invoice.id for invoice in (*account.finalized, *account.voided)}
    waiting: dict[Moment, list[Line]] = {}
    for at, line in _lines(account, contract, catalog):
        if line.payment_id not in billed:
            waiting.setdefault((at, line.credit_type_id), []).append(line)
    for at, line in subscribed:
        waiting.setdefault((at, line.credit_type_id), []).append(line)
    for moment in sorted(waiting):
        yield _invoice(account, contract, moment, waiting[moment], taken)


def _lines(
    account: Account, contract: Contract, catalog: Catalog
) -> Iterator[tuple[datetime, Line]]:
    if contract.archived_at is not None:
        return
    shared = (commit for commit in account.commits if commit.invoice_contract_id == contract.id)
    for commit in (*contract.commits, *shared):
        for payment in _invoiced(commit):
            yield payment.timestamp, _purchase(contract, commit, payment, catalog)
    yield from _charged(contract, catalog)


def _charged(contract: Contract, catalog: Catalog) -> Iterator[tuple[datetime, Line]]:
    """Lines of charges, up to their archiving (R160), and of discounts (R158)."""
    for charge in contract.charges:
        for item in charge.items:
            if charge.archived_at is None or item.timestamp < charge.archived_at:
                yield item.timestamp, _charge(contract, charge, item, catalog)
    for discount in contract.discounts:
        for item in discount.items:
            yield item.timestamp, _discount(contract, discount, item, catalog)


def _invoiced(commit: Commit) -> tuple[ScheduleItem, ...]:
    """Payments that get an invoice: a promise has its true-up instead (R154, R187, R205)."""
    if commit.archived_at is not None or commit.do_not_invoice:
        return ()
    return () if commit.kind is CommitKind.POSTPAID else commit.payments


def _purchase(contract: Contract, commit: Commit, item: ScheduleItem, catalog: Catalog) -> Line:
    return Line(
        type=LineType.COMMIT_PURCHASE,
        name=commit.name,
        total=item.amount,
        product_id=commit.product_id,
        product_tags=_tags(catalog, commit.product_id, item.timestamp),
        quantity=item.quantity,
        unit_price=item.unit_price,
        credit_type_id=commit.payment_credit_type_id,
        commit_id=commit.id,
        commit_kind=commit.kind,
        payment_id=item.id,
        why=Why(edit_id=contract.edit_of.get(commit.id)),
    )


def _charge(
    contract: Contract, charge: ScheduledCharge, item: ScheduleItem, catalog: Catalog
) -> Line:
    return Line(
        type=LineType.SCHEDULED,
        name=charge.name,
        total=item.amount,
        product_id=charge.product_id,
        product_tags=_tags(catalog, charge.product_id, item.timestamp),
        quantity=item.quantity,
        unit_price=item.unit_price,
        credit_type_id=charge.credit_type_id,
        charge_id=charge.id,
        service_id=charge.service_id,
        payment_id=item.id,
        why=Why(edit_id=contract.edit_of.get(charge.id)),
    )


def _discount(contract: Contract, discount: Discount, item: ScheduleItem, catalog: Catalog) -> Line:
    """What is taken off; the invoice of its date may become negative (R136, R158)."""
    return Line(
        type=LineType.SCHEDULED,
        name=discount.name,
        total=-item.amount,
        product_id=discount.product_id,
        product_tags=_tags(catalog, discount.product_id, item.timestamp),
        quantity=item.quantity,
        unit_price=-item.unit_price,
        credit_type_id=discount.credit_type_id,
        discount_id=discount.id,
        payment_id=item.id,
        why=Why(edit_id=contract.edit_of.get(discount.id)),
    )


def _tags(catalog: Catalog, product_id: str, at: datetime) -> tuple[str, ...]:
    product = catalog.products.get(product_id)
    return () if product is None else tuple(sorted(product.at(at).tags))


def _invoice(
    account: Account,
    contract: Contract,
    moment: Moment,
    lines: Iterable[Line],
    taken: Container[str],
) -> Invoice:
    """The draft of a moment; its id is the first one that no earlier invoice of it has."""
    at, credit_type_id = moment
    facts = (contract.id, "scheduled", format_instant(at), credit_type_id)
    ids = (derive("invoice", *facts, str(number)) for number in count())
    identity = Identity(
        id=next(fresh for fresh in ids if fresh not in taken),
        type=InvoiceType.SCHEDULED,
        credit_type_id=credit_type_id,
    )
    return draft_of(account, contract, identity, tuple(lines), at)
